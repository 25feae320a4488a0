// Bytes and accesses by the plan.
#include "tests/cuda_bench/cuda_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cuda/fdmt_program.hpp"

namespace tianyan {
namespace {

constexpr double kLanes = 32.0;
// Of a boxcar's start: the sums of ten widths take 22 shuffles and two loads; levels of sums of 8 and of 64
// add 1/8 and 1/64; a row is read once and put into shared memory.
constexpr double kBoxcarAccesses = 24.0 * (1.0 + 1.0 / 8.0 + 1.0 / 64.0) + 2.0;

// What the sums of a pass read and write in a column of its output.
double accesses_per_column(const FdmtPassProgram& pass, int time_tile) {
  double stores = 0.0;
  for (const auto& sum : pass.sums) stores += 1.0 + static_cast<double>(sum.extra) / time_tile;
  return pass.reads_per_column(time_tile) + stores;
}

// The tree and the boxcars of one pass, added to those of the others.
void add_pass(const PlanPass& pass, double sample_rate_hz, ModelledKernel& groups, ModelledKernel& trials,
              ModelledKernel& boxcars) {
  const auto program = make_fdmt_program(pass.fdmt);
  const double columns = sample_rate_hz / static_cast<double>(pass.downsampling());
  const double group_row_bytes = 2.0 * static_cast<double>(pass.fdmt.n_group_row);
  const double row_bytes = 4.0 * pass.fdmt.n_trial();
  groups.bytes += columns * (pass.fdmt.params.n_chan + group_row_bytes);
  groups.accesses += columns * accesses_per_column(program.groups, program.time_tile);
  trials.bytes += columns * (group_row_bytes + row_bytes);
  trials.accesses += columns * accesses_per_column(program.trials, program.time_tile);
  boxcars.bytes += columns * row_bytes;
  boxcars.accesses += columns * pass.fdmt.n_trial() * kBoxcarAccesses;
}

}  // namespace

double ModelledDevice::seconds(const ModelledKernel& kernel) const {
  return std::max(kernel.bytes / memory_bytes_s, kernel.accesses / (kLanes * n_multiprocessor * clock_hz));
}

const std::vector<ModelledDevice>& modelled_devices() {
  static const std::vector<ModelledDevice> devices = {
      {"H100 SXM", 3.35e12, 132, 1.98e9, 55e9},
      {"A100 SXM 80 GB", 2.04e12, 108, 1.41e9, 25e9},
      {"L40S", 0.864e12, 142, 2.52e9, 25e9},
      {"RTX 4090", 1.008e12, 128, 2.52e9, 25e9},
  };
  return devices;
}

std::vector<ModelledKernel> modelled_kernels(const SearchPlan& plan, const StreamInfo& info, int n_bits) {
  const double rate_hz = 1.0 / plan.sample_time_s, samples = rate_hz * info.n_chan;
  const double raw = samples * n_bits / 8.0;
  std::vector<ModelledKernel> kernels = {{"unpack", raw + samples, 2.0 * samples},
                                         {"channel_stats", samples, 2.0 * samples},
                                         {"normalise", 2.0 * samples, 2.0 * samples},
                                         {"cell_moments, zero_dm_bands", 2.0 * samples, 4.0 * samples}};
  ModelledKernel downsample{"downsample"}, groups{"fdmt_group_rows"}, trials{"fdmt_trials"},
      boxcars{"boxcar_cells"};
  int octaves = 0;
  for (const auto& pass : plan.passes) octaves = std::max(octaves, pass.octave);
  for (int j = 0; j < octaves; ++j) {
    downsample.bytes += 1.5 * samples / static_cast<double>(1 << j);
    downsample.accesses += 1.5 * samples / static_cast<double>(1 << j);
  }
  for (const auto& pass : plan.passes) add_pass(pass, rate_hz, groups, trials, boxcars);
  for (const auto& kernel : {downsample, groups, trials, boxcars}) kernels.push_back(kernel);
  return kernels;
}

std::string model_text(const SearchPlan& plan, const StreamInfo& info, int n_bits) {
  std::string text = "| kernel | GB | 1e9 accesses |", line = "|---|---:|---:|", sums = "| all | | |",
              uploads = "| upload of recorded samples | | |", factors = "| seconds of data a second | | |";
  for (const auto& d : modelled_devices()) {
    text += fmt::format(" {}, ms |", d.name);
    line += "---:|";
  }
  text += "\n" + line + "\n";
  const auto kernels = modelled_kernels(plan, info, n_bits);
  for (const auto& k : kernels) {
    text += fmt::format("| {} | {:.3f} | {:.2f} |", k.name, k.bytes / 1e9, k.accesses / 1e9);
    for (const auto& d : modelled_devices()) text += fmt::format(" {:.3f} |", d.seconds(k) * 1e3);
    text += "\n";
  }
  const double raw = static_cast<double>(info.n_chan) / plan.sample_time_s * n_bits / 8.0;
  for (const auto& d : modelled_devices()) {
    double all = 0.0;
    for (const auto& k : kernels) all += d.seconds(k);
    const double upload = raw / d.upload_bytes_s;
    sums += fmt::format(" {:.3f} |", all * 1e3);
    uploads += fmt::format(" {:.3f} |", upload * 1e3);
    factors += fmt::format(" {:.0f} |", 1.0 / std::max(all, upload));
  }
  return text + sums + "\n" + uploads + "\n" + factors + "\n";
}

}  // namespace tianyan
