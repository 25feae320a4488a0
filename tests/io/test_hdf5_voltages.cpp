// Voltages as HDF5: what is written is read again, by us and by h5py, what h5py writes, and what is refused.
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "io/hdf5_file.hpp"
#include "io/mask_file.hpp"
#include "io/voltage_sink.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/random.hpp"
#include "kernels/unpack_voltages.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

VoltageFormat format_of(int n_bits, bool is_complex) {
  VoltageFormat format;
  format.n_bits = n_bits;
  format.is_complex = is_complex;
  return format;
}

VoltageInfo info_of(const VoltageFormat& format, int n_coarse, int n_pol, std::int64_t n_time) {
  VoltageInfo info;
  info.n_coarse = n_coarse;
  info.n_pol = n_pol;
  info.band_low_mhz = 1031.25;
  info.coarse_width_mhz = 0.5;
  info.sample_time_s = format.is_complex ? 2e-6 : 1e-6;
  info.n_time = n_time;
  info.start = {59000, 43200.123456789};
  info.source_name = "J1935+2154";
  info.telescope = "FAST";
  info.backend = "ROACH2";
  info.ra_deg = 293.7317;
  info.dec_deg = 21.8964;
  return info;
}

/// [coarse][pol][time * component], over the whole range of the format.
Array<std::int16_t, 3> random_voltages(const VoltageInfo& info, const VoltageFormat& format,
                                       std::uint64_t seed) {
  Array<std::int16_t, 3> v({info.n_coarse, info.n_pol, info.n_time * format.n_component()});
  Xoshiro256 random(seed);
  for (std::int64_t i = 0; i < v.size(); ++i)
    v.data()[i] = static_cast<std::int16_t>(static_cast<std::int16_t>(random()) >> (16 - format.n_bits));
  return v;
}

/// In turns of `step` samples of each beam.
void write_voltages(const std::string& path, const VoltageInfo& info, const VoltageFormat& format,
                    const std::vector<int>& beams, const std::vector<Array<std::int16_t, 3>>& v,
                    std::int64_t step) {
  const auto sink = create_voltage_sink(path, info, beams, format, false);
  const std::int64_t c = format.n_component();
  for (std::int64_t t = 0; t < info.n_time; t += step)
    for (std::size_t b = 0; b < beams.size(); ++b)
      sink->write(static_cast<int>(b), v[b].view().slice(2, t * c, std::min(t + step, info.n_time) * c));
  sink->finish();
}

std::unique_ptr<VoltageSource> open_beam(const std::string& path, int beam, const VoltageHints& hints = {}) {
  const VoltageSourceFormat* format = voltage_format_of(path);
  if (!format) throw std::runtime_error(path + ": no format");
  EXPECT_EQ(format->name, "HDF5 voltages");
  return format->open(path, beam, hints);
}

/// Everything that the source holds equals v, read in blocks of n_block samples.
void expect_same(VoltageSource& source, View<const std::int16_t, 3> v, std::int64_t n_block) {
  VoltageBlock block;
  const std::int64_t c = source.format().n_component(), n_time = source.info().n_time;
  for (std::int64_t t = 0; t < n_time; t += n_block) {
    const std::int64_t n = std::min(n_block, n_time - t);
    source.read(t, n, block);
    EXPECT_EQ(block.first_sample, t);
    EXPECT_EQ(block.n_time, n);
    Array<float, 1> x({n * c});
    for (int coarse = 0; coarse < source.info().n_coarse; ++coarse)
      for (int pol = 0; pol < source.info().n_pol; ++pol) {
        EXPECT_TRUE(missing_samples(block, coarse, source.info().n_pol).empty());
        unpack_voltages(source.format(), block, coarse, pol, 0, x.view());
        for (std::int64_t k = 0; k < n * c; ++k) ASSERT_EQ(x(k), v(coarse, pol, t * c + k)) << t << ' ' << k;
      }
  }
}

