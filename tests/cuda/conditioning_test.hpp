// What the tests of conditioning on a device share.
#pragma once
#include "cuda/channel_stats.hpp"
#include "tests/cuda/device_rows.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {

class CalibrationOnDevice {
 public:
  CalibrationOnDevice(const RowCalibration& calibration, const Stream& stream)
      : scale_(copy_of(calibration.scale, stream)), offset_(copy_of(calibration.offset, stream)) {}
  DeviceCalibration view() const { return {scale_.cview(), offset_.cview()}; }

 private:
  static DeviceArray<double, 1> copy_of(const std::vector<double>& values, const Stream& stream) {
    return on_device(View<const double, 1>(values.data(), {std::ssize(values)}), stream);
  }
  DeviceArray<double, 1> scale_, offset_;
};

/// Scales of either sign, and some that are 0.
inline RowCalibration random_calibration(int n_chan, Xoshiro256& random) {
  RowCalibration calibration;
  for (int c = 0; c < n_chan; ++c) {
    calibration.scale.push_back(random.below(9) == 0 ? 0.0 : gaussian(random));
    calibration.offset.push_back(100.0 * gaussian(random));
  }
  return calibration;
}

}  // namespace tianyan
