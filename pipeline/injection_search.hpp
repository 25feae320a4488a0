// The search of shadow copies of beams, with pulses injected, apart from the search of the beams themselves.
//
// A shadow copy is searched with the same config, plan and mask, but by itself: where the real search
// compares beams (rfi.beams), what it flags for other beams' sake is not flagged here, and the shadow's
// completeness is that of the rest of the search. A candidate is an injected pulse where, at the frequency f
// in the middle (in f^-2) of the band that the pulse covers and across that band, of delay D per unit of DM,
//
//   |arrival_found - arrival_injected| <= w     w = width_found + width_injected + 2 t_s + DM step's delay
//   |DM_found - DM_injected| D <= w
//
// width_injected being that of PulseModel. Pulses choose in order of predicted S/N, each the strongest
// candidate that is left. Candidates that the beam has without injection count for nothing: those in the same
// sense at the place of a real one that is as strong, within kRealSnrMargin.
#pragma once
#include <string>
#include <vector>

#include "pipeline/beam_runner.hpp"
#include "pipeline/completeness.hpp"
#include "pipeline/injected_source.hpp"

namespace tianyan {

inline constexpr double kRealSnrMargin = 1.0;

/// S/N that the search should find for a pulse: its own, less what the plan and the boxcar lose and what was
/// flagged of the band by `flagged` [channel] (empty: nothing); 0 for a DM that is not searched. Noise adds
/// about 1.5 / snr, the best of a fit of three numbers, and scatters by 1.
double predicted_snr(const Config& config, const StreamInfo& info, const SearchPlan& plan,
                     const PulseModel& model, const std::vector<double>& flagged);

/// `shadow` is what the search of the shadow copy gave, `real` the candidates of the beam itself.
std::vector<InjectionOutcome> match_injections(const Config& config, const SearchPlan& plan,
                                               const BeamResult& shadow,
                                               const std::vector<InjectedPulse>& pulses,
                                               const std::vector<Candidate>& real);

/// Searches the shadow copy of a beam. Throws as BeamSearch does.
BeamResult search_shadow(const Config& config, Source& source, int beam, const SearchPlan& plan,
                         const std::string& mask, const std::vector<InjectedPulse>& pulses, int n_threads,
                         const BeamSearch::Progress& progress);

/// The pulses of each beam, as `beams` lists them; none for one that failed. Throws std::invalid_argument
/// where the spec is wrong or does not fit a beam, std::runtime_error where there is no such file.
std::vector<std::vector<InjectedPulse>> bind_injections(const std::string& spec_path,
                                                        const std::vector<Beam>& beams);

struct InjectionSummary {
  std::vector<InjectionOutcome> outcomes;  ///< by beam as listed, then time
  std::vector<std::string> remarks;        ///< of beams whose shadow failed
};
/// Shadow searches of all beams that have a result, one after another, each with all threads that the memory
/// limit lets it have. What is done is in RUN/ledger/injections_MNN.json, and is taken from there on
/// --resume where pulses, config and files are the same. A beam that fails stops no other one. Throws
/// Interrupted on a signal.
InjectionSummary run_injections(const SearchRequest& request, const RunDirectory& run,
                                const std::vector<std::vector<InjectedPulse>>& pulses,
                                const std::vector<Beam>& beams);

}  // namespace tianyan
