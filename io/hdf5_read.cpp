// read_hdf5(): chunks, then H5Dread().
#include "io/hdf5_read.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "io/inflate.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr H5Z_filter_t kLz4 = 32004, kBitshuffle = 32008;
constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 32;  // HDF5's own limit
constexpr unsigned kIsCompressed = 4;                           // of bitshuffle's parameters

/// One of a dataset's filters, by its place.
struct Filter {
  H5Z_filter_t id = 0;
  std::array<unsigned, 8> values{};
  /// The expanded length is in front of its chunks.
  bool tells_length() const { return id == kLz4 || (id == kBitshuffle && values[kIsCompressed] != 0); }
};

class Chunks {
 public:
  Chunks(hid_t dataset, const std::string& path, const std::string& what)
      : dataset_(dataset),
        path_(path),
        what_(what),
        plist_(H5Dget_create_plist(dataset), H5Pclose, path, what.c_str()) {
    if (H5Pget_layout(plist_) != H5D_CHUNKED) return;
    shape_.resize(H5S_MAX_RANK);
    const int rank = H5Pget_chunk(plist_, H5S_MAX_RANK, shape_.data());
    check_hdf5(rank, path, what.c_str());
    shape_.resize(static_cast<std::size_t>(rank));
    const Hdf5Id type(H5Dget_type(dataset), H5Tclose, path, what.c_str());
    bytes_ = static_cast<std::int64_t>(H5Tget_size(type));
    for (const hsize_t size : shape_) {
      require(size >= 1 && bytes_ <= kMaxChunkBytes / static_cast<std::int64_t>(size),
              "{}: cannot {}: chunks of [{}]", path, what, fmt::join(shape_, "]["));
      bytes_ *= static_cast<std::int64_t>(size);
    }
    read_filters();
  }

  /// Of those that hold elements [begin, begin + n) of each axis.
  void check(const std::vector<hsize_t>& begin, const std::vector<hsize_t>& n) const {
    const auto is_checked = [](const Filter& f) { return f.id == H5Z_FILTER_DEFLATE || f.tells_length(); };
    if (std::none_of(filters_.begin(), filters_.end(), is_checked)) return;
    if (std::find(n.begin(), n.end(), hsize_t{0}) != n.end()) return;
    std::vector<hsize_t> at(shape_.size());
    for (std::size_t r = 0; r < at.size(); ++r) at[r] = begin[r] / shape_[r] * shape_[r];
    const auto first = at;
    for (std::size_t r = 0; r < at.size();) {
      check_one(at);
      for (r = 0; r < at.size(); ++r) {  // the next one
        at[r] += shape_[r];
        if (at[r] < begin[r] + n[r]) break;
        at[r] = first[r];
      }
    }
  }

 private:
  void read_filters() {
    for (int i = 0; i < std::max(0, H5Pget_nfilters(plist_)); ++i) {
      Filter& filter = filters_.emplace_back();
      std::size_t n_value = filter.values.size();
      unsigned flags = 0, config = 0;
      filter.id = H5Pget_filter2(plist_, static_cast<unsigned>(i), &flags, &n_value, filter.values.data(), 0,
                                 nullptr, &config);
    }
  }

  /// The one that reads what is stored, where its bit of `skipped` does not say otherwise.
  const Filter* last_filter(unsigned skipped) const {
    for (std::size_t i = filters_.size(); i-- > 0;)
      if ((skipped >> i & 1) == 0 && filters_[i].id != H5Z_FILTER_FLETCHER32) return &filters_[i];
    return nullptr;
  }

  void check_one(const std::vector<hsize_t>& at) const {
    unsigned skipped = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t n = 0;
    check_hdf5(H5Dget_chunk_info_by_coord(dataset_, at.data(), &skipped, &address, &n), path_, what_.c_str());
    const Filter* filter = address == HADDR_UNDEF ? nullptr : last_filter(skipped);
    if (filter == nullptr) return;
    require(fits(*filter, static_cast<std::int64_t>(address), static_cast<std::size_t>(n)),
            "{}: cannot {}: the chunk at [{}] does not expand to {} bytes", path_, what_, fmt::join(at, "]["),
            bytes_);
  }

  /// Whether a stored chunk expands to one in memory, as far as the filter tells.
  bool fits(const Filter& filter, std::int64_t address, std::size_t n) const {
    if (filter.id == H5Z_FILTER_DEFLATE) {
      std::vector<unsigned char> stored(n);
      read_bytes(address, stored);
      return inflates_to(stored, ZlibKind::kZlib, bytes_);
    }
    if (!filter.tells_length()) return true;
    std::array<unsigned char, 8> length{};  // big-endian
    read_bytes(address, std::span(length).first(std::min(n, length.size())));
    std::uint64_t value = 0;
    for (const unsigned char byte : length) value = value << 8 | byte;
    return value == static_cast<std::uint64_t>(bytes_);
  }

  /// By HDF5's own descriptor: the file may have lost its name since.
  void read_bytes(std::int64_t offset, std::span<unsigned char> to) const {
    const Hdf5Id file(H5Iget_file_id(dataset_), H5Fclose, path_, what_.c_str());
    void* handle = nullptr;
    check_hdf5(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), path_, what_.c_str());
    while (!to.empty()) {
      const ssize_t got = ::pread(*static_cast<const int*>(handle), to.data(), to.size(), offset);
      const int reason = got == 0 ? ENODATA : errno;
      if (got < 0 && reason == EINTR) continue;
      require(got > 0, "{}: cannot {} at byte {}: {}", path_, what_, offset, std::strerror(reason));
      to = to.subspan(static_cast<std::size_t>(got));
      offset += got;
    }
  }

  hid_t dataset_;
  const std::string& path_;
  const std::string& what_;
  Hdf5Id plist_;
  std::vector<hsize_t> shape_;
  std::int64_t bytes_ = 0;
  std::vector<Filter> filters_;
};

}  // namespace

void read_hdf5(hid_t dataset, hid_t type, const std::vector<hsize_t>& begin, const std::vector<hsize_t>& n,
               void* to, const std::string& path, const std::string& what) {
  Chunks(dataset, path, what).check(begin, n);
  const char* task = what.c_str();
  const Hdf5Id in_file(H5Dget_space(dataset), H5Sclose, path, task);
  const Hdf5Id in_memory(H5Screate_simple(static_cast<int>(n.size()), n.data(), nullptr), H5Sclose, path,
                         task);
  check_hdf5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, begin.data(), nullptr, n.data(), nullptr), path,
             task);
  if (H5Dread(dataset, type, in_memory, in_file, H5P_DEFAULT, to) >= 0) return;
  const std::string reason = hdf5_reason();
  throw std::runtime_error(
      fmt::format("{}: cannot {}: {}{}", path, what, reason, missing_hdf5_filter(dataset, path)));
}

}  // namespace tianyan
