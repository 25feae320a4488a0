// Writing of HDF5 attributes: numbers and texts of an object. Only files of io/ that write HDF5 include it.
#pragma once
#include <cstdint>
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

}  // namespace tianyan
