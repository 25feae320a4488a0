// Operations on samples before they are dedispersed, vectorised with Highway and chosen at run time for the
// processor.
//
// Those on integers are exact: every instruction set gives the same bits. Rows are contiguous and need no
// alignment. Outputs do not overlap inputs.
#pragma once
#include <cstdint>

namespace tianyan {

/// Channels and times of a tile that is turned at once: a line of the cache either way.
inline constexpr std::int64_t kTile = 64;

/// Where sample (c, t) of a tile of bytes lies, so that the 16 vectors that turn 16 channels lie in order.
constexpr std::int64_t tile_index(std::int64_t c, std::int64_t t) {
  return c / 16 * (16 * kTile) + t % 16 * kTile + t / 16 * 16 + c % 16;
}

/// out[c * stride + t] = tile[tile_index(c, t)], c and t in [0, kTile). The stride may be negative.
void turn_tile(const std::uint8_t* tile, std::uint8_t* out, std::int64_t stride);

/// out[r * stride + i] = a[r * kTile + i] + b[r * kTile + i], r in [0, n_row), i in [0, n), n <= kTile.
void add_tiles(const std::uint8_t* a, const std::uint8_t* b, std::int64_t n_row, std::int64_t n,
               std::int16_t* out, std::int64_t stride);

/// Number, sum and sum of squares of samples about some level.
struct IntegerMoments {
  std::int64_t n = 0, sum = 0, squares = 0;
};
inline constexpr std::int64_t kMomentsRun = 64;
inline constexpr std::int64_t kMaxMoments = 16384;  ///< samples of one call

/// Adds those of x[i] - low where low <= x[i] <= high, for the first kMomentsRun of every `step` samples of
/// [0, n), n <= kMaxMoments. 0 <= low <= high; values are in [0, 512).
void add_moments(const std::uint8_t* x, std::int64_t n, std::int64_t step, int low, int high,
                 IntegerMoments* moments);
void add_moments(const std::int16_t* x, std::int64_t n, std::int64_t step, int low, int high,
                 IntegerMoments* moments);

/// Adds to count, sum and sum of squares those v = x[i] - pivot with low < v < high, i in [0, n). The sums
/// run in 16 float lanes, lane i mod 16, whatever the vector length is, and then in double: the same on every
/// machine. n <= 4096.
void add_moments(const float* x, std::int64_t n, float pivot, float low, float high, double* count,
                 double* sum, double* squares);

/// round(min(max((x - mean) gain - away, -clip), clip)) in float, ties to even; clip is at most 127 and x no
/// NaN.
constexpr std::int8_t quantised(float x, float mean, float gain, float clip, float away) {
  constexpr float kRound = 12582912.0F;  // 3 * 2^22: sums with it are whole numbers
  const float v = (x - mean) * gain - away, low = v < -clip ? -clip : v, level = low > clip ? clip : low;
  return static_cast<std::int8_t>(level + kRound - kRound);
}

/// out[i] = round(min(max((x[i] - mean) gain, -clip), clip)) in float, ties to even; clip is at most 127 and
/// x has no NaN. Integers are in [0, 512).
void quantise(const float* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out);
void quantise(const std::uint8_t* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out);
void quantise(const std::int16_t* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out);

/// The same after factor wave[i] is taken away: (x[i] - mean) gain - factor wave[i].
void quantise(const float* x, std::int64_t n, float mean, float gain, float clip, const std::int16_t* wave,
              float factor, std::int8_t* out);
void quantise(const std::uint8_t* x, std::int64_t n, float mean, float gain, float clip,
              const std::int16_t* wave, float factor, std::int8_t* out);
void quantise(const std::int16_t* x, std::int64_t n, float mean, float gain, float clip,
              const std::int16_t* wave, float factor, std::int8_t* out);

}  // namespace tianyan
