// The page of one beam's flags: where each panel lies and what is in it.
#include "io/flag_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "io/atomic_file.hpp"
#include "io/giza_page.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kWidthPx = 1200, kHeightPx = 1000;
constexpr PanelPixels kTitle{80, 1180, 941, 996};
constexpr PanelPixels kZeroDm{80, 848, 877, 935};
constexpr PanelPixels kTimes{80, 848, 797, 855};
constexpr PanelPixels kImage{80, 848, 268, 780};
constexpr PanelPixels kChannels{890, 1092, 268, 780};
constexpr PanelPixels kRules{866, 1180, 797, 935};
constexpr PanelPixels kBandpass{80, 390, 74, 206};
constexpr PanelPixels kNoise{475, 785, 74, 206};
constexpr PanelPixels kSpectrum{870, 1180, 74, 206};
constexpr PanelPixels kNote{80, 1180, 4, 24};
constexpr double kLetters = 1.12;         ///< readable where the page is printed across one column
constexpr double kFractionMargin = 0.04;  ///< so that a line at 1 is not under the frame
constexpr double kZeroDmDecades = 3.0, kSpectrumDecades = 6.0;  ///< above 1; more cannot be numbered
/// log10: powers of noise scatter down to nothing, and what lies below a tenth of their mean says nothing.
constexpr double kSpectrumFloor = -1.2;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void expect_range(const PlotRange& range, std::string_view name) {
  expect(std::isfinite(range.first) && std::isfinite(range.last) && range.first < range.last,
         "flag plot: {} goes from {} to {}", name, range.first, range.last);
}

void expect_bins(const View<const float, 1>& values, std::string_view name, std::int64_t n_bins) {
  expect(values.data() && values.shape(0) == n_bins, "flag plot: {} has {} bins, occupancy {}", name,
         values.shape(0), n_bins);
}

void check_views(const FlagPlot& plot) {
  constexpr std::int64_t kMost = 1 << 16;
  const std::int64_t n_chan = plot.occupancy.shape(0), n_time = plot.occupancy.shape(1);
  expect(plot.occupancy.data() && n_chan >= 1 && n_time >= 1 && n_chan <= kMost && n_time <= kMost,
         "flag plot: occupancy has {} x {} bins, not 1 to {} each way", n_chan, n_time, kMost);
  expect_bins(plot.channel_occupancy, "channel_occupancy", n_chan);
  expect_bins(plot.bandpass, "bandpass", n_chan);
  expect_bins(plot.noise, "noise", n_chan);
  expect_bins(plot.bandpass_kept, "bandpass_kept", n_chan);
  expect_bins(plot.time_occupancy, "time_occupancy", n_time);
  expect_bins(plot.zero_dm, "zero_dm", n_time);
}

void check_spectrum(const std::vector<double>& line_hz, const std::vector<double>& line_power) {
  expect(line_hz.size() == line_power.size(), "flag plot: line_hz has {} values, line_power {}",
         line_hz.size(), line_power.size());
  for (std::size_t i = 0; i < line_hz.size(); ++i)
    expect(std::isfinite(line_hz[i]) && (i == 0 || line_hz[i] > line_hz[i - 1]),
           "flag plot: line_hz[{}] is {} Hz, line_hz does not ascend", i, line_hz[i]);
}

double flagged_fraction(const FlagPlot& plot) {
  double sum = 0.0;
  for (int r = 1; r < kNumFlagRules; ++r) sum += plot.rule_fraction[r];
  return sum;
}

void check_rules(const FlagPlot& plot) {
  for (int r = 0; r < kNumFlagRules; ++r)
    expect(plot.rule_fraction[r] >= 0.0 && plot.rule_fraction[r] <= 1.0,
           "flag plot: rule_fraction of '{}' is {}, not 0 to 1", kFlagRuleNames[r], plot.rule_fraction[r]);
  const double total = flagged_fraction(plot);
  expect(total < 1.0 + 1e-6, "flag plot: rule_fraction adds up to {}, more than all samples", total);
}

void check(const FlagPlot& plot) {
  expect_range(plot.freq_mhz, "freq_mhz");
  expect(plot.freq_mhz.first > 0.0, "flag plot: freq_mhz begins at {} MHz", plot.freq_mhz.first);
  expect_range(plot.time_s, "time_s");
  check_views(plot);
  check_spectrum(plot.line_hz, plot.line_power);
  check_rules(plot);
}

/// A run of bins with finite values, as steps: two points a bin.
struct Steps {
  std::vector<double> at, value;
};

