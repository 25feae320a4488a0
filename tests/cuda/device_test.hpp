// What tests of kernels on a device share: a test body is a template over its backend, which runs the kernel
// on the host or on a device with the same arguments, host memory in and out.
#pragma once
#include <gtest/gtest.h>

#include "cuda/device.hpp"
#include "kernels/base/random.hpp"

namespace tianyan {

/// A copy of a host's array on the device in use.
template <class T, int Rank>
DeviceArray<std::remove_const_t<T>, Rank> on_device(const View<T, Rank>& host, const Stream& stream) {
  DeviceArray<std::remove_const_t<T>, Rank> device(host.shape());
  upload(host, device.view(), stream);
  stream.synchronise();
  return device;
}

/// What a device's array holds, once the stream has come so far.
template <class T, int Rank>
void to_host(const DeviceArray<T, Rank>& device, const View<T, Rank>& host, const Stream& stream) {
  download(device.cview(), host, stream);
  stream.synchronise();
}

}  // namespace tianyan
