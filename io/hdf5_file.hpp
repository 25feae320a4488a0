// HDF5's C API made safe: one lock, identifiers with owners, errors as exceptions. Only files of io/ that
// read or write HDF5 include it.
#pragma once
#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tianyan {

/// Held around every use of HDF5, which as distributions build it has one global state for all files and is
/// not safe to call from two threads. Its own printing of errors is off, they go into exceptions.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// The first reason of HDF5's error stack, which is cleared; the system's own where it has one.
std::string hdf5_reason();

/// Throws std::runtime_error "PATH: cannot WHAT: reason" where status is negative.
void check_hdf5(herr_t status, const std::string& path, const char* what);

/// An HDF5 identifier with what closes it.
class Hdf5Id {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Id() = default;
  /// Throws as check_hdf5() does where id is negative.
  Hdf5Id(hid_t id, Close close, const std::string& path, const char* what);
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Id() { close(); }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)
  /// Closes now; false where that fails.
  bool close();

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// What the system says of the length of a file that is open for reading.
std::int64_t hdf5_file_bytes(hid_t file, const std::string& path);

/// Before and after a read: throws std::runtime_error where the file has become shorter than `n_bytes`, which
/// it had when it was opened. Behind the end of a file HDF5 reads zeros and calls it success.
void check_hdf5_length(hid_t file, std::int64_t n_bytes, const std::string& path);

/// Whether a file's first bytes are those of HDF5.
bool has_hdf5_signature(const std::vector<unsigned char>& head);

/// For reading, after check_hdf5_structure(). Throws std::runtime_error naming `path`.
Hdf5Id open_hdf5(const std::string& path);

/// Throws std::runtime_error naming `path` and `name` where data do not lie in the file itself, or in chunks
/// of which one would take more than 64 MiB of memory.
void check_hdf5_storage(hid_t dataset, const char* name, const std::string& path);

/// "; it needs ..." of a filter that the dataset needs and this HDF5 does not have, with what to install; ""
/// where there is none.
std::string missing_hdf5_filter(hid_t dataset, const std::string& path);

/// What became of the writes to a file that create_hdf5() made: HDF5 cannot close a file after a write that
/// failed (it crashes when the process ends), so they are remembered here and HDF5 is told that all is well.
struct Hdf5Output {
  int error = 0;  ///< errno of the first write that failed
  /// Throws std::runtime_error "PATH: cannot be written: reason" where one failed.
  void check(const std::string& path) const;
};

class AtomicFile;
/// Puts a file that was written in its place. Throws as Hdf5Output::check() and where it could not be closed.
void commit_hdf5(bool is_closed, const Hdf5Output& output, AtomicFile& target);

/// An empty file, replacing what is there; `output` must outlive it. Errors name `shown_as`.
Hdf5Id create_hdf5(const std::string& path, Hdf5Output& output, const std::string& shown_as);

}  // namespace tianyan