TEST(Hdf5Voltages, GoRoundForAllBitsBeamsAndChannels) {
  const TempFolder folder;
  int number = 0;
  for (const int n_bits : {2, 4, 8, 16})
    for (const bool is_complex : {false, true})
      for (const auto& beams : {std::vector<int>{0}, std::vector<int>{7, 3, 19}})
        for (const int n_coarse : {1, 5}) {
          const auto format = format_of(n_bits, is_complex);
          const auto info = info_of(format, n_coarse, 1 + number % 2, 333 + number);
          std::vector<Array<std::int16_t, 3>> v;
          for (std::size_t b = 0; b < beams.size(); ++b) v.push_back(random_voltages(info, format, b));
          const std::string path = folder / fmt::format("{}.h5", number++);
          write_voltages(path, info, format, beams, v, number % 3 == 0 ? 64 : 192);
          EXPECT_EQ(voltage_format_of(path)->beams(path), beams);
          for (std::size_t b = 0; b < beams.size(); ++b) {
            const auto source = open_beam(path, beams[b]);
            EXPECT_EQ(source->info().beam, beams[b]);
            EXPECT_EQ(source->format(), format);
            EXPECT_EQ(source->info().n_time, info.n_time);
            expect_same(*source, v[b].view(), 61);
          }
        }
}

TEST(Hdf5Voltages, KeepWhatTheHeaderSays) {
  const TempFolder folder;
  auto format = format_of(8, true);
  format.is_inverted = true;
  const auto info = info_of(format, 3, 2, 10);
  std::vector<Array<std::int16_t, 3>> v;
  v.push_back(random_voltages(info, format, 1));
  v.push_back(random_voltages(info, format, 2));
  write_voltages(folder / "two.h5", info, format, {4, 5}, v, 64);
  v.pop_back();
  write_voltages(folder / "one.h5", info, format, {4}, v, 64);
  const auto source = open_beam(folder / "one.h5", 0);  // the only one
  EXPECT_EQ(source->format_name(), "HDF5 voltages");
  EXPECT_TRUE(source->format().is_inverted);
  EXPECT_EQ(source->info().beam, 4);
  EXPECT_EQ(source->info().n_coarse, 3);
  EXPECT_EQ(source->info().n_pol, 2);
  EXPECT_EQ(source->info().band_low_mhz, info.band_low_mhz);
  EXPECT_EQ(source->info().coarse_width_mhz, info.coarse_width_mhz);
  EXPECT_EQ(source->info().sample_time_s, info.sample_time_s);
  EXPECT_EQ(source->info().start.day, info.start.day);
  EXPECT_EQ(source->info().start.second, info.start.second);
  EXPECT_EQ(source->info().source_name, info.source_name);
  EXPECT_EQ(source->info().telescope, info.telescope);
  EXPECT_EQ(source->info().backend, info.backend);
  EXPECT_EQ(source->info().ra_deg, info.ra_deg);
  EXPECT_EQ(source->info().dec_deg, info.dec_deg);
  ASSERT_EQ(source->files().size(), 1U);
  EXPECT_EQ(source->files()[0].n_time, 10);
  EXPECT_FALSE(source->losses().cut_short);
  EXPECT_TRUE(std::isnan(open_beam(folder / "two.h5", 5)->info().ra_deg));  // of which beam, none can say
  EXPECT_TRUE(says(error_of([&] { open_beam(folder / "two.h5", 6); }), {"two.h5", "no beam 6", "4, 5"}));
  EXPECT_TRUE(says(error_of([&] { open_beam(folder / "two.h5", 0); }), {"two.h5", "no beam 0"}));

  VoltageHints hints;
  hints.sample_rate_hz = 1e6;
  hints.band_low_mhz = 400.0;
  hints.lower_sideband = true;
  const auto hinted = open_beam(folder / "one.h5", 4, hints);
  EXPECT_DOUBLE_EQ(hinted->info().sample_time_s, 1e-6);
  EXPECT_DOUBLE_EQ(hinted->info().coarse_width_mhz, 1.0);
  EXPECT_EQ(hinted->info().band_low_mhz, 400.0);
  EXPECT_FALSE(hinted->format().is_inverted);
  VoltageBlock block;
  EXPECT_THROW(source->read(0, 11, block), std::invalid_argument);
  EXPECT_THROW(source->read(-1, 2, block), std::invalid_argument);
  EXPECT_THROW(source->read(10, 1, block), std::invalid_argument);
  source->read(10, 0, block);
  EXPECT_TRUE(block.pieces.empty());
}

