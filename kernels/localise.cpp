// The posterior of a position on cells that are split where it is.
#include "kernels/localise.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kFirstStepFwhm = 1.0 / 15.0;  // side of a cell: 0.2' at 1250 MHz
constexpr double kKeep = 10.0;                 // what is left out has e^-10 of the largest density and less
constexpr std::size_t kAlwaysSplit = 50, kMostSplit = 1000;  // cells
constexpr std::int64_t kEnoughNodes = 40;  // within a factor of e^0.5 of the maximum, one standard deviation
constexpr int kMaxSplits = 16;             // 3e-6'
constexpr double kCountsSlope = 1.5;       // dN ~ A^-2.5 dA = A^-1.5 dlnA
constexpr int kMaxSteps = 30;
constexpr double kMaxStep = 0.7;         // in ln A
constexpr double kMinInformation = 1.0;  // ln A is known to better than 1 wherever a beam saw the source
constexpr double kMinResponse = 0.01;    // of the strongest beam
constexpr double kOutOfReach = 4.0;      // standard deviations
constexpr double kMaxSnr = 1e9;
constexpr double kMaxBandRatio = 10.0;  // bounds the table of responses
constexpr double kErrFraction = 0.68;

// G(r) in steps of fwhm / 300 with lines between: off by less than 1 / 300^2 / 8 max |G''|, G'' being 8 ln2 x
// 1.44 at most in units of the fwhm (highest frequency 1.2 times the central one): 1.1e-5. 0 where it is
// below 1e-6.
class ResponseTable {
 public:
  explicit ResponseTable(const BeamModel& model) : step_arcmin_(model.fwhm_arcmin() / 300.0) {
    for (double g = 1.0; g > 1e-6 || values_.size() < 2;) {
      g = model.response(static_cast<double>(values_.size()) * step_arcmin_);
      values_.push_back(g);
    }
    values_.back() = 0.0;
  }
  double operator()(double r_arcmin) const {
    const double at = r_arcmin / step_arcmin_;
    if (!(at < static_cast<double>(values_.size() - 1))) return 0.0;
    const auto i = static_cast<std::size_t>(at);
    return values_[i] + (at - static_cast<double>(i)) * (values_[i + 1] - values_[i]);
  }
  /// Where it falls to `g`.
  double radius_of(double g) const {
    const auto past = std::find_if(values_.begin(), values_.end(), [g](double v) { return v < g; });
    return static_cast<double>(past - values_.begin()) * step_arcmin_;
  }

 private:
  double step_arcmin_;
  std::vector<double> values_;
};

// ln of a density, its derivative by ln A and the information on ln A (the mean of minus its second one).
struct Terms {
  double log_density = 0.0, slope = 0.0, information = 0.0;

  Terms& operator+=(const Terms& t) {
    log_density += t.log_density;
    slope += t.slope;
    information += t.information;
    return *this;
  }
};

// ln Phi(z) and its derivative phi(z) / Phi(z).
struct LogPhi {
  double value = 0.0, slope = 0.0;
};

LogPhi log_phi(double z) {
  if (z > 6.0) return {};  // 1 - Phi(6) = 1e-9
  const double phi = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  if (z > -8.0) {
    const double cdf = 0.5 * std::erfc(-z / std::numbers::sqrt2);
    return {std::log(cdf), phi / cdf};
  }
  // Phi(z) = phi(z) / -z (1 - 1/z^2 + 3/z^4 - ...): the next term is below 6e-5.
  const double series = 1.0 - 1.0 / (z * z) + 3.0 / (z * z * z * z);
  return {-0.5 * z * z - 0.5 * std::log(2.0 * std::numbers::pi) - std::log(-z / series), -z / series};
}

struct Beam {
  SkyOffset at;
  double snr = 0.0;
  bool detected = false;
};

using Responses = std::array<double, kNumBeams>;

struct Misfit {
  double chi2 = 0.0;
  int n_detected = 0;
  int n_over = 0;    // not detected, and should have been
  int n_astray = 0;  // detected, and most of it by what the model leaves out
  int n_spared = 0;  // not detected, and could have been in that way

  int dof() const { return std::max({n_detected - 3, n_astray, 1}) + n_over; }
  // Ways to choose the beams astray.
  double n_choices() const {
    double n = 1.0;
    for (int i = 1; i <= n_astray; ++i) n *= static_cast<double>(n_spared + i) / i;
    return n;
  }
};

