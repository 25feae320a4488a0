// The page of one detection: where each panel lies and what is in it.
#include "io/detection_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "io/atomic_file.hpp"
#include "io/beam_name.hpp"
#include "io/candidate_table.hpp"
#include "io/giza_page.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kWidthPx = 1200, kHeightPx = 1000;
constexpr PanelPixels kTitle{80, 1160, 955, 990};
constexpr PanelPixels kProfile{80, 560, 790, 935};
constexpr PanelPixels kAfter{80, 560, 405, 785};
constexpr PanelPixels kFacts{680, 1160, 750, 935};
constexpr PanelPixels kBefore{680, 1160, 405, 715};
constexpr PanelPixels kDmTime{80, 1080, 75, 330};
constexpr PanelPixels kNote{80, 1160, 8, 30};
/// Spectra saturate outside these fractions of their samples: a few bright pixels must not hide the rest.
constexpr double kLowFraction = 0.01, kHighFraction = 0.995;
const char* const kDmUnit = "pc cm^{-3}";

void expect_range(const PlotRange& range, std::string_view name) {
  expect(std::isfinite(range.first) && std::isfinite(range.last) && range.first < range.last,
         "plot: {} goes from {} to {}", name, range.first, range.last);
}

void expect_image(const View<const float, 2>& image, std::string_view name) {
  constexpr std::int64_t kMost = 1 << 16;
  expect(image.data() && image.shape(0) >= 1 && image.shape(1) >= 1 && image.shape(0) <= kMost &&
             image.shape(1) <= kMost,
         "plot: {} has {} x {} bins, not 1 to {} each way", name, image.shape(0), image.shape(1), kMost);
}

void check(const DetectionPlot& plot) {
  const Candidate& c = plot.candidate;
  expect(std::isfinite(c.dm_pc_cm3) && std::isfinite(c.width_s) && c.ref_freq_mhz > 0.0,
         "plot: a candidate of DM {} pc/cm3, {} s wide, at {} MHz", c.dm_pc_cm3, c.width_s, c.ref_freq_mhz);
  expect_image(plot.dynamic_before, "dynamic_before");
  expect_image(plot.dynamic_after, "dynamic_after");
  expect_image(plot.dm_time, "dm_time");
  expect(plot.profile.data() && plot.profile.shape(0) == plot.dynamic_after.shape(1),
         "plot: profile has {} bins, dynamic_after {}", plot.profile.shape(0), plot.dynamic_after.shape(1));
  expect_range(plot.before_time_s, "before_time_s");
  expect_range(plot.after_time_ms, "after_time_ms");
  expect_range(plot.freq_mhz, "freq_mhz");
  expect(plot.freq_mhz.first > 0.0, "plot: freq_mhz begins at {} MHz", plot.freq_mhz.first);
  expect_range(plot.dm_time_ms, "dm_time_ms");
  expect_range(plot.dm_pc_cm3, "dm_pc_cm3");
}

/// Lowest and highest finite value with a margin; the zero line is always inside.
std::pair<double, double> profile_limits(const View<const float, 1>& profile) {
  double low = 0.0, high = 1.0;
  for (std::int64_t t = 0; t < profile.shape(0); ++t)
    if (std::isfinite(profile[t])) {
      low = std::min(low, static_cast<double>(profile[t]));
      high = std::max(high, static_cast<double>(profile[t]));
    }
  const double margin = 0.08 * (high - low);
  return {low - margin, high + margin};
}

/// The profile as steps, one run of finite bins after the other.
void draw_steps(GizaPage& page, const View<const float, 1>& profile, const PlotRange& time_ms) {
  const double step = (time_ms.last - time_ms.first) / static_cast<double>(profile.shape(0));
  std::vector<double> x, y;
  for (std::int64_t t = 0; t <= profile.shape(0); ++t) {
    if (t < profile.shape(0) && std::isfinite(profile[t])) {
      const double begin = time_ms.first + static_cast<double>(t) * step;
      x.insert(x.end(), {begin, begin + step});
      y.insert(y.end(), 2, static_cast<double>(profile[t]));
    } else {
      page.line(x, y, PageColour::kBlue, 1.2);
      x.clear();
      y.clear();
    }
  }
}

