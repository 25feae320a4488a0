// VDIF with every defect that recordings have: frames and bytes lost, out of order, damaged, cut.
#include <filesystem>

#include "io/vdif_index.hpp"
#include "tests/io/vdif_files.hpp"

namespace tianyan::test {
namespace {

TEST(VdifLosses, CountsAFrameOfOneThread) {
  VdifMaker maker;
  std::string bytes;
  for (int slot = 0; slot < 30; ++slot)
    for (const int thread : maker.threads)
      if (!(slot == 12 && thread == 1) && !(slot == 13 && thread == 0)) bytes += maker.frame(slot, thread);
  Opened file(maker, bytes);
  EXPECT_EQ(frames_of(*file.source, maker, 100), all_frames(maker, 30, {{12, 1}, {13, 0}}));
  EXPECT_EQ(file.source->losses().gap_samples, 2 * 64);
  EXPECT_EQ(file.source->losses().n_gaps, 1);
  EXPECT_FALSE(file.source->losses().cut_short);
  ASSERT_EQ(file.source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(file.source->losses().notes[0],
                   {"a.vdif: 2 of 60 frames missing, 0 invalid, 0 bytes skipped in 0 places"}));
}

TEST(VdifLosses, CountsInvalidFrames) {
  VdifMaker maker;
  std::string bytes;
  for (int slot = 0; slot < 10; ++slot)
    for (const int thread : maker.threads)
      bytes += maker.frame(slot, thread, slot == 0 || (slot == 5 && thread == 1));
  Opened file(maker, bytes);
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 10, {{0, 0}, {0, 1}, {5, 1}}));
  EXPECT_EQ(file.source->losses().gap_samples, 2 * 64);
  EXPECT_EQ(file.source->losses().n_gaps, 2);
  EXPECT_TRUE(says(file.source->losses().notes.at(0), {"0 of 20 frames missing, 3 invalid"}));
}

TEST(VdifLosses, TakesAFrameWithMaskedChannelsAsInvalid) {
  VdifMaker maker;
  maker.log2_chan = 2;
  maker.extension = {4u << 24 | 4 << 16, 0xacabfeed, 0xf, 0};
  std::string bytes = maker.bytes(6);
  bytes[static_cast<std::size_t>(5 * maker.frame_bytes() + 24)] = 0xb;
  Opened file(maker, bytes);
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 6, {frame_at(maker, 5)}));
}

TEST(VdifLosses, PutsFramesInOrder) {
  VdifMaker maker;
  std::string bytes;
  for (const int slot : {2, 0, 1, 3, 5, 4, 8, 9, 6, 7, 10, 11, 12, 13})
    for (const int thread : {slot % 3 == 0 ? 1 : 0, slot % 3 == 0 ? 0 : 1})
      bytes += maker.frame(slot, thread);
  Opened file(maker, bytes);
  EXPECT_EQ(file.source->info().n_time, 14 * 64);
  EXPECT_DOUBLE_EQ(file.source->info().start.second, 1000.0);
  for (const int n_block : {50, 64, 1000})
    EXPECT_EQ(frames_of(*file.source, maker, n_block), all_frames(maker, 14));
  EXPECT_TRUE(file.source->losses().notes.empty());
}

TEST(VdifLosses, ReadsThreadsThatComeOneAfterTheOther) {
  VdifMaker maker;
  maker.fps = 10000;
  std::string bytes;
  for (const int thread : maker.threads)
    for (int slot = 0; slot < 1500; ++slot) bytes += maker.frame(slot, thread);
  Opened file(maker, bytes);
  EXPECT_EQ(frames_of(*file.source, maker, 5000), all_frames(maker, 1500));
}

TEST(VdifLosses, TakesARepeatedFrameOnce) {
  VdifMaker maker;
  Opened file(maker, maker.bytes(4) + maker.frame(3, 0) + maker.frame(4, 0) + maker.frame(4, 1));
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 5));
  EXPECT_TRUE(says(file.source->losses().notes.at(0), {"0 of 10 frames missing", "1 came twice"}));
}

TEST(VdifLosses, BeginsWithAnyThread) {
  VdifMaker maker;
  maker.threads = {4, 5, 6};
  Opened file(maker, maker.bytes(6).substr(static_cast<std::size_t>(maker.frame_bytes())));
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 6, {{0, 4}}));
  EXPECT_EQ(file.source->losses().gap_samples, 64);
}

