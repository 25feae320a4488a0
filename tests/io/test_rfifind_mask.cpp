// PRESTO's masks: bytes by hand, a second reader, and files that are none.
#include "io/rfifind_mask.hpp"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>

#include "kernels/base/random.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

RfifindMask stream_of(int n_chan) {
  RfifindMask mask;
  mask.time_sigma = 10.0;
  mask.freq_sigma = 4.0;
  mask.mjd = 59000.5;
  mask.interval_s = 2.0;
  mask.freq_low_mhz = 1000.0;
  mask.channel_width_mhz = 0.5;
  mask.n_chan = n_chan;
  mask.samples_per_interval = 40000;
  return mask;
}

/// 4 channels, 3 intervals: channel 1 is always bad, interval 2 as a whole, channel 3 in interval 1 only.
RfifindMask small_mask() {
  RfifindMask mask = stream_of(4);
  mask.n_interval = 3;
  mask.zapped_channels = {1};
  mask.zapped_intervals = {2};
  mask.channels_of_interval = {{1}, {1, 3}, {}};
  return mask;
}

std::string int32s(const std::vector<std::int32_t>& values) {
  std::string bytes;
  for (const std::int32_t value : values)
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>((static_cast<std::uint32_t>(value) >> shift) & 255u);
  return bytes;
}

// Exponent and fraction of each by hand: 10 = 1.25 x 2^3, biased 3 + 1023 = 0x402, fraction 0x4; 59000.5 =
// 0xe678.8 = 1.1100110011110001 b x 2^15, biased 0x40e, fraction 0xccf1.
std::string small_numbers() {
  const std::vector<std::uint64_t> doubles = {0x4024000000000000,   // 10
                                              0x4010000000000000,   // 4
                                              0x40eccf1000000000,   // 59000.5
                                              0x4000000000000000,   // 2
                                              0x408f400000000000,   // 1000
                                              0x3fe0000000000000};  // 0.5
  std::string bytes;
  for (const std::uint64_t value : doubles)
    bytes += int32s({static_cast<std::int32_t>(value & 0xffffffffu), static_cast<std::int32_t>(value >> 32)});
  return bytes;
}

std::string small_bytes() {
  return small_numbers() + int32s({4, 3, 40000,  //
                                   1, 1,         // zapped channels
                                   1, 2,         // zapped intervals
                                   1, 2, 4,      // how many in each interval; all of the last one
                                   1,            // interval 0
                                   1, 3});       // interval 1
}

TEST(RfifindMask, IsTheseBytes) {
  const TempFolder folder;
  write_rfifind_mask(folder / "a.mask", small_mask());
  EXPECT_TRUE(read_file(folder / "a.mask") == small_bytes());
  EXPECT_TRUE(read_rfifind_mask(folder.write("b.mask", small_bytes())) == small_mask());
}

TEST(RfifindMask, IsBuiltFromIntervals) {
  RfifindMaskBuilder builder(small_mask());  // whose lists it does not take
  builder.add_interval({0, 1, 0, 0});
  builder.add_interval({0, 255, 0, 1});
  builder.add_interval({1, 1, 1, 1});
  EXPECT_TRUE(builder.finish() == small_mask());

  RfifindMask none = stream_of(4);
  EXPECT_TRUE(RfifindMaskBuilder(stream_of(4)).finish() == none);

  RfifindMaskBuilder all(stream_of(2));
  all.add_interval({1, 1});
  all.add_interval({1, 1});
  EXPECT_EQ(all.finish().zapped_channels, (std::vector<int>{0, 1}));
  EXPECT_EQ(all.finish().zapped_intervals, (std::vector<int>{0, 1}));
  EXPECT_THROW(all.add_interval({1, 1, 1}), std::invalid_argument);
}

TEST(RfifindMask, OfNoIntervalIsWrittenAndRead) {
  const TempFolder folder;
  write_rfifind_mask(folder / "a.mask", stream_of(4));
  EXPECT_EQ(read_file(folder / "a.mask").size(), 6u * 8 + 5 * 4);
  EXPECT_TRUE(read_rfifind_mask(folder / "a.mask") == stream_of(4));
}

TEST(RfifindMask, PutsListsOfOtherProgramsInOrder) {
  const TempFolder folder;
  const std::string bytes = small_numbers() + int32s({4, 3, 40000, 3, 2, 0, 2, 1, 1, 2, 0, 3, 3, 1, 2, 2, 1});
  const RfifindMask mask = read_rfifind_mask(folder.write("a.mask", bytes));
  EXPECT_EQ(mask.zapped_channels, (std::vector<int>{0, 2}));
  EXPECT_EQ(mask.zapped_intervals, (std::vector<int>{1}));
  EXPECT_EQ(mask.channels_of_interval, (std::vector<std::vector<int>>{{1, 3}, {}, {1, 2}}));
}

