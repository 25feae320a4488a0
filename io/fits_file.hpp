// FitsFile: CFITSIO's handle with an owner, its status codes as exceptions that say file, HDU and CFITSIO's
// reason.
#pragma once
#include <fitsio.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace tianyan {

/// Held around every use of CFITSIO. It locks only where CFITSIO was built without threads, as
/// fits_is_reentrant() says; elsewhere each thread may work on its own files.
class FitsLock {
 public:
  FitsLock();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// CFITSIO's handle for the length of one call, to which it converts.
class FitsHandle {
 public:
  explicit FitsHandle(fitsfile* file) : file_(file) {}
  operator fitsfile*() const { return file_; }  // NOLINT(google-explicit-constructor)

 private:
  FitsLock lock_;
  fitsfile* file_;
};

class FitsFile {
 public:
  /// Read-only. Names are taken as they are: brackets and plus signs mean nothing.
  static FitsFile open(const std::string& path);
  /// An empty file, made on disk; an error names it `shown_as`.
  static FitsFile create(const std::string& path, const std::string& shown_as);
  /// An empty file in memory; errors name `shown_as`.
  static FitsFile in_memory(const std::string& shown_as);

  FitsHandle get() const { return FitsHandle(handle_.get()); }
  const std::string& path() const { return path_; }

  /// Throws std::runtime_error "PATH, HDU: cannot WHAT: reason" unless status is 0.
  void check(int status, const std::string& what) const;
  /// Flushes and closes; throws where that fails, as it does on a full disk.
  void close();

  /// Makes an HDU, counted from 1, the current one.
  void move_to(int hdu);

  /// Values of the current HDU's keywords; none where the keyword is missing, empty or of another type ('*').
  std::optional<double> number(const std::string& keyword) const;
  std::optional<std::int64_t> integer(const std::string& keyword) const;
  bool is_true(const std::string& keyword) const;
  /// Printable (io/utf8_text.hpp), without blanks at its ends; "" where it is missing.
  std::string text(const std::string& keyword) const;
  /// The same, where there must be one.
  double required_number(const std::string& keyword) const;
  std::int64_t required_integer(const std::string& keyword) const;

 private:
  struct Close {
    void operator()(fitsfile* file) const;
  };
  FitsFile(fitsfile* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  std::string hdu_name() const;

  std::unique_ptr<fitsfile, Close> handle_;
  std::string path_;
};

}  // namespace tianyan
