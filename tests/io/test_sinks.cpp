// What Sinks write, read again by our Sources and by astropy and h5py.
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>

#include "io/atomic_file.hpp"
#include "io/utf8_text.hpp"
#include "io/voltage_sink.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/random.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

StreamInfo stream(int n_chan, int n_pol, std::int64_t n_time) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = n_pol;
  info.n_time = n_time;
  info.freq_low_mhz = 1000.06103515625;
  info.channel_width_mhz = 0.1220703125;
  info.sample_time_s = 49.152e-6;
  info.start = {59000, 43200.123456789};
  info.source_name = "J1935+2154";
  info.telescope = "FAST";
  info.backend = "ROACH2";
  info.beam = 7;
  info.ra_deg = 293.731667;
  info.dec_deg = -0.123456;
  return info;
}

PolKind kind_of(int n_pol, bool is_stokes) {
  if (n_pol == 1) return PolKind::kIntensity;
  if (n_pol == 2) return PolKind::kAaBb;
  return is_stokes ? PolKind::kStokes : PolKind::kCoherence;
}

RawBlock random_block(std::int64_t n_time, std::int64_t bytes, std::uint64_t seed) {
  RawBlock block;
  block.reserve(std::max<std::int64_t>(n_time, 1), bytes);
  block.n_time = n_time;
  Xoshiro256 random(seed);
  for (std::int64_t i = 0; i < n_time * bytes; ++i)
    block.samples.data()[i] = static_cast<std::uint8_t>(random());
  if (n_time > 0) block.spans.push_back({0, n_time, false, {}, {}, {}});
  return block;
}

void expect_same_info(const StreamInfo& a, const StreamInfo& b, double start_error_s) {
  EXPECT_EQ(a.n_chan, b.n_chan);
  EXPECT_EQ(a.n_pol, b.n_pol);
  EXPECT_EQ(a.n_time, b.n_time);
  EXPECT_NEAR(a.freq_low_mhz, b.freq_low_mhz, 1e-9);
  EXPECT_NEAR(a.channel_width_mhz, b.channel_width_mhz, 1e-9);
  EXPECT_EQ(a.sample_time_s, b.sample_time_s);
  EXPECT_NEAR(a.start.seconds_since(b.start), 0.0, start_error_s);
  EXPECT_EQ(a.source_name, b.source_name);
  EXPECT_EQ(a.telescope, b.telescope);
  EXPECT_EQ(a.backend, b.backend);
  EXPECT_EQ(a.beam, b.beam);
  EXPECT_NEAR(a.ra_deg, b.ra_deg, 1e-8);
  EXPECT_NEAR(a.dec_deg, b.dec_deg, 1e-8);
}

struct Extension {
  std::string name;
  int min_bits;
  double start_error_s;
};
const std::vector<Extension> kExtensions = {{".fil", 1, 1e-6}, {".fits", 1, 1e-9}, {".h5", 8, 1e-6}};