TEST(VdifLosses, KeepsTheTimeOverALongGap) {
  VdifMaker maker;
  maker.payload_bytes = 8;
  std::string bytes;  // two hours apart
  for (const int slot : {0, 1, 2, 144000, 144001}) bytes += maker.frame(slot, 0) + maker.frame(slot, 1);
  Opened file(maker, bytes);
  EXPECT_EQ(file.source->info().n_time, 144002 * 8);
  EXPECT_EQ(file.source->losses().n_gaps, 1);
  EXPECT_EQ(file.source->losses().gap_samples, (144000 - 3) * 8);
  VoltageBlock block;
  file.source->read(144001 * 8, 8, block);
  ASSERT_EQ(block.pieces.size(), 2u);
  EXPECT_EQ(bits_at(block, block.pieces[0].first_bit, 4), maker.code(0, 0, 144001 * 8, 0));
}

// Bytes lost anywhere, as in the tests of the Python package baseband: the frames that lost some are missing,
// the frame before a damaged header as well (nothing says that its own end is whole), all others are there.
TEST(VdifDamage, FindsTheFramesBehindLostBytes) {
  VdifMaker maker;
  maker.threads = {1, 0, 2, 3};
  const std::string whole = maker.bytes(6);
  const int frame = maker.frame_bytes();
  for (int begin = 5 * frame; begin < 7 * frame; begin += 5)
    for (const int n : {1, 7, 31, 40, frame - 1, 2 * frame + 3}) {
      Opened file(maker,
                  without_bytes(whole, static_cast<std::size_t>(begin), static_cast<std::size_t>(begin + n)));
      const Frames found = frames_of(*file.source, maker);
      Frames lost;
      for (int k = begin / frame - (begin % frame < 32); k <= (begin + n - 1) / frame; ++k)
        lost.insert(frame_at(maker, k));
      for (const auto& id : all_frames(maker, 6, lost))
        ASSERT_TRUE(found.count(id)) << begin << " " << n << ": " << id.first << " " << id.second;
      for (const auto& id : found)
        ASSERT_GE(id.second, 0) << "damaged samples, " << n << " bytes lost at " << begin;
      ASSERT_EQ(file.source->losses().lost_bytes, 0);
      ASSERT_EQ(file.source->losses().notes.size(), 1u);
    }
}

TEST(VdifDamage, LosesNothingElseWhereWholeFramesAreLost) {
  VdifMaker maker;
  const std::string whole = maker.bytes(8);
  const auto frame = static_cast<std::size_t>(maker.frame_bytes());
  for (std::size_t begin = 1; begin < 10; ++begin)
    for (std::size_t n = 1; n < 6; ++n) {
      Opened file(maker, without_bytes(whole, begin * frame, (begin + n) * frame));
      Frames frames = frames_of(*file.source, maker);
      EXPECT_EQ(frames.size(), 16 - n) << begin << " " << n;
      EXPECT_EQ(file.source->losses().cut_short, false);
    }
}

TEST(VdifDamage, SkipsGarbage) {
  VdifMaker maker;
  const std::string whole = maker.bytes(10);
  std::string garbage;
  Xoshiro256 random(5);
  for (int i = 0; i < 5000; ++i) garbage += static_cast<char>(random());
  const auto frame = static_cast<std::size_t>(maker.frame_bytes());
  for (const std::size_t at : {5 * frame, 5 * frame + 17, 5 * frame + 60})
    for (const std::size_t n : {1u, 8u, 500u, 5000u}) {
      Opened file(maker, std::string(whole).insert(at, garbage.substr(0, n)));
      const Frames found = frames_of(*file.source, maker);
      for (int k = 0; k < 20; ++k)
        if (k != 4 && k != 5) {
          ASSERT_TRUE(found.count(frame_at(maker, k))) << at << " " << n << " " << k;
        }
      for (const auto& id : found) ASSERT_GE(id.second, 0) << at << " " << n;
    }
  Opened begin(maker, garbage.substr(0, 777) + whole);
  EXPECT_EQ(frames_of(*begin.source, maker), all_frames(maker, 10));
  EXPECT_TRUE(says(begin.source->losses().notes.at(0), {"777 bytes skipped in 1 places"}));
}