// Of one beam's S/N: V_b and its parts.
struct Expected {
  double mean = 0.0, variance = 1.0, stretch = 0.0;  // A G, V, (dV / dlnA) / (2 V)
};

class Likelihood {
 public:
  Likelihood(const std::vector<BeamStrength>& strengths, const LocaliseParams& params)
      : table_(params.model),
        gain_variance_(params.gain_err * params.gain_err),
        sidelobe_variance_(params.sidelobe * params.sidelobe) {
    for (const auto& s : strengths)
      beams_.push_back({params.offsets[static_cast<std::size_t>(s.beam - 1)], s.snr, s.detected});
    strongest_ = static_cast<std::size_t>(std::max_element(beams_.begin(), beams_.end(),
                                                           [](const Beam& a, const Beam& b) {
                                                             return (a.detected ? a.snr : 0.0) <
                                                                    (b.detected ? b.snr : 0.0);
                                                           }) -
                                          beams_.begin());
    most_lit_ = kMostLit * beams_[strongest_].snr;
  }

  std::size_t strongest() const { return strongest_; }
  const Beam& beam(std::size_t b) const { return beams_[b]; }
  double radius_of(double response) const { return table_.radius_of(response); }

  Responses responses(const SkyOffset& p) const {
    Responses g{};
    for (std::size_t b = 0; b < beams_.size(); ++b)
      g[b] = table_(
          std::hypot(p.east_arcmin - beams_[b].at.east_arcmin, p.north_arcmin - beams_[b].at.north_arcmin));
    return g;
  }

  // Of A^-1.5 L at ln A.
  Terms terms(const Responses& g, double log_a) const {
    const double a = std::exp(log_a);
    Terms sum{-kCountsSlope * log_a, -kCountsSlope, 0.0};
    Terms far;
    double far_threshold = -1.0;
    for (std::size_t b = 0; b < beams_.size(); ++b) {
      const auto x = expected(a, g[b]);
      if (beams_[b].detected) {
        sum += seen(beams_[b].snr, x);
      } else if (g[b] > 0.0) {
        sum += unseen(beams_[b].snr, x);
      } else {  // nearly always with the threshold of the last
        if (beams_[b].snr != far_threshold) far = unseen(beams_[b].snr, x);
        far_threshold = beams_[b].snr;
        sum += far;
      }
    }
    sum.information = std::max(sum.information, kMinInformation);
    return sum;
  }

  Misfit misfit(const Responses& g, double log_a) const {
    Misfit m;
    for (std::size_t b = 0; b < beams_.size(); ++b) {
      const auto x = expected(std::exp(log_a), g[b]);
      const double z = (beams_[b].snr - x.mean) / std::sqrt(x.variance);
      const bool detected = beams_[b].detected, over = !detected && z < 0.0;
      m.chi2 += detected || over ? z * z : 0.0;
      m.n_detected += detected ? 1 : 0;
      m.n_over += over ? 1 : 0;
      m.n_astray += detected && x.mean < 0.5 * beams_[b].snr ? 1 : 0;
      m.n_spared += !detected && !over && z < kOutOfReach ? 1 : 0;
    }
    return m;
  }

 private:
  Expected expected(double a, double g) const {
    const double mean = a * g, lit = std::min(a, most_lit_);
    const double gain = gain_variance_ * mean * mean, sidelobe = sidelobe_variance_ * lit * lit;
    const double variance = 1.0 + gain + sidelobe;
    return {mean, variance, (gain + (a < most_lit_ ? sidelobe : 0.0)) / variance};
  }
  static Terms seen(double snr, const Expected& x) {
    const double off = snr - x.mean, weight = 1.0 / x.variance;
    return {-0.5 * off * off * weight - 0.5 * std::log(x.variance),
            off * x.mean * weight + (off * off * weight - 1.0) * x.stretch,
            x.mean * x.mean * weight + 2.0 * x.stretch * x.stretch};
  }
  static Terms unseen(double threshold, const Expected& x) {
    const double z = (threshold - x.mean) / std::sqrt(x.variance);
    const double dz = -x.mean / std::sqrt(x.variance) - z * x.stretch;
    const auto phi = log_phi(z);
    return {phi.value, phi.slope * dz, phi.slope * (phi.slope + z) * dz * dz};
  }

