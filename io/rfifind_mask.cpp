// PRESTO's .mask: builder, writer and reader.
#include "io/rfifind_mask.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include "io/atomic_file.hpp"
#include "io/raw_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(int) == 4 && sizeof(double) == 8,
              "rfifind's masks are little-endian, of int32 and float64");

constexpr int kMaxChannels = 1 << 20;

/// The first number that is not believable, with what is; "" where all are.
std::string trouble_in_numbers(const RfifindMask& mask) {
  for (const double value : {mask.time_sigma, mask.freq_sigma, mask.mjd})
    if (!std::isfinite(value)) return fmt::format("{} among time_sigma, freq_sigma and mjd", value);
  if (!(mask.interval_s > 0.0 && mask.interval_s <= 1e9))
    return fmt::format("interval_s is {}; it must be positive and at most 1e9", mask.interval_s);
  if (!(std::abs(mask.freq_low_mhz) <= 1e9))
    return fmt::format("freq_low_mhz is {}; at most 1e9 is possible", mask.freq_low_mhz);
  if (!(mask.channel_width_mhz > 0.0 && mask.channel_width_mhz <= 1e5))
    return fmt::format("channel_width_mhz is {}; it must be positive and at most 1e5",
                       mask.channel_width_mhz);
  if (mask.n_chan < 1 || mask.n_chan > kMaxChannels)
    return fmt::format("n_chan is {}; 1 to {} are possible", mask.n_chan, kMaxChannels);
  if (mask.n_interval < 0) return fmt::format("n_interval is {}", mask.n_interval);
  if (mask.samples_per_interval < 1)
    return fmt::format("samples_per_interval is {}; 1 or more are possible", mask.samples_per_interval);
  return "";
}

/// Ascending, without repeats, within [0, n).
bool is_list_below(int n, const std::vector<int>& list) {
  const auto not_ascending = [](int a, int b) { return a >= b; };
  return (list.empty() || (list.front() >= 0 && list.back() < n)) &&
         std::adjacent_find(list.begin(), list.end(), not_ascending) == list.end();
}

void check(const RfifindMask& mask, const std::string& path) {
  const std::string trouble = trouble_in_numbers(mask);
  expect(trouble.empty(), "{}: {}", path, trouble);
  expect(std::ssize(mask.channels_of_interval) == mask.n_interval,
         "{}: channels_of_interval has {} lists for {} intervals", path, mask.channels_of_interval.size(),
         mask.n_interval);
  expect(is_list_below(mask.n_chan, mask.zapped_channels),
         "{}: zapped_channels are not ascending numbers below {}", path, mask.n_chan);
  expect(is_list_below(mask.n_interval, mask.zapped_intervals),
         "{}: zapped_intervals are not ascending numbers below {}", path, mask.n_interval);
  for (std::size_t i = 0; i < mask.channels_of_interval.size(); ++i)
    expect(is_list_below(mask.n_chan, mask.channels_of_interval[i]),
           "{}: channels_of_interval[{}] are not ascending numbers below {}", path, i, mask.n_chan);
}

/// Of each interval, as the file has it.
std::vector<int> counts_of(const RfifindMask& mask) {
  std::vector<int> counts;
  for (const auto& channels : mask.channels_of_interval) counts.push_back(static_cast<int>(channels.size()));
  for (const int i : mask.zapped_intervals)
    if (counts[static_cast<std::size_t>(i)] == 0) counts[static_cast<std::size_t>(i)] = mask.n_chan;
  return counts;
}

void put(std::ofstream& out, double value) { out.write(reinterpret_cast<const char*>(&value), sizeof value); }
void put(std::ofstream& out, const std::vector<int>& values) {
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(int)));
}
void put_counted(std::ofstream& out, const std::vector<int>& values) {
  put(out, std::vector<int>{static_cast<int>(values.size())});
  put(out, values);
}

/// The fields of a file, from its beginning to its end.
class Fields {
 public:
  explicit Fields(const std::string& path) : file_(path) {}
  const std::string& path() const { return file_.path(); }
  std::int64_t bytes_left() const { return file_.size_bytes() - at_; }

  double real(const char* field) {
    double value = 0.0;
    read(field, sizeof value, &value);
    return value;
  }
  int integer(const char* field) { return integers(1, field)[0]; }

  std::vector<int> integers(int n, const std::string& field) {
    const std::int64_t n_bytes = std::int64_t{n} * 4;
    check_left(field, n_bytes);
    std::vector<int> values(static_cast<std::size_t>(n));
    read(field, n_bytes, values.data());
    return values;
  }

  /// n numbers from 0 to limit - 1, made ascending and without repeats.
  std::vector<int> list(int n, int limit, const std::string& field) {
    require(n >= 0 && n <= limit, "{}: {} has {} numbers; 0 to {} are possible", path(), field, n, limit);
    std::vector<int> values = integers(n, field);
    for (const int value : values)
      require(value >= 0 && value < limit, "{}: {} has {}; 0 to {} are possible", path(), field, value,
              limit - 1);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
  }

