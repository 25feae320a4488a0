// The formats that are known: each file of a format registers itself, here they are found by content or by
// extension.
#include <algorithm>

#include "io/atomic_file.hpp"
#include "io/raw_file.hpp"
#include "io/sink.hpp"
#include "io/source.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::vector<SourceFormat>& source_formats() {
  static std::vector<SourceFormat> formats;
  return formats;
}

std::vector<SinkFormat>& sink_formats() {
  static std::vector<SinkFormat> formats;
  return formats;
}

bool begins_with(const std::vector<unsigned char>& head, std::initializer_list<unsigned char> bytes) {
  return head.size() >= bytes.size() && std::equal(bytes.begin(), bytes.end(), head.begin());
}

/// What a file is that no format took, where its first bytes tell.
std::string guess(const std::vector<unsigned char>& head) {
  if (head.empty()) return "the file is empty";
  if (begins_with(head, {0x1f, 0x8b})) return "it is compressed by gzip: expand it first";
  if (begins_with(head, {'B', 'Z', 'h'})) return "it is compressed by bzip2: expand it first";
  if (begins_with(head, {0x28, 0xb5, 0x2f, 0xfd})) return "it is compressed by zstd: expand it first";
  return "its first bytes fit none of them";
}

/// Registration order depends on the linker; the list in a message must not.
template <class Formats>
std::vector<std::string> sorted_names(const Formats& formats) {
  std::vector<std::string> names;
  for (const auto& format : formats) names.push_back(format.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string known_extensions() {
  std::vector<std::string> all;
  for (const auto& format : sink_formats())
    for (const auto& extension : format.extensions)
      all.push_back(fmt::format("{} ({})", extension, format.name));
  std::sort(all.begin(), all.end());
  return fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

void Losses::add(const Losses& part) {
  gap_samples += part.gap_samples;
  n_gaps += part.n_gaps;
  lost_bytes += part.lost_bytes;
  cut_short = cut_short || part.cut_short;
  notes.insert(notes.end(), part.notes.begin(), part.notes.end());
}

bool Losses::counts_less_than(const Losses& other) const {
  return gap_samples < other.gap_samples || n_gaps < other.n_gaps || lost_bytes < other.lost_bytes ||
         notes.size() < other.notes.size();
}

void SinkLosses::add(const RawBlock& block) {
  for (const auto& span : block.spans) {
    const std::int64_t n = span.end - span.begin;
    if (span.missing) zero_filled += n;
    if (!span.missing && (!span.scale.empty() || !span.offset.empty())) uncalibrated += n;
    if (!span.missing && !span.weight.empty()) unflagged += n;
  }
}

bool register_source_format(const SourceFormat& format) {
  source_formats().push_back(format);
  return true;
}

bool register_sink_format(const SinkFormat& format) {
  sink_formats().push_back(format);
  return true;
}

std::unique_ptr<Source> open_source(const std::string& path) {
  const auto head = read_head(RawFile(path));
  for (const auto& format : source_formats())
    if (format.probe(path, head)) return format.open(path);
  throw std::runtime_error(fmt::format("{}: no known format; known are {} and, of voltages, {}; {}", path,
                                       fmt::join(sorted_names(source_formats()), ", "),
                                       fmt::join(voltage_format_names(), ", "), guess(head)));
}

const SinkFormat& sink_format_for(const std::string& path) {
  for (const auto& format : sink_formats())
    for (const auto& extension : format.extensions)
      if (path.ends_with(extension)) return format;
  throw std::invalid_argument(
      fmt::format("{}: the name must end with the extension of a format: {}", path, known_extensions()));
}

std::unique_ptr<Sink> create_sink(const std::string& path, const StreamInfo& info, const SampleFormat& wanted,
                                  bool overwrite) {
  const auto& format = sink_format_for(path);
  check_output_path(path, overwrite);
  check_header(info, wanted, path);
  return format.create(path, info, wanted);
}

}  // namespace tianyan