  ResponseTable table_;
  double gain_variance_, sidelobe_variance_;
  std::vector<Beam> beams_;
  std::size_t strongest_ = 0;
  double most_lit_ = 0.0;  // the A up to which sidelobes grow
};

struct Peak {
  double log_a = 0.0;
  Terms terms;

  double step() const { return terms.slope / terms.information; }
  double gain() const { return 0.5 * terms.slope * step(); }
};

// The maximum over ln A by Fisher scoring, steps halved where they lead down, until what is left to gain is
// below 0.005; that is then added.
Peak peak_over_amplitude(const Likelihood& likelihood, const Responses& g, double log_a) {
  Peak peak{log_a, likelihood.terms(g, log_a)};
  double step = peak.step();
  for (int i = 0; i < kMaxSteps; ++i) {
    if (peak.gain() < 0.005)
      return {peak.log_a + peak.step(), {peak.terms.log_density + peak.gain(), 0.0, peak.terms.information}};
    step = std::clamp(step, -kMaxStep, kMaxStep);
    const Peak next{peak.log_a + step, likelihood.terms(g, peak.log_a + step)};
    const bool up = next.terms.log_density > peak.terms.log_density;
    if (up) peak = next;
    step = up ? peak.step() : 0.5 * step;
  }
  return peak;
}

struct Node {
  SkyOffset at;
  double log_a = 0.0;
  double log_peak = 0.0;     // of A^-1.5 L
  double log_density = 0.0;  // of P, by Laplace
};

// Equal cells, of which only those are split that hold what counts.
class Posterior {
 public:
  Posterior(const Likelihood& likelihood, double step_arcmin)
      : likelihood_(likelihood), step_arcmin_(step_arcmin) {
    cover_disc();
    for (int i = 0; i < kMaxSplits && n_near_the_top() < kEnoughNodes; ++i) split();
  }

  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  void cover_disc() {
    const auto& centre = likelihood_.beam(likelihood_.strongest()).at;
    const auto n = static_cast<int>(std::ceil(likelihood_.radius_of(kMinResponse) / step_arcmin_));
    for (int i = -n; i <= n; ++i)
      for (int j = -n; j <= n; ++j)
        add({centre.east_arcmin + j * step_arcmin_, centre.north_arcmin + i * step_arcmin_});
  }

  // Into four. A peak that is narrow against the step is near the highest nodes, if not at one of them.
  void split() {
    auto parents = std::move(nodes_);
    std::sort(parents.begin(), parents.end(),
              [](const Node& a, const Node& b) { return a.log_density > b.log_density; });
    const double least = parents.front().log_density - kKeep;
    nodes_.clear();
    step_arcmin_ *= 0.5;
    for (std::size_t i = 0; i < std::min(parents.size(), kMostSplit); ++i) {
      if (i >= kAlwaysSplit && parents[i].log_density < least) break;
      for (const double east : {-0.5, 0.5})
        for (const double north : {-0.5, 0.5})
          add({parents[i].at.east_arcmin + east * step_arcmin_,
               parents[i].at.north_arcmin + north * step_arcmin_});
    }
  }

  void add(const SkyOffset& at) {
    const auto g = likelihood_.responses(at);
    const auto main = likelihood_.strongest();
    if (g[main] < kMinResponse) return;
    const auto peak = peak_over_amplitude(likelihood_, g, std::log(likelihood_.beam(main).snr / g[main]));
    const double log_peak = peak.terms.log_density;
    nodes_.push_back({at, peak.log_a, log_peak, log_peak - 0.5 * std::log(peak.terms.information)});
  }

  std::int64_t n_near_the_top() const {
    double highest = nodes_.front().log_density;
    for (const auto& n : nodes_) highest = std::max(highest, n.log_density);
    return std::count_if(nodes_.begin(), nodes_.end(),
                         [highest](const Node& n) { return n.log_density > highest - 0.5; });
  }

  const Likelihood& likelihood_;
  double step_arcmin_;
  std::vector<Node> nodes_;
};

struct Weighted {
  double distance, weight;
};

