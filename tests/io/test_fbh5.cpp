// FBH5 files that h5py makes, as blimpy would.
#include <filesystem>

#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

const std::string kMake = R"(
import sys, h5py, numpy as np
path, dtype, what = sys.argv[1:4]
with h5py.File(path, 'w') as f:
    f.attrs['CLASS'] = 'FILTERBANK'
    data = (np.arange(20 * 1 * 6) % 101).reshape(20, 1, 6).astype(dtype)
    if what == 'flat': data = data[:, 0]
    more = dict(chunks=(7, 1, 6), compression=32008, compression_opts=(0, 2)) if what == 'bitshuffle' else dict(compression='gzip')
    d = f.create_dataset('other' if what == 'other' else 'data', data=data, **more)
    for k, v in dict(fch1=1500.0, foff=-0.5, nchans=6, nifs=1, nbits=data.dtype.itemsize * 8, tsamp=1e-3, tstart=59000.25,
                     source_name='B0531+21', telescope_id=21, machine_id=0, src_raj=5.5, src_dej=-22.25, ibeam=4).items():
        if k != what: d.attrs[k] = v
    if what == 'fixed': d.attrs['source_name'] = np.string_('B0531+21')
    if what == 'nchans7': d.attrs['nchans'] = 7
)";

class Fbh5Source : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  }
  std::string make(const std::string& dtype, const std::string& what) {
    const std::string path = folder_ / (what + ".h5");
    run_python(kMake, {path, dtype, what});
    return path;
  }
  TempFolder folder_;
};

TEST_F(Fbh5Source, ReadsAttributesAndSamples) {
  for (const std::string what : {"plain", "fixed"}) {
    const auto source = open_source(make("u1", what));
    const StreamInfo& info = source->info();
    EXPECT_EQ(source->format_name(), "FBH5");
    EXPECT_EQ(info.n_chan, 6);
    EXPECT_EQ(info.n_time, 20);
    EXPECT_DOUBLE_EQ(info.freq_low_mhz, 1497.5);
    EXPECT_TRUE(source->format().channels_descending);
    EXPECT_EQ(info.source_name, "B0531+21");
    EXPECT_EQ(info.telescope, "FAST");
    EXPECT_EQ(info.beam, 4);
    EXPECT_DOUBLE_EQ(info.ra_deg, 82.5);
    EXPECT_DOUBLE_EQ(info.dec_deg, -22.25);
    EXPECT_EQ(info.start.day, 59000);
    EXPECT_DOUBLE_EQ(info.start.second, 21600.0);
    const WholeStream whole = read_all(*source, 7);
    for (int i = 0; i < 120; ++i) ASSERT_EQ(whole.samples[i], i % 101);
  }
}

TEST_F(Fbh5Source, ReadsEveryTypeInNativeOrder) {
  for (const std::string type : {"u1", "i1", ">u2", "<i2", ">f4", "<f4"}) {
    const auto source = open_source(make(type, "plain"));
    EXPECT_EQ(source->format().n_bits, 8 * (type.back() - '0'));
    EXPECT_EQ(source->format().is_float, type.find('f') != std::string::npos);
    EXPECT_EQ(source->format().is_signed, type.find('i') != std::string::npos);
    const WholeStream whole = read_all(*source, 9);
    const std::uint8_t* at = whole.samples.data();
    for (int i = 0; i < 120; ++i) {
      std::uint16_t v = 0;
      float f = 0.0f;
      if (type.back() == '2') std::memcpy(&v, at + 2 * i, 2);
      if (type.back() == '4') std::memcpy(&f, at + 4 * i, 4);
      ASSERT_EQ(type.back() == '1' ? at[i] : type.back() == '2' ? v : f, i % 101);
    }
  }
  EXPECT_TRUE(says(open_error(make("f8", "plain")), {"plain.h5", "64 bits"}));
}

TEST_F(Fbh5Source, NamesWhatIsWrong) {
  EXPECT_TRUE(says(open_error(make("u1", "other")), {"other.h5", "/data"}));
  EXPECT_TRUE(says(open_error(make("u1", "flat")), {"flat.h5", "2 axes"}));
  EXPECT_TRUE(says(open_error(make("u1", "fch1")), {"fch1.h5", "attribute fch1"}));
  EXPECT_TRUE(says(open_error(make("u1", "nchans7")), {"nchans is 7", "6 channels"}));
  const std::string cut = make("u1", "plain");
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  EXPECT_TRUE(says(open_error(cut), {"plain.h5", "cut short"}));
}

TEST_F(Fbh5Source, ReadsBitshuffleOrNamesTheFilter) {
  const std::string path = folder_ / "bitshuffle.h5";
  const std::string command =
      "/usr/bin/python3 -c 'import h5py, sys; sys.exit(not h5py.h5z.filter_avail(32008))'";
  if (std::system(command.c_str()) != 0)
    GTEST_SKIP() << "the HDF5 filter bitshuffle (package of that name) is missing";
  make("u1", "bitshuffle");
  const WholeStream whole = read_all(*open_source(path), 7);
  for (int i = 0; i < 120; ++i) ASSERT_EQ(whole.samples[i], i % 101);

  // The same file with a filter's number that nobody has.
  std::string bytes = read_file(path);
  const std::string stored("\x08\x7d", 2);
  const std::size_t name = bytes.find("bitshuffle");
  ASSERT_NE(name, std::string::npos);
  const std::size_t at = bytes.rfind(stored, name);
  ASSERT_LE(name - at, 12u);
  bytes.replace(at, 2, "\x7b\x7d");
  EXPECT_TRUE(says(open_error(folder_.write("unknown.h5", bytes)),
                   {"unknown.h5", "filter 32123", "bitshuffle", "install"}));
}

}  // namespace
}  // namespace tianyan::test
