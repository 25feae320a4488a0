// Masks as HDF5: what is written is read again, by us and by h5py, and what is refused.
#include "io/mask_file.hpp"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

FlagMaskInfo mask_of(int n_chan, std::int64_t n_time, std::int64_t cell_samples) {
  FlagMaskInfo info;
  info.beam = 7;
  info.n_chan = n_chan;
  info.freq_low_mhz = 1000.06103515625;
  info.channel_width_mhz = 0.1220703125;
  info.sample_time_s = 49.152e-6;
  info.n_time = n_time;
  info.start = {59000, 43200.123456789};
  info.cell_samples = cell_samples;
  info.source_name = "J1935+2154";
  info.config_hash = "0123456789abcdef";
  return info;
}

std::string all_rule_names() { return fmt::format("{}", fmt::join(kFlagRuleNames, " ")); }

Array<std::uint8_t, 2> random_rules(std::int64_t n_cell, std::int64_t n_chan, std::uint64_t seed) {
  Array<std::uint8_t, 2> rules({n_cell, n_chan});
  Xoshiro256 random(seed);
  for (std::int64_t i = 0; i < rules.size(); ++i)
    rules.data()[i] = static_cast<std::uint8_t>(random() % kNumFlagRules);
  return rules;
}

void write_mask(const std::string& path, const FlagMaskInfo& info, View<const std::uint8_t, 2> rules,
                const std::vector<FlaggedTimes>& times) {
  MaskWriter writer(path, info, false);
  writer.append(rules);
  writer.add_times(times);
  writer.finish();
}

void expect_same(View<const std::uint8_t, 2> a, View<const std::uint8_t, 2> b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (std::int64_t k = 0; k < a.shape(0); ++k)
    for (std::int64_t c = 0; c < a.shape(1); ++c) ASSERT_EQ(a(k, c), b(k, c)) << k << ' ' << c;
}

void expect_same(const std::vector<FlaggedTimes>& a, const std::vector<FlaggedTimes>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].begin, b[i].begin);
    ASSERT_EQ(a[i].end, b[i].end);
  }
}

TEST(MaskFile, OfThreeCellsByHand) {
  const TempFolder folder;
  // 10 samples in cells of 4: the last one has 2.
  const std::vector<std::uint8_t> rules = {0, 1, 2, 3, 4, 5, 11, 0, 8};
  write_mask(folder / "a.mask", mask_of(3, 10, 4), {rules.data(), {3, 3}}, {{1, 3}, {3, 4}, {8, 10}});
  MaskReader reader(folder / "a.mask");
  const FlagMaskInfo& info = reader.info();
  EXPECT_EQ(info.beam, 7);
  EXPECT_EQ(info.n_chan, 3);
  EXPECT_EQ(info.freq_low_mhz, 1000.06103515625);
  EXPECT_EQ(info.channel_width_mhz, 0.1220703125);
  EXPECT_EQ(info.sample_time_s, 49.152e-6);
  EXPECT_EQ(info.n_time, 10);
  EXPECT_EQ(info.start.day, 59000);
  EXPECT_EQ(info.start.second, 43200.123456789);
  EXPECT_EQ(info.cell_samples, 4);
  EXPECT_EQ(info.source_name, "J1935+2154");
  EXPECT_EQ(info.config_hash, "0123456789abcdef");
  expect_same(reader.times(), {{1, 3}, {3, 4}, {8, 10}});
  std::vector<std::uint8_t> again(9, 99);
  reader.read(0, {again.data(), {3, 3}});
  EXPECT_EQ(again, rules);
  reader.read(2, {again.data(), {1, 3}});
  EXPECT_EQ((std::vector<std::uint8_t>(again.begin(), again.begin() + 3)),
            (std::vector<std::uint8_t>{11, 0, 8}));
  EXPECT_TRUE(is_hdf5_mask(folder / "a.mask"));
}