TEST(VdifDamage, LosesOnlyTheFrameWhoseHeaderIsDamaged) {
  VdifMaker maker;
  maker.fps = 100;
  const std::string whole = maker.bytes(40);
  // Bits of the seconds, epoch, frame number, length, channels, station, thread and depth.
  const std::pair<int, int> bits[] = {{2, 4},  {3, 2},  {7, 1},  {6, 7},  {8, 0}, {10, 6},
                                      {11, 1}, {12, 0}, {14, 3}, {15, 5}, {7, 6}};
  for (const auto& [byte, bit] : bits)
    for (const int k : {20, 21, 78}) {
      std::string bytes = whole;
      bytes[static_cast<std::size_t>(k * maker.frame_bytes() + byte)] ^= static_cast<char>(1 << bit);
      Opened file(maker, bytes);
      ASSERT_EQ(file.source->info().n_pol, 2) << byte << " " << bit;
      ASSERT_EQ(file.source->info().n_coarse, 1);
      EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 40, {frame_at(maker, k)}))
          << byte << " " << bit << " " << k;
    }
}

TEST(VdifDamage, PutsNoFrameWithADamagedNumberInTheRightOnesPlace) {
  VdifMaker maker;
  const std::string whole = maker.bytes(70);
  for (const int bit : {0, 1, 2, 3, 4})
    for (const bool knows_rate : {false, true}) {
      std::string bytes = whole;  // frame 19 of the second second, thread 0: 18, 17, 23, 27, 3
      bytes[static_cast<std::size_t>(2 * 39 * maker.frame_bytes() + 4)] ^= static_cast<char>(1 << bit);
      const TempFolder folder;
      const auto source =
          open_vdif(folder.write("a.vdif", bytes), with_rate(knows_rate ? maker.rate_hz() : 0.0));
      EXPECT_DOUBLE_EQ(source->info().sample_time_s, 1.0 / maker.rate_hz());
      EXPECT_EQ(frames_of(*source, maker), all_frames(maker, 70, {{39, 0}})) << bit;
    }
}

TEST(VdifDamage, SurvivesADamagedFirstHeader) {
  VdifMaker maker;
  std::string bytes = maker.bytes(6);
  bytes[12] ^= 1;
  Opened file(maker, bytes);
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 6, {{0, 0}}));
}

TEST(VdifDamage, IgnoresAnEmptyInvalidFrameAtTheEnd) {
  // Seen in the wild: all zeros but for the length and the invalid bit.
  VdifMaker maker;
  std::string last(static_cast<std::size_t>(maker.frame_bytes()), '\0');
  last[3] = static_cast<char>(0x80);
  last[8] = static_cast<char>(maker.frame_bytes() / 8);
  Opened file(maker, maker.bytes(6) + last);
  EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 6));
  EXPECT_FALSE(file.source->losses().cut_short);
}

TEST(VdifDamage, CountsWhatTheEndCuts) {
  VdifMaker maker;
  const std::string whole = maker.bytes(6);
  const auto frame = static_cast<std::size_t>(maker.frame_bytes());
  for (std::size_t n = 1; n < frame; ++n) {
    Opened file(maker, whole.substr(0, 11 * frame + n));
    EXPECT_EQ(frames_of(*file.source, maker), all_frames(maker, 6, {{5, 1}})) << n;
    EXPECT_EQ(file.source->losses().lost_bytes, static_cast<std::int64_t>(n));
    EXPECT_TRUE(file.source->losses().cut_short);
    EXPECT_TRUE(says(file.source->losses().notes.back(), {"a.vdif: cut short", fmt::format("{} bytes", n)}));
  }
}

TEST(VdifDamage, NeverPassesDamagedSamplesOnAsWhole) {
  VdifMaker maker;
  maker.threads = {0, 1, 2, 3};
  maker.fps = 100;
  const std::string whole = maker.bytes(150);
  Xoshiro256 random(11);
  for (int trial = 0; trial < 60; ++trial) {
    std::string bytes = whole;
    std::int64_t n_cut = 0;
    for (int cut = 0; cut < 6; ++cut) {
      std::size_t n = 1 + random.below(cut % 2 == 0 ? 40 : 400);
      // A whole number of frames from the middle of one leaves the grid as it is: nobody can tell.
      n += n % static_cast<std::size_t>(maker.frame_bytes()) == 0;
      const std::size_t at = random.below(bytes.size() - n);
      bytes = without_bytes(bytes, at, at + n);
      n_cut += static_cast<std::int64_t>(n);
    }
    Opened file(maker, bytes);
    const Frames found = frames_of(*file.source, maker);
    for (const auto& id : found) ASSERT_GE(id.second, 0) << trial << ", slot " << id.first;
    // A cut takes the frames it touches and at most the one before.
    ASSERT_GE(static_cast<std::int64_t>(found.size()), 600 - 6 * 3 - n_cut / maker.frame_bytes()) << trial;
  }
}