void draw_profile(GizaPage& page, const DetectionPlot& plot) {
  const auto [low, high] = profile_limits(plot.profile);
  const double half_width_ms = 500.0 * plot.candidate.width_s;
  page.set_panel(kProfile, {plot.after_time_ms.first, plot.after_time_ms.last, low, high});
  page.rectangle(-half_width_ms, half_width_ms, low, high, PageColour::kShade);
  page.line({plot.after_time_ms.first, plot.after_time_ms.last}, {0.0, 0.0}, PageColour::kGrey, 1.0);
  draw_steps(page, plot.profile, plot.after_time_ms);
  page.frame("", "S/N per bin");
}

void draw_after(GizaPage& page, const DetectionPlot& plot) {
  page.set_panel(
      kAfter, {plot.after_time_ms.first, plot.after_time_ms.last, plot.freq_mhz.first, plot.freq_mhz.last});
  page.image(plot.dynamic_after, robust_limits(plot.dynamic_after, kLowFraction, kHighFraction));
  page.frame("Time after arrival (ms), dedispersed", "Frequency (MHz)");
}

/// The dispersed arrival, shifted in time by `offset_s`; `scale` turns seconds into the axis' unit.
void draw_track(GizaPage& page, const DetectionPlot& plot, double offset_s, double scale) {
  constexpr int kPoints = 200;
  std::vector<double> x, y;
  for (int i = 0; i <= kPoints; ++i) {
    const double fraction = static_cast<double>(i) / kPoints;
    y.push_back(plot.freq_mhz.first + fraction * (plot.freq_mhz.last - plot.freq_mhz.first));
    const double delay_s =
        dispersion_delay_s(plot.candidate.dm_pc_cm3, y.back(), plot.candidate.ref_freq_mhz);
    x.push_back(scale * (offset_s + delay_s));
  }
  page.line(x, y, PageColour::kWhite, 1.0);
}

void draw_before(GizaPage& page, const DetectionPlot& plot) {
  const PlotRange& time = plot.before_time_s;
  const double range_s = time.last - time.first;
  const bool is_short = range_s < 0.5;
  const double scale = is_short ? 1e3 : 1.0;
  page.set_panel(kBefore, {scale * time.first, scale * time.last, plot.freq_mhz.first, plot.freq_mhz.last});
  page.image(plot.dynamic_before, robust_limits(plot.dynamic_before, kLowFraction, kHighFraction));
  const double offset_s = std::max(0.03 * range_s, plot.candidate.width_s);
  draw_track(page, plot, -offset_s, scale);
  draw_track(page, plot, offset_s, scale);
  page.frame(fmt::format("Time after arrival ({}), as recorded", is_short ? "ms" : "s"), "Frequency (MHz)");
}

/// Marks at the panel's edges that point to (x, y) and leave the map free.
void draw_pointers(GizaPage& page, const PanelWindow& w, double x, double y) {
  const double dx = 0.02 * (w.x_last - w.x_first), dy = 0.07 * (w.y_last - w.y_first);
  page.line({w.x_first, w.x_first + dx}, {y, y}, PageColour::kWhite, 2.0);
  page.line({w.x_last - dx, w.x_last}, {y, y}, PageColour::kWhite, 2.0);
  page.line({x, x}, {w.y_first, w.y_first + dy}, PageColour::kWhite, 2.0);
  page.line({x, x}, {w.y_last - dy, w.y_last}, PageColour::kWhite, 2.0);
}