TEST(Hdf5Voltages, OfOneBeamAreThatOfTheirName) {
  const TempFolder folder;
  const auto format = format_of(8, true);
  const auto info = info_of(format, 1, 1, 10);
  std::vector<Array<std::int16_t, 3>> v;
  v.push_back(random_voltages(info, format, 1));
  const std::string path = folder / "x-M03.h5";
  write_voltages(path, info, format, {0}, v, 64);
  EXPECT_EQ(voltage_format_of(path)->beams(path), std::vector<int>{3});
  EXPECT_EQ(open_beam(path, 3)->info().beam, 3);
  EXPECT_EQ(open_beam(path, 0)->info().beam, 3);
  EXPECT_TRUE(open_beam(path, 3)->losses().notes.empty());
  const std::string other = folder / "y-M03.h5";
  write_voltages(other, info, format, {8}, v, 64);
  EXPECT_EQ(voltage_format_of(other)->beams(other), std::vector<int>{3});
  EXPECT_TRUE(says(open_beam(other, 3)->losses().notes.at(0), {"y-M03.h5", "beam 8", "the name says 3"}));
  v.push_back(random_voltages(info, format, 2));
  const std::string two = folder / "z-M03.h5";
  write_voltages(two, info, format, {4, 5}, v, 64);
  EXPECT_EQ(voltage_format_of(two)->beams(two), (std::vector<int>{4, 5}));
}

TEST(Hdf5Voltages, OfALowerSidebandAreTurnedRound) {
  const TempFolder folder;
  for (const int n_bits : {2, 8, 16}) {
    const auto format = format_of(n_bits, true);
    const auto info = info_of(format, 5, 2, 100);
    std::vector<Array<std::int16_t, 3>> v;
    v.push_back(random_voltages(info, format, 1));
    const std::string path = folder / fmt::format("{}.h5", n_bits);
    write_voltages(path, info, format, {1}, v, 64);
    VoltageHints hints;
    hints.lower_sideband = true;
    const auto source = open_beam(path, 1, hints);
    EXPECT_TRUE(source->format().is_inverted);
    EXPECT_EQ(source->info().band_low_mhz, info.band_low_mhz);
    Array<std::int16_t, 3> turned({5, 2, 200});
    for (int c = 0; c < 5; ++c)
      for (int p = 0; p < 2; ++p)
        for (int k = 0; k < 200; ++k)  // the imaginary component is turned round, too
          turned(c, p, k) = static_cast<std::int16_t>(k % 2 == 0 ? v[0](4 - c, p, k) : -v[0](4 - c, p, k));
    expect_same(*source, turned.view(), 33);
  }
}

TEST(Hdf5Voltages, OfManyChunksAndTheSameBytesEachTime) {
  // Rows of 64 coarse channels, 2 polarisations, 4 bytes: 2048 of them are a chunk.
  const TempFolder folder;
  const auto format = format_of(16, true);
  const auto info = info_of(format, 64, 2, 5000);
  std::vector<Array<std::int16_t, 3>> v;
  v.push_back(random_voltages(info, format, 1));
  v.push_back(random_voltages(info, format, 2));
  write_voltages(folder / "a.h5", info, format, {1, 2}, v, 960);
  write_voltages(folder / "b.h5", info, format, {1, 2}, v, 4992);
  expect_same(*open_beam(folder / "a.h5", 1), v[0].view(), 1500);
  expect_same(*open_beam(folder / "b.h5", 2), v[1].view(), 5000);
  write_voltages(folder / "c.h5", info, format, {1, 2}, v, 960);
  EXPECT_TRUE(read_file(folder / "a.h5") == read_file(folder / "c.h5"));
}