/// One stream through one file, in blocks of awkward lengths.
void round_trip(const Extension& extension, const StreamInfo& info, const SampleFormat& wanted,
                std::uint64_t seed) {
  const TempFolder folder;
  const std::string path = folder / ("x" + extension.name);
  const auto sink = create_sink(path, info, wanted, false);
  SampleFormat expected = wanted;
  expected.high_bits_first = extension.name == ".fits" && wanted.n_bits < 8;
  ASSERT_EQ(sink->format(), expected);
  const std::int64_t bytes = spectrum_bytes(info, sink->format());
  std::vector<std::uint8_t> samples;
  std::int64_t left = info.n_time;
  for (std::int64_t n = 1; left > 0; n = n * 3 + 1) {
    const RawBlock block = random_block(std::min(n, left), bytes, seed + static_cast<std::uint64_t>(left));
    samples.insert(samples.end(), block.samples.data(), block.samples.data() + block.n_time * bytes);
    sink->write(block);
    left -= block.n_time;
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  sink->finish();
  const auto source = open_source(path);
  expect_same_info(source->info(), info, extension.start_error_s);
  EXPECT_EQ(source->format(), expected);
  EXPECT_TRUE(source->losses().notes.empty()) << source->losses().notes[0];
  EXPECT_FALSE(source->losses().cut_short);
  EXPECT_TRUE(read_all(*source, 1000).samples == samples);
}

TEST(Sinks, LoseNothingOfAnyDepthPolarisationOrderOrLength) {
  std::uint64_t seed = 1;
  for (const auto& extension : kExtensions)
    for (const int bits : {1, 2, 4, 8, 16, 32})
      for (const int n_pol : {1, 2, 4})
        for (const bool flag : {false, true}) {
          if (bits < extension.min_bits) continue;
          SampleFormat format;
          format.n_bits = bits;
          format.is_float = bits == 32;
          format.is_signed = flag && (bits == 8 || bits == 16);
          format.channels_descending = flag;
          format.pol_kind = kind_of(n_pol, flag);
          SCOPED_TRACE(fmt::format("{} {} bits {} pols, descending {}", extension.name, bits, n_pol, flag));
          round_trip(extension, stream(24, n_pol, 1500), format, ++seed);
        }
}

TEST(Sinks, LoseNothingOfAwkwardSizes) {
  SampleFormat format;
  for (const auto& extension : kExtensions)
    for (const int n_chan : {1, 3, 7, 1023})
      for (const std::int64_t n_time : {1, 2, 63, 64, 1023, 1024, 1025, 2049}) {
        SCOPED_TRACE(fmt::format("{} {} channels {} spectra", extension.name, n_chan, n_time));
        round_trip(extension, stream(n_chan, 1, n_time), format, 99);
      }
}

TEST(Sinks, KeepNamesAndPositionsThatNoListHas) {
  for (const auto& extension : kExtensions) {
    StreamInfo info = stream(4, 1, 10);
    info.telescope = "Dish 7";
    info.backend = "GPPS box";
    info.ra_deg = 359.99999999;
    info.dec_deg = 89.99999999;
    SCOPED_TRACE(extension.name);
    round_trip(extension, info, {}, 5);
    info.source_name = info.telescope = info.backend = "";
    info.beam = 0;
    round_trip(extension, info, {}, 6);
  }
}

/// As old programs wrote them, in Latin-1 or GBK; FITS keeps ASCII alone.
TEST(Sinks, GiveNamesOfAnyBytesBackAsText) {
  const TempFolder folder;
  StreamInfo info = stream(8, 1, 100);
  info.source_name = "Sgr A\xb0";
  info.telescope = "\xcc\xec\xd1\xdb";
  for (const char* name : {"a.fil", "a.h5", "a.fits"}) {
    const auto sink = create_sink(folder / name, info, {}, false);
    sink->write(random_block(100, 8, 1));
    sink->finish();
    const StreamInfo read = open_source(folder / name)->info();
    for (const auto& text : {read.source_name, read.telescope}) EXPECT_EQ(text, printable_text(text)) << name;
    EXPECT_EQ(read.source_name.substr(0, 5), "Sgr A");
    if (!std::string(name).ends_with("fits")) {
      EXPECT_EQ(read.source_name, "Sgr A\ufffd");
    }
  }
}

TEST(Sinks, WriteAnUnknownPositionAsUnknown) {
  const TempFolder folder;
  for (const auto& extension : kExtensions) {
    StreamInfo info = stream(4, 1, 10);
    info.ra_deg = info.dec_deg = std::nan("");
    const auto sink = create_sink(folder / ("x" + extension.name), info, {}, false);
    sink->write(random_block(10, 4, 1));
    sink->finish();
    EXPECT_TRUE(std::isnan(open_source(folder / ("x" + extension.name))->info().ra_deg)) << extension.name;
  }
}

TEST(PsrfitsSink, KeepsCalibrationRowByRow) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_pol = 2;
  fits.pol_type = "AABB";
  fits.n_block = 100;
  fits.n_row = 7;
  fits.scale = [](int row, int i) { return row == 3 ? 1.0 : 0.5 + row + i; };
  fits.offset = [](int row, int i) { return row == 3 ? 0.0 : -row * i; };
  fits.weight = [](int row, int c) { return row == c ? 0.0 : 0.5; };
  const auto source = open_source(folder.write("a.fits", fits.bytes()));
  for (const std::int64_t n_block : {1, 64, 99, 100, 333, 700}) {
    const std::string path = folder / fmt::format("b{}.fits", n_block);
    const auto sink = create_sink(path, source->info(), source->format(), false);
    RawBlock block;
    for (std::int64_t first = 0; first < 700; first += n_block) {
      source->read(first, std::min<std::int64_t>(n_block, 700 - first), block);
      sink->write(block);
    }
    sink->finish();
    const auto again = open_source(path);
    const WholeStream a = read_all(*source, 700), b = read_all(*again, 150);
    EXPECT_TRUE(a.samples == b.samples);
    EXPECT_TRUE(a.scale == b.scale);
    EXPECT_TRUE(a.offset == b.offset);
    EXPECT_TRUE(a.weight == b.weight);
    EXPECT_EQ(again->losses().n_gaps, 0);
    EXPECT_NE(read_file(path).find("NSBLK   =                  100"), std::string::npos)
        << "rows as in the original";
    EXPECT_EQ(sink->losses().uncalibrated, 0);
  }
}