// Numbers, then the union of the three lists and the third alone, each as rows of 0 and 1.
const std::string kReadMask = R"(
import sys, numpy as np
raw = open(sys.argv[1], 'rb').read()
words = np.frombuffer(raw, '<i4', offset=48)
at = 0
def take(n):
    global at
    at += n
    assert at <= len(words)
    return words[at - n:at]
n_chan, n_int, n_samp = take(3)
channels = take(take(1)[0])
intervals = take(take(1)[0])
counts = take(n_int)
alone = np.zeros((n_int, n_chan), int)
for i, n in enumerate(counts):
    if n == n_chan: alone[i] = 1
    else: alone[i, take(n)] = 1
assert at == len(words)
union = alone.copy()
union[:, channels] = 1
union[intervals] = 1
print(*np.frombuffer(raw, '<f8', 6), n_samp)
for table in union, alone: print('\n'.join(''.join(map(str, row)) for row in table))
)";

TEST(RfifindMask, MeansTheSameToAnotherReader) {
  if (!has_python("numpy")) GTEST_SKIP() << "/usr/bin/python3 with numpy is missing";
  const TempFolder folder;
  Xoshiro256 random(5);
  RfifindMaskBuilder builder(stream_of(37));
  std::string rows;
  for (int i = 0; i < 25; ++i) {
    std::vector<std::uint8_t> bad(37);
    for (std::size_t c = 0; c < 37; ++c) bad[c] = i % 7 == 3 || c == 5 || c == 36 || random() % 4 == 0;
    if (i == 0) bad.assign(37, 0), bad[5] = bad[36] = 1;  // no other is always bad
    builder.add_interval(bad);
    rows += fmt::format("{}\n", fmt::join(bad, ""));
  }
  const RfifindMask mask = builder.finish();
  EXPECT_EQ(mask.zapped_channels, (std::vector<int>{5, 36}));
  EXPECT_EQ(mask.zapped_intervals, (std::vector<int>{3, 10, 17, 24}));
  write_rfifind_mask(folder / "a.mask", mask);
  EXPECT_EQ(run_python(kReadMask, {folder / "a.mask"}),
            "10.0 4.0 59000.5 2.0 1000.0 0.5 40000\n" + rows + rows);
  EXPECT_TRUE(read_rfifind_mask(folder / "a.mask") == mask);
}

TEST(RfifindMask, LosesNothingOfAwkwardSizes) {
  const TempFolder folder;
  Xoshiro256 random(6);
  for (const int n_chan : {1, 2, 7, 4095, 4096})
    for (const int n_interval : {1, 3, 64}) {
      RfifindMaskBuilder builder(stream_of(n_chan));
      for (int i = 0; i < n_interval; ++i) {
        std::vector<std::uint8_t> bad(static_cast<std::size_t>(n_chan));
        const std::uint64_t one_in = 1 + random() % 3;
        for (auto& b : bad) b = random() % one_in == 0;
        builder.add_interval(bad);
      }
      const RfifindMask mask = builder.finish();
      write_rfifind_mask(folder / "a.mask", mask);
      EXPECT_TRUE(read_rfifind_mask(folder / "a.mask") == mask) << n_chan << ' ' << n_interval;
    }
}

void expect_refused(const std::string& path, const std::vector<std::string>& words) {
  EXPECT_THROW(read_rfifind_mask(path), std::runtime_error) << path;
  EXPECT_TRUE(says(error_of([&] { read_rfifind_mask(path); }), words));
}

TEST(RfifindMaskReader, SaysWhereTheFileIsCut) {
  const TempFolder folder;
  const std::string bytes = small_bytes();
  const std::vector<std::pair<std::size_t, std::string>> ends = {
      {0, "time_sigma"},        {8, "freq_sigma"},       {16, "mjd"},
      {24, "interval_s"},       {32, "freq_low_mhz"},    {40, "channel_width_mhz"},
      {48, "n_chan"},           {52, "n_interval"},      {56, "samples_per_interval"},
      {60, "zapped_channels"},  {64, "zapped_channels"}, {68, "zapped_intervals"},
      {72, "zapped_intervals"}, {76, "the counts"},      {84, "the counts"},
      {88, "interval[0]"},      {92, "interval[1]"},     {96, "interval[1]"}};
  for (const auto& [n, field] : ends)
    expect_refused(folder.write("cut.mask", bytes.substr(0, n)), {"cut.mask", field, "cut short"});
  for (std::size_t n = 1; n < bytes.size(); n += 3)
    expect_refused(folder.write("cut.mask", bytes.substr(0, n)), {"cut.mask", "cut short"});
  expect_refused(folder.write("long.mask", bytes + "x"), {"long.mask", "1 bytes are left"});
}

