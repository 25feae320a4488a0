// Rows of dedispersion by the definition: made on the host, checked there.
#include "cuda/dedisperse.hpp"

#include <algorithm>
#include <cmath>

namespace tianyan {

void rounded_channel_delays(const FdmtParams& params, double delay, View<std::int32_t, 1> channel_delay) {
  expect(channel_delay.shape(0) == params.n_chan, "delays of {} channels into {}", params.n_chan,
         channel_delay.shape(0));
  for (int c = 0; c < params.n_chan; ++c)
    channel_delay[c] = static_cast<std::int32_t>(std::lround(exact_channel_delay(params, delay, c)));
}

DedisperseRows::DedisperseRows(const FdmtParams& params, std::int64_t max_row, std::int64_t max_delay)
    : params_(params),
      host_rows_({max_row}),
      host_delays_({max_delay, params.n_chan}),
      rows_({max_row}),
      delays_({max_delay, params.n_chan}) {}

std::int64_t DedisperseRows::device_bytes(const FdmtParams& params, std::int64_t max_row,
                                          std::int64_t max_delay) {
  return Array<DedisperseRow, 1>::size_bytes_of({max_row}) +
         Array<std::int32_t, 2>::size_bytes_of({max_delay, params.n_chan});
}

void DedisperseRows::clear() {
  if (is_uploaded_) upload_.synchronise();
  index_of_delay_.clear();
  n_row_ = n_max_ = first_sample_ = end_sample_ = 0;
  is_uploaded_ = false;
  is_one_span_ = true;
}

std::int32_t DedisperseRows::index_of(double delay) {
  const auto max_delay = host_delays_.cview().shape(0);
  if (const auto found = index_of_delay_.find(delay); found != index_of_delay_.end()) return found->second;
  expect(n_delay() < max_delay, "memory for {} delays, and one more is asked for", max_delay);
  const auto index = static_cast<std::int32_t>(n_delay());
  rounded_channel_delays(params_, delay, host_delays_.view()[index]);
  index_of_delay_.emplace(delay, index);
  return index;
}

void DedisperseRows::add(double delay, std::int64_t t, std::int64_t n) {
  expect(n >= 0 && n <= INT32_MAX, "a row of {} samples", n);
  expect(n_row_ < host_rows_.size(), "memory for {} rows, and one more is asked for", host_rows_.size());
  expect(!is_uploaded_, "a row for {} that were uploaded", n_row_);
  const auto index = index_of(delay);
  const auto channels = host_delays_.cview()[index];
  const auto [least, most] = std::minmax_element(channels.data(), channels.data() + channels.shape(0));
  const auto& first = host_rows_.cview()(0);
  is_one_span_ = n_row_ == 0 || (is_one_span_ && first.t == t && first.n == n);
  first_sample_ = n_row_ == 0 ? t + *least : std::min(first_sample_, t + *least);
  end_sample_ = n_row_ == 0 ? t + n + *most : std::max(end_sample_, t + n + *most);
  n_max_ = std::max(n_max_, n);
  host_rows_.view()(n_row_++) = {t, static_cast<std::int32_t>(n), index};
}

void DedisperseRows::upload(const Stream& stream) {
  tianyan::upload(host_rows_.cview().slice(0, 0, n_row_), rows_.view().slice(0, 0, n_row_), stream);
  tianyan::upload(host_delays_.cview().slice(0, 0, n_delay()), delays_.view().slice(0, 0, n_delay()), stream);
  upload_.record(stream);
  is_uploaded_ = true;
  spread_ = 0;
  for (std::int64_t r = 0; is_one_span_ && r < n_row_; r += kRowsOfABlock)
    spread_ = std::max(spread_, spread_of(r, std::min(r + kRowsOfABlock, n_row_)));
}

std::int64_t DedisperseRows::spread_of(std::int64_t begin, std::int64_t end) const {
  const auto rows = host_rows_.cview();
  const auto delays = host_delays_.cview();
  std::int32_t widest = 0;
  for (int c = 0; c < params_.n_chan; ++c) {
    std::int32_t least = delays(rows(begin).delay, c), most = least;
    for (auto r = begin + 1; r < end; ++r) {
      least = std::min(least, delays(rows(r).delay, c));
      most = std::max(most, delays(rows(r).delay, c));
    }
    widest = std::max(widest, most - least);
  }
  return widest;
}

}  // namespace tianyan