/// Blocks of 1, 4, 13, ... cells, out of a wider array as into one.
void round_trip(int n_chan, std::int64_t n_cell) {
  const TempFolder folder;
  const FlagMaskInfo info = mask_of(n_chan, 5 * n_cell - 2, 5);
  Array<std::uint8_t, 2> wide = random_rules(n_cell, n_chan + 3, 17), again({n_cell, n_chan + 2});
  const auto rules = wide.cview().slice(1, 2, n_chan + 2);
  MaskWriter writer(folder / "a.mask", info, false);
  for (std::int64_t k = 0, n = 1; k < n_cell; k += n, n = 3 * n + 1)
    writer.append(rules.slice(0, k, std::min(k + n, n_cell)));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.mask"));
  writer.finish();
  MaskReader reader(folder / "a.mask");
  EXPECT_EQ(reader.info().n_cell(), n_cell);
  EXPECT_TRUE(reader.times().empty());
  const auto out = again.view().slice(1, 1, n_chan + 1);
  for (std::int64_t k = 0, n = 2; k < n_cell; k += n, n = 2 * n + 1)
    reader.read(k, out.slice(0, k, std::min(k + n, n_cell)));
  expect_same(rules, out);
}

TEST(MaskFile, LosesNothingOfAwkwardSizes) {
  for (const int n_chan : {1, 3, 7})
    for (const std::int64_t n_cell : {1, 2, 255, 256, 257, 1000}) {
      SCOPED_TRACE(fmt::format("{} channels {} cells", n_chan, n_cell));
      round_trip(n_chan, n_cell);
    }
  round_trip(4097, 300);  // chunks of 255 cells
  round_trip(1 << 20, 2);
}

TEST(MaskFile, HoldsNothingAndEverything) {
  const TempFolder folder;
  const Array<std::uint8_t, 2> none({0, 5});
  write_mask(folder / "none.mask", mask_of(5, 0, 64), none.view(), {});
  MaskReader nothing(folder / "none.mask");
  EXPECT_EQ(nothing.info().n_cell(), 0);
  nothing.read(0, Array<std::uint8_t, 2>({0, 5}).view());
  Array<std::uint8_t, 2> full({16, 5}), again({16, 5});
  std::fill_n(full.data(), full.size(), static_cast<std::uint8_t>(FlagRule::kBeams));
  write_mask(folder / "full.mask", mask_of(5, 1000, 64), full.view(), {{0, 1000}});
  MaskReader everything(folder / "full.mask");
  everything.read(0, again.view());
  expect_same(full.view(), again.view());
  expect_same(everything.times(), {{0, 1000}});
}

TEST(MaskFile, TakesTimesInManyCallsAndIsTheSameBytesEachTime) {
  const TempFolder folder;
  const auto rules = random_rules(50, 4, 3);
  std::vector<FlaggedTimes> times;
  for (std::int64_t t = 0; t < 3000; ++t) times.push_back({3 * t, 3 * t + 1 + t % 3});
  for (const std::string name : {"a.mask", "b.mask"}) {
    MaskWriter writer(folder / name, mask_of(4, 9000, 180), false);
    writer.append(rules.view());
    writer.add_times({});
    for (std::size_t i = 0, n = 1; i < times.size(); i += n, n = 2 * n + 1)
      writer.add_times({times.begin() + static_cast<std::ptrdiff_t>(i),
                        times.begin() + static_cast<std::ptrdiff_t>(std::min(i + n, times.size()))});
    writer.finish();
  }
  expect_same(MaskReader(folder / "a.mask").times(), times);
  EXPECT_TRUE(read_file(folder / "a.mask") == read_file(folder / "b.mask"));
}

TEST(MaskWriter, RefusesWhatIsNotOfItsStream) {
  const TempFolder folder;
  const auto rules = random_rules(3, 4, 5);
  MaskWriter writer(folder / "a.mask", mask_of(4, 128, 64), false);
  EXPECT_THROW(writer.append(rules.view().slice(1, 0, 3)), std::invalid_argument);
  EXPECT_THROW(writer.append(rules.view()), std::invalid_argument) << "a cell too many";
  writer.append(rules.view().slice(0, 0, 1));
  EXPECT_THROW(writer.finish(), std::invalid_argument);
  EXPECT_TRUE(says(error_of([&] { writer.finish(); }), {"a.mask", "1 cells", "2"}));
  const std::vector<std::uint8_t> unknown = {0, 0, kNumFlagRules, 0};
  EXPECT_THROW(writer.append({unknown.data(), {1, 4}}), std::invalid_argument);
  writer.add_times({{10, 20}});
  using Times = std::vector<FlaggedTimes>;
  for (const Times& bad : {Times{{19, 21}}, Times{{30, 30}}, Times{{40, 35}}, Times{{50, 129}},
                           Times{{60, 70}, {65, 80}}, Times{{-5, -1}}})
    EXPECT_THROW(writer.add_times(bad), std::invalid_argument) << bad[0].begin;
  writer.append(rules.view().slice(0, 1, 2));
  writer.finish();
  expect_same(MaskReader(folder / "a.mask").times(), {{10, 20}});
}