void put_missing(const std::string& path, const std::vector<std::int64_t>& rows) {
  const Hdf5Lock lock;
  const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path, "open it");
  const hsize_t shape[2] = {rows.size() / 3, 3};
  const Hdf5Id space(H5Screate_simple(2, shape, nullptr), H5Sclose, path, "make a space");
  const Hdf5Id data(H5Dcreate2(file, "missing", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                    H5Dclose, path, "make a dataset");
  check_hdf5(H5Dwrite(data, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), path, "write");
}

TEST(Hdf5Voltages, MissingSamplesAreCountedAndHaveNoPieces) {
  const TempFolder folder;
  const auto format = format_of(2, true);  // 2 samples to a byte: ranges begin and end within one
  const auto info = info_of(format, 2, 2, 100);
  std::vector<Array<std::int16_t, 3>> v;
  v.push_back(random_voltages(info, format, 1));
  v.push_back(random_voltages(info, format, 2));
  write_voltages(folder / "a.h5", info, format, {8, 9}, v, 64);
  // Of the beam at index 1: [5, 20), [21, 30) and [99, 100), out of order, overlapping and touching.
  put_missing(folder / "a.h5", {1, 99, 100, 0, 0, 50, 1, 10, 20, 1, 5, 12, 1, 21, 23, 1, 23, 30});
  const auto source = open_beam(folder / "a.h5", 9);
  EXPECT_EQ(source->losses().gap_samples, 15 + 9 + 1);
  EXPECT_EQ(source->losses().n_gaps, 3);
  EXPECT_FALSE(source->losses().cut_short);
  EXPECT_EQ(open_beam(folder / "a.h5", 8)->losses().gap_samples, 50);
  const auto is_missing = [](std::int64_t t) { return (t >= 5 && t < 20) || (t >= 21 && t < 30) || t == 99; };
  for (const std::int64_t first : {0, 1, 7, 19, 22})
    for (const std::int64_t n : {1, 2, 13, 78}) {
      VoltageBlock block;
      source->read(first, n, block);
      Array<float, 1> x({2 * n});
      unpack_voltages(format, block, 1, 0, 0, x.view());
      std::int64_t n_missing = 0, n_found = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        n_missing += is_missing(first + i) ? 1 : 0;
        for (int m = 0; m < 2; ++m)
          ASSERT_EQ(x(2 * i + m), is_missing(first + i) ? 0 : v[1](1, 0, 2 * (first + i) + m));
      }
      for (const auto& [begin, end] : missing_samples(block, 1, 2)) n_found += end - begin;
      EXPECT_EQ(n_found, n_missing) << first << ' ' << n;
    }
}

