// Looks through the structure of an HDF5 file before HDF5 does, whose version 1.10 trusts what it reads.
#pragma once
#include <string>

namespace tianyan {

/// Walks from the superblock over the root group to the objects that we read, their attributes, the texts of
/// variable length in the global heap, and the index of their chunks (HDF5 File Format Specification 2.0),
/// and throws std::runtime_error naming `path` where a length, an address or a count is none: HDF5 1.10 would
/// crash, loop or ask for memory without end. Left to HDF5, with its checksums, are what newer files may
/// have: groups and attributes in fractal heaps, and indices of chunks other than the first kind of tree.
void check_hdf5_structure(const std::string& path);
/// The root group alone: enough to ask which names are in it.
void check_hdf5_root(const std::string& path);

}  // namespace tianyan