TEST(MaskWriter, RefusesStreamsThatCannotBe) {
  const TempFolder folder;
  const auto refused = [&](const auto& change) {
    FlagMaskInfo info = mask_of(4, 128, 64);
    change(info);
    EXPECT_THROW(MaskWriter(folder / "a.mask", info, false), std::invalid_argument);
  };
  refused([](FlagMaskInfo& m) { m.n_chan = 0; });
  refused([](FlagMaskInfo& m) { m.n_chan = std::numeric_limits<int>::min(); });
  refused([](FlagMaskInfo& m) { m.n_time = -1; });
  refused([](FlagMaskInfo& m) { m.n_time = std::numeric_limits<std::int64_t>::max(); });
  refused([](FlagMaskInfo& m) { m.cell_samples = 0; });
  refused([](FlagMaskInfo& m) { m.sample_time_s = std::nan(""); });
  refused([](FlagMaskInfo& m) { m.freq_low_mhz = -1.0; });
  refused([](FlagMaskInfo& m) { m.channel_width_mhz = 0.0; });
  refused([](FlagMaskInfo& m) { m.start.second = std::nan(""); });
  refused([](FlagMaskInfo& m) { m.beam = 20; });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(MaskWriter, OverwritesWhenAskedAndLeavesNothingWithoutFinish) {
  const TempFolder folder;
  const std::string path = folder.write("a.mask", "precious");
  const auto rules = random_rules(2, 4, 5);
  EXPECT_TRUE(says(error_of([&] { MaskWriter(path, mask_of(4, 128, 64), false); }), {"a.mask", "exists"}));
  {
    MaskWriter writer(path, mask_of(4, 128, 64), true);
    writer.append(rules.view());
  }
  EXPECT_EQ(read_file(path), "precious");
  MaskWriter writer(path, mask_of(4, 128, 64), true);
  writer.append(rules.view());
  writer.finish();
  EXPECT_EQ(MaskReader(path).info().n_chan, 4);
  EXPECT_THROW(MaskWriter(folder / "none/a.mask", mask_of(4, 128, 64), false), std::runtime_error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(MaskWriter, SaysThatTheDiskIsFullAndLeavesNothing) {
  const TempFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{100'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const auto rules = random_rules(16'384, 64, 9);
  const std::string error =
      error_of([&] { write_mask(folder / "full.mask", mask_of(64, 16'384, 1), rules.view(), {}); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(says(error, {"full.mask", "cannot"}));
  EXPECT_EQ(error.find(".tmp"), std::string::npos) << error;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

void expect_no_mask(const std::string& path, const std::vector<std::string>& words) {
  EXPECT_THROW(MaskReader{path}, std::runtime_error) << path;
  EXPECT_TRUE(says(error_of([&] { MaskReader{path}; }), words));
}

TEST(MaskReader, NamesTheFileThatIsNoMask) {
  const TempFolder folder;
  expect_no_mask(folder / "missing.mask", {"missing.mask", "No such file"});
  expect_no_mask(folder.path(), {folder.path(), "not a file"});
  expect_no_mask(folder.write("empty.mask", ""), {"empty.mask", "HDF5"});
  expect_no_mask(folder.write("text.mask", "1, 2, 3, 4, 5, 6, 7, 8"), {"text.mask", "HDF5"});
  EXPECT_FALSE(is_hdf5_mask(folder / "empty.mask"));
  EXPECT_FALSE(is_hdf5_mask(folder / "text.mask"));
  EXPECT_THROW(is_hdf5_mask(folder / "missing.mask"), std::runtime_error);
  StreamInfo info;
  info.n_chan = 4;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 0.5;
  info.sample_time_s = 1e-3;
  create_sink(folder / "spectra.h5", info, {}, false)->finish();
  expect_no_mask(folder / "spectra.h5", {"spectra.h5", "format is missing"});
}

TEST(MaskReader, SaysWhereAFileIsCutOrOfAnotherKind) {
  const TempFolder folder;
  const auto rules = random_rules(30, 4, 5);
  write_mask(folder / "a.mask", mask_of(4, 30 * 64, 64), rules.view(), {{5, 6}});
  const std::string bytes = read_file(folder / "a.mask");
  for (std::size_t n = 0; n < bytes.size(); n += n < 96 ? 8 : 211)
    expect_no_mask(folder.write("cut.mask", bytes.substr(0, n)), {"cut.mask"});
  expect_no_mask(folder.write("cut.mask", bytes.substr(0, bytes.size() - 1)), {"cut.mask", "cut short"});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = bytes;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos);
    return folder.write("changed.mask", changed.replace(at, to.size(), to));
  };
  expect_no_mask(with("tianyan mask", "tianyan mist"), {"changed.mask", "tianyan mist", "tianyan mask"});
  expect_no_mask(with("iqrm", "iqrn"), {"changed.mask", "rule 7", "iqrn", "iqrm"});
  expect_no_mask(with("n_time", "n_tine"), {"changed.mask", "n_time is missing"});
}

TEST(MaskReader, RefusesCellsThatAreNotThere) {
  const TempFolder folder;
  Array<std::uint8_t, 2> rules = random_rules(30, 4, 5);
  write_mask(folder / "a.mask", mask_of(4, 30 * 64, 64), rules.view(), {});
  MaskReader reader(folder / "a.mask");
  EXPECT_THROW(reader.read(1, rules.view()), std::invalid_argument);
  EXPECT_THROW(reader.read(-1, rules.view()), std::invalid_argument);
  EXPECT_THROW(reader.read(0, rules.view().slice(1, 0, 3)), std::invalid_argument);
}

TEST(MaskFile, IsReadByH5py) {
  if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  const auto rules = random_rules(300, 8, 4);
  write_mask(folder / "a.mask", mask_of(8, 300 * 64 - 5, 64), rules.view(), {{1, 3}, {19000, 19195}});
  folder.write("raw", std::string(reinterpret_cast<const char*>(rules.data()), 2400));
  EXPECT_EQ(run_python(R"(
import sys, h5py, numpy as np
f = h5py.File(sys.argv[1], 'r')
r, t, a = f['rule'], f['times'], f.attrs
assert sorted(f) == ['rule', 'times'] and r.dtype == 'u1' and t.dtype == '<i8' and r.shape == (300, 8)
assert [x.label for x in r.dims] == ['cell', 'channel'] and r.chunks == (256, 8) and r.compression == 'gzip' and not r.shuffle
assert np.array_equal(r[...].ravel(), np.fromfile(sys.argv[2], 'u1')) and t[...].tolist() == [[1, 3], [19000, 19195]]
assert a['format'] == 'tianyan mask' and a['format_version'] == 1 and len(a) == 14
assert ' '.join(a['rule_names']) == sys.argv[3] and a['rule_names'].shape == (12,)
assert a['n_chan'] == 8 and a['n_time'] == 19195 and a['cell_samples'] == 64 and a['beam'] == 7
assert a['freq_low_mhz'] == 1000.06103515625 and a['channel_width_mhz'] == .1220703125 and a['sample_time_s'] == 49.152e-6
assert a['start_mjd_day'] == 59000 and a['start_second'] == 43200.123456789
assert a['source_name'] == 'J1935+2154' and a['config_hash'] == '0123456789abcdef'
w = np.repeat(r[:] == 0, a['cell_samples'], axis=0)[:a['n_time']]
for begin, end in t: w[begin:end] = False
assert w.shape == (19195, 8) and not w[1:3].any() and w[64 * 7, 3] == (r[7, 3] == 0)
print('good')
)",
                       {folder / "a.mask", folder / "raw", all_rule_names()}),
            "good\n");
}

// One file for each thing that can be wrong; "good" is ours to the byte's meaning, made by h5py's defaults.
const std::string kMakeMasks = R"(
import sys, h5py, numpy as np
names = sys.argv[2].split()
def make(name, rule=np.arange(15, dtype='u1').reshape(5, 3) % 12, times=np.array([[1, 2], [7, 9]]), **attrs):
    with h5py.File(sys.argv[1] + '/' + name + '.mask', 'w') as f:
        a = dict(format='tianyan mask', format_version=1, rule_names=names, n_chan=3, freq_low_mhz=1000.0,
                 channel_width_mhz=0.5, sample_time_s=1e-3, n_time=10, start_mjd_day=59000, start_second=0, cell_samples=2,
                 beam=0, source_name='', config_hash='')
        a.update(attrs)
        for k, v in a.items():
            if v is not None: f.attrs[k] = v
        for k, v in (('rule', rule), ('times', times)):
            if callable(v): v(f)
            elif v is not None: f[k] = v
zero = np.zeros((5, 3), 'u1')
make('good')
make('big_endian', times=np.array([[1, 2], [7, 9]], '>i8'))
make('format', format='tianyan moss')
make('format_kind', format=7)
make('format_two', format=['tianyan mask'] * 2)
make('version', format_version=2)
make('version_kind', format_version='1')
make('names', rule_names=names[:3] + names[4:])
make('names_kind', rule_names=np.arange(12))
make('names_few', rule_names=names[:5])
make('missing', cell_samples=None)
make('real', n_chan=3.0)
make('vector', n_chan=[3, 3])
make('negative', n_chan=-3)
make('n_chan', n_chan=2**31 + 3)
make('n_time', n_time=2**62)
make('n_time_negative', n_time=-10)
make('n_time_unsigned', n_time=np.uint64(2**64 - 1))
make('cells', cell_samples=0)
make('cells_negative', cell_samples=-2)
make('nan', sample_time_s=float('nan'))
make('infinite', freq_low_mhz=float('inf'))
make('text', source_name=5)
make('shape', rule=zero[:4])
make('channels', rule=zero[:, :2])
make('axes', rule=zero[..., None])
make('signed', rule=zero.astype('i1'))
make('wide', rule=zero.astype('u2'))
make('float', rule=zero.astype('f4'))
make('group', rule=lambda f: f.create_group('rule'))
make('no_rule', rule=None)
make('no_times', times=None)
make('chunk', n_time=2**40, cell_samples=1, rule=lambda f: f.create_dataset('rule', (2**40, 3), 'u1', chunks=(2**30, 3)))
make('value', rule=zero + np.uint8(12))
make('times_wide', times=np.zeros((2, 3), 'i8'))
make('times_flat', times=np.arange(2))
make('times_short', times=np.array([[1, 2]], 'i4'))
make('times_unsigned', times=np.array([[1, 2]], 'u8'))
make('times_order', times=np.array([[7, 9], [1, 2]]))
make('times_overlap', times=np.array([[1, 5], [4, 6]]))
make('times_empty', times=np.array([[1, 1]]))
make('times_negative', times=np.array([[-1, 1]]))
make('times_beyond', times=np.array([[9, 11]]))
make('times_many', times=np.array([[i, i + 1] for i in range(11)]))
make('times_huge', n_time=2**40, cell_samples=2**30, rule=np.zeros((2**10, 3), 'u1'),
     times=lambda f: f.create_dataset('times', (2**39, 2), 'i8', chunks=(1024, 2)))
def virtual(f):
    layout = h5py.VirtualLayout((5, 3), 'u1')
    layout[:] = h5py.VirtualSource('good.mask', 'rule', shape=(5, 3))
    f.create_virtual_dataset('rule', layout)
make('virtual', rule=virtual)
make('external', rule=lambda f: f.create_dataset('rule', (5, 3), 'u1', external=[(sys.argv[1] + '/good.mask', 0, 15)]))
)";

TEST(MaskReader, ReadsWhatH5pyWritesAndNamesWhatIsWrong) {
  if (!has_python("h5py, numpy")) GTEST_SKIP() << "/usr/bin/python3 with h5py is missing";
  const TempFolder folder;
  EXPECT_EQ(run_python(kMakeMasks, {folder.path(), all_rule_names()}), "");
  for (const std::string name : {"good.mask", "big_endian.mask"}) {
    MaskReader reader(folder / name);
    Array<std::uint8_t, 2> rules({5, 3});
    reader.read(0, rules.view());
    for (int i = 0; i < 15; ++i) EXPECT_EQ(rules.data()[i], i % 12);
    expect_same(reader.times(), {{1, 2}, {7, 9}});
  }
  const auto bad = [&](const std::string& name, std::vector<std::string> words) {
    words.push_back(name + ".mask: ");
    const auto read_all = [&] {
      MaskReader reader(folder / (name + ".mask"));
      Array<std::uint8_t, 2> rules({5, 3});
      reader.read(0, rules.view());
    };
    EXPECT_THROW(read_all(), std::runtime_error) << name;
    EXPECT_TRUE(says(error_of(read_all), words));
  };
  bad("format", {"tianyan moss", "tianyan mask"});
  bad("format_kind", {"format is not one text"});
  bad("format_two", {"format is not one text"});
  bad("version", {"format_version is 2", "1"});
  bad("version_kind", {"format_version is not an integer"});
  bad("names", {"rule 3 is 'dead'", "'mask'"});
  bad("names_kind", {"rule_names is not text"});
  bad("names_few", {"rule 11", "0 to 4"});
  bad("missing", {"cell_samples is missing"});
  bad("real", {"n_chan is not an integer"});
  bad("vector", {"n_chan has 2 values; one is needed"});
  bad("negative", {"n_chan is -3"});
  bad("n_chan", {"n_chan is 2147483651"});
  bad("n_time", {"n_time"});
  bad("n_time_negative", {"n_time is -10"});
  bad("n_time_unsigned", {"n_time"});
  bad("cells", {"cell_samples is 0"});
  bad("cells_negative", {"cell_samples is -2"});
  bad("nan", {"sample_time_s is nan"});
  bad("infinite", {"freq_low_mhz is inf"});
  bad("text", {"source_name is not one text"});
  bad("shape", {"4 cells", "5"});
  bad("channels", {"/rule is [5][2]", "[n][3]"});
  bad("axes", {"/rule has 3 axes"});
  bad("signed", {"/rule is not of unsigned", "8 bits"});
  bad("wide", {"/rule is not of unsigned", "8 bits"});
  bad("float", {"/rule is not of unsigned", "8 bits"});
  bad("group", {"cannot open"});
  bad("no_rule", {"no dataset /rule"});
  bad("no_times", {"no dataset /times"});
  bad("chunk", {"/rule has chunks of [1073741824][3]"});
  bad("value", {"rule 12", "0 to 11"});
  bad("times_wide", {"/times is [2][3]"});
  bad("times_flat", {"/times has 1 axes"});
  bad("times_short", {"/times is not of signed", "64 bits"});
  bad("times_unsigned", {"/times is not of signed", "64 bits"});
  bad("times_order", {"[1, 2)", "end at 9"});
  bad("times_overlap", {"[4, 6)", "end at 5"});
  bad("times_empty", {"[1, 1)"});
  bad("times_negative", {"[-1, 1)"});
  bad("times_beyond", {"[9, 11) of 10"});
  bad("times_many", {"/times has 11 rows for 10 samples"});
  bad("times_huge", {"[0, 0)"});
  bad("virtual", {"/rule is not stored in the file itself"});
  bad("external", {"/rule is not stored in the file itself"});
}

TEST(CheckMaskFits, TakesRoundingAndRefusesAnotherStream) {
  const FlagMaskInfo mask = mask_of(4096, 1'000'000, 64);
  StreamInfo good;
  good.n_chan = mask.n_chan;
  good.n_time = mask.n_time;
  good.freq_low_mhz = mask.freq_low_mhz;
  good.channel_width_mhz = mask.channel_width_mhz;
  good.sample_time_s = mask.sample_time_s;
  good.start = mask.start;
  const auto error = [&](const auto& change) {
    StreamInfo info = good;
    change(info);
    try {
      check_mask_fits(mask, info, "x.mask");
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(error([](StreamInfo& s) { s.beam = 3; }), "");
  // Frequencies as float32, start as a double MJD, good to 1 us, and a day written in two ways.
  EXPECT_EQ(error([](StreamInfo& s) { s.freq_low_mhz = static_cast<float>(s.freq_low_mhz) + 1e-4; }), "");
  EXPECT_EQ(error([](StreamInfo& s) { s.start = {58999, s.start.second + 86400.0 - 1e-6}; }), "");
  EXPECT_TRUE(says(error([](StreamInfo& s) { s.n_chan = 4095; }), {"x.mask", "n_chan", "4096", "4095"}));
  EXPECT_TRUE(says(error([](StreamInfo& s) { ++s.n_time; }), {"n_time", "1000000", "1000001"}));
  EXPECT_TRUE(
      says(error([](StreamInfo& s) { s.freq_low_mhz = 1000.0; }), {"freq_low_mhz", "1000.06", "1000"}));
  EXPECT_TRUE(says(error([](StreamInfo& s) { s.channel_width_mhz += 0.2 * s.channel_width_mhz / 4096; }),
                   {"channel_width_mhz", "0.1220703125", "0.12207627"}));
  EXPECT_TRUE(
      says(error([](StreamInfo& s) { s.sample_time_s *= 1.000001; }), {"sample_time_s", "4.9152e-05"}));
  EXPECT_TRUE(says(error([](StreamInfo& s) { s.start.second += 30e-6; }),
                   {"start", "43200.123456789", "43200.123486789"}));
  EXPECT_NE(error([](StreamInfo& s) { s.sample_time_s = std::nan(""); }), "");
}

}  // namespace
}  // namespace tianyan::test