TEST(Hdf5Voltages, AreReadByH5py) {
  if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  for (const int n_bits : {2, 4, 8, 16})
    for (const bool is_complex : {false, true}) {
      const auto format = format_of(n_bits, is_complex);
      const auto info = info_of(format, 3, 2, 131);
      std::vector<Array<std::int16_t, 3>> v;
      std::string raw;
      for (int b = 0; b < 2; ++b) {
        v.push_back(random_voltages(info, format, static_cast<std::uint64_t>(b)));
        raw.append(reinterpret_cast<const char*>(v.back().data()),
                   static_cast<std::size_t>(v.back().size()) * 2);
      }
      const std::string name = fmt::format("{}{}", n_bits, is_complex ? 'c' : 'r');
      write_voltages(folder / (name + ".h5"), info, format, {11, 2}, v, 64);
      folder.write(name + ".raw", raw);
    }
  // [beam][coarse][pol][time][component] on both sides.
  EXPECT_EQ(run_python(R"(
import sys, h5py, numpy as np
for bits in 2, 4, 8, 16:
    for kind, nc in ('r', 1), ('c', 2):
        name = '%s/%d%s' % (sys.argv[1], bits, kind)
        want = np.fromfile(name + '.raw', '<i2').reshape(2, 3, 2, 131, nc)
        d = h5py.File(name + '.h5', 'r')['voltages']
        a = d.attrs
        assert a['format'] == 'tianyan voltages' and a['format_version'] == 1 and a['n_bits'] == bits
        assert a['is_complex'] == nc - 1 and a['is_inverted'] == 0 and a['n_time'] == 131
        assert a['sample_time_s'] == 1e-6 * nc and a['band_low_mhz'] == 1031.25 and a['coarse_width_mhz'] == 0.5
        assert a['start_mjd_day'] == 59000 and a['start_second'] == 43200.123456789
        assert list(a['beams']) == [11, 2] and np.isnan(a['ra_deg']).all() and len(a['dec_deg']) == 2
        assert a['source_name'] == 'J1935+2154' and a['telescope'] == 'FAST' and a['backend'] == 'ROACH2'
        labels = ['beam', 'time' if bits >= 8 else 'row', 'polarisation', 'coarse'] + ['complex'] * (d.ndim == 5)
        assert list(a['DIMENSION_LABELS']) == labels
        assert d.maxshape[1] is None and d.chunks[0] == 1 and d.compression is None
        got = d[:]
        if bits < 8:   # [beam][row][pol][coarse] bytes -> one more axis: what each byte holds
            assert got.dtype == np.uint8
            got = got[..., None] >> np.arange(0, 8, bits) & (1 << bits) - 1
            got = np.where(got >= 1 << bits - 1, got.astype(int) - (1 << bits), got)
            got = got.reshape(got.shape[:4] + (-1, nc)).transpose(0, 3, 2, 1, 4, 5).reshape(2, 3, 2, -1, nc)
            assert not got[:, :, :, 131:].any() and got.shape[3] - 131 < 4
            got = got[:, :, :, :131]
        else:
            assert got.dtype == '<i%d' % (bits // 8)
            got = got.reshape(2, 131, 2, 3, nc).transpose(0, 3, 2, 1, 4)
        assert (got == want).all(), name
print('good')
)",
                       {folder.path()}),
            "good\n");
}

// One file for each thing that can be wrong or unusual; "good" has 2 beams, 10 complex samples of 8 bits, 1
// polarisation, 3 coarse channels.
const std::string kMakeVoltages = R"(
import sys, h5py, numpy as np
good = np.arange(120).reshape(2, 10, 1, 3, 2).astype('i1')
def make(name, data=good, missing=None, more={}, **attrs):
    with h5py.File(sys.argv[1] + '/' + name + '.h5', 'w') as f:
        a = dict(format='tianyan voltages', format_version=1, n_bits=8, is_complex=1, sample_time_s=1e-6, band_low_mhz=1000.0,
                 coarse_width_mhz=1.0, start_mjd_day=59000, start_second=0, n_time=10, beams=[1, 2])
        a.update(attrs)
        if callable(data): d = data(f)
        else: d = f.create_dataset('voltages', data=data, **more)
        for k, v in a.items():
            if v is not None: d.attrs[k] = v
        if missing is not None: f['missing'] = np.array(missing)
