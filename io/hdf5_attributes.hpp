// HDF5 attributes, written and read: numbers and texts of an object. Only files of io/ of HDF5 include
// it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"

namespace tianyan {

/// All throw std::runtime_error naming `path`, the file as errors show it. Texts are UTF-8 of variable
/// length.
void put_attribute(hid_t object, const char* name, const Hdf5Id& space, hid_t type, const void* values,
                   const std::string& path);
void put_attribute(hid_t object, const char* name, double value, const std::string& path);
void put_attribute(hid_t object, const char* name, std::int64_t value, const std::string& path);
void put_attribute(hid_t object, const char* name, const std::string& text, const std::string& path);
void put_attribute(hid_t object, const char* name, const std::vector<std::string>& texts,
                   const std::string& path);
void put_attribute(hid_t object, const char* name, const std::vector<double>& values,
                   const std::string& path);
void put_attribute(hid_t object, const char* name, const std::vector<std::int64_t>& values,
                   const std::string& path);

/// The attributes of an object, which must stay open. Errors are std::runtime_error naming the file as
/// `path`, the attribute and what it should be.
class Hdf5Attributes {
 public:
  Hdf5Attributes(hid_t object, std::string path) : object_(object), path_(std::move(path)) {}

  bool has(const char* name) const { return H5Aexists(object_, name) > 0; }

  /// What is missing or is not one number, or one text, is none, or "".
  std::optional<double> find_number(const char* name) const;
  std::string find_text(const char* name) const;

  /// Must be there, one value, and of the type; integers are also taken as real numbers, truth values as
  /// integers. Texts may be of fixed or variable length, and are made printable (io/utf8_text.hpp).
  std::int64_t integer(const char* name) const;
  double real(const char* name) const;
  std::string text(const char* name) const;
  /// The same of exactly n values, or with n = 0 of any number from 1 to 4096.
  std::vector<std::int64_t> integers(const char* name, std::int64_t n) const;
  std::vector<double> reals(const char* name, std::int64_t n) const;
  /// 1 to 256 texts of variable length, as h5py writes them.
  std::vector<std::string> texts(const char* name) const;

 private:
  Hdf5Id open(const char* name) const;
  std::int64_t count(hid_t attribute) const;
  void check_number(const char* name, hid_t attribute, bool is_real, std::int64_t n) const;
  template <class T>
  std::vector<T> numbers(const char* name, hid_t type, bool is_real, std::int64_t n) const;
  std::optional<std::string> read_text(hid_t attribute) const;

  hid_t object_;
  std::string path_;
};

}  // namespace tianyan
