// Messages of HDF5's object headers: types, shapes and attributes, as far as HDF5 1.10 trusts them.
#pragma once
#include <cstdint>
#include <functional>

#include "io/hdf5_bytes.hpp"

namespace tianyan {

/// What a datatype message says.
struct Hdf5TypeSize {
  std::uint64_t bytes = 0;       ///< of an element, in the file
  bool is_variable = false;      ///< each element is a reference to the global heap
  std::uint64_t base_bytes = 0;  ///< of what the reference leads to
};

/// All throw std::runtime_error where the message is not whole or contradicts itself (HDF5 File Format
/// Specification 2.0, IV.A.2). They leave `message` behind what they read.
Hdf5TypeSize check_hdf5_type(Hdf5Bytes& message, int depth = 0);
/// The number of elements, or the largest number where it has more bits.
std::uint64_t check_hdf5_space(Hdf5Bytes& message);

/// An element of variable length: n_bytes in object `index` of the global heap's collection at `address`.
struct Hdf5Reference {
  std::uint64_t address = 0, index = 0, n_bytes = 0;
};
using Hdf5References = std::function<void(const Hdf5Reference&)>;
/// `on_reference` is called for each element of variable length that is not empty.
void check_hdf5_attribute(Hdf5Bytes message, const Hdf5References& on_reference);

}  // namespace tianyan
