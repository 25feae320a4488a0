// GizaPage over libgiza: file names that giza makes up, images at one data pixel per page pixel, frames,
// text.
#include "io/giza_page.hpp"

#include <fcntl.h>
#include <unistd.h>
extern "C" {  // giza.h leaves this to its users
#include <giza.h>
}

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// fontconfig takes its nearest where this one is not installed.
const char* const kFont = "DejaVu Sans";

/// giza copies the name into char[256] without a terminator if it is longer.
constexpr std::size_t kLongestName = 255;
constexpr int kFirstRampIndex = 16, kLastRampIndex = GIZA_COLOUR_INDEX_MAX;
constexpr int kRampLength = kLastRampIndex - kFirstRampIndex + 1;
/// Of PageColour's first; the others follow, all below kFirstRampIndex.
constexpr int kFirstPageIndex = 1;
constexpr int kNoDataIndex = kFirstPageIndex + static_cast<int>(PageColour::kGrey);
/// Least distance of two numbers along an axis.
constexpr int kTickSpacingXPx = 80, kTickSpacingYPx = 38;

struct Rgb {
  double red, green, blue;
};

/// matplotlib's viridis at nine equal steps, 0xRRGGBB (van der Walt & Smith 2015; CC0).
constexpr std::array<int, 9> kViridis = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c,
                                         0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
/// White to dark blue in equal steps of lightness.
constexpr std::array<int, 5> kBlues = {0xffffff, 0xbccce6, 0x7b9bcb, 0x3d68a5, 0x10305f};

constexpr Rgb rgb(int packed) {
  return {(packed >> 16 & 255) / 255.0, (packed >> 8 & 255) / 255.0, (packed & 255) / 255.0};
}

void use_colour(PageColour colour) { giza_set_colour_index(kFirstPageIndex + static_cast<int>(colour)); }

void set_page_colours() {
  // In PageColour's order: text, blue, shade, grey, white, orange.
  constexpr std::array<int, 6> colours = {0x1a1a1a, 0x1f4f99, 0xfce0b2, 0xc7c7c7, 0xffffff, 0xe07b1a};
  for (std::size_t i = 0; i < colours.size(); ++i) {
    const Rgb c = rgb(colours[i]);
    giza_set_colour_representation(kFirstPageIndex + static_cast<int>(i), c.red, c.green, c.blue);
  }
  giza_set_colour_index_range(kFirstRampIndex, kLastRampIndex);
}

/// Colours at equal steps, with straight lines between them.
template <std::size_t N>
void use_ramp(const std::array<int, N>& colours) {
  std::array<double, N> at{}, red{}, green{}, blue{};
  for (std::size_t i = 0; i < N; ++i) {
    at[i] = static_cast<double>(i) / static_cast<double>(N - 1);
    red[i] = rgb(colours[i]).red;
    green[i] = rgb(colours[i]).green;
    blue[i] = rgb(colours[i]).blue;
  }
  giza_set_colour_table(at.data(), red.data(), green.data(), blue.data(), static_cast<int>(N), 1.0, 0.5);
}

/// The file that giza makes of a name: it appends ".png" unless the whole path has it anywhere, in any case.
std::string name_giza_writes(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find(".png") != std::string::npos ? name : name + ".png";
}

/// giza and cairo report a failed write on stderr only; a whole PNG ends with this chunk.
bool is_whole_png(const std::string& path) {
  constexpr std::array<char, 8> end = {'I', 'E', 'N', 'D', '\xae', '\x42', '\x60', '\x82'};
  std::array<char, 8> tail{};
  std::ifstream in(path, std::ios::binary);
  in.seekg(-static_cast<std::streamoff>(tail.size()), std::ios::end);
  return in.read(tail.data(), static_cast<std::streamsize>(tail.size())) && tail == end;
}

/// Bins [first, last) along one axis.
struct BinRange {
  std::int64_t first, last;
};

/// Those that pixel `p` of `n_pixels` covers, at least one.
BinRange bins_of_pixel(int p, int n_pixels, std::int64_t n_bins) {
  const auto first = p * n_bins / n_pixels;
  return {first, std::max(first + 1, (p + 1) * n_bins / n_pixels)};
}

/// Mean of the finite values; NaN where there is none.
double mean_of(const View<const float, 2>& values, const BinRange& rows, const BinRange& columns) {
  double sum = 0.0;
  int n = 0;
  for (auto r = rows.first; r < rows.last; ++r)
    for (auto c = columns.first; c < columns.last; ++c)
      if (const float v = values(r, c); std::isfinite(v)) {
        sum += static_cast<double>(v);
        ++n;
      }
  return n > 0 ? sum / n : std::nan("");
}