void draw_dm_time(GizaPage& page, const DetectionPlot& plot) {
  const PanelWindow window{plot.dm_time_ms.first, plot.dm_time_ms.last, plot.dm_pc_cm3.first,
                           plot.dm_pc_cm3.last};
  const ColourLimits limits = robust_limits(plot.dm_time, kLowFraction, 1.0);
  page.set_panel(kDmTime, window);
  page.image(plot.dm_time, limits);
  draw_pointers(page, window, 0.0, plot.candidate.dm_pc_cm3);
  page.frame("Time after arrival (ms)", fmt::format("DM ({})", kDmUnit));
  page.colour_bar(limits, "S/N");
}

/// With its middle left out where it is too long for its line, ready for giza; "unknown" where it is empty.
std::string fact_text(const std::string& text) {
  constexpr std::size_t kLongest = 42, kHalf = kLongest / 2 - 2;
  if (text.empty()) return "unknown";
  if (text.size() <= kLongest) return giza_literal(text);
  return giza_literal(text.substr(0, kHalf) + " .. " + text.substr(text.size() - kHalf));
}

/// For text: coordinates are pixels from the panel's lower left corner.
PanelWindow in_pixels(const PanelPixels& panel) {
  return {0.0, static_cast<double>(panel.width()), 0.0, static_cast<double>(panel.height())};
}

std::string dm_text(const Candidate& c) {
  const std::string value = fmt::format("{:.3f}", c.dm_pc_cm3);
  constexpr const char* kPlusMinus = "\\(2233)";
  if (!std::isfinite(c.dm_err_pc_cm3)) return fmt::format("{} {}", value, kDmUnit);
  return fmt::format("{} {} {:.3f} {}", value, kPlusMinus, c.dm_err_pc_cm3, kDmUnit);
}

void draw_facts(GizaPage& page, const DetectionPlot& plot) {
  const Candidate& c = plot.candidate;
  const std::string file_name = plot.file.substr(plot.file.find_last_of('/') + 1);
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"Source", fact_text(plot.source)},
      {"File", fact_text(file_name)},
      {"Beam", c.beam > 0 ? beam_name(c.beam) : "unknown"},
      {"MJD (UTC)", fmt::format("{} at {:.3f} MHz", mjd_digits(plot.arrival), c.ref_freq_mhz)},
      {"Scan time", fmt::format("{:.6f} s", c.time_s)},
      {"DM", dm_text(c)},
      {"S/N", fmt::format("{:.2f}", c.snr)},
      {"Width", fmt::format("{:.4g} ms (boxcar, shaded)", c.width_s * 1e3)}};
  page.set_panel(kFacts, in_pixels(kFacts));
  double y = kFacts.height() - 14.0;
  for (const auto& [name, value] : facts) {
    page.text(0.0, y, name, 1.0, true);
    page.text(100.0, y, value);
    y -= 23.0;
  }
}

void draw_title(GizaPage& page, const DetectionPlot& plot) {
  page.set_panel(kTitle, in_pixels(kTitle));
  page.text(0.0, 8.0, giza_literal(plot.id), 1.5, true);
}

void draw_note(GizaPage& page) {
  page.set_panel(kNote, in_pixels(kNote));
  page.text(
      0.0, 4.0,
      fmt::format("Grey: no data. Colours of the spectra: percentiles {:g} to {:g} of their samples; white "
                  "lines: the dispersed arrival, moved aside.",
                  100 * kLowFraction, 100 * kHighFraction),
      0.85);
}

}  // namespace

void write_detection_png(const std::string& path, const DetectionPlot& plot) {
  check(plot);
  AtomicFile file(path);
  GizaPage page(file.temporary_path(), kWidthPx, kHeightPx);
  draw_title(page, plot);
  draw_profile(page, plot);
  draw_after(page, plot);
  draw_facts(page, plot);
  draw_before(page, plot);
  draw_dm_time(page, plot);
  draw_note(page);
  page.finish();
  file.commit();
}

}  // namespace tianyan