make('good')
make('deflated', more=dict(chunks=(1, 4, 1, 3, 2), compression='gzip', shuffle=True))
make('truth', is_complex=True, is_inverted=np.bool_(False))
make('fixed_text', format=np.string_('tianyan voltages'), source_name=np.string_('B0531+21'))
make('positions', ra_deg=[1.5, np.nan], dec_deg=[2.5, np.nan])
make('no_positions', ra_deg=[10.0, 400.0], dec_deg=[90.5, 2.0])
make('cut', n_time=15)
make('cut_missing', n_time=15, missing=[[0, 8, 14], [1, 12, 15]])
make('format', format='tianyan voltage')
make('format_kind', format=7)
make('no_format', format=None)
make('version', format_version=2)
make('bits', n_bits=3)
make('bits_kind', n_bits=8.0)
make('bits_text', n_bits='8')
make('bits_type', n_bits=16)
make('bits_small', n_bits=4)
make('complex', is_complex=0)
make('complex_two', is_complex=2)
make('inverted', is_inverted=-1)
make('parts', data=np.zeros((2, 10, 1, 3, 3), 'i1'))
make('axes', data=np.zeros((2, 10, 3), 'i1'))
make('unsigned', data=good.astype('u1'))
make('float', data=good.astype('f4'))
make('pols', data=np.zeros((2, 10, 3, 3, 2), 'i1'))
make('no_coarse', data=np.zeros((2, 10, 1, 0, 2), 'i1'))
make('coarse', data=lambda f: f.create_dataset('voltages', (2, 10, 1, 2**40, 2), 'i1', chunks=(1, 1, 1, 64, 2)))
make('time_huge', data=lambda f: f.create_dataset('voltages', (2, 2**60, 1, 3, 2), 'i1', chunks=(1, 1, 1, 3, 2)))
make('chunk', data=lambda f: f.create_dataset('voltages', (2, 2**40, 1, 3, 2), 'i1', chunks=(1, 2**27, 1, 3, 2)), n_time=2**40)
make('group', data=lambda f: f.create_group('voltages'))
make('external', data=lambda f: f.create_dataset('voltages', (2, 10, 1, 3, 2), 'i1', external=[(sys.argv[1] + '/good.h5', 0, 120)]))
make('width', coarse_width_mhz=2.0)
make('sample_time', sample_time_s=float('nan'))
make('sample_time_kind', sample_time_s='1e-6')
make('sample_time_two', sample_time_s=[1e-6, 1e-6])
make('no_band', band_low_mhz=None)
make('day', start_mjd_day=-1)
make('day_kind', start_mjd_day=59000.5)
make('second', start_second=float('inf'))
make('n_time_short', n_time=9)
make('n_time_negative', n_time=-1)
make('n_time_huge', n_time=2**62)
make('beams', beams=[1, 2, 3])
make('beams_twice', beams=[2, 2])
make('beams_high', beams=[2, 20])
make('beams_kind', beams=['1', '2'])
make('ra', ra_deg=[1.0])
make('source', source_name=5)
make('missing_beam', missing=[[2, 0, 1]])
make('missing_range', missing=[[0, 5, 5]])
make('missing_negative', missing=[[0, -1, 5]])
make('missing_beyond', missing=[[1, 5, 11]])
make('missing_kind', missing=[[0.0, 1.0, 2.0]])
make('missing_shape', missing=[[0, 1]])
with h5py.File(sys.argv[1] + '/fbh5.h5', 'w') as f: f['data'] = np.zeros((2, 1, 3), 'f4'); f['voltages'] = good
)";

class MadeVoltages : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
    ASSERT_EQ(run_python(kMakeVoltages, {folder_.path()}), "");
  }
  std::string path_of(const std::string& name) const { return folder_ / (name + ".h5"); }

  void expect_good(const std::string& name, std::int64_t n_time) const {
    const auto source = open_beam(path_of(name), 2);
    ASSERT_EQ(source->info().n_time, n_time) << name;
    Array<std::int16_t, 3> v({3, 1, 20});
    for (int coarse = 0; coarse < 3; ++coarse)
      for (int k = 0; k < 20; ++k)
        v(coarse, 0, k) = static_cast<std::int16_t>(60 + (k / 2 * 3 + coarse) * 2 + k % 2);
    expect_same(*source, v.view(), 4);
  }

  TempFolder folder_;
};

