// Levels of windows, made on the host and on a device: the same samples, statistics and sums.
#include "kernels/level_ops.hpp"
#include "pipeline/cuda_levels.hpp"
#include "tests/cuda/conditioning_test.hpp"

namespace tianyan {
namespace {

constexpr int kChannels = 40;
constexpr std::int64_t kWindow = 192, kCells = kWindow / kCellSamples;

StreamInfo stream_of(const SampleFormat& format, int n_chan = kChannels) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = format.pol_kind == PolKind::kIntensity ? 1 : format.pol_kind == PolKind::kAaBb ? 2 : 4;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 0.25;
  info.sample_time_s = 1e-4;
  return info;
}

// The levels of a window and where they go, to be read on the host.
class OnHost {
 public:
  explicit OnHost(const SampleFormat& format, int n_chan = kChannels)
      : levels(stream_of(format, n_chan), format, kWindow, 1), q_({n_chan, kWindow}) {
    levels.allocate();
    levels.write_to(q_.view());
  }
  Array<std::int8_t, 2> samples() const {
    Array<std::int8_t, 2> copy({q_.shape(0), kWindow});
    std::copy_n(q_.data(), q_.size(), copy.data());
    return copy;
  }
  HostLevels levels;

 private:
  Array<std::int8_t, 2> q_;
};
class OnDevice {
 public:
  explicit OnDevice(const SampleFormat& format, int n_chan = kChannels)
      : levels(stream_of(format, n_chan), format, kWindow, 1, 0), q_(n_chan, kWindow, stream_) {
    stream_.synchronise();
    levels.allocate();
    levels.write_to(q_.view());
  }
  Array<std::int8_t, 2> samples() const {
    Array<std::int8_t, 2> copy({q_.view().shape(0), kWindow});
    q_.to_host(copy.view(), stream_);
    return copy;
  }
  CudaLevels levels;