/// The runs of finite values over an axis. Values far outside `limits` come nearer: they are clipped anyway,
/// and the drawing library's coordinates are small fixed-point numbers.
std::vector<Steps> steps_of(const View<const float, 1>& values, const PlotRange& axis,
                            const PlotRange& limits) {
  const double step = (axis.last - axis.first) / static_cast<double>(values.shape(0));
  const double beyond = limits.last - limits.first;
  std::vector<Steps> runs;
  bool is_in_run = false;
  for (std::int64_t i = 0; i < values.shape(0); ++i) {
    if (std::isfinite(values[i])) {
      if (!is_in_run) runs.emplace_back();
      const double begin = axis.first + static_cast<double>(i) * step;
      const double value = static_cast<double>(values[i]);
      runs.back().at.insert(runs.back().at.end(), {begin, begin + step});
      runs.back().value.insert(runs.back().value.end(), 2,
                               std::clamp(value, limits.first - beyond, limits.last + beyond));
    }
    is_in_run = std::isfinite(values[i]);
  }
  return runs;
}

void draw_lines(GizaPage& page, const std::vector<Steps>& runs, PageColour colour) {
  for (const Steps& run : runs) page.line(run.at, run.value, colour, 1.2);
}

constexpr PlotRange kFractions{0.0, 1.0 + kFractionMargin};

/// The same runs as areas that stand on zero.
std::vector<Steps> areas_of(const View<const float, 1>& fractions, const PlotRange& axis) {
  std::vector<Steps> runs = steps_of(fractions, axis, kFractions);
  for (Steps& run : runs) {
    run.at.insert(run.at.end(), {run.at.back(), run.at.front()});
    run.value.insert(run.value.end(), 2, 0.0);
  }
  return runs;
}

void draw_image(GizaPage& page, const FlagPlot& plot) {
  page.set_panel(kImage, {plot.time_s.first, plot.time_s.last, plot.freq_mhz.first, plot.freq_mhz.last});
  page.set_ramp(PageRamp::kBlues);
  page.image(plot.occupancy, {0.0, 1.0});
  page.frame("Time (s)", "Frequency (MHz)");
}

void draw_channels(GizaPage& page, const FlagPlot& plot) {
  page.set_panel(kChannels, {kFractions.first, kFractions.last, plot.freq_mhz.first, plot.freq_mhz.last});
  for (const Steps& run : areas_of(plot.channel_occupancy, plot.freq_mhz))
    page.area(run.value, run.at, PageColour::kBlue);
  page.frame("Flagged fraction", "");
  page.colour_bar({0.0, 1.0}, "Fraction");
}

void draw_times(GizaPage& page, const FlagPlot& plot) {
  page.set_panel(kTimes, {plot.time_s.first, plot.time_s.last, kFractions.first, kFractions.last});
  for (const Steps& run : areas_of(plot.time_occupancy, plot.time_s))
    page.area(run.at, run.value, PageColour::kBlue);
  page.frame("", "Flagged");
}

View<const float, 1> view_of(const std::vector<float>& values) {
  return {values.data(), {static_cast<std::int64_t>(values.size())}};
}

/// log10 of each value, from 0 to `most`; NaN stays.
std::vector<float> log_values(const View<const float, 1>& values, double most) {
  std::vector<float> logs;
  for (std::int64_t i = 0; i < values.shape(0); ++i) {
    const double value = std::max(static_cast<double>(values[i]), 1.0);
    logs.push_back(std::isnan(values[i]) ? kNan : static_cast<float>(std::min(std::log10(value), most)));
  }
  return logs;
}

void draw_zero_dm(GizaPage& page, const FlagPlot& plot) {
  const std::vector<float> logs = log_values(plot.zero_dm, kZeroDmDecades);
  double high = 2.0;  // giza numbers less than two decades too densely for so low a panel
  for (const float value : logs)
    if (value > static_cast<float>(high)) high = static_cast<double>(value);
  const PlotRange limits{0.0, high + 0.1};
  page.set_panel(kZeroDm, {plot.time_s.first, plot.time_s.last, limits.first, limits.last});
  draw_lines(page, steps_of(view_of(logs), plot.time_s, limits), PageColour::kBlue);
  page.frame("", "Zero DM", {.y = true});
}

/// Lowest and highest finite value; nothing where there is none: first > last.
PlotRange finite_range(const View<const float, 1>& values) {
  PlotRange range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (std::int64_t i = 0; i < values.shape(0); ++i)
    if (std::isfinite(values[i])) {
      range.first = std::min(range.first, static_cast<double>(values[i]));
      range.last = std::max(range.last, static_cast<double>(values[i]));
    }
  return range;
}