TEST(VdifIndex, IsARunAThreadWhereNothingIsLost) {
  VdifMaker maker;
  maker.threads = {1, 3, 0, 2};
  const TempFolder folder;
  for (const std::int64_t rate : {0, 20}) {
    const RawFile file(folder.write("a.vdif", maker.bytes(1000)));
    const VdifIndex index = index_vdif(file, *find_first_vdif_frame(file, read_head(file)), rate);
    EXPECT_EQ(index.frames_per_second, 20);
    EXPECT_EQ(index.threads, (std::vector{0, 1, 2, 3}));
    for (const auto& runs : index.runs) {
      ASSERT_EQ(runs.size(), 1u);
      EXPECT_EQ(runs[0].n, 1000);
      EXPECT_EQ(runs[0].step_bytes, 4 * maker.frame_bytes());
    }
    EXPECT_EQ(index.runs[2][0].offset, 3 * maker.frame_bytes());
  }
}

/// The EVN recording three times over, as baseband's tests of corrupt files make it: 48 frames.
std::string three_times(const std::string& bytes) {
  std::string all;
  for (int k = 0; k < 3; ++k) {
    std::string copy = bytes;
    for (std::size_t frame = 0; frame < 16; ++frame)
      copy[frame * 5032 + 4] = static_cast<char>(2 * k + static_cast<int>(frame / 8));
    all += copy;
  }
  return all;
}

/// Frames of the tripled recording that are found, by number; what is there is as in `whole`.
std::set<int> found_in(const std::string& bytes, VoltageCodes& whole) {
  const TempFolder folder;
  const auto source = open_vdif(folder.write("a.vdif", bytes));
  VoltageCodes codes = read_codes(*source, 70000);
  constexpr int kOrder[8] = {1, 3, 5, 7, 0, 2, 4, 6};
  std::set<int> found;
  EXPECT_EQ(codes.n_time % 20000, 0);
  EXPECT_EQ(codes.codes.size(), static_cast<std::size_t>(8 * codes.n_time));
  for (int k = 0; k < 48 && k / 8 * 20000 < codes.n_time; ++k) {
    const int c = kOrder[k % 8] / 2, p = kOrder[k % 8] % 2;
    const auto* got = &codes.at(c, p, k / 8 * 20000);
    if (std::equal(got, got + 20000, &whole.at(c, p, k / 8 * 20000)))
      found.insert(k);
    else
      EXPECT_EQ(std::count(got, got + 20000, -1), 20000)
          << "frame " << k << " has samples that are not its own";
  }
  return found;
}

TEST(VdifThirdParty, AnEvnRecordingThatLostFramesAndBytes) {
  const std::string path = third_party("baseband/sample.vdif");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing";
  const std::string bytes = three_times(read_file(path));
  const TempFolder folder;
  VoltageCodes whole = read_codes(*open_vdif(folder.write("whole.vdif", bytes)), 1 << 20);
  // Bytes [begin, end) and the first and last frame that may be missing. Those of baseband's tests.
  const struct {
    std::size_t begin, end;
    int first, last;
  } cuts[] = {{36 * 5032, 37 * 5032, 36, 36},
              {46 * 5032, 48 * 5032, 46, 47},
              {8 * 5032, 16 * 5032, 8, 15},
              {0, 5032, 0, 0},
              {4 * 5032, 12 * 5032, 4, 11},
              {5032 * 26, 5032 * 26 + 1, 25, 26},
              {5032 * 26 + 50, 5032 * 26 + 60, 26, 26},
              {5032 * 27 + 50, 5032 * 29 + 700, 27, 29},
              {5032 * 31 + 10, 5032 * 31 + 20, 30, 31},
              {5032 * 48 - 1, 5032 * 48, 47, 47}};
  for (const auto& cut : cuts) {
    const std::set<int> found = found_in(without_bytes(bytes, cut.begin, cut.end), whole);
    for (int k = 0; k < 48; ++k) {
      if (k < cut.first || k > cut.last) {
        EXPECT_TRUE(found.count(k)) << "frame " << k << ", cut at " << cut.begin;
      }
      if (static_cast<std::size_t>(k) * 5032 < cut.end &&
          cut.begin < static_cast<std::size_t>(k + 1) * 5032) {
        EXPECT_FALSE(found.count(k)) << "frame " << k << ", cut at " << cut.begin;
      }
    }
  }
}

}  // namespace
}  // namespace tianyan::test
