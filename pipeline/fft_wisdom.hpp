// What FFTW learnt about this machine, kept from run to run, so that plans are measured once and stay the
// same.
#pragma once
#include <string>

namespace tianyan {

/// TIANYAN_CACHE, or XDG_CACHE_HOME/tianyan, or HOME/.cache/tianyan, with a file for each instruction set; ""
/// where none of the three is set.
std::string fft_wisdom_path();

/// Plans made while it lives begin with what is kept, and are kept when it ends. Without a directory that can
/// be written, nothing is.
class FftWisdom {
 public:
  FftWisdom();
  ~FftWisdom();
  FftWisdom(const FftWisdom&) = delete;
  FftWisdom& operator=(const FftWisdom&) = delete;

 private:
  std::string path_;
};

}  // namespace tianyan
