// Types, shapes and attributes of HDF5's object headers.
#include "io/hdf5_messages.hpp"

#include <limits>

namespace tianyan {
namespace {

constexpr int kMaxDepth = 8;                       // of types within types
constexpr std::uint64_t kMaxRank = 32;             // H5S_MAX_RANK
constexpr std::uint64_t kMaxTypeBytes = 1u << 20;  // of one element
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kHeapReferenceBytes = 16;  // length, address and index

/// Fields of a type message that all classes share.
struct TypeHead {
  std::uint64_t version, kind, flags, bytes;
  std::uint64_t n_member() const { return flags & 0xffff; }
};

TypeHead read_head(Hdf5Bytes& message) {
  const std::uint64_t first = message.number(1);
  const TypeHead head{first >> 4, first & 15, message.number(3), message.number(4)};
  message.check(head.version >= 1 && head.version <= 3, "has a type of an unknown version");
  message.check(head.bytes >= 1 && head.bytes <= kMaxTypeBytes, "has a type of an impossible size");
  return head;
}

void check_integer(Hdf5Bytes& message, const TypeHead& head) {
  const std::uint64_t offset = message.number(2), precision = message.number(2);
  message.check(precision >= 1 && offset + precision <= 8 * head.bytes, "has an integer of impossible bits");
}

void check_float(Hdf5Bytes& message, const TypeHead& head) {
  const std::uint64_t offset = message.number(2), precision = message.number(2);
  const std::uint64_t exponent = message.number(1), n_exponent = message.number(1);
  const std::uint64_t mantissa = message.number(1), n_mantissa = message.number(1);
  const std::uint64_t sign = (head.flags >> 8) & 0xff;
  message.skip(4);  // bias
  message.check(precision >= 1 && offset + precision <= 8 * head.bytes && n_exponent >= 1 &&
                    n_mantissa >= 1 && exponent + n_exponent <= precision &&
                    mantissa + n_mantissa <= precision && sign < precision,
                "has a float of impossible bits");
}

void skip_name(Hdf5Bytes& message, std::uint64_t version) {
  const std::uint64_t begin = message.at();
  message.text();
  if (version < 3) message.skip((8 - (message.at() - begin) % 8) % 8);
}

std::uint64_t offset_bytes(std::uint64_t size) {
  return size < 0x100 ? 1 : size < 0x10000 ? 2 : size < 0x1000000 ? 3 : 4;
}

void check_compound(Hdf5Bytes& message, const TypeHead& head, int depth) {
  message.check(head.n_member() >= 1, "has a compound type of no members");
  for (std::uint64_t i = 0; i < head.n_member(); ++i) {
    skip_name(message, head.version);
    const std::uint64_t offset =
        message.number(head.version == 3 ? static_cast<int>(offset_bytes(head.bytes)) : 4);
    if (head.version == 1) {
      message.check(message.number(1) == 0, "has an array in a compound type of the oldest version");
      message.skip(27);
    }
    const std::uint64_t bytes = check_hdf5_type(message, depth + 1).bytes;
    message.check(offset <= head.bytes && bytes <= head.bytes - offset,
                  "has a member beyond its compound type");
  }
}

void check_enumeration(Hdf5Bytes& message, const TypeHead& head, int depth) {
  const Hdf5TypeSize base = check_hdf5_type(message, depth + 1);
  message.check(base.bytes == head.bytes && !base.is_variable, "has an enumeration of an impossible size");
  for (std::uint64_t i = 0; i < head.n_member(); ++i) skip_name(message, head.version);
  message.skip(head.n_member() * base.bytes);
}

void check_array(Hdf5Bytes& message, const TypeHead& head, int depth) {
  const std::uint64_t rank = message.number(1);
  message.check(head.version >= 2 && rank >= 1 && rank <= kMaxRank, "has an array of an impossible rank");
  if (head.version == 2) message.skip(3);
  std::uint64_t n = 1;
  for (std::uint64_t r = 0; r < rank && n <= kMaxTypeBytes; ++r) n *= message.number(4);
  message.check(n >= 1 && n <= kMaxTypeBytes, "has an array of an impossible size");
  if (head.version == 2) message.skip(4 * rank);
  message.check(check_hdf5_type(message, depth + 1).bytes * n == head.bytes,
                "has an array of an impossible size");
}

Hdf5TypeSize check_variable(Hdf5Bytes& message, const TypeHead& head, int depth) {
  const std::uint64_t base = check_hdf5_type(message, depth + 1).bytes;
  message.check(head.bytes == kHeapReferenceBytes, "has a type of variable length of an impossible size");
  return {head.bytes, true, base};
}

std::uint64_t padded(std::uint64_t n, bool is_padded) { return is_padded ? (n + 7) / 8 * 8 : n; }

}  // namespace

Hdf5TypeSize check_hdf5_type(Hdf5Bytes& message, int depth) {
  message.check(depth < kMaxDepth, "has types within types without end");
  const TypeHead head = read_head(message);
  switch (head.kind) {
    case 0:
    case 4:  // bits
      check_integer(message, head);
      break;
    case 1:
      check_float(message, head);
      break;
    case 3:  // text
    case 7:  // references
      break;
    case 5:  // opaque, with a tag
      message.skip(head.flags & 0xff);
      break;
    case 6:
      check_compound(message, head, depth);
      break;
    case 8:
      check_enumeration(message, head, depth);
      break;
    case 9:
      return check_variable(message, head, depth);
    case 10:
      check_array(message, head, depth);
      break;
    default:
      message.check(false, "has a type of an unknown class");
  }
  return {head.bytes, false, 0};
}

std::uint64_t check_hdf5_space(Hdf5Bytes& message) {
  const std::uint64_t version = message.number(1), rank = message.number(1), flags = message.number(1);
  message.check((version == 1 || version == 2) && rank <= kMaxRank, "has a shape of an impossible rank");
  const bool is_null = message.number(1) == 2 && version == 2;
  if (version == 1) message.skip(4);
  message.check(version == 2 || (flags & ~std::uint64_t{1}) == 0, "has a shape with a permutation");
  std::uint64_t n = 1;
  for (std::uint64_t r = 0; r < rank; ++r) {
    const std::uint64_t size = message.number(8);
    n = size == 0 ? 0 : n > kMost / size ? kMost : n * size;
  }
  if ((flags & 1) != 0) message.skip(8 * rank);
  return is_null ? 0 : n;
}

void check_hdf5_attribute(Hdf5Bytes message, const Hdf5References& on_reference) {
  const std::uint64_t version = message.number(1), flags = message.number(1);
  message.check(version >= 1 && version <= 3, "has an attribute of an unknown version");
  message.check(version == 1 || flags == 0, "has an attribute of a shared type");
  const std::uint64_t n_name = message.number(2), n_type = message.number(2), n_space = message.number(2);
  if (version == 3) message.skip(1);  // character set of the name
  Hdf5Bytes name = message.take(padded(n_name, version == 1));
  name.text();
  Hdf5Bytes type_bytes = message.take(padded(n_type, version == 1)),
            space = message.take(padded(n_space, version == 1));
  const Hdf5TypeSize type = check_hdf5_type(type_bytes);
  const std::uint64_t n = check_hdf5_space(space);
  message.check(n <= message.left() / type.bytes, "has an attribute with less data than its shape");
  for (std::uint64_t i = 0; type.is_variable && i < n; ++i) {
    const std::uint64_t length = message.number(4), address = message.number(8), index = message.number(4);
    if (address != 0) on_reference({address, index, length * type.base_bytes});
  }
}

void check_hdf5_fill_value(Hdf5Bytes message) {
  constexpr std::uint64_t kNone = 0xffffffff;
  const std::uint64_t version = message.number(1);
  message.check(version >= 1 && version <= 3, "has a fill value of an unknown version");
  bool is_there = false;
  if (version == 3) {
    is_there = (message.number(1) & 0x20) != 0;
  } else {
    message.skip(2);
    is_there = message.number(1) != 0 || version == 1;
  }
  const std::uint64_t n = is_there ? message.number(4) : 0;
  if (n != kNone) message.skip(n);
}

std::optional<Hdf5Chunks> check_hdf5_layout(Hdf5Bytes message) {
  const std::uint64_t version = message.number(1);
  message.check(version >= 1 && version <= 4, "has a layout of an unknown version");
  if (version == 4) return std::nullopt;  // of the newer format
  std::uint64_t kind = 0;
  Hdf5Chunks chunks;
  if (version < 3) {
    chunks.rank = message.number(1);
    kind = message.number(1);
    message.skip(5);
  } else {
    kind = message.number(1);
    if (kind == 2) chunks.rank = message.number(1);
  }
  message.check(kind <= 2 && chunks.rank <= kMaxRank + 1, "has a layout of an unknown kind");
  if (kind != 0) chunks.tree = message.number(8);
  if (version == 3 && kind != 2) {
    message.skip(kind == 0 ? message.number(2) : 8);
    return std::nullopt;
  }
  for (std::uint64_t r = 0; r < chunks.rank; ++r) {
    const std::uint64_t size = message.number(4);
    message.check(kind != 2 || (size != 0 && chunks.bytes <= kMost / size), "has impossible chunks");
    chunks.bytes *= size;
  }
  if (kind != 2) return std::nullopt;
  message.check(chunks.rank >= 2, "has chunks of no axes");
  return chunks;
}

std::vector<std::uint64_t> check_hdf5_filters(Hdf5Bytes message) {
  const std::uint64_t version = message.number(1), n = message.number(1);
  message.check((version == 1 || version == 2) && n <= 32, "has filters of an unknown version");
  if (version == 1) message.skip(6);
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t id = message.number(2);
    ids.push_back(id);
    const std::uint64_t n_name = version == 2 && id < 256 ? 0 : message.number(2);
    message.skip(2);
    const std::uint64_t n_value = message.number(2);
    Hdf5Bytes name = message.take(version == 1 ? (n_name + 7) / 8 * 8 : n_name);
    if (n_name > 0) name.text();
    message.skip(4 * n_value + (version == 1 && n_value % 2 == 1 ? 4 : 0));
  }
  return ids;
}

}  // namespace tianyan
