// Detection: products of two polarisations' voltages A (x) and B (y), and their sums.
//
//   kIntensity   |A|^2 + |B|^2, or |A|^2 of one polarisation
//   kCoherence   AA = |A|^2, BB = |B|^2, CR = Re(A* B), CI = Im(A* B)
//   kStokes      I = AA + BB and   linear feeds    Q = AA - BB,  U = 2 CR,  V = 2 CI
//                                  circular feeds  Q = 2 CR,     U = 2 CI,  V = AA - BB
//
// in the PSR/IEEE convention (van Straten, Manchester, Johnston & Reynolds 2010, PASA 27, 104; PSRFITS's
// FD_POLN and, at +1, FD_HAND): linear feeds are A = X, B = Y with x, y and the direction of propagation
// right-handed, circular feeds A = L, B = R in the IEEE's sense, and V = L - R; the IAU's V has the other
// sign. For waves exp(+2 pi i f t), A = 1, B = i has V = +2: the field, cos and -sin, turns from x to -y,
// clockwise as the receiver sees it, which is the IEEE's left hand. L = (X - i Y) / sqrt(2) and R = (X + i Y)
// / sqrt(2) give the same I, Q, U, V from either feed. Voltages that were conjugated change the sign of CI.
//
// numpy: aa, bb, c = abs(x)**2, abs(y)**2, np.conj(x) * y
#pragma once
#include <complex>
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

enum class PolProducts { kIntensity, kCoherence, kStokes };
enum class FeedBasis { kLinear, kCircular };  ///< matters to kStokes only

/// 1, 4, 4
constexpr int n_product(PolProducts products) { return products == PolProducts::kIntensity ? 1 : 4; }

/// The products of one pair of samples a, b, by the formulas above; b is 0 of one polarisation.
struct PairProducts {
  float value[4];
};
constexpr PairProducts products_of(PolProducts products, FeedBasis basis, float a_re, float a_im, float b_re,
                                   float b_im) {
  const float aa = a_re * a_re + a_im * a_im, bb = b_re * b_re + b_im * b_im, cr = a_re * b_re + a_im * b_im,
              ci = a_re * b_im - a_im * b_re;
  if (products == PolProducts::kIntensity) return {{aa + bb, 0.0F, 0.0F, 0.0F}};
  if (products == PolProducts::kCoherence) return {{aa, bb, cr, ci}};
  if (basis == FeedBasis::kLinear) return {{aa + bb, aa - bb, 2.0F * cr, 2.0F * ci}};
  return {{aa + bb, 2.0F * cr, 2.0F * ci, aa - bb}};
}

/// sums[p][c] += product p of x[c] and y[c]: one spectrum of all channels. x, y [channel], sums [product]
/// [channel], contiguous rows. y is empty for one polarisation, where only the intensity is possible. Throws
/// std::invalid_argument for shapes that do not fit. Every instruction set gives the same bits.
void add_products(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                  View<const std::complex<float>, 1> y, View<float, 2> sums);
void add_products_reference(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                            View<const std::complex<float>, 1> y, View<float, 2> sums);

/// out[p][i] = n_sum / n_good[i] sum_j good[t] product p of x[t] and y[t],   t = i n_sum + j, 0 <= j < n_sum
///
/// of one channel whose samples follow each other; n_good[i] = sum_j (good[t] != 0), and 0 where that is 0.
/// x, y, good [time], time = n_sum out.shape(1); out [product][i], n_good [i]; contiguous rows; y may be
/// empty as above. Sums of up to kDetectTile samples are float32 in eight parts, and those are added in
/// double.
void integrate_products(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                        View<const std::complex<float>, 1> y, std::int64_t n_sum,
                        View<const std::uint8_t, 1> good, View<float, 2> out, View<std::int32_t, 1> n_good);
/// The same, a sample at a time in double.
void integrate_products_reference(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                                  View<const std::complex<float>, 1> y, std::int64_t n_sum,
                                  View<const std::uint8_t, 1> good, View<float, 2> out,
                                  View<std::int32_t, 1> n_good);

inline constexpr std::int64_t kDetectTile = 512;

}  // namespace tianyan