int ramp_index(double value, const ColourLimits& limits) {
  if (std::isnan(value)) return kNoDataIndex;
  const double fraction = std::clamp((value - limits.low) / (limits.high - limits.low), 0.0, 1.0);
  return kFirstRampIndex + std::min(kRampLength - 1, static_cast<int>(fraction * kRampLength));
}

/// A step of 1, 2 or 5 times a power of ten, for a number every `spacing_px` or so, and its division by
/// ticks.
struct TickStep {
  double step = 1.0;
  int n_minor = 1;
};
TickStep tick_step(double range, int length_px, int spacing_px) {
  const double least = std::abs(range) * spacing_px / length_px;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  if (least <= power) return {power, 5};
  if (least <= 2.0 * power) return {2.0 * power, 4};
  return least <= 5.0 * power ? TickStep{5.0 * power, 5} : TickStep{10.0 * power, 5};
}

}  // namespace

ColourLimits robust_limits(const View<const float, 2>& image, double low_fraction, double high_fraction) {
  std::vector<float> finite;
  for (std::int64_t r = 0; r < image.shape(0); ++r)
    for (std::int64_t c = 0; c < image.shape(1); ++c)
      if (std::isfinite(image(r, c))) finite.push_back(image(r, c));
  if (finite.empty()) return {0.0, 1.0};
  const auto at = [&](double fraction) {
    const auto nth = finite.begin() + std::llround(fraction * static_cast<double>(finite.size() - 1));
    std::nth_element(finite.begin(), nth, finite.end());
    return static_cast<double>(*nth);
  };
  const double low = at(low_fraction), high = at(high_fraction);
  return high > low ? ColourLimits{low, high} : ColourLimits{low - 0.5, low + 0.5};
}

