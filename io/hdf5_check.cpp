// The walk over an HDF5 file in its classic format: groups, object headers, heaps, trees of chunks.
#include "io/hdf5_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "io/hdf5_messages.hpp"
#include "io/raw_file.hpp"

namespace tianyan {
namespace {

constexpr std::uint64_t kUndefined = kHdf5Undefined;
constexpr std::uint64_t kMaxPieceBytes = 64u << 20;  // of a header, a heap or a node
constexpr std::uint64_t kMaxNodes = 1u << 22;
constexpr std::uint64_t kMaxChunks = 4096;  // pieces of one header
// Of any object that a reader of io/ opens.
constexpr const char* kObjects[] = {"data", "missing", "rule", "times", "voltages"};

struct Superblock {
  std::uint64_t leaf_k = 4, node_k = 16, chunk_k = 32;  // HDF5's own
  std::uint64_t root = 0, extension = kUndefined;       // headers
};

class Walk {
 public:
  explicit Walk(const std::string& path) : file_(path) {}
  void root();
  void objects();

 private:
  struct Piece {
    std::vector<unsigned char> bytes;
    std::string place;
    Hdf5Bytes fields() const { return {bytes.data(), bytes.size(), place}; }
  };

  Piece read(std::uint64_t address, std::uint64_t n, const char* what) const;
  /// What HDF5 does not, too: a node twice, or more of them than any file has.
  void count_node(std::uint64_t address, const Hdf5Bytes& node);
  void read_superblock();
  void read_new_superblock();
  void object(std::uint64_t address);
  void open_header(std::uint64_t address);
  void open_new_header(std::uint64_t address);
  void messages(Hdf5Bytes chunk);
  void new_messages(Hdf5Bytes chunk);
  void message(std::uint64_t type, Hdf5Bytes body);
  void link(Hdf5Bytes body);
  void group(std::uint64_t tree, std::uint64_t heap);
  void read_names(std::uint64_t heap);
  void check_free_list(std::uint64_t first) const;
  struct TreeNode {
    std::uint64_t level, n;
  };
  TreeNode begin_tree_node(std::uint64_t address, std::uint64_t type, std::uint64_t max_level,
                           std::uint64_t most, Hdf5Bytes& node);
  void group_node(std::uint64_t address, std::uint64_t max_level);
  void symbols(std::uint64_t address);
  std::string name_at(std::uint64_t offset) const;
  void chunk_node(std::uint64_t address, std::uint64_t max_level);
  std::uint64_t least_bytes(std::uint64_t skipped) const;
  void reference(const Hdf5Reference& to);
  const std::map<std::uint64_t, std::uint64_t>& heap_objects(std::uint64_t address);

