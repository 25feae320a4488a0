// Reading of arbitrary recordings: what the reader promises of each block is checked.
#include "tests/fuzz/recordings.hpp"

#include <algorithm>
#include <stdexcept>

#include "io/candidate_table.hpp"
#include "io/source.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/array.hpp"
#include "kernels/unpack_voltages.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

// Of one read: blocks stay small whatever the header says of a spectrum's size.
constexpr std::int64_t kBlockSamples = 48;
constexpr std::int64_t kBlockBytes = 1 << 16;

bool is_table(const std::vector<float>& table, std::int64_t n) {
  return table.empty() || std::ssize(table) == n;
}

void check_block(const Source& source, const RawBlock& block, std::int64_t first, std::int64_t n) {
  const StreamInfo& info = source.info();
  promise(block.first_sample == first && block.n_time == n, "the block is what was asked for");
  promise(block.samples.shape(0) >= n && block.samples.shape(1) == spectrum_bytes(info, source.format()),
          "the block holds its spectra");
  std::int64_t end = 0;
  for (const auto& span : block.spans) {
    promise(span.begin == end && span.end > end, "spans cover the block in order");
    end = span.end;
    const std::int64_t n_value = std::int64_t{info.n_pol} * info.n_chan;
    promise(
        is_table(span.scale, n_value) && is_table(span.offset, n_value) && is_table(span.weight, info.n_chan),
        "tables are as long as a spectrum");
  }
  promise(end == n, "spans cover the whole block");
}

void check_block(const VoltageSource& source, const VoltageBlock& block, std::int64_t first, std::int64_t n) {
  const VoltageInfo& info = source.info();
  promise(block.first_sample == first && block.n_time == n, "the block is what was asked for");
  Array<float, 1> v({n * source.format().n_component()});
  for (const int coarse : {0, info.n_coarse - 1}) {
    unpack_voltages(source.format(), block, coarse, info.n_pol - 1, 0, v.view());
    missing_samples(block, coarse, info.n_pol);
  }
}

/// First, middle and last samples, twice over: the buffer is used again.
template <class Block, class AnySource>
void read_blocks(AnySource& source, std::int64_t sample_bytes) {
  const std::int64_t n_time = source.info().n_time;
  const auto n = std::min(n_time, std::clamp<std::int64_t>(kBlockBytes / sample_bytes, 1, kBlockSamples));
  Block block;
  for (const std::int64_t first : {std::int64_t{0}, (n_time - n) / 2, n_time - n}) {
    if (n == 0) return;
    source.read(first, n, block);
    check_block(source, block, first, n);
  }
}

/// What `tianyan info` shows.
template <class AnySource>
void look_at(const AnySource& source) {
  const auto& info = source.info();
  promise(info.n_time >= 0 && info.sample_time_s > 0.0, "a stream has a length and a sample time");
  promise(!source.files().empty() && !source.format_name().empty(), "a stream has files and a format");
  mjd_digits(info.start);
}

/// One file, or two of one scan.
std::vector<std::string> files_of(std::string_view bytes) {
  static const Folder folder;
  const auto [first, second] = halves(bytes);
  std::vector<std::string> paths = {input_file(first)};
  if (!second.empty()) paths.push_back(folder.write("second", second));
  return paths;
}

}  // namespace

void read_spectra(std::string_view bytes, std::string_view begins) try {
  if (!bytes.starts_with(begins)) return;
  const auto source = open_series(files_of(bytes));
  look_at(*source);
  source->info().pointing_at(source->info().duration_s());
  read_blocks<RawBlock>(*source, spectrum_bytes(source->info(), source->format()));
} catch (const std::runtime_error&) {
}

void read_voltages(std::string_view bytes, std::string_view begins) try {
  if (!bytes.starts_with(begins)) return;
  const auto paths = files_of(bytes);
  const auto beams = known_voltage_format(paths.front()).beams(paths.front());
  const auto has_same = [&](const std::string& path) {
    return known_voltage_format(path).beams(path) == beams;
  };
  if (!std::all_of(paths.begin(), paths.end(), has_same)) return;  // find_inputs() keeps them apart
  const auto source = open_voltages(paths, beams.empty() ? 0 : beams.back(), {});
  look_at(*source);
  const VoltageInfo& info = source->info();
  const std::int64_t sample_bits = std::int64_t{info.n_coarse} * info.n_pol * source->format().sample_bits();
  read_blocks<VoltageBlock>(*source, (sample_bits + 7) / 8);
} catch (const std::runtime_error&) {
}

}  // namespace tianyan::fuzz
