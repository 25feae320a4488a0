// Files of voltages joined into one stream.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "io/dada_header.hpp"
#include "tests/io/voltage_files.hpp"

namespace tianyan::test {
namespace {

constexpr VoltageFormat kComplex8 = {8, true}, kReal16 = {16, false};
using Paths = std::vector<std::string>;

/// At most n files of this process open while it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t n) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit low{n, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Files that hold parts of one stream, whose sample i is sample_of(i) of the first part's start.
struct Scan {
  VoltageInfo info = voltage_info(3, 2, 0);  ///< of the stream's first sample
  VoltageFormat format = kComplex8;
  TempFolder folder;

  VoltageInfo info_of(std::int64_t begin, std::int64_t end, double late_s) const {
    VoltageInfo part = info;
    part.n_time = end - begin;
    part.start = info.start.plus_seconds(static_cast<double>(begin) * info.sample_time_s + late_s);
    return part;
  }

  /// Through our sink of the name's extension.
  std::string write_by_sink(const std::string& name, std::int64_t begin, std::int64_t end) const {
    const VoltageInfo part = info_of(begin, end, 0.0);
    const std::int64_t n_component = format.n_component();
    Array<std::int16_t, 3> v({info.n_coarse, info.n_pol, part.n_time * n_component});
    for (std::int64_t c = 0; c < info.n_coarse; ++c)
      for (std::int64_t p = 0; p < info.n_pol; ++p)
        for (std::int64_t i = 0; i < part.n_time * n_component; ++i)
          v(c, p, i) = sample_of(format.n_bits, c, p, begin * n_component + i);
    const auto sink = create_voltage_sink(folder / name, part, {info.beam}, format, true);
    sink->write(0, v.cview());
    sink->finish();
    return folder / name;
  }

  /// The same as DADA, without waiting for the disk.
  std::string write(const std::string& name, std::int64_t begin, std::int64_t end,
                    double late_s = 0.0) const {
    std::string bytes = make_dada_header(info_of(begin, end, late_s), info.beam, format);
    const std::int64_t n_component = format.n_component();
    for (std::int64_t t = begin; t < end; ++t)
      for (std::int64_t c = 0; c < info.n_coarse; ++c)
        for (std::int64_t p = 0; p < info.n_pol; ++p)
          for (std::int64_t k = 0; k < n_component; ++k) {
            const std::int16_t value = sample_of(format.n_bits, c, p, t * n_component + k);
            bytes.append(reinterpret_cast<const char*>(&value), static_cast<std::size_t>(format.n_bits / 8));
          }
    return folder.write(name, bytes);
  }