TEST_F(MadeVoltages, ByH5pyAreReadWhateverTheirStorage) {
  for (const std::string name : {"good", "deflated", "truth", "fixed_text"}) expect_good(name, 10);
  EXPECT_EQ(open_beam(path_of("fixed_text"), 1)->info().source_name, "B0531+21");
  EXPECT_EQ(open_beam(path_of("good"), 1)->info().source_name, "");
  EXPECT_EQ(open_beam(path_of("positions"), 1)->info().dec_deg, 2.5);
  EXPECT_TRUE(std::isnan(open_beam(path_of("positions"), 2)->info().ra_deg));
  for (const int beam : {1, 2}) {
    EXPECT_TRUE(std::isnan(open_beam(path_of("no_positions"), beam)->info().ra_deg)) << beam;
    EXPECT_TRUE(std::isnan(open_beam(path_of("no_positions"), beam)->info().dec_deg)) << beam;
  }
}

TEST_F(MadeVoltages, CutShortAreReadToTheirEnd) {
  expect_good("cut", 10);
  const auto source = open_beam(path_of("cut"), 2);
  EXPECT_TRUE(source->losses().cut_short);
  ASSERT_EQ(source->losses().notes.size(), 1U);
  EXPECT_TRUE(says(source->losses().notes[0], {"cut.h5", "10 of 15"}));
  EXPECT_EQ(source->losses().lost_bytes, 5 * 3 * 2);  // samples, coarse channels, components
  EXPECT_EQ(open_beam(path_of("cut_missing"), 1)->losses().gap_samples, 2);
  EXPECT_EQ(open_beam(path_of("cut_missing"), 2)->losses().gap_samples, 0);
}

TEST_F(MadeVoltages, ThatAreWrongAreRefusedWithTheReason) {
  const auto bad = [&](const std::string& name, std::vector<std::string> words) {
    words.push_back(name + ".h5: ");
    EXPECT_THROW(open_beam(path_of(name), 1), std::runtime_error) << name;
    EXPECT_TRUE(says(error_of([&] { open_beam(path_of(name), 1); }), words));
  };
  bad("format", {"'tianyan voltage'", "'tianyan voltages'"});
  bad("format_kind", {"format is not one text"});
  bad("no_format", {"format is missing"});
  bad("version", {"format_version is 2", "1"});
  bad("bits", {"n_bits is 3", "2, 4, 8 and 16"});
  bad("bits_kind", {"n_bits is not an integer"});
  bad("bits_text", {"n_bits is not an integer"});
  bad("bits_type", {"/voltages is not of signed integers of 16 bits"});
  bad("bits_small", {"/voltages is not of unsigned integers of 8 bits"});
  bad("complex", {"/voltages is [2][10][1][3][2]", "real", "[beam][time][pol][coarse]"});
  bad("complex_two", {"is_complex is 2"});
  bad("inverted", {"is_inverted is -1"});
  bad("parts", {"/voltages is [2][10][1][3][3]"});
  bad("axes", {"/voltages is [2][10][3]"});
  bad("unsigned", {"/voltages is not of signed"});
  bad("float", {"/voltages is not of signed"});
  bad("pols", {"/voltages is [2][10][3][3][2]", "2 polarisations"});
  bad("no_coarse", {"0 coarse channels"});
  bad("coarse", {"/voltages is [2][10][1][1099511627776][2]"});
  bad("time_huge", {"/voltages is [2][1152921504606846976]"});
  bad("chunk", {"chunks of [1][134217728][1][3][2]"});
  bad("group", {"cannot open a dataset"});
  bad("external", {"not stored in the file itself"});
  bad("width", {"critical sampling"});
  bad("sample_time", {"sample time nan"});
  bad("sample_time_kind", {"sample_time_s is not a number"});
  bad("sample_time_two", {"sample_time_s has 2 values; one is needed"});
  bad("no_band", {"band_low_mhz is missing"});
  bad("day", {"start_mjd_day is -1"});
  bad("day_kind", {"start_mjd_day is not an integer"});
  bad("second", {"start_second is inf"});
  bad("n_time_short", {"n_time is 9", "10 rows"});
  bad("n_time_negative", {"-1 samples"});
  bad("n_time_huge", {"n_time is 4611686018427387904"});
  bad("beams", {"beams has 3 values; 2 are needed"});
  bad("beams_twice", {"beam 2 in attribute beams"});
  bad("beams_high", {"beam 20 in attribute beams"});
  bad("beams_kind", {"beams is not an integer"});
  bad("ra", {"ra_deg has 1 values"});
  bad("source", {"source_name is not one text"});
  bad("missing_beam", {"[0, 1) of beam index 2"});
  bad("missing_range", {"[5, 5)"});
  bad("missing_negative", {"[-1, 5)"});
  bad("missing_beyond", {"[5, 11)", "10 samples"});
  bad("missing_kind", {"/missing is not of signed"});
  bad("missing_shape", {"/missing is [1][2]"});
}

