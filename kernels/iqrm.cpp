// Votes between channels by lagged differences, and who is outvoted.
#include "kernels/iqrm.hpp"

#include <algorithm>
#include <cmath>
#include <compare>
#include <vector>

namespace tianyan {
namespace {

constexpr double kIqrPerSigma = 1.349;  // of a Gaussian
constexpr std::size_t kFewestChannels = 3;

// Positions among the channels that take part.
struct Vote {
  std::int64_t voter = 0, target = 0;
  auto operator<=>(const Vote&) const = default;
};

// The next lag: half as long again, rounded down, and longer by one at least.
std::int64_t next_lag(std::int64_t lag) { return std::max(lag + lag / 2, lag + 1); }

// Of at least one value, linear between the two nearest as numpy.percentile; their order is lost.
double quantile_of(std::vector<double>& values, double fraction) {
  const double place = fraction * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  const double above = *std::min_element(below + 1, values.end());
  return *below + (above - *below) * (place - std::floor(place));
}

// The difference that is outlying: it and all above.
double outlying_above(std::vector<double> differences, double threshold_sigma) {
  const double q1 = quantile_of(differences, 0.25), median = quantile_of(differences, 0.5),
               q3 = quantile_of(differences, 0.75);
  return median + threshold_sigma * (q3 - q1) / kIqrPerSigma;
}

void vote_at_lag(const std::vector<double>& statistic, std::int64_t lag, double threshold_sigma,
                 std::vector<Vote>& votes) {
  const auto n = std::ssize(statistic);
  const auto voter_of = [&](std::int64_t c) { return std::clamp<std::int64_t>(c - lag, 0, n - 1); };
  std::vector<double> difference(statistic);
  for (std::int64_t c = 0; c < n; ++c) difference[c] -= statistic[voter_of(c)];
  const double limit = outlying_above(difference, threshold_sigma);
  for (std::int64_t c = 0; c < n; ++c)
    if (difference[c] > limit) votes.push_back({voter_of(c), c});
}

// Each pair once.
std::vector<Vote> votes_of(const std::vector<double>& statistic, const IqrmParams& params) {
  std::vector<Vote> votes;
  for (std::int64_t lag = 1; lag <= params.radius; lag = next_lag(lag))
    for (const std::int64_t signed_lag : {lag, -lag})
      vote_at_lag(statistic, signed_lag, params.threshold_sigma, votes);
  std::sort(votes.begin(), votes.end());
  votes.erase(std::unique(votes.begin(), votes.end()), votes.end());
  return votes;
}

// Flags channel[i] for each i that a channel with fewer votes cast than i received voted against.
int flag_outvoted(const std::vector<Vote>& votes, const std::vector<std::int64_t>& channel,
                  View<std::uint8_t, 1> good) {
  std::vector<std::int64_t> cast(channel.size(), 0), received(channel.size(), 0);
  for (const auto& vote : votes) {
    ++cast[vote.voter];
    ++received[vote.target];
  }
  int flagged = 0;
  for (const auto& vote : votes) {
    auto& is_good = good[channel[vote.target]];
    if (is_good == 0 || cast[vote.voter] >= received[vote.target]) continue;
    is_good = 0;
    ++flagged;
  }
  return flagged;
}

int flag_not_finite(View<const float, 1> statistic, View<std::uint8_t, 1> good) {
  int flagged = 0;
  for (std::int64_t c = 0; c < good.shape(0); ++c) {
    if (good[c] == 0 || std::isfinite(statistic[c])) continue;
    good[c] = 0;
    ++flagged;
  }
  return flagged;
}

}  // namespace

int flag_iqrm(const IqrmParams& params, View<const float, 1> statistic, View<std::uint8_t, 1> good) {
  expect(params.radius > 0, "flagging by lags up to {} channels; the radius must be positive", params.radius);
  expect(params.threshold_sigma > 0.0, "flagging differences above {} deviations; it must be positive",
         params.threshold_sigma);
  expect(statistic.shape(0) == good.shape(0), "flagging {} channels by a statistic of {}", good.shape(0),
         statistic.shape(0));
  const int not_finite = flag_not_finite(statistic, good);
  std::vector<std::int64_t> channel;
  std::vector<double> taking_part;
  for (std::int64_t c = 0; c < good.shape(0); ++c) {
    if (good[c] == 0) continue;
    channel.push_back(c);
    taking_part.push_back(statistic[c]);
  }
  if (channel.size() < kFewestChannels) return not_finite;
  return not_finite + flag_outvoted(votes_of(taking_part, params), channel, good);
}

}  // namespace tianyan
