// Attributes by HDF5's C API.
#include "io/hdf5_attributes.hpp"

namespace tianyan {
namespace {

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
  const hsize_t n = values.size();
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr), H5Sclose, path, "write an attribute");
  put_attribute(object, name, space, text_type(path), values.data(), path);
}

}  // namespace tianyan
