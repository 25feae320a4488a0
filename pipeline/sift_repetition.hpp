// Events of one scan that keep time with the noise diode or the mains.
#pragma once
#include <vector>

#include "kernels/base/detection.hpp"

namespace tianyan {

/// An event's time at a frequency where its DM's error does not move it, from an instant common to all.
struct TimedEvent {
  double time_s = 0.0;
  Detection* detection = nullptr;
};

/// Events of like DM whose times chance makes as periodic with less than `probability`
/// (kernels/repetition.hpp) are interference where they are in phase; those as wide as a quarter of a period
/// have none. Like are DMs within 5 %, below 20 pc/cm3 within 1. Interference of many DMs is looked for over
/// all of that, and that of one DM in a crowd over less, so windows are of 1/64, 1/16, 1/4 and all of it, the
/// narrow ones first, each one overlapping the next by half.
void judge_repetitions(double probability, std::vector<TimedEvent> events);

}  // namespace tianyan