std::string giza_literal(const std::string& text) {
  std::string literal;
  for (const char c : text) {
    if (std::string("\\^_{}").find(c) != std::string::npos) literal += '\\';
    const bool is_continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (!is_continuation) literal += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return literal;
}

GizaPage::GizaPage(const std::string& temporary_path, int width_px, int height_px)
    : temporary_path_(temporary_path), width_px_(width_px), height_px_(height_px) {
  const bool is_made = std::ofstream(temporary_path).is_open();
  require(is_made, "{}: cannot be made: {}", temporary_path, std::strerror(errno));
  std::string name = temporary_path;
  if (name_giza_writes(name).size() > kLongestName) {
    const std::filesystem::path path(temporary_path);
    folder_fd_ = ::open(path.has_parent_path() ? path.parent_path().c_str() : ".", O_RDONLY | O_DIRECTORY);
    require(folder_fd_ >= 0, "{}: its folder cannot be opened", temporary_path);
    name = fmt::format("/proc/self/fd/{}/{}", folder_fd_, path.filename().string());
  }
  written_path_ = name_giza_writes(name);
  giza_stop_warnings();
  if (written_path_.size() <= kLongestName)
    device_ = giza_open_device_size("/png", name.c_str(), width_px, height_px, GIZA_UNITS_PIXELS);
  if (device_ <= 0) release();
  require(device_ > 0, "{}: giza cannot open a page for it", temporary_path);
  giza_stop_prompting();
  set_page_colours();
  set_ramp(PageRamp::kViridis);
  giza_set_font(kFont);
  set_panel({0, width_px, 0, height_px}, {});
  rectangle(0.0, 1.0, 0.0, 1.0, PageColour::kWhite);
}

GizaPage::~GizaPage() { release(); }

void GizaPage::release() {
  if (device_ > 0) {
    giza_close_device();
    ::unlink(written_path_.c_str());
  }
  if (folder_fd_ >= 0) ::close(folder_fd_);
  device_ = 0;
  folder_fd_ = -1;
}

void GizaPage::set_panel(const PanelPixels& panel, const PanelWindow& window) {
  panel_ = panel;
  window_ = window;
  const double w = width_px_, h = height_px_;
  giza_set_viewport(panel.left / w, panel.right / w, panel.bottom / h, panel.top / h);
  giza_set_window(window.x_first, window.x_last, window.y_first, window.y_last);
}

void GizaPage::set_letter_height(double height) { giza_set_character_height(letters_ * height); }

void GizaPage::set_ramp(PageRamp ramp) {
  if (ramp == PageRamp::kBlues)
    use_ramp(kBlues);
  else
    use_ramp(kViridis);
}

void GizaPage::image(const View<const float, 2>& values, const ColourLimits& limits) {
  std::vector<int> indices;
  indices.reserve(static_cast<std::size_t>(panel_.width()) * static_cast<std::size_t>(panel_.height()));
  for (int y = 0; y < panel_.height(); ++y) {
    const BinRange rows = bins_of_pixel(y, panel_.height(), values.shape(0));
    for (int x = 0; x < panel_.width(); ++x) {
      const BinRange columns = bins_of_pixel(x, panel_.width(), values.shape(1));
      indices.push_back(ramp_index(mean_of(values, rows, columns), limits));
    }
  }
  giza_draw_pixels(panel_.width(), panel_.height(), indices.data(), 0, panel_.width() - 1, 0,
                   panel_.height() - 1, window_.x_first, window_.x_last, window_.y_first, window_.y_last,
                   GIZA_EXTEND_PAD);
}

void GizaPage::line(const std::vector<double>& x, const std::vector<double>& y, PageColour colour,
                    double width) {
  expect(x.size() == y.size(), "a line of {} x and {} y", x.size(), y.size());
  use_colour(colour);
  giza_set_line_width(width);
  giza_line(static_cast<int>(x.size()), x.data(), y.data());
}

void GizaPage::rectangle(double x_first, double x_last, double y_first, double y_last, PageColour colour) {
  use_colour(colour);
  giza_set_fill(GIZA_FILL_SOLID);
  giza_rectangle(x_first, x_last, y_first, y_last);
}

void GizaPage::area(const std::vector<double>& x, const std::vector<double>& y, PageColour colour) {
  expect(x.size() == y.size(), "an area of {} x and {} y", x.size(), y.size());
  use_colour(colour);
  giza_set_fill(GIZA_FILL_SOLID);
  giza_polygon(static_cast<int>(x.size()), x.data(), y.data());
}

void GizaPage::frame(const std::string& x_label, const std::string& y_label, const LogAxes& log) {
  use_colour(PageColour::kText);
  giza_set_line_width(1.0);
  set_letter_height(kTickHeight);
  giza_set_number_format(GIZA_NUMBER_FORMAT_DEC);
  const TickStep x = tick_step(window_.x_last - window_.x_first, panel_.width(), kTickSpacingXPx);
  const TickStep y = tick_step(window_.y_last - window_.y_first, panel_.height(), kTickSpacingYPx);
  const std::string x_options = fmt::format("BCTS{}{}", x_label.empty() ? "" : "N", log.x ? "L" : "");
  const std::string y_options = fmt::format("BCTS{}{}", y_label.empty() ? "" : "NV", log.y ? "L" : "");
  giza_box(x_options.c_str(), x.step, x.n_minor, y_options.c_str(), y.step, y.n_minor);
  set_letter_height(kLabelHeight);
  if (!x_label.empty()) giza_annotate("B", 2.3, 0.5, 0.5, x_label.c_str());
  if (!y_label.empty()) giza_annotate("L", 3.4, 0.5, 0.5, y_label.c_str());
  set_panel(panel_, window_);  // giza has opened the clipping for the text
}

void GizaPage::colour_bar(const ColourLimits& limits, const std::string& label) {
  constexpr int kGap = 12, kWidth = 16, kSteps = 256;
  set_panel({panel_.right + kGap, panel_.right + kGap + kWidth, panel_.bottom, panel_.top},
            {0.0, 1.0, limits.low, limits.high});
  std::vector<float> ramp;
  for (int i = 0; i < kSteps; ++i)
    ramp.push_back(static_cast<float>(limits.low + (i + 0.5) / kSteps * (limits.high - limits.low)));
  image(View<const float, 2>(ramp.data(), {kSteps, 1}), limits);
  use_colour(PageColour::kText);
  set_letter_height(kTickHeight);
  const TickStep y = tick_step(limits.high - limits.low, panel_.height(), kTickSpacingYPx);
  giza_box("BC", 0.0, 0, "BCTSMV", y.step, y.n_minor);
  set_letter_height(kLabelHeight);
  giza_annotate("T", 1.0, 0.5, 0.5, label.c_str());
}

void GizaPage::text(double x, double y, const std::string& words, double height, bool is_bold,
                    TextAlign align) {
  use_colour(PageColour::kText);
  set_letter_height(kLabelHeight * height);
  // A font set beforehand would be lost: giza puts the plain one back when it has measured the text.
  giza_ptext(x, y, 0.0, 0.5 * static_cast<int>(align), (is_bold ? "\\fb{" + words + "}" : words).c_str());
  set_panel(panel_, window_);
}

void GizaPage::finish() {
  giza_close_device();
  device_ = 0;
  const bool is_whole = is_whole_png(written_path_);
  std::error_code error;
  if (is_whole) std::filesystem::rename(written_path_, temporary_path_, error);
  if (!is_whole || error) ::unlink(written_path_.c_str());
  release();
  require(is_whole && !error, "{}: the plot could not be written; is the disk full?", temporary_path_);
}

}  // namespace tianyan