TEST(PsrfitsSink, KeepsGapsAndCalibrationOfAnyPlace) {
  const TempFolder folder;
  const std::vector<float> two(4, 2.0f), three(4, 3.0f);
  const std::vector<CalibrationSpan> spans = {
      {0, 3, false, two, {}, {}},     {3, 17, false, {}, three, {}},
      {17, 18, true, {}, {}, {}},     {18, 1500, false, {}, {}, {}},
      {1500, 1700, true, {}, {}, {}}, {1700, 4000, false, {}, {}, {1, 0, 1, 1}}};
  RawBlock all = random_block(4000, 4, 11);
  all.spans = spans;
  const auto sink = create_sink(folder / "a.fits", stream(4, 1, 4000), {}, false);
  sink->write(all);
  sink->finish();
  const auto source = open_source(folder / "a.fits");
  EXPECT_EQ(source->info().n_time, 4000);
  EXPECT_EQ(source->losses().gap_samples, 201);
  EXPECT_EQ(source->losses().n_gaps, 2);
  const WholeStream whole = read_all(*source, 777);
  for (const auto& span : spans)
    for (std::int64_t t = span.begin; t < span.end; ++t) {
      ASSERT_EQ(whole.missing[t], span.missing) << t;
      ASSERT_EQ(whole.scale[t], span.scale);
      ASSERT_EQ(whole.offset[t], span.offset);
      ASSERT_EQ(whole.weight[t], span.weight);
      for (int c = 0; !span.missing && c < 4; ++c)
        ASSERT_EQ(whole.samples[t * 4 + c], all.samples(t, c)) << t;
    }
}

TEST(PsrfitsSink, BeginsAtTheFirstSampleThatIsThere) {
  const TempFolder folder;
  RawBlock block = random_block(300, 4, 3);
  block.spans = {{0, 100, true, {}, {}, {}}, {100, 300, false, {}, {}, {}}};
  const StreamInfo info = stream(4, 1, 300);
  const auto sink = create_sink(folder / "a.fits", info, {}, false);
  sink->write(block);
  sink->finish();
  const auto source = open_source(folder / "a.fits");
  EXPECT_EQ(source->info().n_time, 200);
  EXPECT_NEAR(source->info().start.seconds_since(info.start), 100 * info.sample_time_s, 1e-9);
  EXPECT_TRUE(source->losses().notes.empty());
}

/// 5000 samples of 10 ms; the first 500 and 200 in the middle are not there.
TEST(PsrfitsSink, WritesWhereTheBeamLookedByRow) {
  const TempFolder folder;
  StreamInfo info = stream(4, 1, 5000);
  info.sample_time_s = 0.01;
  info.take_track({{0.0, {359.95, 0.0}}, {30.0, {0.05, 0.0}}, {50.0, {0.05, 0.2}}});
  const auto sink = create_sink(folder / "a.fits", info, {}, false);
  RawBlock block = random_block(5000, 4, 3);
  block.spans = {{0, 500, true, {}, {}, {}},
                 {500, 2000, false, {}, {}, {}},
                 {2000, 2200, true, {}, {}, {}},
                 {2200, 5000, false, {}, {}, {}}};
  sink->write(block);
  sink->finish();
  const StreamInfo read = open_source(folder / "a.fits")->info();
  EXPECT_EQ(read.n_time, 4500);
  EXPECT_NEAR(read.ra_deg, 359.95 + 0.1 * 5.0 / 30.0, 1e-9);
  for (const double time_s : {5.0, 12.0, 21.0, 24.0, 42.0, 50.0})
    EXPECT_LT(separation_deg(read.pointing_at(time_s - 5.0), info.pointing_at(time_s)), 2e-9) << time_s;
  // Between the middles of two rows lies the turn, which a straight line cuts off.
  EXPECT_LT(separation_deg(read.pointing_at(25.0), info.pointing_at(30.0)), 0.25 * 0.2 * 10.24 / 20.0);
}