 private:
  Stream stream_;
  DeviceRows<std::int8_t> q_;
};

template <class Backend>
class LevelsOfAWindow : public testing::Test {};
using Backends = testing::Types<OnHost, OnDevice>;
TYPED_TEST_SUITE(LevelsOfAWindow, Backends);

struct Stats {
  Array<float, 1> mean{{kChannels}}, sigma{{kChannels}};
  Array<std::int64_t, 1> n_good{{kChannels}};
  ChannelStats view() { return {mean.view(), sigma.view(), n_good.view()}; }
};

// Noise, with what all channels share; each sample lies in the middle of what the format can hold.
RawBlock noise(const SampleFormat& format, std::int64_t n_time, Xoshiro256& random, int n_chan = kChannels) {
  const auto info = stream_of(format, n_chan);
  RawBlock block;
  block.n_time = n_time;
  block.reserve(n_time, spectrum_bytes(info, format));
  for (std::int64_t t = 0; t < n_time; ++t)
    for (std::int64_t i = 0; i < block.samples.shape(1); ++i) {
      const double v = 128.0 + 12.0 * gaussian(random) + 10.0 * std::sin(0.2 * static_cast<double>(t));
      block.samples(t, i) = static_cast<std::uint8_t>(std::clamp(std::lround(v), 0L, 255L));
    }
  block.spans = {{0, n_time, false, {}, {}, {}}};
  return block;
}

// Everything that a window's rules could ask for, in order.
struct Seen {
  std::vector<float> mean, sigma;
  std::vector<std::int64_t> n_good;
  Array<std::int8_t, 2> q;
  std::vector<Array<std::int16_t, 2>> bands, sums;
  std::vector<Array<std::uint16_t, 2>> squares;
};

template <class T>
Array<T, 2> copy_of(View<const T, 2> x) {
  Array<T, 2> copy({x.shape(0), x.shape(1)});
  for (std::int64_t i = 0; i < x.shape(0); ++i) std::copy_n(x[i].data(), x.shape(1), copy.view()[i].data());
  return copy;
}

struct Orders {
  SpanWeights weights;
  Array<std::uint8_t, 1> good{{kChannels}};
  Array<std::int16_t, 1> wave{{kWindow}};
  std::vector<FlaggedTimes> times;
  Array<std::uint8_t, 2> rule{{kChannels, kCells}};
};

// Dropped channels have no weight from then on, as conditioning has it.
Orders random_orders(std::int64_t n_time, Xoshiro256& random) {
  Orders orders;
  orders.weights = random_weights(n_time, kChannels, random);
  for (int c = 0; c < kChannels; ++c) orders.good(c) = random.below(5) != 0 ? 1 : 0;
  for (std::int64_t t = 0; t < n_time; ++t)
    orders.wave(t) = static_cast<std::int16_t>(std::lround(64.0 * std::sin(0.2 * static_cast<double>(t))));
  const auto t = random_between(random, 0, n_time - 1);
  orders.times = {{t / 2, t / 2 + 1}, {t, random_between(random, t + 1, n_time)}};
  for (std::int64_t i = 0; i < orders.rule.size(); ++i)
    orders.rule.data()[i] = static_cast<std::uint8_t>(random.below(3) == 0 ? 9 : 0);
  return orders;
}

template <class Backend>
Seen condition(Backend& backend, const RawBlock& block, const std::optional<RowCalibration>& calibration,
               const Orders& orders, bool measures, Stats& stats) {
  WindowLevels& levels = backend.levels;
  Seen seen;
  const auto see_cells = [&] {
    const auto cells = levels.cells();
    seen.sums.push_back(copy_of(cells.sum));
    seen.squares.push_back(copy_of(cells.squares));
  };
  levels.begin(block, calibration);
  levels.normalise(orders.weights, measures, stats.view());
  seen.mean = values_of(stats.mean.cview());
  seen.sigma = values_of(stats.sigma.cview());
  seen.n_good = values_of(stats.n_good.cview());
  see_cells();
  seen.bands.push_back(copy_of(levels.bands()));
  levels.drop_channels(orders.good.cview());
  seen.bands.push_back(copy_of(levels.bands()));
  levels.drop_times({orders.times.front()});
  auto weights = orders.weights;
  for (int s = 0; s < weights.n_span(); ++s)
    for (int c = 0; c < kChannels; ++c) weights.row(s)[c] &= orders.good(c);
  levels.fit_wave(orders.wave.cview());
  levels.normalise(weights, false, stats.view());
  seen.bands.push_back(copy_of(levels.bands()));
  see_cells();
  levels.drop_times(orders.times);
  see_cells();
  levels.drop_cells(orders.rule.cview());
  levels.finish();
  seen.q = backend.samples();
  return seen;
}

void expect_same(const Seen& a, const Seen& b) {
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.sigma, b.sigma);
  EXPECT_EQ(a.n_good, b.n_good);
  EXPECT_TRUE(equal(a.q.cview(), b.q.cview(), "c", "t"));
  for (std::size_t i = 0; i < a.bands.size(); ++i)
    EXPECT_TRUE(equal(a.bands[i].cview(), b.bands[i].cview(), "b", "t")) << i;
  for (std::size_t i = 0; i < a.sums.size(); ++i) {
    EXPECT_TRUE(equal(a.sums[i].cview(), b.sums[i].cview(), "c", "k")) << i;
    EXPECT_TRUE(equal(a.squares[i].cview(), b.squares[i].cview(), "c", "k")) << i;
  }
}

TYPED_TEST(LevelsOfAWindow, AreThoseOfTheHostForAnySamples) {
  Xoshiro256 random(1);
  std::vector<SampleFormat> formats = {{}, {.is_signed = true, .channels_descending = true}};
  formats.push_back({.n_bits = 2, .high_bits_first = true});
  formats.push_back({.pol_kind = PolKind::kAaBb, .zero_offset = 0.5});
  formats.push_back({.n_bits = 16});
  for (const auto& format : formats) {
    OnHost plain(format);
    TypeParam backend(format);
    Stats plain_stats, stats;
    for (const std::int64_t n_time : {kWindow, kWindow - 1, std::int64_t{17}}) {
      const auto block = noise(format, n_time, random);
      const auto calibration = row_calibration(make_unpack_plan(stream_of(format), format), block);
      const auto orders = random_orders(n_time, random);
      const bool measures = n_time > 17;  // the last one goes by the statistics before
      const auto expected = condition(plain, block, calibration, orders, measures, plain_stats);
      expect_same(condition(backend, block, calibration, orders, measures, stats), expected);
    }
  }
}

