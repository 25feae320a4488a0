// Attributes by HDF5's C API.
#include "io/hdf5_attributes.hpp"

#include "io/utf8_text.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kMaxTexts = 256;
constexpr std::int64_t kMaxValues = 4096;
constexpr std::size_t kMaxTextBytes = 1 << 20;

Hdf5Id row_space(std::size_t n_value, const std::string& path) {
  const hsize_t n = n_value;
  return {H5Screate_simple(1, &n, nullptr), H5Sclose, path, "write an attribute"};
}

Hdf5Id scalar_space(const std::string& path) {
  return {H5Screate(H5S_SCALAR), H5Sclose, path, "write an attribute"};
}

Hdf5Id text_type(const std::string& path) {
  Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose, path, "write an attribute");
  check_hdf5(H5Tset_size(type, H5T_VARIABLE), path, "write an attribute");
  check_hdf5(H5Tset_cset(type, H5T_CSET_UTF8), path, "write an attribute");
  return type;
}

}  // namespace

void put_attribute(hid_t object, const char* name, const Hdf5Id& space, hid_t type, const void* values,
                   const std::string& path) {
  const Hdf5Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, path,
                         "write an attribute");
  check_hdf5(H5Awrite(attribute, type, values), path, "write an attribute");
}

void put_attribute(hid_t object, const char* name, double value, const std::string& path) {
  put_attribute(object, name, scalar_space(path), H5T_NATIVE_DOUBLE, &value, path);
}

void put_attribute(hid_t object, const char* name, std::int64_t value, const std::string& path) {
  put_attribute(object, name, scalar_space(path), H5T_NATIVE_INT64, &value, path);
}

void put_attribute(hid_t object, const char* name, const std::string& text, const std::string& path) {
  const char* value = text.c_str();
  put_attribute(object, name, scalar_space(path), text_type(path), &value, path);
}

void put_attribute(hid_t object, const char* name, const std::vector<std::string>& texts,
                   const std::string& path) {
  std::vector<const char*> values;
  for (const auto& text : texts) values.push_back(text.c_str());
  put_attribute(object, name, row_space(values.size(), path), text_type(path), values.data(), path);
}

void put_attribute(hid_t object, const char* name, const std::vector<double>& values,
                   const std::string& path) {
  put_attribute(object, name, row_space(values.size(), path), H5T_NATIVE_DOUBLE, values.data(), path);
}

void put_attribute(hid_t object, const char* name, const std::vector<std::int64_t>& values,
                   const std::string& path) {
  put_attribute(object, name, row_space(values.size(), path), H5T_NATIVE_INT64, values.data(), path);
}

std::optional<double> Hdf5Attributes::find_number(const char* name) const {
  if (!has(name)) return std::nullopt;
  const Hdf5Id attribute = open(name);
  double value = 0.0;
  if (count(attribute) != 1) return std::nullopt;
  if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return std::nullopt;
  }
  return value;
}

std::string Hdf5Attributes::find_text(const char* name) const {
  return has(name) ? read_text(open(name)).value_or("") : "";
}

std::int64_t Hdf5Attributes::integer(const char* name) const { return integers(name, 1)[0]; }

double Hdf5Attributes::real(const char* name) const { return reals(name, 1)[0]; }

std::string Hdf5Attributes::text(const char* name) const {
  const auto text = read_text(open(name));
  require(text.has_value(), "{}: attribute {} is not one text", path_, name);
  return *text;
}

std::vector<std::int64_t> Hdf5Attributes::integers(const char* name, std::int64_t n) const {
  return numbers<std::int64_t>(name, H5T_NATIVE_INT64, false, n);
}

std::vector<double> Hdf5Attributes::reals(const char* name, std::int64_t n) const {
  return numbers<double>(name, H5T_NATIVE_DOUBLE, true, n);
}

std::vector<std::string> Hdf5Attributes::texts(const char* name) const {
  const Hdf5Id attribute = open(name);
  const Hdf5Id type(H5Aget_type(attribute), H5Tclose, path_, "read an attribute");
  const Hdf5Id space(H5Aget_space(attribute), H5Sclose, path_, "read an attribute");
  const std::int64_t n = H5Sget_simple_extent_npoints(space);
  require(H5Tis_variable_str(type) > 0 && n >= 1 && n <= kMaxTexts, "{}: attribute {} is not text", path_,
          name);
  std::vector<char*> values(static_cast<std::size_t>(n));
  check_hdf5(H5Aread(attribute, type, values.data()), path_, "read an attribute");
  std::vector<std::string> texts;
  for (const char* value : values) texts.emplace_back(value ? value : "");
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, values.data());
  return texts;
}

Hdf5Id Hdf5Attributes::open(const char* name) const {
  require(has(name), "{}: attribute {} is missing", path_, name);
  return {H5Aopen(object_, name, H5P_DEFAULT), H5Aclose, path_, "open an attribute"};
}

std::int64_t Hdf5Attributes::count(hid_t attribute) const {
  const Hdf5Id space(H5Aget_space(attribute), H5Sclose, path_, "read an attribute");
  return H5Sget_simple_extent_npoints(space);
}

void Hdf5Attributes::check_number(const char* name, hid_t attribute, bool is_real, std::int64_t n) const {
  const Hdf5Id type(H5Aget_type(attribute), H5Tclose, path_, "read an attribute");
  const H5T_class_t kind = H5Tget_class(type);
  const bool is_good = kind == H5T_INTEGER || (is_real ? kind == H5T_FLOAT : kind == H5T_ENUM);
  require(is_good, "{}: attribute {} is not {}", path_, name, is_real ? "a number" : "an integer");
  const std::int64_t n_value = count(attribute);
  require(n == 0 ? n_value >= 1 && n_value <= kMaxValues : n_value == n,
          "{}: attribute {} has {} values; {} needed", path_, name, n_value,
          n == 0   ? fmt::format("1 to {} are", kMaxValues)
          : n == 1 ? "one is"
                   : fmt::format("{} are", n));
}

template <class T>
std::vector<T> Hdf5Attributes::numbers(const char* name, hid_t type, bool is_real, std::int64_t n) const {
  const Hdf5Id attribute = open(name);
  check_number(name, attribute, is_real, n);
  std::vector<T> values(static_cast<std::size_t>(count(attribute)));
  check_hdf5(H5Aread(attribute, type, values.data()), path_, "read an attribute");
  return values;
}

/// None where it is not one text.
std::optional<std::string> Hdf5Attributes::read_text(hid_t attribute) const {
  const Hdf5Id type(H5Aget_type(attribute), H5Tclose, path_, "read an attribute");
  if (H5Tget_class(type) != H5T_STRING || count(attribute) != 1) return std::nullopt;
  if (H5Tis_variable_str(type) > 0) {
    char* value = nullptr;
    check_hdf5(H5Aread(attribute, type, &value), path_, "read an attribute");
    const std::string copy = value ? value : "";
    H5free_memory(value);
    return printable_text(copy);
  }
  if (H5Tget_size(type) > kMaxTextBytes) return std::nullopt;
  std::string value(H5Tget_size(type) + 1, '\0');
  check_hdf5(H5Aread(attribute, type, value.data()), path_, "read an attribute");
  return printable_text(value.substr(0, value.find('\0')));
}

}  // namespace tianyan