TEST(Sinks, WriteZerosForGapsWhereTheFormatHasNone) {
  const TempFolder folder;
  for (const std::string name : {"a.fil", "a.h5"}) {
    RawBlock block = random_block(300, 4, 3);
    block.spans = {{0, 100, false, {2, 2, 2, 2}, {}, {}},
                   {100, 250, true, {}, {}, {}},
                   {250, 300, false, {}, {}, {1, 0, 1, 1}}};
    const auto sink = create_sink(folder / name, stream(4, 1, 300), {}, false);
    sink->write(block);
    sink->finish();
    EXPECT_EQ(sink->losses().zero_filled, 150);
    EXPECT_EQ(sink->losses().uncalibrated, 100);
    EXPECT_EQ(sink->losses().unflagged, 50);
    const WholeStream whole = read_all(*open_source(folder / name), 300);
    for (int t = 0; t < 300; ++t)
      for (int c = 0; c < 4; ++c)
        ASSERT_EQ(whole.samples[t * 4 + c], t >= 100 && t < 250 ? 0 : block.samples(t, c));
  }
}

TEST(Fbh5Sink, AsksFor8BitsWhereThereAreFewer) {
  const TempFolder folder;
  SampleFormat wanted;
  wanted.n_bits = 2;
  wanted.high_bits_first = true;
  const auto sink = create_sink(folder / "a.h5", stream(8, 1, 4), wanted, false);
  EXPECT_EQ(sink->format().n_bits, 8);
  EXPECT_FALSE(sink->format().high_bits_first);
}

TEST(Sinks, AreKnownByExtension) {
  EXPECT_EQ(sink_format_for("x/y.fil").name, "SIGPROC");
  EXPECT_EQ(sink_format_for("y.fits").name, "PSRFITS");
  EXPECT_EQ(sink_format_for("y.h5").name, "FBH5");
  EXPECT_TRUE(sink_format_for("y.fits").keeps_calibration);
  EXPECT_FALSE(sink_format_for("y.fil").keeps_calibration);
  EXPECT_THROW(sink_format_for("y.dat"), std::invalid_argument);
  EXPECT_TRUE(
      says(error_of([] { sink_format_for("y.dat"); }), {"y.dat", ".fil (SIGPROC)", ".fits (PSRFITS)"}));
}

TEST(Sinks, RefuseToOverwriteUnlessAsked) {
  const TempFolder folder;
  for (const auto& extension : kExtensions) {
    const std::string path = folder.write("a" + extension.name, "precious");
    EXPECT_TRUE(says(error_of([&] { create_sink(path, stream(4, 1, 4), {}, false); }),
                     {"a" + extension.name, "exists"}));
    const auto sink = create_sink(path, stream(4, 1, 4), {}, true);
    sink->write(random_block(4, 4, 1));
    EXPECT_EQ(read_file(path), "precious");
    sink->finish();
    EXPECT_EQ(open_source(path)->info().n_time, 4);
  }
}