TEST(RfifindMaskReader, RefusesCountsAndNumbersThatCannotBe) {
  const TempFolder folder;
  const auto with = [&](std::size_t at, const std::string& bytes) {
    return folder.write("bad.mask", small_bytes().replace(at, bytes.size(), bytes));
  };
  constexpr std::int32_t kHuge = std::numeric_limits<std::int32_t>::max();
  expect_refused(with(48, int32s({0})), {"bad.mask", "n_chan is 0"});
  expect_refused(with(48, int32s({-4})), {"n_chan is -4"});
  expect_refused(with(48, int32s({kHuge})), {"n_chan is 2147483647"});
  expect_refused(with(52, int32s({-3})), {"n_interval is -3"});
  expect_refused(with(52, int32s({kHuge})), {"the counts", "8589934588 bytes"});
  expect_refused(with(56, int32s({0})), {"samples_per_interval is 0"});
  expect_refused(with(60, int32s({-1})), {"zapped_channels has -1 numbers"});
  expect_refused(with(60, int32s({5})), {"zapped_channels has 5 numbers", "0 to 4"});
  expect_refused(with(60, int32s({kHuge})), {"zapped_channels has 2147483647 numbers"});
  expect_refused(with(64, int32s({4})), {"zapped_channels has 4", "0 to 3"});
  expect_refused(with(64, int32s({-1})), {"zapped_channels has -1", "0 to 3"});
  expect_refused(with(68, int32s({-1})), {"zapped_intervals has -1 numbers"});
  expect_refused(with(68, int32s({4})), {"zapped_intervals has 4 numbers"});
  expect_refused(with(72, int32s({3})), {"zapped_intervals has 3", "0 to 2"});
  expect_refused(with(76, int32s({-1})), {"channels_of_interval[0] has -1 numbers"});
  expect_refused(with(80, int32s({kHuge})), {"channels_of_interval[1] has 2147483647 numbers"});
  expect_refused(with(96, int32s({4})), {"channels_of_interval[1] has 4", "0 to 3"});
  const std::string nan = int32s({0, 0x7ff80000}), zero(8, '\0');
  expect_refused(with(0, nan), {"time_sigma"});
  expect_refused(with(16, nan), {"mjd"});
  expect_refused(with(24, zero), {"interval_s is 0"});
  expect_refused(with(24, nan), {"interval_s is nan"});
  expect_refused(with(32, nan), {"freq_low_mhz is nan"});
  expect_refused(with(40, zero), {"channel_width_mhz is 0"});
}

TEST(RfifindMaskReader, RefusesWhatIsNoMaskAtAll) {
  const TempFolder folder;
  expect_refused(folder / "missing.mask", {"missing.mask", "No such file"});
  expect_refused(folder.path(), {folder.path(), "not a file"});
  expect_refused(folder.write("text.mask", std::string(4000, 'x')), {"text.mask"});
  expect_refused(folder.write("zeros.mask", std::string(4000, '\0')), {"zeros.mask"});
  expect_refused(folder.write("hdf5.mask", "\x89HDF\r\n\x1a\n" + std::string(4000, '\0')), {"hdf5.mask"});
}

TEST(RfifindMaskWriter, RefusesWhatPrestoWouldReadOtherwise) {
  const TempFolder folder;
  const auto refused = [&](const auto& change) {
    RfifindMask mask = small_mask();
    change(mask);
    EXPECT_THROW(write_rfifind_mask(folder / "a.mask", mask), std::invalid_argument);
  };
  refused([](RfifindMask& m) { m.n_chan = 0; });
  refused([](RfifindMask& m) { m.n_chan = 3; });
  refused([](RfifindMask& m) { m.n_interval = 2; });
  refused([](RfifindMask& m) { m.samples_per_interval = 0; });
  refused([](RfifindMask& m) { m.interval_s = std::nan(""); });
  refused([](RfifindMask& m) { m.channel_width_mhz = -0.5; });
  refused([](RfifindMask& m) { m.zapped_channels = {2, 1}; });
  refused([](RfifindMask& m) { m.zapped_channels = {1, 1}; });
  refused([](RfifindMask& m) { m.zapped_channels = {-1}; });
  refused([](RfifindMask& m) { m.zapped_intervals = {3}; });
  refused([](RfifindMask& m) { m.channels_of_interval[1] = {3, 1}; });
  refused([](RfifindMask& m) { m.channels_of_interval[1] = {4}; });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RfifindMaskWriter, LeavesNothingWhereTheDiskIsFull) {
  const TempFolder folder;
  RfifindMaskBuilder builder(stream_of(4096));
  std::vector<std::uint8_t> bad(4096, 1);
  bad[0] = 0;
  for (int i = 0; i < 10; ++i) builder.add_interval(bad);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{100'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const std::string error = error_of([&] { write_rfifind_mask(folder / "full.mask", builder.finish()); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(says(error, {"full.mask", "cannot be written"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_TRUE(says(error_of([&] { write_rfifind_mask(folder / "none/a.mask", small_mask()); }),
                   {"none/a.mask", "cannot be opened"}));
}

}  // namespace
}  // namespace tianyan::test