// The tables of a window may differ between its spans: its samples become floats, and the next ones bytes
// again.
TYPED_TEST(LevelsOfAWindow, GoByTheStatisticsOfTheWindowBeforeWhateverItsSamplesWere) {
  Xoshiro256 random(2);
  const auto plan = make_unpack_plan(stream_of({}), {});
  OnHost plain({});
  TypeParam backend({});
  Stats plain_stats, stats;
  for (const bool changes : {true, false, true, false, false}) {
    auto block = noise({}, kWindow, random);
    if (changes)
      block.spans = {{0, 100, false, {}, {}, {}},
                     {100, kWindow, false, std::vector<float>(kChannels, 2.0F), {}, {}}};
    const auto calibration = row_calibration(plan, block);
    ASSERT_EQ(calibration.has_value(), !changes);
    const auto orders = random_orders(kWindow, random);
    const bool measures = plain_stats.n_good(0) == 0;
    const auto expected = condition(plain, block, calibration, orders, measures, plain_stats);
    expect_same(condition(backend, block, calibration, orders, measures, stats), expected);
  }
}

TYPED_TEST(LevelsOfAWindow, ByHand) {
  TypeParam backend({});
  WindowLevels& levels = backend.levels;
  RawBlock block;
  block.n_time = 70;
  block.reserve(70, kChannels);
  for (std::int64_t t = 0; t < 70; ++t)
    for (int c = 0; c < kChannels; ++c) block.samples(t, c) = t % 2 == 0 ? 98 : 102;  // mean 100, sigma 2
  block.spans = {{0, 70, false, {}, {}, {}}};
  Stats stats;
  levels.begin(block, row_calibration(make_unpack_plan(stream_of({}), {}), block));
  levels.normalise(all_good(70, kChannels), true, stats.view());
  EXPECT_EQ(stats.mean(3), 100.0F);
  EXPECT_EQ(stats.sigma(3), 2.0F);
  EXPECT_EQ(stats.n_good(3), 70);
  auto good = values_of(View<const std::uint8_t, 1>(all_good(1, kChannels).good.data(), {kChannels}));
  good[3] = 0;
  levels.drop_channels({good.data(), {kChannels}});
  EXPECT_EQ(levels.bands()(0, 0), -4 * 7);  // of channels 0 to 7
  EXPECT_EQ(levels.bands()(1, 1), 4 * 8);
  EXPECT_EQ(levels.bands()(1, 70), 0);
  levels.drop_times({{0, 1}, {64, 66}});
  EXPECT_EQ(levels.cells().sum(4, 0), 4);
  EXPECT_EQ(levels.cells().squares(4, 0), 16 * 63);
  EXPECT_EQ(levels.cells().squares(4, 1), 16 * 4);
  EXPECT_EQ(levels.cells().squares(4, 2), 0);
  Array<std::uint8_t, 2> rule({kChannels, kCells});
  rule(5, 0) = 2;
  levels.drop_cells(rule.cview());
  levels.finish();
  const auto q = backend.samples();
  for (std::int64_t t = 0; t < kWindow; ++t) {
    const bool is_dropped = t == 0 || t == 64 || t == 65 || t >= 70;
    EXPECT_EQ(q(4, t), is_dropped ? 0 : t % 2 == 0 ? -4 : 4) << t;
    EXPECT_EQ(q(3, t), 0) << t;
    EXPECT_EQ(q(5, t), t < 64 ? 0 : q(4, t)) << t;
  }
}

// More channels than a device unpacks at once.
TYPED_TEST(LevelsOfAWindow, AreThoseOfTheHostInAllSlabsOfChannels) {
  constexpr int kMany = 521;
  Xoshiro256 random(5);
  const auto block = noise({}, 30, random, kMany);
  const auto calibration = row_calibration(make_unpack_plan(stream_of({}, kMany), {}), block);
  const auto weights = random_weights(30, kMany, random);
  Array<float, 1> mean({kMany}), sigma({kMany}), wanted_mean({kMany}), wanted_sigma({kMany});
  Array<std::int64_t, 1> n_good({kMany});
  OnHost plain({}, kMany);
  TypeParam backend({}, kMany);
  plain.levels.begin(block, calibration);
  plain.levels.normalise(weights, true, {wanted_mean.view(), wanted_sigma.view(), n_good.view()});
  backend.levels.begin(block, calibration);
  backend.levels.normalise(weights, true, {mean.view(), sigma.view(), n_good.view()});
  backend.levels.finish();
  EXPECT_EQ(values_of(mean.cview()), values_of(wanted_mean.cview()));
  EXPECT_EQ(values_of(sigma.cview()), values_of(wanted_sigma.cview()));
  EXPECT_TRUE(equal(backend.samples().cview(), plain.samples().cview(), "c", "t"));
  EXPECT_TRUE(equal(backend.levels.bands(), plain.levels.bands(), "b", "t"));
}

