// Pulses to inject, as TOML.
#include <stdexcept>

#include "pipeline/injection_spec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

/// As a scan of one beam of FAST takes them.
void draw(const InjectionSpec& spec) {
  StreamInfo info;
  info.n_chan = 64;
  info.freq_low_mhz = 1004.0;
  info.channel_width_mhz = 7.8;
  info.sample_time_s = 1e-3;
  info.n_time = 100000;
  if (spec.random.n > 1000) return;  // as many as are asked for are drawn
  pulses_of_beam(spec, info, 1);
}

void run(std::string_view bytes) try {
  draw(load_injections(input_file(bytes)));
} catch (const std::runtime_error&) {
} catch (const std::invalid_argument&) {  // what is wrong in them is the caller's mistake
}

const bool kRegistered = register_fuzz_target({"injections", run});

}  // namespace
}  // namespace tianyan::fuzz