/// All kept values with a margin, and of the flagged ones those that are not further off than kept ones are
/// wide. Never so narrow that the axis' numbers differ in their fourth digit only.
PlotRange level_limits(const View<const float, 1>& all, const View<const float, 1>& kept) {
  PlotRange range = finite_range(all);
  if (range.first > range.last) return {0.0, 1.0};
  if (const PlotRange sure = finite_range(kept); sure.first <= sure.last) {
    const double width = sure.last - sure.first;
    range = {std::max(range.first, sure.first - width), std::min(range.last, sure.last + width)};
  }
  const double largest = std::max(std::abs(range.first), std::abs(range.last));
  const double least_margin = largest > 0.0 ? 0.02 * largest : 1.0;
  const double margin = std::max(0.08 * (range.last - range.first), least_margin);
  return {range.first - margin, range.last + margin};
}

/// The power of ten that is written at the axis instead of in its numbers; 0 where these are short anyway.
int axis_exponent(const PlotRange& limits) {
  const double largest = std::max(std::abs(limits.first), std::abs(limits.last));
  return largest >= 0.1 && largest < 1e4 ? 0 : static_cast<int>(std::floor(std::log10(largest)));
}

/// Letters in the middle of a panel that has nothing to show.
void draw_nothing(GizaPage& page, const PanelPixels& panel, const std::string& words) {
  page.set_panel(panel, {});
  page.text(0.5, 0.47, words, 1.0, false, TextAlign::kCentre);
}

/// levels where `is_drawn(c)`, NaN elsewhere.
template <class IsDrawn>
std::vector<float> levels_where(const View<const float, 1>& levels, double factor, IsDrawn is_drawn) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < levels.shape(0); ++c)
    values.push_back(is_drawn(c) ? static_cast<float>(factor * static_cast<double>(levels[c])) : kNan);
  return values;
}

/// Levels over frequency: what is kept, and in another colour what is flagged, up to the kept bins beside it.
void draw_levels(GizaPage& page, const FlagPlot& plot, const View<const float, 1>& levels,
                 const PanelPixels& panel, const std::string& label) {
  const std::int64_t last = levels.shape(0) - 1;
  const auto is_kept = [&](std::int64_t c) { return std::isfinite(plot.bandpass_kept[c]); };
  const auto is_at_flagged = [&](std::int64_t c) {
    return !is_kept(c) || !is_kept(std::max<std::int64_t>(c - 1, 0)) || !is_kept(std::min(c + 1, last));
  };
  PlotRange limits = level_limits(levels, view_of(levels_where(levels, 1.0, is_kept)));
  const int exponent = axis_exponent(limits);
  const double factor = std::pow(10.0, -exponent);
  limits = {factor * limits.first, factor * limits.last};
  const std::vector<float> flagged = levels_where(levels, factor, is_at_flagged);
  const std::vector<float> kept = levels_where(levels, factor, is_kept);
  const PlotRange known = finite_range(levels);
  if (known.first > known.last) draw_nothing(page, panel, "nothing known");
  page.set_panel(panel, {plot.freq_mhz.first, plot.freq_mhz.last, limits.first, limits.last});
  draw_lines(page, steps_of(view_of(flagged), plot.freq_mhz, limits), PageColour::kOrange);
  draw_lines(page, steps_of(view_of(kept), plot.freq_mhz, limits), PageColour::kBlue);
  page.frame("Frequency (MHz)", exponent == 0 ? label : fmt::format("{} (10^{{{}}})", label, exponent));
}

/// log10 of the points that have one.
Steps log_spectrum(const FlagPlot& plot) {
  Steps logs;
  for (std::size_t i = 0; i < plot.line_hz.size(); ++i)
    if (plot.line_hz[i] > 0.0 && plot.line_power[i] > 0.0 && std::isfinite(plot.line_power[i])) {
      logs.at.push_back(std::log10(plot.line_hz[i]));
      logs.value.push_back(std::log10(plot.line_power[i]));
    }
  return logs;
}

/// Each pixel column's lowest and highest point, so that no line is lost and a million points draw as fast
/// as a thousand.
Steps extremes(const Steps& points, const PlotRange& axis, int n_columns) {
  Steps columns;
  int last_column = -1;
  for (std::size_t i = 0; i < points.at.size(); ++i) {
    const double fraction = (points.at[i] - axis.first) / (axis.last - axis.first);
    const int column = std::clamp(static_cast<int>(fraction * n_columns), 0, n_columns - 1);
    if (column != last_column) {
      columns.at.insert(columns.at.end(), 2, points.at[i]);
      columns.value.insert(columns.value.end(), 2, points.value[i]);
    }
    double& low = columns.value[columns.value.size() - 2];
    double& high = columns.value.back();
    low = std::min(low, points.value[i]);
    high = std::max(high, points.value[i]);
    last_column = column;
  }
  return columns;
}

