// Cut-outs: what h5py finds in them, against images made here.
#include "io/cutout_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/io/detection_lists.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

/// Two images without symmetry, value = offset + row + 1000 column; the second with its axes strided.
struct Images {
  std::vector<float> freq_time, dm_time;

  Images() {
    for (int i = 0; i < kCutoutSize * kCutoutSize; ++i) {
      freq_time.push_back(5.0f + static_cast<float>(i / kCutoutSize + 1000 * (i % kCutoutSize)));
      dm_time.push_back(-3.0f + static_cast<float>(i % kCutoutSize + 1000 * (i / kCutoutSize)));
    }
  }
  CutoutData data() const {
    return {{freq_time.data(), {kCutoutSize, kCutoutSize}},
            {dm_time.data(), {kCutoutSize, kCutoutSize}, {1, kCutoutSize}},
            4,
            1 << 20};
  }
};

// As FETCH reads it, and as the images were made. float32 of numbers up to 2: 1e-6.
const std::string kReadCutout = R"(
import sys, h5py
import numpy as np
with h5py.File(sys.argv[1], 'r') as f:
    print(sorted(f.keys()))
    i = np.arange(256.0)
    ramp = i[:, None] + 1000 * i
    for name in 'data_freq_time', 'data_dm_time':
        d = f[name]
        print(name, d.shape, d.dtype, d.compression, [axis.label for axis in d.dims])
        print(bool(np.allclose(d, (ramp - np.median(ramp)) / np.std(ramp), rtol=0, atol=1e-6)))
    print(np.reshape(np.array(f['data_freq_time'], dtype=np.float32).T, (256, 256, 1)).shape)
    for key in sorted(f.attrs):
        value = f.attrs[key]
        print(key, list(value) if isinstance(value, np.ndarray) else value, getattr(value, 'dtype', 'text'))
)";

const std::string kFound = R"(['data_dm_time', 'data_freq_time']
data_freq_time (256, 256) float32 gzip ['time', 'frequency']
True
data_dm_time (256, 256) float32 gzip ['dm', 'time']
True
(256, 256, 1)
beam 1 int64
bw -500.0 float64
cand_id TY20200531T000004.000_M01 text
center_freq 1250.0 float64
dec_deg 56.25 float64
dm 565.25 float64
dm_opt -1.0 float64
fch1 1499.75 float64
filelist ['J1234+56_tracking-M01_0001.fits'] object
filename J1234+56_tracking-M01_0001.fits text
foff -0.5 float64
label 1 int64
nbits 8 int64
nchans 1000 int64
npol 1 int64
nspectra 1048576 int64
ra_deg 188.5 float64
snr 31.5 float64
snr_opt -1.0 float64
source_name J1234+56 text
tcand 2.44140625 float64
telescope FAST text
tsamp 6.103515625e-05 float64
tstart 58999.75 float64
width 8 int64
width_s 0.000244140625 float64
)";

TEST(CutoutFile, IsReadByH5py) {
  if (!has_python("h5py")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  const Images images;
  Detection detection = small_list().detections[0];
  detection.position = {188.5, 56.25};
  detection.best.width_s = 4 * kSampleTime_s;  // that of the cells is another
  detection.file_start = {58999, 64800.0};     // of its beam, which began before the others
  write_cutout(folder / "a.h5", detection, small_scan(), images.data());
  EXPECT_EQ(run_python(kReadCutout, {folder / "a.h5"}), kFound);
}

const std::string kReadCells = R"(
import sys, h5py
import numpy as np
with h5py.File(sys.argv[1], 'r') as f:
    a, b = np.array(f['data_freq_time']), np.array(f['data_dm_time'])
    print(a[3, 4], a[3, 5], np.count_nonzero(a), round(float(a[200, 100]), 3), np.unique(b))
    print(f.attrs['dm_opt'], f.attrs['snr_opt'], f.attrs['label'])
)";

// All 0 but for one cell of 1: with n = 256^2 - 2 cells of data the deviation is sqrt(1 / n - 1 / n^2) =
// 1 / 255.994..., the median 0. An image that does not vary is 0.
TEST(CutoutFile, HasTheMedianWhereThereAreNoData) {
  if (!has_python("h5py")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  Images images;
  std::fill(images.freq_time.begin(), images.freq_time.end(), 7.0f);
  std::fill(images.dm_time.begin(), images.dm_time.end(), 7.0f);
  images.freq_time[3 * kCutoutSize + 4] = std::numeric_limits<float>::quiet_NaN();
  images.freq_time[3 * kCutoutSize + 5] = std::numeric_limits<float>::infinity();
  images.freq_time[200 * kCutoutSize + 100] = 8.0f;
  Detection detection = small_list().detections[0];
  detection.is_refined = true;
  detection.source_class = SourceClass::kRfi;
  write_cutout(folder / "a.h5", detection, small_scan(), images.data());
  EXPECT_EQ(run_python(kReadCells, {folder / "a.h5"}), "0.0 0.0 1 255.998 [0.]\n565.25 31.5 0\n");
}

TEST(CutoutFile, SaysWhatItsDmsAre) {
  const Detection detection = detection_at(0.0, 8, 100.0, 7.0);
  EXPECT_EQ(cutout_dm_pc_cm3(detection, 0), 0.0);
  EXPECT_EQ(cutout_dm_pc_cm3(detection, kCutoutSize - 1), 200.0);
}

TEST(CutoutFile, IsTheSameBytesAgain) {
  const TempFolder folder;
  const Images images;
  for (const char* name : {"a.h5", "b.h5"})
    write_cutout(folder / name, small_list().detections[0], small_scan(), images.data());
  EXPECT_TRUE(read_file(folder / "a.h5") == read_file(folder / "b.h5"));
}

TEST(CutoutFile, RefusesWhatFetchCouldNotRead) {
  const TempFolder folder;
  const Images images;
  const Detection detection = small_list().detections[0];
  CutoutData narrow = images.data();
  narrow.dm_time = narrow.dm_time.slice(1, 0, 255);
  EXPECT_TRUE(says(error_of([&] { write_cutout(folder / "a.h5", detection, small_scan(), narrow); }),
                   {"a.h5", "dm_time", "256 x 255"}));
  CutoutData endless = images.data();
  endless.cell_samples = 0;
  EXPECT_THROW(write_cutout(folder / "a.h5", detection, small_scan(), endless), std::invalid_argument);
  Observation scan = small_scan();
  scan.n_chan = 0;
  EXPECT_THROW(write_cutout(folder / "a.h5", detection, scan, images.data()), std::invalid_argument);
  scan = small_scan();
  scan.sample_time_s = 0.0;
  EXPECT_THROW(write_cutout(folder / "a.h5", detection, scan, images.data()), std::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_TRUE(
      says(error_of([&] { write_cutout(folder / "no/a.h5", detection, small_scan(), images.data()); }),
           {"no/a.h5"}));
}

}  // namespace
}  // namespace tianyan::test
