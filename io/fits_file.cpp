// FitsFile: opening, closing, keywords and errors.
#include "io/fits_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "io/utf8_text.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::recursive_mutex fits_mutex;  // of a CFITSIO without locks of its own

/// CFITSIO's own words for a status: its short text, and the first line of its error stack. Of reads the
/// system's too.
std::string reason_of(int status) {
  const int system_reason = errno;  // which CFITSIO leaves as it is
  const FitsLock lock;
  char text[FLEN_STATUS] = "", line[FLEN_ERRMSG] = "";
  fits_get_errstatus(status, text);
  std::string reason = fmt::format("{} (CFITSIO status {})", text, status);
  if (fits_read_errmsg(line) != 0) reason += fmt::format(": {}", line);
  if (reason.ends_with(':')) reason.pop_back();
  if (status == READ_ERROR && system_reason != 0) reason += fmt::format(": {}", std::strerror(system_reason));
  fits_clear_errmsg();
  return reason;
}

[[noreturn]] void fail(const std::string& where, const std::string& what, int status) {
  throw std::runtime_error(fmt::format("{}: cannot {}: {}", where, what, reason_of(status)));
}

/// True where a keyword has no value of the type that was asked for; other statuses are errors.
bool has_no_value(int status) {
  return status == KEY_NO_EXIST || status == VALUE_UNDEFINED ||
         (status >= BAD_INTKEY && status <= NUM_OVERFLOW);
}

/// No integer is so long, and CFITSIO writes beyond its message that it is none.
bool is_long(const FitsFile& file, const std::string& keyword) {
  char value[FLEN_VALUE] = "";
  int status = 0;
  fits_read_keyword(file.get(), keyword.c_str(), value, nullptr, &status);
  if (status != 0) fits_clear_errmsg();
  return std::strlen(value) > 24;
}

template <class T>
std::optional<T> read_key(const FitsFile& file, const std::string& keyword, int type) {
  const FitsLock lock;
  if (type == TLONGLONG && is_long(file, keyword)) return std::nullopt;
  T value{};
  int status = 0;
  fits_read_key(file.get(), type, keyword.c_str(), &value, nullptr, &status);
  if (has_no_value(status)) {
    fits_clear_errmsg();
    return std::nullopt;
  }
  file.check(status, "read keyword " + keyword);
  return value;
}

}  // namespace

FitsLock::FitsLock() : lock_(fits_mutex, std::defer_lock) {
  if (fits_is_reentrant() == 0) lock_.lock();
}

void FitsFile::Close::operator()(fitsfile* file) const {
  const FitsLock lock;
  int status = 0;
  fits_close_file(file, &status);
  if (status != 0) fits_clear_errmsg();
}

FitsFile FitsFile::open(const std::string& path) {
  const FitsLock lock;
  fitsfile* handle = nullptr;
  int status = 0;
  fits_open_diskfile(&handle, path.c_str(), READONLY, &status);
  if (status != 0) fail(path, "open it as FITS", status);
  return {handle, path};
}

FitsFile FitsFile::create(const std::string& path, const std::string& shown_as) {
  const FitsLock lock;
  fitsfile* handle = nullptr;
  int status = 0;
  fits_create_diskfile(&handle, path.c_str(), &status);
  if (status != 0) fail(shown_as, "create it", status);
  return {handle, shown_as};
}

FitsFile FitsFile::in_memory(const std::string& shown_as) {
  const FitsLock lock;
  fitsfile* handle = nullptr;
  int status = 0;
  fits_create_file(&handle, "mem://", &status);
  if (status != 0) fail(shown_as, "expand it in memory", status);
  return {handle, shown_as};
}

void FitsFile::check(int status, const std::string& what) const {
  if (status == 0) [[likely]]
    return;
  const std::string reason_first = reason_of(status);  // before hdu_name() asks CFITSIO again
  throw std::runtime_error(fmt::format("{}, {}: cannot {}: {}", path_, hdu_name(), what, reason_first));
}

void FitsFile::close() {
  const FitsLock lock;
  int status = 0;
  fits_close_file(handle_.release(), &status);
  if (status != 0) fail(path_, "write and close it", status);
}

void FitsFile::move_to(int hdu) {
  int status = 0;
  fits_movabs_hdu(get(), hdu, nullptr, &status);
  if (status != 0) fail(fmt::format("{}, HDU {}", path_, hdu), "read its header", status);
}

std::string FitsFile::hdu_name() const {
  int number = 1;
  fits_get_hdu_num(get(), &number);
  const std::string name = text("EXTNAME");
  return name.empty() ? fmt::format("HDU {}", number) : fmt::format("HDU {} ({})", number, name);
}

std::optional<double> FitsFile::number(const std::string& keyword) const {
  return read_key<double>(*this, keyword, TDOUBLE);
}

std::optional<std::int64_t> FitsFile::integer(const std::string& keyword) const {
  return read_key<LONGLONG>(*this, keyword, TLONGLONG);
}

bool FitsFile::is_true(const std::string& keyword) const {
  return read_key<int>(*this, keyword, TLOGICAL).value_or(0) != 0;
}

std::string FitsFile::text(const std::string& keyword) const {
  const FitsLock lock;
  char value[FLEN_VALUE] = "";
  int status = 0;
  fits_read_key(get(), TSTRING, keyword.c_str(), value, nullptr, &status);
  if (status != 0) {
    fits_clear_errmsg();
    return "";
  }
  const std::string all = value;
  const auto begin = all.find_first_not_of(' ');
  return begin == std::string::npos
             ? ""
             : printable_text(all.substr(begin, all.find_last_not_of(' ') - begin + 1));
}

double FitsFile::required_number(const std::string& keyword) const {
  const auto value = number(keyword);
  require(value.has_value(), "{}, {}: keyword {} is missing or no number", path_, hdu_name(), keyword);
  return *value;
}

std::int64_t FitsFile::required_integer(const std::string& keyword) const {
  const auto value = integer(keyword);
  require(value.has_value(), "{}, {}: keyword {} is missing or no integer", path_, hdu_name(), keyword);
  return *value;
}

}  // namespace tianyan
