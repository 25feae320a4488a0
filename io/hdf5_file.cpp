// Hdf5Lock, Hdf5Id, and the file driver whose writes never fail as far as HDF5 is told.
#include "io/hdf5_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "io/atomic_file.hpp"
#include "io/hdf5_check.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::recursive_mutex hdf5_mutex;  // the one lock of HDF5's one state

herr_t keep_first(unsigned depth, const H5E_error2_t* error, void* text) {
  if (depth == 0 && error->desc) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

constexpr hsize_t kMaxChunkBytes = 64 << 20;  // HDF5 holds whole chunks in memory

/// HDF5's view of an open file is its first member.
struct Driver {
  H5FD_t common{};
  int fd = -1;
  haddr_t end_allocated = 0, end_written = 0;
  Hdf5Output* output = nullptr;
};

Driver& driver_of(H5FD_t* file) { return *reinterpret_cast<Driver*>(file); }
const Driver& driver_of(const H5FD_t* file) { return *reinterpret_cast<const Driver*>(file); }

void remember(Driver& driver, bool is_good) {
  if (!is_good && driver.output->error == 0) driver.output->error = errno != 0 ? errno : EIO;
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t access, haddr_t) {
  const auto* output = static_cast<Hdf5Output* const*>(H5Pget_driver_info(access));
  const int create = (flags & H5F_ACC_CREAT) != 0 ? O_CREAT : 0,
            cut = (flags & H5F_ACC_TRUNC) != 0 ? O_TRUNC : 0;
  const int fd = output ? ::open(name, O_RDWR | O_CLOEXEC | create | cut, 0666) : -1;
  if (fd < 0) return nullptr;
  auto driver = std::make_unique<Driver>();
  driver->fd = fd;
  driver->output = *output;
  return &driver.release()->common;
}

herr_t close_file(H5FD_t* file) {
  const std::unique_ptr<Driver> driver(&driver_of(file));
  remember(*driver, ::close(driver->fd) == 0);
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t get_end_allocated(const H5FD_t* file, H5FD_mem_t) { return driver_of(file).end_allocated; }
haddr_t get_end_written(const H5FD_t* file, H5FD_mem_t) { return driver_of(file).end_written; }
herr_t set_end_allocated(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  driver_of(file).end_allocated = end;
  return 0;
}

/// Zeros behind the end of the file, as HDF5 expects, and for what could not be written.
herr_t read_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t n, void* to) {
  auto* bytes = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::pread(driver_of(file).fd, bytes, n, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    bytes += got;
    at += static_cast<haddr_t>(got);
    n -= static_cast<std::size_t>(got);
  }
  std::memset(bytes, 0, n);
  return 0;
}

herr_t write_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t n, const void* from) {
  Driver& driver = driver_of(file);
  driver.end_written = std::max(driver.end_written, at + n);
  const auto* bytes = static_cast<const char*>(from);
  while (n > 0 && driver.output->error == 0) {
    const ssize_t put = ::pwrite(driver.fd, bytes, n, static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    remember(driver, put > 0);
    if (put <= 0) break;
    bytes += put;
    at += static_cast<haddr_t>(put);
    n -= static_cast<std::size_t>(put);
  }
  return 0;
}

herr_t truncate_file(H5FD_t* file, hid_t, hbool_t) {
  Driver& driver = driver_of(file);
  if (driver.output->error == 0 && driver.end_allocated != driver.end_written)
    remember(driver, ::ftruncate(driver.fd, static_cast<off_t>(driver.end_allocated)) == 0);
  driver.end_written = driver.end_allocated;
  return 0;
}

/// HDF5 1.13 and later ask for the version of the structure, and a number that no other driver has.
template <class Class>
void set_version(Class& driver) {
  if constexpr (requires {
                  driver.version;
                  driver.value;
                }) {
    driver.version = 1;
    driver.value = static_cast<decltype(driver.value)>(601);
  }
}

H5FD_class_t make_driver() {
  H5FD_class_t driver{};
  set_version(driver);
  driver.name = "tianyan";
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(Hdf5Output*);
  driver.open = open_file;
  driver.close = close_file;
  driver.query = query;
  driver.get_eoa = get_end_allocated;
  driver.set_eoa = set_end_allocated;
  driver.get_eof = get_end_written;
  driver.read = read_bytes;
  driver.write = write_bytes;
  driver.truncate = truncate_file;
  return driver;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : lock_(hdf5_mutex) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

std::string hdf5_reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  H5Eclear2(H5E_DEFAULT);
  // Of system calls it has time, addresses and the file's name as well, in two lines.
  const std::string mark = "error message = '";
  if (const auto at = text.find(mark); at != std::string::npos) {
    const auto begin = at + mark.size();
    return text.substr(begin, text.find('\'', begin) - begin);
  }
  return text.empty() ? "HDF5 gives no reason" : text;
}

std::int64_t hdf5_file_bytes(hid_t file, const std::string& path) {
  void* handle = nullptr;
  check_hdf5(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), path, "find its descriptor");
  struct stat status {};
  const bool is_known = ::fstat(*static_cast<const int*>(handle), &status) == 0;
  const int reason = errno;
  require(is_known, "{}: its length cannot be read: {}", path, std::strerror(reason));
  return status.st_size;
}