 private:
  void check_left(const std::string& field, std::int64_t n_bytes) const {
    require(n_bytes <= bytes_left(),
            "{}: {} takes {} bytes, {} are left: the file is cut short, or no mask of rfifind", path(), field,
            n_bytes, bytes_left());
  }
  void read(const std::string& field, std::int64_t n_bytes, void* to) {
    check_left(field, n_bytes);
    file_.read(at_, n_bytes, to);
    at_ += n_bytes;
  }

  RawFile file_;
  std::int64_t at_ = 0;
};

RfifindMask read_numbers(Fields& fields) {
  RfifindMask mask;
  mask.time_sigma = fields.real("time_sigma");
  mask.freq_sigma = fields.real("freq_sigma");
  mask.mjd = fields.real("mjd");
  mask.interval_s = fields.real("interval_s");
  mask.freq_low_mhz = fields.real("freq_low_mhz");
  mask.channel_width_mhz = fields.real("channel_width_mhz");
  mask.n_chan = fields.integer("n_chan");
  mask.n_interval = fields.integer("n_interval");
  mask.samples_per_interval = fields.integer("samples_per_interval");
  const std::string trouble = trouble_in_numbers(mask);
  require(trouble.empty(), "{}: {}; is it a mask of rfifind?", fields.path(), trouble);
  return mask;
}

/// A list of all channels is not in the file: its interval becomes a zapped one.
void read_intervals(Fields& fields, RfifindMask& mask) {
  const std::vector<int> counts = fields.integers(mask.n_interval, "the counts of channels_of_interval");
  mask.channels_of_interval.resize(counts.size());
  std::vector<int> whole;
  for (int i = 0; i < mask.n_interval; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (counts[at] == mask.n_chan)
      whole.push_back(i);
    else
      mask.channels_of_interval[at] =
          fields.list(counts[at], mask.n_chan, fmt::format("channels_of_interval[{}]", i));
  }
  std::vector<int> all;
  std::set_union(whole.begin(), whole.end(), mask.zapped_intervals.begin(), mask.zapped_intervals.end(),
                 std::back_inserter(all));
  mask.zapped_intervals = all;
}

}  // namespace

RfifindMaskBuilder::RfifindMaskBuilder(const RfifindMask& stream)
    : mask_(stream), n_bad_(static_cast<std::size_t>(std::max(0, stream.n_chan))) {
  mask_.n_interval = 0;
  mask_.zapped_channels.clear();
  mask_.zapped_intervals.clear();
  mask_.channels_of_interval.clear();
}

void RfifindMaskBuilder::add_interval(const std::vector<std::uint8_t>& channel_is_bad) {
  expect(channel_is_bad.size() == n_bad_.size(), "an interval of {} channels for a mask of {}",
         channel_is_bad.size(), n_bad_.size());
  std::vector<int> channels;
  for (std::size_t c = 0; c < n_bad_.size(); ++c) {
    if (channel_is_bad[c] == 0) continue;
    channels.push_back(static_cast<int>(c));
    ++n_bad_[c];
  }
  if (std::ssize(channels) == mask_.n_chan) {
    mask_.zapped_intervals.push_back(mask_.n_interval);
    channels.clear();
  }
  mask_.channels_of_interval.push_back(channels);
  ++mask_.n_interval;
}

RfifindMask RfifindMaskBuilder::finish() {
  mask_.zapped_channels.clear();
  for (std::size_t c = 0; c < n_bad_.size() && mask_.n_interval > 0; ++c)
    if (n_bad_[c] == mask_.n_interval) mask_.zapped_channels.push_back(static_cast<int>(c));
  return mask_;
}

void write_rfifind_mask(const std::string& path, const RfifindMask& mask) {
  check(mask, path);
  AtomicFile file(path);
  std::ofstream out(file.temporary_path(), std::ios::binary | std::ios::trunc);
  require(out.is_open(), "{}: cannot be opened for writing", path);
  for (const double value : {mask.time_sigma, mask.freq_sigma, mask.mjd, mask.interval_s, mask.freq_low_mhz,
                             mask.channel_width_mhz})
    put(out, value);
  put(out, std::vector<int>{mask.n_chan, mask.n_interval, mask.samples_per_interval});
  put_counted(out, mask.zapped_channels);
  put_counted(out, mask.zapped_intervals);
  put(out, counts_of(mask));
  for (const auto& channels : mask.channels_of_interval)
    if (std::ssize(channels) < mask.n_chan) put(out, channels);
  out.close();
  require(out.good(), "{}: cannot be written; is the disk full?", path);
  file.commit();
}

RfifindMask read_rfifind_mask(const std::string& path) {
  Fields fields(path);
  RfifindMask mask = read_numbers(fields);
  mask.zapped_channels = fields.list(fields.integer("zapped_channels"), mask.n_chan, "zapped_channels");
  mask.zapped_intervals =
      fields.list(fields.integer("zapped_intervals"), mask.n_interval, "zapped_intervals");
  read_intervals(fields, mask);
  require(fields.bytes_left() == 0, "{}: {} bytes are left after channels_of_interval; no mask of rfifind",
          path, fields.bytes_left());
  return mask;
}

}  // namespace tianyan
