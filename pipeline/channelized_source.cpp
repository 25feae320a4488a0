// Reading spectra that are made of voltages.
#include "pipeline/channelized_source.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/division.hpp"

namespace tianyan {
namespace {

/// Files are listed in spectra: a spectrum belongs to the file that holds its first voltage.
std::vector<InputFile> files_in_spectra(std::vector<InputFile> files, std::int64_t n_voltage,
                                        std::int64_t n_spectra) {
  const auto first_from = [&](std::int64_t sample) {
    return std::min(ceil_div(sample, n_voltage), n_spectra);
  };
  for (InputFile& file : files) {
    const auto end = first_from(file.first_sample + file.n_time);
    file.first_sample = first_from(file.first_sample);
    file.n_time = std::max<std::int64_t>(0, end - file.first_sample);
  }
  return files;
}

}  // namespace

std::vector<CalibrationSpan> spans_of(View<const std::uint8_t, 2> good, int n_chan_per_coarse) {
  std::vector<CalibrationSpan> spans;
  const auto n_coarse = good.shape(1);
  for (std::int64_t t = 0; t < good.shape(0); ++t) {
    const std::uint8_t* row = &good(t, 0);
    if (t > 0 && std::equal(row, row + n_coarse, &good(t - 1, 0))) {
      ++spans.back().end;
      continue;
    }
    CalibrationSpan& span = spans.emplace_back();
    span.begin = t;
    span.end = t + 1;
    const auto n_good = std::count(row, row + n_coarse, 1);
    span.missing = n_good == 0;
    if (n_good == 0 || n_good == n_coarse) continue;
    for (std::int64_t c = 0; c < n_coarse; ++c)
      span.weight.insert(span.weight.end(), static_cast<std::size_t>(n_chan_per_coarse),
                         row[c] != 0 ? 1.0F : 0.0F);
  }
  return spans;
}

Losses losses_in_spectra(const Losses& voltages, std::int64_t n_voltage) {
  Losses losses = voltages;
  losses.gap_samples = ceil_div(voltages.gap_samples, n_voltage);
  return losses;
}

ChannelizedSource::ChannelizedSource(std::unique_ptr<VoltageSource> voltages, const ChannelizeConfig& config)
    : voltages_(std::move(voltages)),
      channelizer_(config, voltages_->info(), voltages_->format()),
      info_(channelizer_.info()),
      format_(channelizer_.format()) {
  expect(channelizer_.n_dm() == 1,
         "channelize.coherent_dm_pc_cm3 has {} values; a search takes one: run it once for each, or write "
         "files with "
         "`tianyan channelize`",
         channelizer_.n_dm());
  check_header(info_, format_, voltages_->files().front().path);
  files_ = files_in_spectra(voltages_->files(), channelizer_.voltages_per_spectrum(), info_.n_time);
}

const Losses& ChannelizedSource::losses() const {
  losses_ = losses_in_spectra(voltages_->losses(), channelizer_.voltages_per_spectrum());
  return losses_;
}

void ChannelizedSource::read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) {
  expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
         "{}: samples [{}, {}) of {}", files_.front().path, first_sample, first_sample + n_time,
         info_.n_time);
  const std::int64_t n_column = std::int64_t{info_.n_pol} * info_.n_chan;
  out.reserve(n_time, spectrum_bytes(info_, format_));
  out.first_sample = first_sample;
  out.n_time = n_time;
  if (good_.shape(0) < n_time) good_ = Array<std::uint8_t, 2>({n_time, channelizer_.n_coarse()});
  const auto good = good_.view().slice(0, 0, n_time);
  channelizer_.make(*voltages_, first_sample,
                    View<float, 3>(reinterpret_cast<float*>(out.samples.data()), {1, n_time, n_column}),
                    good);
  out.spans = spans_of(good, channelizer_.channels_per_coarse());
}

}  // namespace tianyan
