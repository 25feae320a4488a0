// Windows of like DM, and the periods of interference.
#include "pipeline/sift_repetition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/repetition.hpp"

namespace tianyan {
namespace {

// The mains' frequency wanders by 0.2 % within hours.
struct Repeater {
  const char* name;
  PeriodSpec period;
};
constexpr Repeater kRepeaters[] = {{"the noise diode", {0.201326592, 0.0}},
                                   {"the mains", {0.020, 2e-3}},
                                   {"twice the mains' frequency", {0.010, 2e-3}}};
constexpr double kMaxWidth = 0.25;  // of a period
constexpr double kFlatBelowDm = 20.0;
constexpr double kWindowsPerStep[] = {64.0, 16.0, 4.0, 1.0};

// Like DMs are within 1 of each other: a step is 1 pc/cm3 at first, then 5 %.
double dm_steps(double dm_pc_cm3) {
  return dm_pc_cm3 < kFlatBelowDm ? dm_pc_cm3 : kFlatBelowDm * (1.0 + std::log(dm_pc_cm3 / kFlatBelowDm));
}

void judge(double probability, const Repeater& repeater, const std::vector<TimedEvent>& alike) {
  std::vector<TimedEvent> timed;
  for (const auto& e : alike)
    if (e.detection->source_class == SourceClass::kAstrophysical &&
        e.detection->best.width_s < kMaxWidth * repeater.period.period_s)
      timed.push_back(e);
  if (std::ssize(timed) < kMinRepetitions) return;
  std::sort(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.time_s < b.time_s; });
  std::vector<double> time_s;
  for (const auto& e : timed) time_s.push_back(e.time_s);
  const double p = repetition_p_value(time_s, repeater.period);
  if (p >= probability) return;
  const auto in_phase = repetition_in_phase(time_s, repeater.period);
  const auto n = std::count(in_phase.begin(), in_phase.end(), true);
  for (std::size_t i = 0; i < timed.size(); ++i)
    if (in_phase[i])
      timed[i].detection->call_rfi(
          fmt::format("one of {} that keep time with {} (p = {:.1e})", n, repeater.name, p));
}

}  // namespace

void judge_repetitions(double probability, std::vector<TimedEvent> events) {
  const auto steps = [](const TimedEvent& e) { return dm_steps(e.detection->best.dm_pc_cm3); };
  std::stable_sort(events.begin(), events.end(),
                   [&](const auto& a, const auto& b) { return steps(a) < steps(b); });
  for (const double per_step : kWindowsPerStep)
    for (const double shift : {0.0, 0.5}) {
      const auto window = [&](const TimedEvent& e) { return std::floor(per_step * steps(e) + shift); };
      for (auto begin = events.begin(); begin != events.end();) {
        const auto end = std::find_if(begin, events.end(),
                                      [&](const TimedEvent& e) { return window(e) != window(*begin); });
        for (const auto& repeater : kRepeaters) judge(probability, repeater, {begin, end});
        begin = end;
      }
    }
}

}  // namespace tianyan
