// Kernels with memory at their sizes, and how they are timed.
#include "tests/cuda_bench/cuda_kernels.hpp"

#include <algorithm>
#include <complex>
#include <cstring>
#include <limits>
#include <memory>

#include "cuda/boxcar.hpp"
#include "cuda/channel_stats.hpp"
#include "cuda/coherent.hpp"
#include "cuda/dedisperse.hpp"
#include "cuda/detect.hpp"
#include "cuda/fdmt.hpp"
#include "cuda/levels.hpp"
#include "cuda/pfb.hpp"
#include "cuda/quantise.hpp"
#include "cuda/unpack.hpp"
#include "kernels/base/random.hpp"

namespace tianyan {
namespace {

constexpr int kWarmUp = 3;

// Random bytes within +- most, the same in every set.
template <class T>
DeviceArray<T, 2> noise_rows(std::int64_t n_row, std::int64_t n, int most) {
  Array<T, 2> host({n_row, n});
  Xoshiro256 random(1);
  for (std::int64_t i = 0; i < host.size(); ++i)
    host.data()[i] =
        static_cast<T>(static_cast<int>(random.below(static_cast<std::uint64_t>(2 * most + 1))) - most);
  DeviceArray<T, 2> device({n_row, n});
  const Stream stream;
  upload(host.cview(), device.view(), stream);
  stream.synchronise();
  return device;
}

// As many sets of so many bytes as exceed twice the L2 cache, two at least.
std::size_t sets_of(double bytes) {
  const auto l2 = static_cast<double>(device_in_use().l2_bytes);
  return static_cast<std::size_t>(std::clamp(1.0 + 2.0 * l2 / std::max(bytes, 1.0), 2.0, 16.0));
}

// A kernel that takes turns on sets of memory: make() makes one, body(set, stream) is the call.
template <class Make, class Body>
CudaKernel turns(const CudaWork& work, const Make& make, const Body& body) {
  auto sets = std::make_shared<std::vector<decltype(make())>>();
  for (std::size_t i = 0; i < sets_of(work.bytes); ++i) sets->push_back(make());
  return {work, [sets, body, next = std::size_t{0}](const Stream& stream) mutable {
            body(*(*sets)[next++ % sets->size()], stream);
          }};
}

SpanWeights full_weights(const CudaSizes& s) {
  return {{0, s.n_time}, std::vector<std::uint8_t>(static_cast<std::size_t>(s.n_chan), 1), s.n_chan};
}

double samples_of(const CudaSizes& s) {
  return static_cast<double>(s.n_chan) * static_cast<double>(s.n_time);
}

// ---- conditioning ----

CudaKernel make_unpack(const CudaSizes& s) {
  StreamInfo info;
  info.n_chan = s.n_chan;
  info.channel_width_mhz = 500.0 / s.n_chan;
  info.freq_low_mhz = 1000.0;
  info.sample_time_s = s.sample_time_s;
  info.n_time = s.n_time;
  const auto plan = std::make_shared<UnpackPlan>(make_unpack_plan(info, SampleFormat{}));
  struct Set {
    DeviceArray<std::int8_t, 2> raw;
    DeviceArray<std::uint8_t, 2> x;
  };
  return turns(
      {2.0 * samples_of(s), 0.0, "", s.data_s()},
      [&] {
        return std::make_unique<Set>(Set{noise_rows<std::int8_t>(s.n_time, s.n_chan, 100),
                                         DeviceArray<std::uint8_t, 2>({s.n_chan, s.n_time})});
      },
      [plan](const Set& set, const Stream& stream) {
        const DeviceView<const std::uint8_t, 2> raw(View<const std::uint8_t, 2>(
            reinterpret_cast<const std::uint8_t*>(set.raw.data()), {set.raw.shape(0), set.raw.shape(1)}));
        unpack(*plan, raw, 0, set.x.view(), stream);
      });
}

// Samples as unpacked, their statistics and their levels.
struct Window {
  DeviceArray<std::uint8_t, 2> x;
  DeviceArray<std::int8_t, 2> q;
  DeviceArray<float, 1> mean, sigma;
  DeviceArray<std::int64_t, 1> n_good;
  DeviceArray<double, 1> scale, offset;
  WeightsOnDevice memory;
  DeviceWeights weights;
};

std::unique_ptr<Window> make_window(const CudaSizes& s) {
  auto w = std::make_unique<Window>();
  const Stream stream;
  const auto n_chan = std::int64_t{s.n_chan};
  w->x = DeviceArray<std::uint8_t, 2>({n_chan, s.n_time});
  const auto noise = noise_rows<std::int8_t>(n_chan, s.n_time, 100);
  copy_rows(noise.data(), w->x.data(), {s.n_time, n_chan, s.n_time, s.n_time}, cudaMemcpyDeviceToDevice,
            stream, SourcePlace::here());
  w->q = DeviceArray<std::int8_t, 2>({n_chan, s.n_time});
  for (auto* array : {&w->mean, &w->sigma}) *array = DeviceArray<float, 1>({n_chan});
  w->n_good = DeviceArray<std::int64_t, 1>({n_chan});
  for (auto* array : {&w->scale, &w->offset}) *array = DeviceArray<double, 1>({n_chan});
  const std::vector<double> ones(static_cast<std::size_t>(n_chan), 1.0);
  for (auto* array : {&w->scale, &w->offset})
    upload(View<const double, 1>(ones.data(), {n_chan}), array->view(), stream);
  w->memory = WeightsOnDevice(s.n_chan, s.n_time);
  w->weights = w->memory.upload(full_weights(s), stream);
  stream.synchronise();
  return w;
}

void measure_window(const Window& w, const Stream& stream) {
  channel_stats<std::uint8_t>(w.x.cview(), {w.scale.cview(), w.offset.cview()}, w.weights, 0, w.mean.view(),
                              w.sigma.view(), w.n_good.view(), stream);
}

CudaKernel make_channel_stats(const CudaSizes& s) {
  return turns(
      {samples_of(s), samples_of(s), "samples counted", s.data_s()}, [&] { return make_window(s); },
      [](const Window& w, const Stream& stream) { measure_window(w, stream); });
}

CudaKernel make_normalise(const CudaSizes& s) {
  return turns(
      {2.0 * samples_of(s), 2.0 * samples_of(s), "float operations", s.data_s()},
      [&] {
        auto w = make_window(s);
        const Stream stream;
        measure_window(*w, stream);
        stream.synchronise();
        return w;
      },
      [](const Window& w, const Stream& stream) {
        normalise<std::uint8_t>(w.x.cview(), {w.scale.cview(), w.offset.cview()}, w.mean.cview(),
                                w.sigma.cview(), w.weights, 0, DeviceWave{}, w.q.view(), stream);
      });
}

// Levels, and sums of them.
struct Levels {
  DeviceArray<std::int8_t, 2> q;
  DeviceArray<std::int16_t, 2> sum;
  DeviceArray<std::uint16_t, 2> squares;
};

CudaKernel make_cell_moments(const CudaSizes& s) {
  const auto n_cell = s.n_time / 64;
  return turns(
      {samples_of(s), 2.0 * samples_of(s), "int additions", s.data_s()},
      [&] {
        return std::make_unique<Levels>(Levels{noise_rows<std::int8_t>(s.n_chan, s.n_time, 31),
                                               DeviceArray<std::int16_t, 2>({s.n_chan, n_cell}),
                                               DeviceArray<std::uint16_t, 2>({s.n_chan, n_cell})});
      },
      [](const Levels& l, const Stream& stream) {
        cell_moments(l.q.cview(), l.sum.view(), l.squares.view(), stream);
      });
}

CudaKernel make_zero_dm_bands(const CudaSizes& s) {
  constexpr int kBand = 64;
  const auto n_band = (s.n_chan + kBand - 1) / kBand;
  return turns(
      {samples_of(s), samples_of(s), "int additions", s.data_s()},
      [&] {
        return std::make_unique<Levels>(Levels{noise_rows<std::int8_t>(s.n_chan, s.n_time, 31),
                                               DeviceArray<std::int16_t, 2>({n_band, s.n_time}),
                                               {}});
      },
      [](const Levels& l, const Stream& stream) { zero_dm_bands(l.q.cview(), kBand, l.sum.view(), stream); });
}

CudaKernel make_downsample(const CudaSizes& s) {
  struct Set {
    DeviceArray<std::int8_t, 2> fine, coarse;
  };
  return turns(
      {1.5 * samples_of(s), samples_of(s), "int additions", s.data_s()},
      [&] {
        return std::make_unique<Set>(Set{noise_rows<std::int8_t>(s.n_chan, s.n_time, 31),
                                         DeviceArray<std::int8_t, 2>({s.n_chan, s.n_time / 2})});
      },
      [](const Set& set, const Stream& stream) {
        downsample(set.fine.cview(), 0, set.coarse.view(), stream);
      });
}

// ---- dedispersion and boxcars ----

FdmtParams fdmt_params(const CudaSizes& s) {
  FdmtParams p;
  p.n_chan = s.n_chan;
  p.channel_width_mhz = 500.0 / s.n_chan;
  p.freq_low_mhz = 1000.0 + 0.5 * p.channel_width_mhz;
  p.delay_end = s.n_trial;
  p.max_abs = 31;
  return p;
}

struct Tree {
  FdmtPlan plan;
  FdmtProgram program;
  std::unique_ptr<DeviceFdmtPlan> device;
};

std::shared_ptr<Tree> make_tree(const CudaSizes& s) {
  auto tree = std::make_shared<Tree>();
  tree->plan = make_fdmt_plan(fdmt_params(s), 1024);
  tree->program = make_fdmt_program(tree->plan);
  tree->device = std::make_unique<DeviceFdmtPlan>(tree->plan, tree->program, Stream());
  return tree;
}

// Additions that the tree needs, without what tiles compute again.
double additions(const FdmtPassProgram& pass, std::int64_t n_time) {
  double sum = 0.0;
  for (const auto& s : pass.sums) sum += std::max(0, s.n_in - 1);
  return sum * static_cast<double>(n_time);
}

CudaKernel make_group_rows(const CudaSizes& s) {
  const auto tree = make_tree(s);
  struct Set {
    DeviceArray<std::int8_t, 2> in;
    DeviceArray<std::int16_t, 2> rows;
  };
  const auto n_in = s.n_time + tree->plan.history(), n_column = tree->device->group_columns(s.n_time);
  const double bytes =
      static_cast<double>(s.n_chan * n_in) + 2.0 * static_cast<double>(tree->plan.n_group_row * s.n_time);
  return turns(
      {bytes, additions(tree->program.groups, s.n_time), "int16 additions", s.data_s()},
      [&] {
        return std::make_unique<Set>(Set{noise_rows<std::int8_t>(s.n_chan, n_in, 31),
                                         DeviceArray<std::int16_t, 2>({tree->plan.n_group_row, n_column})});
      },
      [tree, n = s.n_time](const Set& set, const Stream& stream) {
        fdmt_group_rows(*tree->device, set.in.cview(), 0, n, set.rows.view(), stream);
      });
}

CudaKernel make_trials(const CudaSizes& s) {
  const auto tree = make_tree(s);
  struct Set {
    DeviceArray<std::int16_t, 2> rows;
    DeviceArray<std::int32_t, 2> out;
  };
  const auto n_column = tree->device->group_columns(s.n_time);
  const double bytes = 2.0 * static_cast<double>(tree->plan.n_group_row * n_column) +
                       4.0 * static_cast<double>(s.n_trial) * static_cast<double>(s.n_time);
  return turns(
      {bytes, additions(tree->program.trials, s.n_time), "int additions", s.data_s()},
      [&] {
        return std::make_unique<Set>(Set{noise_rows<std::int16_t>(tree->plan.n_group_row, n_column, 300),
                                         DeviceArray<std::int32_t, 2>({s.n_trial, s.n_time})});
      },
      [tree](const Set& set, const Stream& stream) {
        fdmt_trials(*tree->device, set.rows.cview(), 0, 0, set.out.view(), stream);
      });
}

CudaKernel make_boxcars(const CudaSizes& s) {
  struct Set {
    BoxcarPlan plan;
    DeviceArray<std::int32_t, 2> rows, before, after;
    DeviceArray<BoxcarLeastSums, 2> least;
    DeviceArray<BoxcarCell, 1> cells;
    DeviceArray<unsigned, 1> n_cell;
  };
  const auto n_time = s.n_time / kBoxcarRun * kBoxcarRun;
  const auto values = static_cast<double>(s.n_trial) * static_cast<double>(n_time);
  const auto make = [&] {
    auto set = std::make_unique<Set>();
    const Stream stream;
    set->plan = make_boxcar_plan(0.0, 2048.0, 100000, 7.0, 0.0);
    set->rows = noise_rows<std::int32_t>(s.n_trial, n_time, 500);
    for (auto* tails : {&set->before, &set->after}) {
      *tails = DeviceArray<std::int32_t, 2>({s.n_trial, kBoxcarLevels * kBoxcarTail});
      fill_zero(*tails, stream);
    }
    set->least = DeviceArray<BoxcarLeastSums, 2>({n_time / kBoxcarRun, s.n_trial});
    fill_bytes(set->least.data(), set->least.size_bytes(), 0x7F, stream,
               SourcePlace::here());  // nothing is found
    set->cells = DeviceArray<BoxcarCell, 1>({1024});
    set->n_cell = DeviceArray<unsigned, 1>({1});
    fill_zero(set->n_cell, stream);
    stream.synchronise();
    return set;
  };
  return turns({4.0 * values, 14.0 * 1.14 * values, "int additions", s.data_s()}, make,
               [](const Set& set, const Stream& stream) {
                 boxcar_cells(set.plan, set.rows.cview(), set.rows.shape(1), set.least.cview(), 0,
                              set.before.cview(), set.after.view(), set.cells.view(), set.n_cell.view(),
                              stream);
               });
}

CudaKernel make_dedisperse(const CudaSizes& s) {
  constexpr int kRows = 32;
  struct Set {
    std::unique_ptr<DedisperseRows> rows;
    DeviceArray<std::int8_t, 2> in;
    DeviceArray<std::int32_t, 2> out;
  };
  auto p = fdmt_params(s);
  p.delay_begin = s.n_trial - kRows;
  const auto make = [&] {
    auto set = std::make_unique<Set>();
    const Stream stream;
    set->in = noise_rows<std::int8_t>(s.n_chan, s.n_time + s.n_trial, 31);
    set->out = DeviceArray<std::int32_t, 2>({kRows, s.n_time});
    set->rows = std::make_unique<DedisperseRows>(p, kRows, kRows);
    for (int i = 0; i < kRows; ++i) set->rows->add(p.delay_begin + i, 0, s.n_time);
    set->rows->upload(stream);
    stream.synchronise();
    return set;
  };
  return turns({samples_of(s) + 4.0 * kRows * static_cast<double>(s.n_time), kRows * samples_of(s),
                "int additions", s.data_s()},
               make, [](const Set& set, const Stream& stream) {
                 dedisperse(*set.rows, set.in.cview(), set.out.view(), stream);
               });
}

// ---- voltages ----

CudaKernel make_pfb(const CudaSizes& s) {
  struct Set {
    std::unique_ptr<PfbPlan> host;
    std::unique_ptr<DevicePfbPlan> plan;
    std::unique_ptr<DevicePfbScratch> scratch;
    DeviceArray<float, 1> x;
    DeviceArray<std::complex<float>, 2> out;
  };
  PfbParams params;
  params.n_chan = s.n_fft / 2;
  params.is_complex = false;
  const auto make = [&] {
    auto set = std::make_unique<Set>();
    const Stream stream;
    set->host = std::make_unique<PfbPlan>(make_pfb_plan(params));
    set->plan = std::make_unique<DevicePfbPlan>(*set->host, s.n_frame, stream);
    set->scratch = std::make_unique<DevicePfbScratch>(*set->plan, stream);
    set->x = DeviceArray<float, 1>({(s.n_frame + params.n_tap) * s.n_fft});
    fill_zero(set->x, stream);
    set->out = DeviceArray<std::complex<float>, 2>({s.n_frame, params.n_chan});
    stream.synchronise();
    return set;
  };
  const double samples = static_cast<double>(s.n_frame) * static_cast<double>(s.n_fft);
  const double operations = samples * (2.0 * params.n_tap + 2.5 * std::log2(static_cast<double>(s.n_fft)));
  return turns({samples * (4.0 + 4.0 + 4.0 + 4.0), operations, "float operations", samples / 1e9}, make,
               [](const Set& set, const Stream& stream) {
                 pfb(*set.plan, *set.scratch, set.x.cview(), set.host->first_sample(0), 0, set.out.view(),
                     stream);
               });
}

CudaKernel make_coherent(const CudaSizes& s) {
  struct Set {
    std::unique_ptr<DeviceCoherentPlan> plan;
    std::unique_ptr<DeviceCoherentScratch> scratch;
    DeviceArray<std::complex<float>, 2> in, out;
  };
  CoherentParams params;
  params.n_chan = 16;
  params.freq_low_mhz = 1200.0;
  params.channel_spacing_mhz = params.sample_rate_mhz = 0.1;
  params.dm_pc_cm3 = 100.0;
  const auto n_row = s.n_frame;
  const auto host = make_coherent_plan(params, s.n_fft);
  const auto make = [&] {
    auto set = std::make_unique<Set>();
    const Stream stream;
    set->plan = std::make_unique<DeviceCoherentPlan>(host, stream);
    set->scratch = std::make_unique<DeviceCoherentScratch>(s.n_fft, CoherentRows{n_row, params.n_chan, 0});
    for (auto* array : {&set->in, &set->out}) *array = DeviceArray<std::complex<float>, 2>({n_row, s.n_fft});
    fill_zero(set->in, stream);
    stream.synchronise();
    return set;
  };
  const double samples = static_cast<double>(n_row) * static_cast<double>(s.n_fft);
  return turns({samples * 8.0 * 6.0, samples * (6.0 + 10.0 * std::log2(static_cast<double>(s.n_fft))),
                "float operations",
                static_cast<double>(n_row * host.n_valid) /
                    (static_cast<double>(params.n_chan) * params.sample_rate_mhz * 1e6)},
               make, [](const Set& set, const Stream& stream) {
                 forward_step(*set.scratch, set.in.cview(), stream);
                 backward_step(*set.plan, *set.scratch, 0, set.out.view(), stream);
               });
}

}  // namespace

const std::vector<NamedCudaKernel>& cuda_kernels() {
  static const std::vector<NamedCudaKernel> all = {
      {"unpack", make_unpack},
      {"channel_stats", make_channel_stats},
      {"normalise", make_normalise},
      {"cell_moments", make_cell_moments},
      {"zero_dm_bands", make_zero_dm_bands},
      {"downsample", make_downsample},
      {"fdmt_group_rows", make_group_rows},
      {"fdmt_trials", make_trials},
      {"boxcar_cells", make_boxcars},
      {"dedisperse", make_dedisperse},
      {"pfb", make_pfb},
      {"coherent", make_coherent},
  };
  return all;
}

std::vector<double> call_seconds(const CudaKernel& kernel, int n_call) {
  const Stream stream;
  StreamEvent begin, end;
  std::vector<double> seconds;
  for (int i = -kWarmUp; i < n_call; ++i) {
    begin.record(stream);
    kernel.run(stream);
    end.record(stream);
    end.synchronise();
    if (i >= 0) seconds.push_back(end.seconds_since(begin));
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

CopyRates measure_copies(std::int64_t bytes) {
  const DeviceArray<std::uint8_t, 1> a({bytes}), b({bytes});
  const PinnedArray<std::uint8_t, 1> host({bytes});
  const auto n = static_cast<double>(bytes);
  const auto rate = [&](double moved, const std::function<void(const Stream&)>& run) {
    const auto seconds = call_seconds({{}, run}, 9);
    return moved / std::max(seconds[seconds.size() / 2], 1e-12);
  };
  fill_bytes(a.data(), bytes, 1, Stream(), SourcePlace::here());
  CopyRates rates;
  rates.upload_bytes_s = rate(n, [&](const Stream& s) { upload(host.cview(), a.view(), s); });
  rates.device_bytes_s = rate(2.0 * n, [&](const Stream& s) { copy(a.cview(), b.view(), s); });
  rates.download_bytes_s = rate(n, [&](const Stream& s) { download(b.cview(), host.view(), s); });
  return rates;
}

}  // namespace tianyan