  RawFile file_;
  Superblock superblock_;
  Piece names_;                                               // of the group at hand
  std::vector<std::pair<std::string, std::uint64_t>> found_;  // headers of kObjects
  std::set<std::uint64_t> nodes_;
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> heaps_;  // address: object: bytes
  std::string name_;                                                       // of the object at hand
  bool header_is_new_ = false, has_order_ = false;
  bool is_root_ = true;
  std::pair<std::uint64_t, std::uint64_t> group_{kUndefined, kUndefined};  // the root's tree and heap
  // Of the header at hand:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> more_;  // its pieces: address, length
  Hdf5Chunks chunks_;
  std::vector<std::uint64_t> filters_;
};

Walk::Piece Walk::read(std::uint64_t address, std::uint64_t n, const char* what) const {
  const auto size = static_cast<std::uint64_t>(file_.size_bytes());
  Piece piece;
  piece.place = fmt::format("{}: {} at byte {}", file_.path(), what, address);
  require(address <= size && n <= size - address && n <= kMaxPieceBytes,
          "{} would have {} bytes, the file has {}: it is damaged or cut short", piece.place, n, size);
  piece.bytes.resize(n);
  file_.read(static_cast<std::int64_t>(address), static_cast<std::int64_t>(n), piece.bytes.data());
  return piece;
}

void Walk::count_node(std::uint64_t address, const Hdf5Bytes& node) {
  node.check(nodes_.insert(address).second && nodes_.size() <= kMaxNodes, "is in its tree twice");
}

void Walk::root() {
  read_superblock();
  if (superblock_.extension != kUndefined) object(superblock_.extension);
  object(superblock_.root);
  is_root_ = false;
  if (group_.first != kUndefined) group(group_.first, group_.second);
}

void Walk::objects() {
  for (const auto& [name, address] : std::exchange(found_, {})) {
    name_ = name;
    object(address);
  }
}

void Walk::read_superblock() {
  const Piece head = read(0, 9, "the superblock");
  const std::uint64_t version = head.bytes[8];
  if (version >= 2) return read_new_superblock();
  const Piece piece = read(0, version == 0 ? 96 : 100, "the superblock");
  Hdf5Bytes fields = piece.fields();
  fields.skip(13);
  fields.check(fields.number(2) == 0x0808, "has offsets or lengths that are not of 8 bytes");
  fields.skip(1);
  superblock_.leaf_k = fields.number(2);
  superblock_.node_k = fields.number(2);
  fields.skip(4);
  if (version == 1) {
    superblock_.chunk_k = fields.number(2);
    fields.skip(2);
  }
  fields.check(superblock_.leaf_k >= 1 && superblock_.node_k >= 1 && superblock_.chunk_k >= 1,
               "has empty nodes");
  fields.check(fields.number(8) == 0, "does not begin at the file's first byte");
  fields.skip(16);
  fields.check(fields.number(8) == kUndefined, "says that the file is one of several");
  fields.skip(8);
  superblock_.root = fields.number(8);
  const std::uint64_t kind = fields.number(4);
  fields.check(kind <= 1, "has a root that is no group");
  fields.skip(4);
  if (kind == 1) group_ = {fields.number(8), fields.number(8)};
}

void Walk::read_new_superblock() {
  const Piece piece = read(0, 48, "the superblock");
  Hdf5Bytes fields = piece.fields();
  fields.skip(9);
  fields.check(fields.number(2) == 0x0808, "has offsets or lengths that are not of 8 bytes");
  fields.skip(1);
  fields.check(fields.number(8) == 0, "does not begin at the file's first byte");
  superblock_.extension = fields.number(8);
  fields.skip(8);
  superblock_.root = fields.number(8);
}

void Walk::object(std::uint64_t address) {
  const Piece head = read(address, 4, "the object header");
  header_is_new_ = head.fields().begins("OHDR");
  chunks_ = {};
  filters_.clear();
  if (header_is_new_)
    open_new_header(address);
  else
    open_header(address);
  for (std::size_t i = 0; i < more_.size(); ++i) {
    const Piece chunk = read(more_[i].first, more_[i].second, "the object header");
    chunk.fields().check(i < kMaxChunks, "goes on without end");
    if (header_is_new_)
      new_messages(chunk.fields());
    else
      messages(chunk.fields());
  }
  if (chunks_.tree != kUndefined) chunk_node(chunks_.tree, 255);
}

void Walk::open_header(std::uint64_t address) {
  const Piece head = read(address, 16, "the object header");
  Hdf5Bytes fields = head.fields();
  fields.check(fields.number(1) == 1, "is of an unknown version");
  fields.skip(7);
  more_ = {{address + 16, fields.number(4)}};
}

void Walk::open_new_header(std::uint64_t address) {
  const auto left = static_cast<std::uint64_t>(file_.size_bytes()) - address;
  const Piece head = read(address, std::min<std::uint64_t>(34, left), "the object header");
  Hdf5Bytes fields = head.fields();
  fields.skip(4);
  fields.check(fields.number(1) == 2, "is of an unknown version");
  const std::uint64_t flags = fields.number(1);
  if ((flags & 0x20) != 0) fields.skip(16);  // times
  if ((flags & 0x10) != 0) fields.skip(4);   // limits of attributes
  has_order_ = (flags & 4) != 0;
  const std::uint64_t n = fields.number(1 << (flags & 3));
  more_ = {{address + fields.at(), n}};
}

void Walk::messages(Hdf5Bytes chunk) {
  while (chunk.left() > 0) {
    const std::uint64_t type = chunk.number(2), n = chunk.number(2), flags = chunk.number(1);
    chunk.skip(3);
    chunk.check(n % 8 == 0, "has a message of an odd length");
    chunk.check((flags & 2) == 0, "has a shared message");
    message(type, chunk.take(n));
  }
}

void Walk::new_messages(Hdf5Bytes chunk) {
  const std::uint64_t n_head = has_order_ ? 6 : 4;
  while (chunk.left() >= n_head) {
    const std::uint64_t type = chunk.number(1), n = chunk.number(2), flags = chunk.number(1);
    chunk.skip(n_head - 4);
    chunk.check((flags & 2) == 0, "has a shared message");
    message(type, chunk.take(n));
  }
}

/// Those that HDF5 reads of groups and datasets.
void Walk::message(std::uint64_t type, Hdf5Bytes body) {
  switch (type) {
    case 0x01:
      check_hdf5_space(body);
      return;
    case 0x03:
      check_hdf5_type(body);
      return;
    case 0x04:  // the old fill value
      body.skip(body.number(4));
      return;
    case 0x05:
      return check_hdf5_fill_value(body);
    case 0x07:
      throw std::runtime_error(
          fmt::format("{}: dataset /{} is not stored in the file itself", file_.path(), name_));
    case 0x08:
      chunks_ = check_hdf5_layout(body).value_or(Hdf5Chunks{});
      return;
    case 0x0b:
      filters_ = check_hdf5_filters(body);
      return;
    case 0x0c:
      return check_hdf5_attribute(body, [this](const Hdf5Reference& to) { reference(to); });
    case 0x0d:  // comment
      body.text();
      return;
    case 0x0e:  // modification time as text
      body.skip(16);
      return;
    case 0x06:
      return link(body);
    case 0x10: {
      const std::uint64_t address = body.number(8), n = body.number(8);
      body.check(!header_is_new_ || n >= 8, "goes on in nothing");
      // New ones are between a signature and a checksum.
      more_.emplace_back(address + (header_is_new_ ? 4 : 0), n - (header_is_new_ ? 8 : 0));
      return;
    }
    case 0x11: {
      const std::uint64_t tree = body.number(8), heap = body.number(8);
      body.check(!is_root_ || group_.first == kUndefined || group_ == std::pair(tree, heap),
                 "is of another group than the superblock says");
      if (is_root_) group_ = {tree, heap};
      return;
    }
    case 0x12:  // modification time
      body.skip(8);
      return;
    case 0x13:
      body.skip(1);
      superblock_.chunk_k = body.number(2);
      superblock_.node_k = body.number(2);
      superblock_.leaf_k = body.number(2);
      return;
    case 0x16:  // number of references
    case 0x00:
      return;
    default:  // only new headers, which have checksums, have more
      body.check(header_is_new_ && type <= 0x18, "has a message of an unknown type");
  }
}

void Walk::link(Hdf5Bytes body) {
  body.check(body.number(1) == 1, "has a link of an unknown version");
  const std::uint64_t flags = body.number(1), kind = (flags & 8) != 0 ? body.number(1) : 0;
  if ((flags & 4) != 0) body.skip(8);     // order of creation
  if ((flags & 0x10) != 0) body.skip(1);  // character set
  const Hdf5Bytes name = body.take(body.number(1 << (flags & 3)));
  for (const char* known : kObjects)
    if (is_root_ && name.left() == std::strlen(known) && name.begins(known)) {
      body.check(kind == 0, "has a link that leads elsewhere");
      found_.emplace_back(known, body.number(8));
    }
}

void Walk::group(std::uint64_t tree, std::uint64_t heap) {
  read_names(heap);
  group_node(tree, 255);
}

void Walk::read_names(std::uint64_t heap) {
  const Piece head = read(heap, 32, "the heap of names");
  Hdf5Bytes fields = head.fields();
  fields.check(fields.begins("HEAP"), "has no signature");
  fields.skip(8);
  const std::uint64_t n = fields.number(8), first_free = fields.number(8);
  names_ = read(fields.number(8), n, "the names of a group");
  check_free_list(first_free);
}

/// Blocks with the offset of the next, 1 for none, and their own length.
void Walk::check_free_list(std::uint64_t first) const {
  const Hdf5Bytes whole = names_.fields();
  std::uint64_t n_block = 0;
  for (std::uint64_t at = first; at != 1 && at != kUndefined; ++n_block) {
    Hdf5Bytes block = whole;
    block.skip(at);
    const std::uint64_t next = block.number(8), n = block.number(8);
    block.check(n >= 16 && n <= names_.bytes.size() - at && n_block <= names_.bytes.size() / 16,
                "have a free list without end");
    at = next;
  }
}

std::string Walk::name_at(std::uint64_t offset) const {
  Hdf5Bytes names = names_.fields();
  names.skip(offset);
  return names.text();
}

/// Goes over the head of a node of a B-tree of version 1.
Walk::TreeNode Walk::begin_tree_node(std::uint64_t address, std::uint64_t type, std::uint64_t max_level,
                                     std::uint64_t most, Hdf5Bytes& node) {
  count_node(address, node);
  node.check(node.begins("TREE"), "has no signature");
  node.skip(4);
  const std::uint64_t found_type = node.number(1), level = node.number(1), n = node.number(2);
  node.check(found_type == type && level <= max_level && n <= most, "is none");
  node.skip(16);
  return {level, n};
}

void Walk::group_node(std::uint64_t address, std::uint64_t max_level) {
  const std::uint64_t most = 2 * superblock_.node_k;
  const Piece piece = read(address, 24 + most * 16 + 8, "a node of a group");
  Hdf5Bytes node = piece.fields();
  const auto [level, n] = begin_tree_node(address, 0, max_level, most, node);
  for (std::uint64_t i = 0; i < n; ++i) {
    name_at(node.number(8));
    const std::uint64_t child = node.number(8);
    if (level == 0)
      symbols(child);
    else
      group_node(child, level - 1);
  }
  name_at(node.number(8));
}

void Walk::symbols(std::uint64_t address) {
  const std::uint64_t most = 2 * superblock_.leaf_k;
  const Piece piece = read(address, 8 + most * 40, "names of a group");
  Hdf5Bytes node = piece.fields();
  count_node(address, node);
  node.check(node.begins("SNOD"), "have no signature");
  node.skip(6);
  const std::uint64_t n = node.number(2);
  node.check(n <= most, "are more than a node has");
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::string name = name_at(node.number(8));
    const std::uint64_t header = node.number(8), kind = node.number(4);
    node.skip(20);
    node.check(kind <= 2, "are of an unknown kind");
    if (std::find(std::begin(kObjects), std::end(kObjects), name) == std::end(kObjects)) continue;
    node.check(kind != 2, "lead elsewhere");
    found_.emplace_back(name, header);
  }
}

/// Of a stored chunk, where its bit of `skipped` says that a filter was not applied: as many as in memory
/// unless one of those that remain makes it smaller.
std::uint64_t Walk::least_bytes(std::uint64_t skipped) const {
  constexpr std::uint64_t kShuffle = 2, kFletcher32 = 3;
  std::uint64_t least = chunks_.bytes;
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if ((skipped >> i & 1) != 0 || filters_[i] == kShuffle) continue;
    if (filters_[i] != kFletcher32) return 0;
    least += 4;
  }
  return least;
}

