// Messages of HDF5's object headers: types, shapes and attributes, as far as HDF5 1.10 trusts them.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

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

inline constexpr std::uint64_t kHdf5Undefined = ~std::uint64_t{0};  // an address of nothing

/// How a dataset is cut into chunks.
struct Hdf5Chunks {
  std::uint64_t tree = kHdf5Undefined;  ///< address of their index
  std::uint64_t rank = 0;               ///< axes, the bytes of an element among them
  std::uint64_t bytes = 1;              ///< of a chunk in memory
};
/// None where the data are not in chunks with a tree of the first version.
std::optional<Hdf5Chunks> check_hdf5_layout(Hdf5Bytes message);
/// Their numbers, in the order in which they were applied.
std::vector<std::uint64_t> check_hdf5_filters(Hdf5Bytes message);
void check_hdf5_fill_value(Hdf5Bytes message);

}  // namespace tianyan