TEST(Sinks, LeaveNothingBehindWithoutFinish) {
  const TempFolder folder;
  for (const auto& extension : kExtensions) {
    const auto sink = create_sink(folder / ("a" + extension.name), stream(4, 1, 4), {}, false);
    sink->write(random_block(2000, 4, 1));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Sinks, RefuseAPathThatCannotBecomeAFileBeforeAnyWork) {
  const TempFolder folder;
  const auto error_at = [](const std::string& path) {
    return error_of([&] { create_sink(path, stream(4, 1, 4), {}, true); });
  };
  for (const auto& extension : kExtensions) {
    const std::string name = "a" + extension.name;
    EXPECT_TRUE(says(error_at(folder / ("none/" + name)), {name, "no such directory: " + folder / "none"}));
    std::filesystem::create_directory(folder / name);
    EXPECT_TRUE(says(error_at(folder / name), {name + ": is a directory"}));
    EXPECT_TRUE(says(error_at(folder.write("file", "") + "/" + name), {name, "no such directory"}));
  }
  VoltageInfo voltages;
  voltages.coarse_width_mhz = 1.0;
  voltages.sample_time_s = 1e-6;
  voltages.n_time = 64;
  EXPECT_TRUE(says(error_of([&] { create_voltage_sink(folder / "none/a.raw", voltages, {1}, {}, true); }),
                   {"none/a.raw", "no such directory"}));
  if (::geteuid() == 0) return;  // to whom no directory is closed
  std::filesystem::permissions(folder.path(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_TRUE(says(error_at(folder / "b.fil"), {"b.fil", folder.path(), "Permission denied"}));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

/// The probe of voltages was fooled by the tables of such a file.
TEST(Fbh5Sink, WritesNothingThatLooksLikeVoltages) {
  const TempFolder folder;
  SampleFormat wanted;
  wanted.n_bits = 32;
  wanted.is_float = true;
  wanted.pol_kind = PolKind::kStokes;
  const auto info =
      stream(512, 4, 2500);  // 20 MB: more than the longest frame that a small number stands for
  const auto sink = create_sink(folder / "a.h5", info, wanted, false);
  RawBlock block = random_block(100, 512 * 4 * 4, 1);
  for (int i = 0; i < 25; ++i) sink->write(block);
  sink->finish();
  EXPECT_EQ(voltage_format_of(folder / "a.h5"), nullptr);
  EXPECT_EQ(open_source(folder / "a.h5")->info().n_time, info.n_time);
  const std::string no_signature = std::string(8, '\0') + read_file(folder / "a.h5").substr(8);
  EXPECT_EQ(voltage_format_of(folder.write("b", no_signature)), nullptr);  // nor do its tables
}

/// Files may not grow beyond this, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t n) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{n, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(Sinks, SayOnceThatTheDiskIsFullAndLeaveNothing) {
  const TempFolder folder;
  for (const auto& extension : kExtensions) {
    const FileSizeLimit limit(100'000);
    const std::string path = folder / ("full" + extension.name);
    const std::string error = error_of([&] {
      const auto sink = create_sink(path, stream(64, 1, 1 << 14), {}, false);
      for (int i = 0; i < 16; ++i) sink->write(random_block(1024, 64, 1));
      sink->finish();
    });
    EXPECT_TRUE(says(error, {"full" + extension.name, "cannot"})) << extension.name;
    EXPECT_EQ(error.find(".tmp:"), std::string::npos) << error;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << extension.name;
  }
}

TEST(AtomicFile, AppearsOnCommitOnly) {
  const TempFolder folder;
  const std::string path = folder.write("a", "old");
  {
    AtomicFile file(path);
    folder.write(std::filesystem::path(file.temporary_path()).filename().string(), "half");
  }
  EXPECT_EQ(read_file(path), "old");
  AtomicFile file(path);
  folder.write(std::filesystem::path(file.temporary_path()).filename().string(), "new");
  file.commit();
  EXPECT_EQ(read_file(path), "new");
  EXPECT_FALSE(std::filesystem::exists(file.temporary_path()));
}

TEST(AtomicFile, SaysWhyItCannotTakeItsName) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "a");
  folder.write("a/b", "");
  AtomicFile file(folder / "a");
  folder.write(std::filesystem::path(file.temporary_path()).filename().string(), "new");
  EXPECT_TRUE(says(error_of([&] { file.commit(); }), {"cannot be renamed", "directory"}));
}

TEST(PsrfitsSink, WritesWhatAstropyReads) {
  if (!has_python("astropy.io.fits, numpy")) GTEST_SKIP() << "/usr/bin/python3 with astropy is missing";
  const TempFolder folder;
  for (const int bits : {4, 8, 16, 32}) {
    const std::string path = folder / fmt::format("a{}.fits", bits);
    SampleFormat format;
    format.n_bits = bits;
    format.is_float = bits == 32;
    format.pol_kind = PolKind::kAaBb;
    const StreamInfo info = stream(8, 2, 2500);
    const auto sink = create_sink(path, info, format, false);
    RawBlock block = random_block(2500, 2 * bits, 4);
    for (std::int64_t i = 0; bits == 32 && i < 2500 * 64; i += 4)
      block.samples.data()[i + 3] = 0x3f;  // no NaN
    block.spans[0].weight = {1, 1, 1, 0, 1, 1, 1, 1};
    sink->write(block);
    sink->finish();
    folder.write("raw", std::string(reinterpret_cast<char*>(block.samples.data()),
                                    static_cast<std::size_t>(5000 * bits)));
    const std::string out = run_python(R"(
import sys, warnings, numpy as np
warnings.simplefilter('error')
from astropy.io import fits
path, raw, bits = sys.argv[1], sys.argv[2], int(sys.argv[3])
with fits.open(path) as f:
    f.verify('exception')
    h, t = f['SUBINT'].header, f['SUBINT'].data
    assert f[0].header['FITSTYPE'] == 'PSRFITS' and f[0].header['STT_IMJD'] == 59000 and f[0].header['STT_SMJD'] == 43200
    assert abs(f[0].header['STT_OFFS'] - 0.123456789) < 1e-10 and f[0].header['DATE-OBS'].endswith('12:00:00.123')
    n = h['NSBLK']
    assert h['NSTOT'] == 2500 and len(t) * n >= 2500 and list(t['N_VALID']) == [n] * (2500 // n) + [2500 % n] * (2500 % n > 0)
    assert t['DATA'].shape == (len(t), n, 2, 8 * min(bits, 8) // 8, 1), t['DATA'].shape
    want = np.fromfile(raw, {4: 'u1', 8: 'u1', 16: '<u2', 32: '<f4'}[bits])
    assert np.array_equal(t['DATA'].reshape(-1)[:want.size], want)
    assert not t['DATA'].reshape(-1)[want.size:].astype(float).any()
    assert np.allclose(t['OFFS_SUB'], (np.arange(len(t)) + .5) * n * h['TBIN']) and h['TBIN'] == 49.152e-6
    assert np.allclose(t['DAT_FREQ'][0], 1000.06103515625 + np.arange(8) * .1220703125) and t['DAT_WTS'][0][3] == 0
print('good')
)",
                                       {path, folder / "raw", std::to_string(bits)});
    EXPECT_EQ(out, "good\n") << bits;
  }
}

TEST(Fbh5Sink, WritesWhatH5pyReads) {
  if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  SampleFormat format;
  format.channels_descending = true;
  const auto sink = create_sink(folder / "a.h5", stream(8, 1, 100), format, false);
  const RawBlock block = random_block(100, 8, 4);
  sink->write(block);
  sink->finish();
  folder.write("raw", std::string(reinterpret_cast<const char*>(block.samples.data()), 800));
  EXPECT_EQ(run_python(R"(
import sys, h5py, numpy as np
f = h5py.File(sys.argv[1], 'r')
d = f['data']
assert f.attrs['CLASS'] == 'FILTERBANK' and f.attrs['VERSION'] == '1.0' and list(f) == ['data']
assert d.shape == (100, 1, 8) and d.dtype == 'u1' and [x.label for x in d.dims] == ['time', 'feed_id', 'frequency']
assert np.array_equal(d[...].ravel(), np.fromfile(sys.argv[2], 'u1'))
a = d.attrs
assert a['nchans'] == 8 and a['nifs'] == 1 and a['nbits'] == 8 and a['foff'] == -.1220703125 and a['source_name'] == 'J1935+2154'
assert abs(a['fch1'] - (1000.06103515625 + 7 * .1220703125)) < 1e-9 and abs(a['src_raj'] - 293.731667 / 15) < 1e-9
assert a['tsamp'] == 49.152e-6 and abs(a['tstart'] - 59000.5000014289) < 1e-10
print('good')
)",
                       {folder / "a.h5", folder / "raw"}),
            "good\n");
}

}  // namespace
}  // namespace tianyan::test