/// From the lowest to the highest with a margin, at least a decade: giza numbers only 1, 2 and 5.
PlotRange log_limits(const std::vector<double>& logs, double margin) {
  const auto [low, high] = std::minmax_element(logs.begin(), logs.end());
  const double spare = std::max(margin, 0.5 * (1.0 - (*high - *low)));
  return {*low - spare, *high + spare};
}

void draw_spectrum(GizaPage& page, const FlagPlot& plot) {
  const Steps logs = log_spectrum(plot);
  PlotRange axis{0.0, 3.0}, limits{kSpectrumFloor, 2.0};
  if (logs.at.empty()) {
    draw_nothing(page, kSpectrum, "no spectrum");
  } else {
    axis = log_limits(logs.at, 0.02);
    limits.last = std::clamp(log_limits(logs.value, 0.15).last, 1.0, kSpectrumDecades);
  }
  Steps drawn = extremes(logs, axis, kSpectrum.width());
  for (double& value : drawn.value) value = std::clamp(value, limits.first, limits.last);
  page.set_panel(kSpectrum, {axis.first, axis.last, limits.first, limits.last});
  page.line({axis.first, axis.last}, {0.0, 0.0}, PageColour::kGrey, 1.0);
  page.line(drawn.at, drawn.value, PageColour::kBlue, 1.0);
  page.frame("Frequency of zero-DM series (Hz)", "Power", {true, true});
}

/// For text: coordinates are pixels from the panel's lower left corner.
PanelWindow in_pixels(const PanelPixels& panel) {
  return {0.0, static_cast<double>(panel.width()), 0.0, static_cast<double>(panel.height())};
}

/// None at all and almost none look different.
std::string percent_text(double fraction) {
  if (fraction <= 0.0) return "0 %";
  return fraction < 5e-5 ? "< 0.01 %" : fmt::format("{:.2f} %", 100.0 * fraction);
}

/// Two columns of rules in the order in which they are applied, the total last.
void draw_rules(GizaPage& page, const FlagPlot& plot) {
  constexpr int kRows = (kNumFlagRules + 1) / 2;
  constexpr double kColumnPx = 150.0, kGapPx = 12.0, kRowPx = 18.5, kHeight = 0.8;
  page.set_panel(kRules, in_pixels(kRules));
  for (int entry = 0; entry < kNumFlagRules; ++entry) {
    const int r = entry + 1;
    const bool is_total = r == kNumFlagRules;
    const bool is_left = entry < kRows;
    const double left = is_left ? 0.0 : kColumnPx, right = is_left ? kColumnPx - kGapPx : kRules.width();
    const double y = kRules.height() - 12.0 - kRowPx * (entry % kRows);
    const std::string name(is_total ? "total" : kFlagRuleNames[r]);
    const double fraction = is_total ? flagged_fraction(plot) : plot.rule_fraction[r];
    page.text(left, y, giza_literal(name), kHeight, is_total);
    page.text(right, y, percent_text(fraction), kHeight, is_total, TextAlign::kRight);
  }
}

/// With its middle left out where it is too long for its line, ready for giza.
std::string shortened(const std::string& text, std::size_t longest) {
  const std::size_t half = longest / 2 - 2;
  if (text.size() <= longest) return giza_literal(text);
  return giza_literal(text.substr(0, half) + " .. " + text.substr(text.size() - half));
}

void draw_words(GizaPage& page, const FlagPlot& plot) {
  page.set_panel(kTitle, in_pixels(kTitle));
  page.text(0.0, 30.0, shortened(plot.title, 42), 1.4, true);
  page.text(0.0, 4.0, shortened(plot.subtitle, 110));
  page.set_panel(kNote, in_pixels(kNote));
  page.text(
      0.0, 4.0,
      "Image: dark is flagged, grey no data. Levels: blue kept channels, orange mostly flagged ones. Zero "
      "DM: largest sum of each bin, in standard deviations.",
      0.8);
}

}  // namespace

void write_flag_png(const std::string& path, const FlagPlot& plot) {
  check(plot);
  AtomicFile file(path);
  GizaPage page(file.temporary_path(), kWidthPx, kHeightPx);
  page.set_letters(kLetters);
  draw_words(page, plot);
  draw_rules(page, plot);
  draw_zero_dm(page, plot);
  draw_times(page, plot);
  draw_image(page, plot);
  draw_channels(page, plot);
  draw_levels(page, plot, plot.bandpass, kBandpass, "Mean level");
  draw_levels(page, plot, plot.noise, kNoise, "Sigma");
  draw_spectrum(page, plot);
  page.finish();
  file.commit();
}

}  // namespace tianyan