  /// n files of n_each samples, one after the other.
  Paths write_many(int n, std::int64_t n_each) const {
    Paths paths;
    for (int i = 0; i < n; ++i)
      paths.push_back(write(fmt::format("{:03}.dada", i), i * n_each, (i + 1) * n_each));
    return paths;
  }
};

/// Samples [first, first + n): how many of all streams are not those of the scan or not there just once.
int count_wrong(VoltageSource& source, std::int64_t first, std::int64_t n) {
  VoltageBlock block;
  source.read(first, n, block);
  EXPECT_EQ(block.first_sample, first);
  EXPECT_EQ(block.n_time, n);
  WholeVoltages whole;
  whole.n_time = n;
  whole.n_pol = source.info().n_pol;
  whole.n_component = source.format().n_component();
  whole.times.resize(static_cast<std::size_t>(source.info().n_coarse * whole.n_pol * n));
  whole.codes.resize(whole.times.size() * static_cast<std::size_t>(whole.n_component));
  block.first_sample = 0;
  for (const auto& piece : block.pieces) take_piece(source.format(), block, piece, whole);
  int n_wrong = 0;
  for (int c = 0; c < source.info().n_coarse; ++c)
    for (int p = 0; p < whole.n_pol; ++p)
      for (std::int64_t t = 0; t < n; ++t)
        for (int k = 0; k < whole.n_component; ++k)
          n_wrong += !whole.has(c, p, t) ||
                     whole.at(c, p, t, k) !=
                         sample_of(source.format().n_bits, c, p, (first + t) * whole.n_component + k);
  return n_wrong;
}

void read_at_random(VoltageSource& source, int n_read, std::mt19937& random) {
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int i = 0; i < n_read; ++i) {
    const std::int64_t first = below(source.info().n_time + 1), n = below(source.info().n_time - first + 1);
    ASSERT_EQ(count_wrong(source, first, n), 0) << first << " " << n;
  }
}

std::string open_series_error(const Paths& paths, int beam = 0) {
  return error_of([&] { open_voltages(paths, beam, {}); });
}

TEST(OpenVoltages, ReadsWhatOneWholeFileHoldsWhereverItIsCut) {
  std::mt19937 random(1);
  for (const auto& [extension, format] : std::vector<std::pair<const char*, VoltageFormat>>{
           {".dada", kComplex8}, {".dada", kReal16}, {".raw", kComplex8}}) {
    Scan scan;
    scan.format = format;
    scan.info = voltage_info(3, 2, 0, format.is_complex);
    for (int repeat = 0; repeat < 2; ++repeat) {
      std::vector<std::int64_t> cuts = {0, 400};
      for (int i = 0; i < 5; ++i) cuts.push_back(1 + static_cast<std::int64_t>(random() % 399));
      std::sort(cuts.begin(), cuts.end());
      cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
      Paths sorted;
      for (std::size_t i = 1; i < cuts.size(); ++i)
        sorted.push_back(scan.write_by_sink(fmt::format("{}{}", i, extension), cuts[i - 1], cuts[i]));
      Paths paths = sorted;
      std::shuffle(paths.begin(), paths.end(), random);
      const auto source = open_voltages(paths, 0, {});
      ASSERT_EQ(source->info().n_time, 400);
      EXPECT_EQ(source->losses().n_gaps, 0);
      EXPECT_TRUE(source->losses().notes.empty());
      for (std::size_t i = 0; i < sorted.size(); ++i) {
        EXPECT_EQ(source->files()[i].path, sorted[i]);
        EXPECT_EQ(source->files()[i].first_sample, cuts[i]);
        EXPECT_EQ(source->files()[i].n_time, cuts[i + 1] - cuts[i]);
      }
      EXPECT_EQ(count_wrong(*source, 0, 400), 0);
      EXPECT_EQ(count_wrong(*source, cuts[1] - 1, cuts[3] - cuts[1] + 1), 0);
      read_at_random(*source, 20, random);
    }
  }
}

TEST(OpenVoltages, RefusesToReadBeyondItsEnds) {
  const Scan scan;
  const auto source = open_voltages(scan.write_many(2, 10), 0, {});
  VoltageBlock block;
  EXPECT_THROW(source->read(-1, 2, block), std::invalid_argument);
  EXPECT_THROW(source->read(19, 2, block), std::invalid_argument);
  EXPECT_THROW(source->read(0, -1, block), std::invalid_argument);
  EXPECT_EQ(count_wrong(*source, 20, 0), 0);
  EXPECT_THROW(open_voltages({}, 0, {}), std::invalid_argument);
}

TEST(OpenVoltages, ReadsMoreFilesThanAProcessMayOpen) {
  const Scan scan;
  const Paths paths = scan.write_many(100, 10);
  const FileLimit limit(64);
  const auto source = open_voltages(paths, 0, {});
  ASSERT_EQ(source->info().n_time, 1000);
  EXPECT_EQ(count_wrong(*source, 0, 1000), 0);
  for (std::int64_t first = 0; first < 1000; first += 8) ASSERT_EQ(count_wrong(*source, first, 8), 0);
  std::mt19937 random(2);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(count_wrong(*source, static_cast<int>(random() % 976), 25), 0);
}

TEST(OpenVoltages, CountsAGapBetweenFilesOnceAndLeavesItMissing) {
  const Scan scan;
  const Paths paths = {scan.write("a.dada", 0, 50), scan.write("b.dada", 87, 120),
                       scan.write("c.dada", 120, 130), scan.write("d.dada", 133, 140)};
  const auto source = open_voltages(paths, 0, {});
  ASSERT_EQ(source->info().n_time, 140);
  EXPECT_EQ(source->files()[1].first_sample, 87);
  for (const std::int64_t n_block : {7, 140}) {
    const WholeVoltages whole = read_voltages(*source, n_block);
    for (int t = 0; t < 140; ++t)
      ASSERT_EQ(whole.has(2, 1, t), !((t >= 50 && t < 87) || (t >= 130 && t < 133))) << t;
    EXPECT_EQ(whole.at(2, 1, 87, 1), sample_of(8, 2, 1, 175));
    EXPECT_EQ(source->losses().n_gaps, 2);
    EXPECT_EQ(source->losses().gap_samples, 40);
    ASSERT_EQ(source->losses().notes.size(), 1u);
    EXPECT_TRUE(says(source->losses().notes[0], {"2 gaps", "4 files", "a.dada", "40 samples"}));
    EXPECT_FALSE(source->losses().cut_short);
  }
  VoltageBlock block;
  source->read(60, 20, block);
  EXPECT_TRUE(block.pieces.empty());
  EXPECT_EQ(block.first_sample, 60);
  EXPECT_EQ(block.n_time, 20);
}

TEST(OpenVoltages, TakesStartsThatWereRoundedAsContiguous) {
  Scan scan;
  scan.info = voltage_info(3, 2, 0, false);  // samples of 1.024 us: half of one is less than the rounding
  scan.format = kReal16;
  std::mt19937 random(3);
  Paths paths;
  for (int i = 0; i < 20; ++i) {
    const double late_s = (random() % 2 ? 1e-6 : -1e-6);
    paths.push_back(
        scan.write(fmt::format("{}.dada", i), 15 * i, 15 * (i + 1), i == 0 ? 0.0 : 0.99 * late_s));
  }
  const auto source = open_voltages(paths, 0, {});
  ASSERT_EQ(source->info().n_time, 300);
  EXPECT_TRUE(source->losses().notes.empty());
  EXPECT_EQ(count_wrong(*source, 0, 300), 0);
}

TEST(OpenVoltages, AddsUpNoClockErrorsOverManyFiles) {
  const Scan scan;
  Paths paths;
  for (int i = 0; i < 40; ++i)  // 36 us late at the end, 17 samples
    paths.push_back(scan.write(fmt::format("{}.dada", i), 20 * i, 20 * (i + 1), 0.9e-6 * i));
  paths.push_back(scan.write("gap.dada", 805, 820, 0.9e-6 * 40));
  const auto source = open_voltages(paths, 0, {});
  ASSERT_EQ(source->info().n_time, 820);
  EXPECT_EQ(source->losses().n_gaps, 1);
  EXPECT_EQ(source->losses().gap_samples, 5);
  EXPECT_EQ(count_wrong(*source, 0, 800), 0);
  EXPECT_EQ(count_wrong(*source, 805, 15), 0);
}

TEST(OpenVoltages, ToleratesHalfASampleWhereThatIsMoreThanTheClocksError) {
  Scan scan;
  scan.info.sample_time_s = 1e-3;
  scan.info.coarse_width_mhz = 1e-3;
  const std::string a = scan.write("a.dada", 0, 20);
  const auto n_time = [&](double late_samples) {
    return open_voltages({a, scan.write("b.dada", 20, 40, late_samples * 1e-3)}, 0, {})->info().n_time;
  };
  EXPECT_EQ(n_time(-0.55), 39);
  EXPECT_EQ(n_time(-0.45), 40);
  EXPECT_EQ(n_time(0.45), 40);
  EXPECT_EQ(n_time(0.55), 41);
  EXPECT_EQ(n_time(7.4), 47);
}

TEST(OpenVoltages, TakesSharedSamplesFromTheEarlierFileAndSaysSo) {
  const Scan scan;
  const std::string a = scan.write("a.dada", 0, 100), b = scan.write("b.dada", 51, 151);
  // What both hold is told apart: b's copy is zero.
  std::fstream(b, std::ios::in | std::ios::out | std::ios::binary).seekp(4096) << std::string(49 * 12, '\0');
  const auto source = open_voltages({b, a, scan.write("c.dada", 151, 160)}, 0, {});
  ASSERT_EQ(source->info().n_time, 160);
  EXPECT_EQ(source->losses().n_gaps, 0);
  EXPECT_EQ(source->losses().gap_samples, 0);
  EXPECT_EQ(source->losses().notes,
            Paths{fmt::format("{} and {} share 49 samples: those of {} were taken", a, b, a)});
  EXPECT_EQ(source->files()[1].first_sample, 51);
  EXPECT_EQ(count_wrong(*source, 0, 160), 0);
  EXPECT_EQ(count_wrong(*source, 60, 30), 0);
  EXPECT_EQ(count_wrong(*source, 100, 30), 0);
  std::mt19937 random(4);
  read_at_random(*source, 40, random);
}

TEST(OpenVoltages, RefusesFilesThatShareHalfOfTheShorter) {
  const Scan scan;
  const std::string a = scan.write("a.dada", 0, 100);
  const auto error = [&](std::int64_t begin, std::int64_t end) {
    return open_series_error({a, scan.write("b.dada", begin, end)});
  };
  EXPECT_TRUE(says(error(50, 150), {"a.dada", "b.dada", "overlap by 50 samples"}));
  EXPECT_TRUE(says(error(80, 120), {"a.dada", "b.dada", "overlap by 20 samples"}));
  EXPECT_TRUE(says(error(20, 60), {"a.dada", "b.dada", "overlap by 80 samples"}));  // one within the other
  EXPECT_TRUE(says(error(0, 100), {"a.dada", "b.dada", "overlap by 100 samples"}));
  EXPECT_TRUE(says(open_series_error({a, a}), {"a.dada", "overlap by 100 samples"}));
  EXPECT_EQ(error(81, 120), "");
}

TEST(OpenVoltages, RefusesAGapOfMoreThanADay) {
  const Scan scan;
  const std::string a = scan.write("a.dada", 0, 20);
  EXPECT_EQ(open_series_error({a, scan.write("b.dada", 20, 40, 86399.0)}), "");
  EXPECT_TRUE(says(open_series_error({a, scan.write("b.dada", 20, 40, 86401.0)}),
                   {"a.dada", "b.dada", "more than a day"}));
}

TEST(OpenVoltages, RefusesFilesOfDifferentHeadersNamingBoth) {
  const Scan scan;
  const std::string a = scan.write("a.dada", 0, 20);
  const auto other = [&](const VoltageFormat& format, const std::function<void(VoltageInfo&)>& change) {
    Scan next;
    next.format = format;
    change(next.info);
    const std::string b = next.write("b.dada", 0, 20, 100.0);
    return open_series_error({b, a});
  };
  const auto keep = [](VoltageInfo&) {};
  EXPECT_EQ(other(kComplex8, keep), "");
  EXPECT_EQ(other(kComplex8, [](VoltageInfo& i) { i.source_name = ""; }), "");
  EXPECT_EQ(other(kComplex8, [](VoltageInfo& i) { i.beam = 4; }), "");
  const auto twice_as_wide = [](VoltageInfo& i) {
    i.coarse_width_mhz *= 2.0;
    i.sample_time_s *= 0.5;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {other({16, true}, keep), "bits"},
      {other({8, false}, [](VoltageInfo& i) { i.sample_time_s *= 0.5; }), "complex"},
      {other(kComplex8, [](VoltageInfo& i) { i.n_coarse = 4; }), "coarse channels"},
      {other(kComplex8, [](VoltageInfo& i) { i.n_pol = 1; }), "polarisations"},
      {other(kComplex8, [](VoltageInfo& i) { i.band_low_mhz += 0.1; }), "lower edge"},
      {other(kComplex8, twice_as_wide), "width of a coarse channel"},
      {other(kComplex8, [](VoltageInfo& i) { i.sample_time_s *= 1.00001; }), "sample time"},
      {other(kComplex8, [](VoltageInfo& i) { i.source_name = "B0329+54"; }), "source"}};
  for (const auto& [error, word] : cases) EXPECT_TRUE(says(error, {"a.dada", "b.dada", "one scan", word}));
}

TEST(OpenVoltages, ComparesSourceAndBeamOfThoseThatKnowTheirs) {
  Scan scan;
  const auto write = [&](const char* name, std::int64_t begin, const char* source_name, int beam) {
    scan.info.source_name = source_name;
    scan.info.beam = beam;
    return scan.write(name, begin, begin + 20);
  };
  const Paths first = {write("a.dada", 0, "", 0), write("b.dada", 20, "J1935+2154", 7),
                       write("c.dada", 40, "", 0)};
  const auto source = open_voltages(first, 0, {});
  EXPECT_EQ(source->info().source_name, "J1935+2154");
  EXPECT_EQ(source->info().beam, 7);
  Paths paths = first;
  paths.push_back(write("d.dada", 60, "B0329+54", 7));
  EXPECT_TRUE(says(open_series_error(paths), {"b.dada", "d.dada", "source", "B0329+54"}));
  paths.back() = write("d.dada", 60, "J1935+2154", 8);
  EXPECT_TRUE(says(open_series_error(paths), {"b.dada", "d.dada", "beam", "7 and 8"}));
}

TEST(OpenVoltages, NoticesAFileThatChangedWhileItWasClosed) {
  const Scan scan;
  const Paths paths = scan.write_many(40, 10);
  const auto source = open_voltages(paths, 0, {});
  EXPECT_EQ(count_wrong(*source, 0, 400), 0);
  const auto error = [&] { return error_of([&] { read_voltages(*source, 10); }); };
  const auto size = std::filesystem::file_size(paths[3]);
  std::filesystem::resize_file(paths[3], size - 12);
  EXPECT_TRUE(says(error(), {"003.dada", "changed", "9 samples", "10 before"}));
  scan.write("003.dada", 30, 40, 1.0);  // as long, another start
  EXPECT_TRUE(says(error(), {"003.dada", "changed"}));
  scan.write("003.dada", 30, 40);
  EXPECT_EQ(error(), "");
  std::filesystem::remove(paths[3]);
  EXPECT_TRUE(says(error(), {"003.dada", std::strerror(ENOENT)}));
}

TEST(OpenVoltages, CountsAPartThatWasCutShortOnceHoweverOftenItIsOpened) {
  const Scan scan;
  const Paths paths = scan.write_many(40, 10);
  std::filesystem::resize_file(paths[5], std::filesystem::file_size(paths[5]) - 5);
  const auto source = open_voltages(paths, 0, {});
  const Losses before = source->losses();
  EXPECT_TRUE(before.cut_short);
  EXPECT_EQ(before.lost_bytes, 7);
  EXPECT_EQ(before.n_gaps, 1);  // its last sample, then the next file
  EXPECT_EQ(before.gap_samples, 1);
  for (int repeat = 0; repeat < 3; ++repeat) read_voltages(*source, 17);
  for (int first = 390; first >= 0; first -= 10) EXPECT_EQ(count_wrong(*source, first, 8), 0);
  EXPECT_EQ(source->losses().lost_bytes, 7);
  EXPECT_EQ(source->losses().gap_samples, 1);
  EXPECT_EQ(source->losses().notes, before.notes);
}

/// "COUNTS i": 10 samples, the odd ones of which are missing and counted when they are first read.
class CountingSource : public VoltageSource {
 public:
  explicit CountingSource(const std::string& path) : info_(voltage_info(1, 1, 10)), was_read_(10) {
    const int i = std::stoi(read_file(path).substr(7));
    info_.start = info_.start.plus_seconds(10 * i * info_.sample_time_s);
    files_ = {{path, static_cast<std::int64_t>(read_file(path).size()), 0, 0, 10}};
  }
  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return kComplex8; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "COUNTS"; }
  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.pieces.clear();
    for (std::int64_t t = first_sample; t < first_sample + n_time; ++t) {
      losses_.gap_samples += t % 2 == 1 && !was_read_[static_cast<std::size_t>(t)];
      was_read_[static_cast<std::size_t>(t)] = true;
    }
  }

 private:
  VoltageInfo info_;
  std::vector<InputFile> files_;
  Losses losses_;
  std::vector<bool> was_read_;
};

