// Reading of a part of an HDF5 dataset, whose chunks are looked at first.
#pragma once
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"

namespace tianyan {

/// Elements [begin, begin + n) of each axis into `to`, as `type`. Chunks that deflate, bitshuffle or LZ4
/// would expand to another number of bytes than a chunk has are refused: HDF5 1.10 would read beyond its
/// buffer. Throws std::runtime_error "PATH: cannot WHAT: reason", with what to install where a filter is
/// missing.
void read_hdf5(hid_t dataset, hid_t type, const std::vector<hsize_t>& begin, const std::vector<hsize_t>& n,
               void* to, const std::string& path, const std::string& what);

}  // namespace tianyan