void Walk::chunk_node(std::uint64_t address, std::uint64_t max_level) {
  const std::uint64_t most = 2 * superblock_.chunk_k, key = 8 + 8 * chunks_.rank;
  const Piece piece = read(address, 24 + most * (key + 8) + key, "a node of chunks");
  Hdf5Bytes node = piece.fields();
  const auto [level, n] = begin_tree_node(address, 1, max_level, most, node);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t bytes = node.number(4), skipped = node.number(4);
    node.skip(key - 8);
    const std::uint64_t child = node.number(8);
    const auto size = static_cast<std::uint64_t>(file_.size_bytes());
    if (level > 0) {
      chunk_node(child, level - 1);
      continue;
    }
    node.check(child <= size && bytes <= size - child, "has a chunk beyond the file's end");
    node.check(bytes >= least_bytes(skipped), "has a chunk of fewer bytes than its shape");
  }
}

void Walk::reference(const Hdf5Reference& to) {
  const auto& objects = heap_objects(to.address);
  const auto found = objects.find(to.index);
  require(found != objects.end() && found->second == to.n_bytes,
          "{}: the heap at byte {} has no object {} of {} bytes: the file is damaged", file_.path(),
          to.address, to.index, to.n_bytes);
}

const std::map<std::uint64_t, std::uint64_t>& Walk::heap_objects(std::uint64_t address) {
  const auto [at, is_new] = heaps_.try_emplace(address);
  if (!is_new) return at->second;
  const Piece head = read(address, 16, "the heap of texts");
  Hdf5Bytes start = head.fields();
  start.check(start.begins("GCOL"), "has no signature");
  start.skip(8);
  const Piece piece = read(address, start.number(8), "the heap of texts");
  Hdf5Bytes heap = piece.fields();
  heap.skip(16);
  while (heap.left() >= 16) {
    const std::uint64_t index = heap.number(2);
    heap.skip(6);
    const std::uint64_t n = heap.number(8);
    if (index == 0) {  // what is free, these 16 bytes included
      heap.check(n >= 16, "has an object of no length");
      heap.skip(n - 16);
      continue;
    }
    heap.check(at->second.emplace(index, n).second, "has an object twice");
    heap.skip(n);
    heap.align(8);
  }
  return at->second;
}

}  // namespace

void check_hdf5_structure(const std::string& path) {
  Walk walk(path);
  walk.root();
  walk.objects();
}

void check_hdf5_root(const std::string& path) { Walk(path).root(); }

}  // namespace tianyan