double radius_of_most(std::vector<Weighted> points) {
  std::sort(points.begin(), points.end(),
            [](const Weighted& a, const Weighted& b) { return a.distance < b.distance; });
  double sum = 0.0;
  for (const auto& p : points)
    if ((sum += p.weight) >= kErrFraction) return p.distance;
  return points.back().distance;
}

Localisation summary(const std::vector<Node>& nodes) {
  double highest = nodes.front().log_density, total = 0.0;
  for (const auto& n : nodes) highest = std::max(highest, n.log_density);
  for (const auto& n : nodes) total += std::exp(n.log_density - highest);
  Localisation l;
  double log_a = 0.0;
  std::vector<Weighted> points;
  for (const auto& n : nodes) {
    const double weight = std::exp(n.log_density - highest) / total;
    l.offset.east_arcmin += weight * n.at.east_arcmin;
    l.offset.north_arcmin += weight * n.at.north_arcmin;
    log_a += weight * n.log_a;
    points.push_back({0.0, weight});
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    points[i].distance = std::hypot(nodes[i].at.east_arcmin - l.offset.east_arcmin,
                                    nodes[i].at.north_arcmin - l.offset.north_arcmin);
  l.err_arcmin = radius_of_most(std::move(points));
  l.amplitude_snr = std::exp(log_a);
  return l;
}

void check(const std::vector<BeamStrength>& strengths, const LocaliseParams& params) {
  std::array<bool, kNumBeams + 1> given{};
  bool any = false;
  for (const auto& s : strengths) {
    expect(1 <= s.beam && s.beam <= kNumBeams, "beam {} has no place: beams are 1..{}", s.beam, kNumBeams);
    expect(!given[static_cast<std::size_t>(s.beam)], "beam {} is given twice", s.beam);
    expect(s.snr > 0.0 && s.snr < kMaxSnr, "beam {} has a strength of {}; it must be positive, below {}",
           s.beam, s.snr, kMaxSnr);
    const auto& at = params.offsets[static_cast<std::size_t>(s.beam - 1)];
    expect(std::isfinite(at.length_arcmin()), "beam {} is {} arcmin from the origin; it must be finite",
           s.beam, at.length_arcmin());
    given[static_cast<std::size_t>(s.beam)] = true;
    any = any || s.detected;
  }
  expect(any, "none of {} beams saw the pulse that is to be localised", strengths.size());
  expect(params.model.freq_high_mhz <= kMaxBandRatio * params.model.freq_low_mhz,
         "localising with a band from {} to {} MHz; its edges may differ by a factor of {}",
         params.model.freq_low_mhz, params.model.freq_high_mhz, kMaxBandRatio);
  expect(params.gain_err >= 0.0 && params.sidelobe >= 0.0,
         "localising with a gain error of {} and sidelobes of {}; neither may be negative", params.gain_err,
         params.sidelobe);
}

}  // namespace

Localisation localise(const std::vector<BeamStrength>& strengths, const LocaliseParams& params) {
  check(strengths, params);
  const Likelihood likelihood(strengths, params);
  const Posterior posterior(likelihood, kFirstStepFwhm * params.model.fwhm_arcmin());
  const auto& nodes = posterior.nodes();
  auto result = summary(nodes);
  const auto best = std::max_element(nodes.begin(), nodes.end(),
                                     [](const Node& a, const Node& b) { return a.log_peak < b.log_peak; });
  const auto misfit = likelihood.misfit(likelihood.responses(best->at), best->log_a);
  result.chi2 = misfit.chi2;
  result.dof = misfit.dof();
  result.probability = std::min(1.0, misfit.n_choices() * chi2_tail(misfit.chi2, misfit.dof()));
  return result;
}

double chi2_tail(double x, int n) {
  expect(n >= 1 && x >= 0.0, "the tail of chi2 from {} with {} degrees of freedom", x, n);
  const double h = 0.5 * x;
  double k = n % 2 == 0 ? 0.0 : 0.5;
  double tail = n % 2 == 0 ? 0.0 : std::erfc(std::sqrt(h));
  double term = std::exp(-h) * (n % 2 == 0 ? 1.0 : std::sqrt(h) * 2.0 / std::sqrt(std::numbers::pi));
  for (; k <= 0.5 * n - 1.0; k += 1.0) {
    tail += term;
    term *= h / (k + 1.0);
  }
  return std::min(tail, 1.0);
}

}  // namespace tianyan
