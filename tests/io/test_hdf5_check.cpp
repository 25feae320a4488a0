// Damage to an HDF5 file's structure that HDF5 1.10 would follow: each is refused before it is asked.
#include <gtest/gtest.h>

#include "io/hdf5_attributes.hpp"
#include "io/hdf5_check.hpp"
#include "io/mask_file.hpp"
#include "kernels/base/array.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

class Hdf5Check : public ::testing::Test {
 protected:
  Hdf5Check() {
    FlagMaskInfo info;
    info.n_chan = 16;
    info.freq_low_mhz = 1000.0;
    info.channel_width_mhz = 1.0;
    info.sample_time_s = 1e-3;
    info.n_time = 640;
    info.start = {59000, 0.0};
    MaskWriter writer(folder_ / "good.h5", info, false);
    writer.append(Array<std::uint8_t, 2>({info.n_cell(), info.n_chan}).cview());
    writer.finish();
    bytes_ = read_file(folder_ / "good.h5");
  }

  /// Where the first piece with this signature begins.
  std::size_t begin_of(const std::string& signature) const { return bytes_.find(signature); }

  /// What opening the mask says with `n` bytes at `at` replaced by a little-endian number.
  std::string error_with(std::size_t at, std::size_t n, std::uint64_t value) const {
    std::string bytes = bytes_;
    for (std::size_t i = 0; i < n; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xff);
    const std::string path = folder_.write("bad.h5", bytes);
    return error_of([&] { MaskReader{path}; });
  }

  TempFolder folder_;
  std::string bytes_;
};

constexpr std::size_t kHeapHead = 16, kLengthInObject = 8;

TEST_F(Hdf5Check, LetsAWholeFilePass) {
  EXPECT_EQ(error_of([&] { check_hdf5_structure(folder_ / "good.h5"); }), "");
  EXPECT_EQ(error_of([&] { MaskReader{folder_ / "good.h5"}; }), "");
}

TEST_F(Hdf5Check, RefusesAHeapObjectBeyondItsHeap) {
  EXPECT_TRUE(says(error_with(begin_of("GCOL") + kHeapHead + kLengthInObject, 8, 1u << 30),
                   {"bad.h5", "the heap of texts at byte", "cut short"}));
}

TEST_F(Hdf5Check, RefusesATextOfAnotherLengthThanItsHeapObject) {
  const std::size_t length = begin_of("GCOL") + kHeapHead + kLengthInObject;
  EXPECT_TRUE(says(error_with(length, 8, static_cast<unsigned char>(bytes_[length]) + 1),
                   {"bad.h5", "has no object 1 of"}));
}

TEST_F(Hdf5Check, RefusesAFreeObjectOfNoLengthThatHdf5WouldNeverPass) {
  const std::size_t object = begin_of("GCOL") + kHeapHead;
  std::string bytes = bytes_;
  bytes.replace(object, 16, 16, '\0');
  const std::string path = folder_.write("bad.h5", bytes);
  EXPECT_TRUE(says(error_of([&] { MaskReader{path}; }), {"bad.h5", "has an object of no length"}));
}

TEST_F(Hdf5Check, RefusesNamesBeyondTheGroupsHeap) {
  EXPECT_TRUE(says(error_with(begin_of("SNOD") + 8, 8, 1u << 20), {"bad.h5", "the names of a group"}));
}

TEST_F(Hdf5Check, RefusesATreeThatIsItsOwnBranch) {
  const std::size_t tree = begin_of("TREE");
  std::string bytes = bytes_;
  bytes[tree + 5] = 1;  // level
  for (std::size_t i = 0; i < 8; ++i) bytes[tree + 32 + i] = static_cast<char>(tree >> (8 * i) & 0xff);
  const std::string path = folder_.write("bad.h5", bytes);
  EXPECT_TRUE(says(error_of([&] { MaskReader{path}; }), {"bad.h5", "twice"}));
}

TEST_F(Hdf5Check, RefusesEachTruncationAndSurvivesEachFlippedByte) {
  for (std::size_t n = 9; n < bytes_.size(); n += 97) {
    const std::string path = folder_.write("cut.h5", bytes_.substr(0, n));
    EXPECT_TRUE(says(error_of([&] { MaskReader{path}; }), {"cut.h5"})) << n;
  }
  for (std::size_t at = 8; at < bytes_.size(); at += 7) {
    const auto flipped = static_cast<unsigned char>(~bytes_[at]);
    const std::string error = error_with(at, 1, flipped);
    EXPECT_TRUE(error.empty() || says(error, {"bad.h5"})) << at;
  }
}

/// A dataset /data of one chunk with one text, in the newest format that this HDF5 writes.
std::string newest_file(const std::string& path) {
  const Hdf5Lock lock;
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path, "make it");
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const Hdf5Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, path, "make it");
  const hsize_t shape[1] = {64};
  const Hdf5Id space(H5Screate_simple(1, shape, nullptr), H5Sclose, path, "make it");
  const Hdf5Id layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path, "make it");
  H5Pset_chunk(layout, 1, shape);
  const Hdf5Id data(H5Dcreate2(file, "data", H5T_STD_U8LE, space, H5P_DEFAULT, layout, H5P_DEFAULT), H5Dclose,
                    path, "make it");
  put_attribute(data, "source_name", std::string("J0534+2200"), path);
  return path;
}

TEST_F(Hdf5Check, LooksAtTextsOfTheNewerFormatToo) {
  std::string bytes = read_file(newest_file(folder_ / "new.h5"));
  ASSERT_NE(bytes.find("OHDR"), std::string::npos);
  EXPECT_EQ(error_of([&] { check_hdf5_structure(folder_ / "new.h5"); }), "");
  bytes.at(bytes.find("GCOL") + kHeapHead + kLengthInObject) += 1;
  const std::string path = folder_.write("bad.h5", bytes);
  EXPECT_TRUE(says(error_of([&] { check_hdf5_structure(path); }), {"bad.h5", "has no object 1 of 10 bytes"}));
}

TEST_F(Hdf5Check, RefusesAChunkThatExpandsToLess) {
  std::string bytes = bytes_;
  const std::size_t layout = bytes.find(std::string("\x03\x02\x03", 3));  // version, chunks, axes
  ASSERT_NE(layout, std::string::npos);
  const std::size_t cells = layout + 3 + 8;  // after the address of the tree
  bytes.at(cells + 1) = static_cast<char>(bytes.at(cells + 1) + 1);
  const std::string path = folder_.write("bad.h5", bytes);
  EXPECT_TRUE(says(error_of([&] { MaskReader{path}; }), {"bad.h5", "/rule", "does not expand to"}));
}

}  // namespace
}  // namespace tianyan::test
