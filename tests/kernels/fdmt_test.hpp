// What the tests of the FDMT share: random plans and inputs.
#pragma once
#include <vector>

#include "kernels/fdmt.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {

inline FdmtParams fdmt_params(int n_chan, double freq_low_mhz, double freq_high_mhz, int delay_begin,
                              int delay_end) {
  FdmtParams p;
  p.n_chan = n_chan;
  p.freq_low_mhz = freq_low_mhz;
  p.channel_width_mhz = (freq_high_mhz - freq_low_mhz) / n_chan;
  p.delay_begin = delay_begin;
  p.delay_end = delay_end;
  return p;
}

inline FdmtParams random_fdmt_params(Xoshiro256& random) {
  const double low = 100.0 + 1400.0 * random.uniform();
  const auto begin = static_cast<int>(one_of(random, {0, 0, 1, 7, 50, 333}));
  auto p = fdmt_params(one_of(random, kAwkwardChannels), low, low * (1.02 + random.uniform()), begin,
                       begin + static_cast<int>(random_between(random, 1, 90)));
  p.delay_step = std::min(p.delay_end, one_of(random, {1, 1, 2, 3, 7}));
  p.max_abs = one_of(random, {1, 31, 62, 124, 127});
  p.max_group_channels = one_of(random, {2, 3, 5, 16, 64, 100, 128});
  p.time_tile = one_of(random, {1, 3, 7, 63, 64, 65, 1024});
  p.trial_tile = one_of(random, {1, 3, 7, 16, 64});
  return p;
}

inline Array<std::int8_t, 2> random_spectra(const FdmtParams& p, std::int64_t n_time, Xoshiro256& random) {
  Array<std::int8_t, 2> in({p.n_chan, n_time + p.delay_end - 1});
  fill_uniform(in.view(), p.max_abs, random);
  return in;
}

inline Array<std::int32_t, 2> dedispersed(const FdmtPlan& plan, View<const std::int8_t, 2> in,
                                          std::int64_t n_time) {
  Array<std::int32_t, 2> out({plan.n_trial(), n_time});
  fdmt(plan, in, out.view());
  return out;
}

inline std::vector<std::int32_t> channel_delays(const FdmtPlan& plan, int trial) {
  std::vector<std::int32_t> delay(static_cast<std::size_t>(plan.params.n_chan));
  fdmt_channel_delays(plan, trial, View<std::int32_t, 1>(delay.data(), {std::ssize(delay)}));
  return delay;
}

}  // namespace tianyan
