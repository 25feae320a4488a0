// cuFFT's calls, against sums written out.
#include <cufft.h>

#include <cmath>
#include <complex>

#include "tests/simt/emulation_test.hpp"

namespace simt {
namespace {

using Cufft = Emulation;
using Complex = std::complex<float>;

std::vector<Complex> some_values(std::size_t n) {
  std::vector<Complex> values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = {std::sin(static_cast<float>(i * i)), std::cos(static_cast<float>(3 * i * i))};
  return values;
}

/// Element k of the transform of n values, `stride` apart.
Complex transformed(const Complex* values, int n, int stride, int k, int sign) {
  std::complex<double> sum = 0.0;
  for (int i = 0; i < n; ++i)
    sum += std::complex<double>(values[i * stride]) * std::polar(1.0, sign * 2.0 * M_PI * k * i / n);
  return Complex(sum);
}

/// n eps of the sum's terms, which are of order 1, with room.
float tolerance(int n) { return static_cast<float>(n) * 1e-6F; }

template <class T>
T* on_device(const std::vector<T>& values) {
  T* p = nullptr;
  cudaMalloc(&p, values.size() * sizeof(T));
  cudaMemcpy(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
  return p;
}
template <class T>
std::vector<T> on_host(const T* p, std::size_t n) {
  std::vector<T> values(n);
  EXPECT_EQ(cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
  return values;
}

TEST_F(Cufft, TransformsStridedColumnsBothWays) {
  constexpr int kN = 12, kBatch = 3;  // element i of transform b at [i][b]
  const auto values = some_values(kN * kBatch);
  auto* data = on_device(values);
  int n = kN;
  cufftHandle plan = 0;
  ASSERT_EQ(cufftPlanMany(&plan, 1, &n, &n, kBatch, 1, &n, 1, kN, CUFFT_C2C, kBatch), CUFFT_SUCCESS);
  auto* out = on_device(std::vector<Complex>(kN * kBatch));
  for (const int sign : {CUFFT_FORWARD, CUFFT_INVERSE}) {
    ASSERT_EQ(cufftExecC2C(plan, reinterpret_cast<float2*>(data), reinterpret_cast<float2*>(out), sign),
              CUFFT_SUCCESS);
    const auto got = on_host(out, kN * kBatch);
    for (int b = 0; b < kBatch; ++b)
      for (int k = 0; k < kN; ++k) {
        const auto wanted = transformed(values.data() + b, kN, kBatch, k, sign);
        EXPECT_LT(std::abs(got[static_cast<std::size_t>(b * kN + k)] - wanted), tolerance(kN));
      }
  }
  EXPECT_EQ(cufftExecR2C(plan, nullptr, nullptr), CUFFT_INVALID_TYPE);
  EXPECT_EQ(cufftDestroy(plan), CUFFT_SUCCESS);
  EXPECT_EQ(cufftDestroy(plan), CUFFT_INVALID_PLAN);
}

TEST_F(Cufft, TransformsRealRowsOnAStream) {
  constexpr int kN = 10, kHalf = kN / 2 + 1, kBatch = 2;
  const auto values = some_values(kN * kBatch);
  std::vector<float> real;
  std::vector<Complex> complex;
  for (const auto v : values) {
    real.push_back(v.real());
    complex.push_back(v.real());
  }
  auto* in = on_device(real);
  float2* out = nullptr;
  cudaMalloc(&out, kHalf * kBatch * sizeof *out);
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cufftHandle plan = 0;
  ASSERT_EQ(cufftPlan1d(&plan, kN, CUFFT_R2C, kBatch), CUFFT_SUCCESS);
  ASSERT_EQ(cufftSetStream(plan, stream), CUFFT_SUCCESS);
  ASSERT_EQ(cufftExecR2C(plan, in, out), CUFFT_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  const auto got = on_host(reinterpret_cast<Complex*>(out), kHalf * kBatch);
  for (int b = 0; b < kBatch; ++b)
    for (int k = 0; k < kHalf; ++k) {
      const auto wanted = transformed(complex.data() + b * kN, kN, 1, k, -1);
      EXPECT_LT(std::abs(got[static_cast<std::size_t>(b * kHalf + k)] - wanted), tolerance(kN));
    }
  cufftDestroy(plan);
}

TEST_F(Cufft, TakesItsWorkAreaFromTheDevice) {
  std::size_t before = 0, with = 0, total = 0, estimated = 0, work_bytes = 0;
  int n = 64;
  cufftHandle plan = 0;
  cudaMemGetInfo(&before, &total);
  cufftEstimateMany(1, &n, nullptr, 1, 0, nullptr, 1, 0, CUFFT_C2C, 5, &estimated);
  ASSERT_EQ(cufftPlan1d(&plan, n, CUFFT_C2C, 5), CUFFT_SUCCESS);
  cudaMemGetInfo(&with, &total);
  cufftGetSize(plan, &work_bytes);
  EXPECT_EQ(before - with, work_bytes);
  EXPECT_EQ(estimated, work_bytes);
  cufftDestroy(plan);
  cudaMemGetInfo(&with, &total);
  EXPECT_EQ(before, with);

  ASSERT_EQ(cufftCreate(&plan), CUFFT_SUCCESS);
  cufftSetAutoAllocation(plan, 0);
  ASSERT_EQ(cufftMakePlanMany(plan, 1, &n, nullptr, 1, 0, nullptr, 1, 0, CUFFT_C2C, 1, &work_bytes),
            CUFFT_SUCCESS);
  cudaMemGetInfo(&with, &total);
  EXPECT_EQ(before, with);
  auto* data = reinterpret_cast<float2*>(on_device(some_values(64)));
  EXPECT_NE(said_by([&] { EXPECT_EQ(cufftExecC2C(plan, data, data, -1), CUFFT_EXEC_FAILED); }), "");
  void* work = nullptr;
  cudaMalloc(&work, work_bytes);
  cufftSetWorkArea(plan, work);
  EXPECT_EQ(cufftExecC2C(plan, data, data, -1), CUFFT_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  cufftDestroy(plan);
}

TEST_F(Cufft, RefusesMemoryThatIsTooShortOrWasNeverWritten) {
  cufftHandle plan = 0;
  ASSERT_EQ(cufftPlan1d(&plan, 8, CUFFT_C2C, 2), CUFFT_SUCCESS);
  auto* whole = reinterpret_cast<float2*>(on_device(some_values(16)));
  auto* part = reinterpret_cast<float2*>(on_device(some_values(15)));
  std::vector<float2> host(16);
  const auto said = said_by([&] {
    EXPECT_EQ(cufftExecC2C(plan, whole, part, -1), CUFFT_EXEC_FAILED);
    EXPECT_EQ(cufftExecC2C(plan, host.data(), whole, -1), CUFFT_EXEC_FAILED);
  });
  EXPECT_NE(said.find("are not all memory of device 0"), std::string::npos);
  if (checker == nullptr) return;
  float2* empty = nullptr;
  cudaMalloc(&empty, 16 * sizeof *empty);
  const auto also_said = said_by([&] {
    EXPECT_EQ(cufftExecC2C(plan, empty, whole, -1), CUFFT_SUCCESS);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  });
  EXPECT_NE(also_said.find("never written"), std::string::npos);
}

}  // namespace
}  // namespace simt
