// Weights packed for a device.
#include "cuda/span_weights.hpp"

#include <algorithm>

namespace tianyan {
namespace {

constexpr int kBits = 32;

std::int64_t n_word(int n_chan) { return (n_chan + kBits - 1) / kBits; }

void pack(const std::uint8_t* good, int n_chan, std::uint32_t* bits) {
  for (int first = 0; first < n_chan; first += kBits) {
    std::uint32_t word = 0;
    for (int c = first; c < std::min(n_chan, first + kBits); ++c)
      word |= static_cast<std::uint32_t>(good[c] != 0) << (c - first);
    bits[first / kBits] = word;
  }
}

}  // namespace

WeightsOnDevice::WeightsOnDevice(int n_chan, std::int64_t window_samples)
    : begin_({window_samples + 1}),
      bits_({window_samples, n_word(n_chan)}),
      device_begin_({window_samples + 1}),
      device_bits_({window_samples, n_word(n_chan)}),
      n_chan_(n_chan) {}

std::int64_t WeightsOnDevice::footprint_bytes(int n_chan, std::int64_t window_samples) {
  return 8 * (window_samples + 1) + 4 * window_samples * n_word(n_chan);
}

DeviceWeights WeightsOnDevice::upload(const SpanWeights& w, const Stream& stream) {
  const auto n_span = w.n_span();
  expect(w.n_chan == n_chan_ && n_span >= 1 && n_span < begin_.size(),
         "weights of {} channels in {} spans for a device's {} channels and {} spans", w.n_chan, n_span,
         n_chan_, begin_.size() - 1);
  std::copy(w.begin.begin(), w.begin.end(), begin_.data());
  for (int s = 0; s < n_span; ++s) pack(w.row(s), n_chan_, bits_.view()[s].data());
  const auto begin = device_begin_.view().slice(0, 0, n_span + 1);
  const auto bits = device_bits_.view().slice(0, 0, n_span);
  tianyan::upload(begin_.cview().slice(0, 0, n_span + 1), begin, stream);
  tianyan::upload(bits_.cview().slice(0, 0, n_span), bits, stream);
  return {begin, bits, n_chan_, n_span, w.n_time()};
}

}  // namespace tianyan
