// The shared wave and its factors.
#include "kernels/zero_dm_filter.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/units.hpp"
#include "kernels/level_ops.hpp"

namespace tianyan {
namespace {

constexpr int kLossChannels = 4096;
constexpr double kOverlapSigmas = 12.0;  // exp(-36)

void check(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor) {
  expect(q.shape(1) == wave.shape(0) && q.shape(0) == factor.shape(0),
         "factors of {} x {} samples by a wave of {} into {}", q.shape(0), q.shape(1), wave.shape(0),
         factor.shape(0));
  expect(q.rows_contiguous() && wave.rows_contiguous(), "factors of waves need contiguous rows");
}

template <class Product>
void fit_factors(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor,
                 const Product& product) {
  check(q, wave, factor);
  std::int64_t power = 0;
  for (std::int64_t t = 0; t < wave.shape(0); ++t) power += std::int64_t{wave[t]} * wave[t];
  for (std::int64_t c = 0; c < q.shape(0); ++c)
    factor[c] = power > 0
                    ? static_cast<float>(static_cast<double>(product(q[c])) / static_cast<double>(power))
                    : 0.0F;
}

}  // namespace

void make_wave(View<const float, 1> z, View<const std::uint8_t, 1> good, double sigma,
               View<std::int16_t, 1> wave) {
  const auto n = z.shape(0);
  expect(good.shape(0) == n && wave.shape(0) == n, "a wave of {} samples from {} with {} flags",
         wave.shape(0), n, good.shape(0));
  expect(sigma > 0.0, "a wave in units of {}", sigma);
  for (std::int64_t t = 0; t < n; ++t) {
    const double v = good[t] != 0 ? std::nearbyint(kWaveLevels * z[t] / sigma) : 0.0;
    wave[t] = static_cast<std::int16_t>(std::clamp(v, -32767.0, 32767.0));
  }
}

void wave_factors(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor) {
  fit_factors(q, wave, factor, [&](View<const std::int8_t, 1> row) {
    return product_of(row.data(), wave.data(), wave.shape(0));
  });
}

void wave_factors_reference(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave,
                            View<float, 1> factor) {
  fit_factors(q, wave, factor, [&](View<const std::int8_t, 1> row) {
    std::int64_t sum = 0;
    for (std::int64_t t = 0; t < wave.shape(0); ++t) sum += std::int64_t{row[t]} * wave[t];
    return sum;
  });
}

double zero_dm_filter_loss(double freq_low_mhz, double channel_width_mhz, int n_chan, double dm_pc_cm3,
                           double width_s) {
  expect(n_chan >= 1 && width_s > 0.0, "the zero-DM filter's loss for {} channels and a width of {} s",
         n_chan, width_s);
  expect(freq_low_mhz > 0.0 && channel_width_mhz > 0.0,
         "the zero-DM filter's loss from {} MHz in steps of {}", freq_low_mhz, channel_width_mhz);
  const int n = std::min(n_chan, kLossChannels);
  const double sigma_s = width_s / kFwhmPerSigma;
  std::vector<double> delay_s;
  for (int i = 0; i < n; ++i) {
    const double channel = (i + 0.5) * n_chan / n - 0.5;
    delay_s.push_back(
        dispersion_delay_s(dm_pc_cm3, freq_low_mhz + channel * channel_width_mhz, freq_low_mhz));
  }
  double sum = n;  // delays go one way with frequency: channels whose pulses overlap are neighbours
  for (std::size_t i = 0; i < delay_s.size(); ++i)
    for (auto j = i + 1; j < delay_s.size() && std::abs(delay_s[i] - delay_s[j]) < kOverlapSigmas * sigma_s;
         ++j) {
      const double apart = (delay_s[i] - delay_s[j]) / sigma_s;
      sum += 2.0 * std::exp(-0.25 * apart * apart);
    }
  return sum / (static_cast<double>(n) * n);
}

}  // namespace tianyan