TEST(OpenVoltages, CountsWhatItsFilesCountWhileTheyAreReadOnce) {
  static const bool kIsKnown = register_voltage_format(
      {"COUNTS",
       [](const std::string&, const std::vector<unsigned char>& head) {
         return std::string(head.begin(), head.end()).starts_with("COUNTS ");
       },
       [](const std::string&) { return std::vector{0}; },
       [](const std::string& path, int, const VoltageHints&) -> std::unique_ptr<VoltageSource> {
         return std::make_unique<CountingSource>(path);
       }});
  ASSERT_TRUE(kIsKnown);
  const TempFolder folder;
  Paths paths;
  for (int i = 0; i < 70; ++i)
    paths.push_back(folder.write(fmt::format("{}", i), fmt::format("COUNTS {}", i)));
  const auto source = open_voltages(paths, 0, {});
  EXPECT_EQ(source->losses().gap_samples, 0);
  VoltageBlock block;
  for (std::int64_t first = 0; first < 700; first += 7) {
    source->read(first, 7, block);
    ASSERT_EQ(source->losses().gap_samples, (first + 7) / 2);
  }
  for (std::int64_t first = 690; first >= 0; first -= 5) {
    source->read(first, 10, block);
    ASSERT_EQ(source->losses().gap_samples, 350);
  }
}

TEST(OpenVoltages, SaysWhyAFileCannotBeOpened) {
  const Scan scan;
  const std::string a = scan.write("a.dada", 0, 20);
  const TempFolder folder;
  std::filesystem::create_symlink(folder / "nowhere", folder / "dangling");
  for (const Paths& more : {Paths{}, Paths{a}}) {
    const auto error = [&](const std::string& path) {
      Paths paths = more;
      paths.push_back(path);
      return open_series_error(paths);
    };
    EXPECT_TRUE(says(error(folder / "dangling"), {"dangling", std::strerror(ENOENT)}));
    EXPECT_TRUE(says(error(folder.path()), {folder.path(), "not a file"}));
    EXPECT_TRUE(says(error(folder.write("x", "hello")), {"/x", "no known format of voltages", "DADA"}));
  }
  const FileLimit limit(0);
  EXPECT_TRUE(says(open_series_error({a}), {"a.dada", std::strerror(EMFILE)}));
  EXPECT_EQ(voltage_format_of(a), nullptr);
}

}  // namespace
}  // namespace tianyan::test