TYPED_TEST(LevelsOfAWindow, RefuseWindowsThatAreTooLong) {
  TypeParam backend({});
  Xoshiro256 random(3);
  const auto block = noise({}, kWindow + 1, random);
  EXPECT_THROW(backend.levels.begin(block, row_calibration(make_unpack_plan(stream_of({}), {}), block)),
               std::invalid_argument);
}

TEST(CudaLevels, TakeTheMemoryThatTheySaid) {
  for (const SampleFormat& format : {SampleFormat{}, SampleFormat{.n_bits = 16}}) {
    CudaLevels levels(stream_of(format), format, kWindow, 2, 0);
    EXPECT_EQ(levels.device_bytes() > 0, format.n_bits == 8);
    const auto before = device_in_use().free_bytes;
    levels.allocate();
    const auto taken = before - device_in_use().free_bytes;
    const bool rounds_up = !device_in_use().name.starts_with("emulation");
    EXPECT_TRUE(rounds_up || taken == levels.device_bytes()) << taken << " of " << levels.device_bytes();
    EXPECT_GT(levels.footprint_bytes(), HostLevels(stream_of(format), format, kWindow, 2).footprint_bytes());
  }
}

TEST(CudaLevels, RefuseSamplesOfAnotherShape) {
  CudaLevels levels(stream_of({}), {}, kWindow, 1, 0);
  const DeviceArray<std::int8_t, 2> q({kChannels, kWindow + 1});
  EXPECT_THROW(levels.write_to(q.view()), std::invalid_argument);
  EXPECT_NO_THROW(levels.write_to(q.view().slice(1, 1, kWindow + 1)));
}

TEST(PinnedUpload, SendsMoreThanItsPiecesHold) {
  Xoshiro256 random(4);
  constexpr std::int64_t kRowBytes = 5 << 20, kRows = 5;  // one row a piece
  Array<std::uint8_t, 2> from({kRows, kRowBytes}), back({kRows, kRowBytes});
  for (std::int64_t i = 0; i < from.size(); i += 1 << 10)
    from.data()[i] = static_cast<std::uint8_t>(random.below(256));
  const Stream stream;
  const DeviceArray<std::uint8_t, 2> to({kRows, kRowBytes});
  PinnedUpload send(kRowBytes, 2);
  send(from.cview(), to.view(), stream);
  to_host(to, back.view(), stream);
  EXPECT_EQ(std::memcmp(from.data(), back.data(), static_cast<std::size_t>(from.size())), 0);
  EXPECT_THROW(send(from.cview().slice(0, 0, 2), to.view(), stream), std::invalid_argument);
}

TEST(PinnedUpload, SendsShortRowsAmongOthersAndNoneThatAreTooLong) {
  Xoshiro256 random(6);
  const Stream stream;
  PinnedUpload send(16, 3);
  Array<std::uint8_t, 2> from({7, 11}), back({7, 11});
  for (std::int64_t i = 0; i < from.size(); ++i) from.data()[i] = static_cast<std::uint8_t>(random());
  const DeviceRows<std::uint8_t> to(7, 11, stream);
  send(from.cview(), to.view(), stream);
  to.to_host(back.view(), stream);
  EXPECT_TRUE(equal(back.cview(), from.cview(), "row", "byte"));
  const auto room = PinnedUpload::footprint_bytes(16) / 2;
  const Array<std::uint8_t, 2> longer({1, room + 1});
  const DeviceArray<std::uint8_t, 2> nowhere({1, room + 1});
  EXPECT_THROW(send(longer.cview(), nowhere.view(), stream), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