TEST_F(MadeVoltages, AreCheckedForTheirBeamsInWhatNoHintCanMend) {
  for (const std::string name :
       {"format", "version", "bits", "bits_type", "complex", "axes", "pols", "beams"})
    EXPECT_THROW(voltage_format_of(path_of(name))->beams(path_of(name)), std::runtime_error) << name;
  for (const std::string name : {"width", "sample_time", "no_band"})
    EXPECT_EQ(voltage_format_of(path_of(name))->beams(path_of(name)), (std::vector<int>{1, 2})) << name;
}

TEST_F(MadeVoltages, AreNotTakenForOtherHdf5NorTheOtherWayRound) {
  EXPECT_TRUE(says(open_error(path_of("good")), {"good.h5", "no known format"}));
  EXPECT_EQ(voltage_format_of(path_of("fbh5")), nullptr);
  EXPECT_TRUE(says(open_error(path_of("fbh5")), {"attribute fch1"}));
  FlagMaskInfo info;
  info.n_chan = 3;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 0.5;
  info.sample_time_s = 1e-3;
  info.n_time = 4;
  info.cell_samples = 4;
  MaskWriter writer(folder_ / "a.mask", info, false);
  const std::vector<std::uint8_t> rules(3, 0);
  writer.append({rules.data(), {1, 3}});
  writer.finish();
  EXPECT_EQ(voltage_format_of(folder_ / "a.mask"), nullptr);
  std::filesystem::resize_file(path_of("good"), std::filesystem::file_size(path_of("good")) / 2);
  EXPECT_EQ(voltage_format_of(path_of("good")), nullptr);
  EXPECT_TRUE(says(open_error(path_of("good")), {"good.h5", "cut short"}));
}

TEST(Hdf5VoltageSink, RefusesWhatWasNotAnnouncedAndLeavesNothing) {
  const TempFolder folder;
  const std::string path = folder / "a.h5";
  const auto format = format_of(2, false);
  const auto info = info_of(format, 2, 1, 70);
  const auto v = random_voltages(info, format, 1);
  {
    const auto sink = create_voltage_sink(path, info, {1, 2}, format, false);
    EXPECT_THROW(sink->write(2, v.view()), std::invalid_argument);
    EXPECT_THROW(sink->write(-1, v.view()), std::invalid_argument);
    EXPECT_THROW(sink->write(0, v.view().slice(0, 0, 1)), std::invalid_argument);
    Array<std::int16_t, 3> big({2, 1, 64});
    big(1, 0, 63) = 2;
    EXPECT_TRUE(says(error_of([&] { sink->write(0, big.view()); }), {"from 0 to 2", "-2 to 1"}));
    sink->write(0, v.view());
    EXPECT_THROW(sink->write(0, v.view().slice(2, 0, 1)), std::invalid_argument);
    sink->write(1, v.view().slice(2, 0, 3));
    EXPECT_THROW(sink->write(1, v.view().slice(2, 3, 4)), std::invalid_argument);  // within a byte
    EXPECT_TRUE(says(error_of([&] { sink->finish(); }), {"3 samples of beam number 1", "70"}));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_TRUE(says(error_of([&] { create_voltage_sink(folder / "no/a.h5", info, {1}, format, false); }),
                   {"no/a.h5", "no such directory"}));
}

}  // namespace
}  // namespace tianyan::test