void check_hdf5_length(hid_t file, std::int64_t n_bytes, const std::string& path) {
  const auto now = hdf5_file_bytes(file, path);
  require(now >= n_bytes, "{}: ends at byte {} now; it had {} when it was opened", path, now, n_bytes);
}

void check_hdf5(herr_t status, const std::string& path, const char* what) {
  if (status < 0) throw std::runtime_error(fmt::format("{}: cannot {}: {}", path, what, hdf5_reason()));
}

Hdf5Id::Hdf5Id(hid_t id, Close close, const std::string& path, const char* what) : id_(id), close_(close) {
  check_hdf5(id_ < 0 ? -1 : 0, path, what);
}

bool Hdf5Id::close() {
  if (id_ < 0) return true;
  const Hdf5Lock lock;
  return close_(std::exchange(id_, -1)) >= 0;
}

bool has_hdf5_signature(const std::vector<unsigned char>& head) {
  constexpr unsigned char kSignature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  return head.size() >= sizeof kSignature && std::memcmp(head.data(), kSignature, sizeof kSignature) == 0;
}

Hdf5Id open_hdf5(const std::string& path) {
  check_hdf5_structure(path);
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path,
          "open it as HDF5 (is it cut short?)"};
}

void commit_hdf5(bool is_closed, const Hdf5Output& output, AtomicFile& target) {
  output.check(target.path());
  require(is_closed, "{}: cannot be written: {}", target.path(), hdf5_reason());
  target.commit();
}

void check_hdf5_storage(hid_t dataset, const char* name, const std::string& path) {
  const char* what = "read how a dataset is stored";
  const Hdf5Id plist(H5Dget_create_plist(dataset), H5Pclose, path, what);
  const Hdf5Id type(H5Dget_type(dataset), H5Tclose, path, what);
  const H5D_layout_t layout = H5Pget_layout(plist);
  const bool is_inside = layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT;
  require(is_inside && H5Pget_external_count(plist) == 0, "{}: dataset /{} is not stored in the file itself",
          path, name);
  if (layout != H5D_CHUNKED) return;
  hsize_t chunk[H5S_MAX_RANK] = {};
  const int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
  check_hdf5(rank, path, what);
  hsize_t left = kMaxChunkBytes / std::max<hsize_t>(1, H5Tget_size(type));
  for (int r = 0; r < rank; ++r) left /= std::max<hsize_t>(1, chunk[r]);
  require(left > 0, "{}: dataset /{} has chunks of [{}] elements; at most {} bytes are possible", path, name,
          fmt::join(chunk, chunk + rank, "]["), kMaxChunkBytes);
}

std::string missing_hdf5_filter(hid_t dataset, const std::string& path) {
  const Hdf5Id plist(H5Dget_create_plist(dataset), H5Pclose, path, "read how a dataset is stored");
  for (int i = 0; i < std::max(0, H5Pget_nfilters(plist)); ++i) {
    unsigned flags = 0, config = 0;
    std::size_t n_value = 0;
    char name[128] = "";
    const H5Z_filter_t id = H5Pget_filter2(plist, static_cast<unsigned>(i), &flags, &n_value, nullptr,
                                           sizeof name, name, &config);
    if (id < 0 || H5Zfilter_avail(id) > 0) continue;
    return fmt::format(
        "; it needs the HDF5 filter {} ({}), which is not installed: {}", id, name,
        id == 32008 ? "install the package 'bitshuffle', or set HDF5_PLUGIN_PATH to where its plugin is"
                    : "install its plugin, or set HDF5_PLUGIN_PATH to where it is");
  }
  return "";
}

void Hdf5Output::check(const std::string& path) const {
  require(error == 0, "{}: cannot be written: {}", path, std::strerror(error));
}

Hdf5Id create_hdf5(const std::string& path, Hdf5Output& output, const std::string& shown_as) {
  const Hdf5Lock lock;
  const H5FD_class_t driver = make_driver();
  const Hdf5Id driver_id(H5FDregister(&driver), H5FDunregister, shown_as, "create it");
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, shown_as, "create it");
  Hdf5Output* const info = &output;
  check_hdf5(H5Pset_driver(access, driver_id, &info), shown_as, "create it");
  errno = 0;
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  require(file >= 0, "{}: cannot be created: {}", shown_as,
          errno != 0 ? std::strerror(errno) : hdf5_reason());
  return {file, H5Fclose, shown_as, "create it"};
}

}  // namespace tianyan
