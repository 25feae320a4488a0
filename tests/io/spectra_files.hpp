// Small SIGPROC and PSRFITS files made byte by byte, without our Sinks, and what tests do with files.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "io/sink.hpp"
#include "io/source.hpp"

namespace tianyan::test {

/// A folder of its own that goes with the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);

/// The text of the exception that `act` throws; "" where it throws none.
template <class Act>
std::string error_of(Act act) {
  try {
    act();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}
inline std::string open_error(const std::string& path) {
  return error_of([&] { open_source(path); });
}
::testing::AssertionResult says(const std::string& text, const std::vector<std::string>& words);

/// A SIGPROC file: keywords in order, then samples.
class FilBytes {
 public:
  FilBytes& text(const std::string& keyword, const std::string& value);
  FilBytes& integer(const std::string& keyword, std::int32_t value);
  FilBytes& real(const std::string& keyword, double value);
  FilBytes& byte(const std::string& keyword, std::uint8_t value);
  FilBytes& bare(const std::string& keyword);
  std::string bytes;
};
/// Header of n_chan channels from fch1 1500 MHz in steps of foff, 1 ms, 8 bits, MJD 59000.25, beam 3.
FilBytes fil_header(int n_chan, double foff = -1.0, int n_bits = 8, int n_ifs = 1);
std::string fil_file(int n_chan, const std::string& samples, double tstart = 59000.25);

/// A PSRFITS file. Keywords in `set` replace or add cards ("TBIN" -> "0.0"); "" takes a card away.
struct FitsBytes {
  int n_chan = 4, n_pol = 1, n_bits = 8;
  std::int64_t n_block = 8;
  int n_row = 3;
  double tbin = 1e-3;
  std::string pol_type = "AA+BB";
  char data_type = 'B', freq_type = 'D';
  std::function<double(int)> freq = [](int c) { return 1000.0 + c; };
  std::function<double(int)> offs_sub = nullptr;       ///< by row; contiguous where it is not given
  std::function<SkyPosition(int)> pointing = nullptr;  ///< RA_SUB and DEC_SUB by row; no columns without it
  char pointing_type = 'D';
  std::function<double(int, int)> scale = [](int, int) { return 1.0; };
  std::function<double(int, int)> offset = [](int, int) { return 0.0; };
  std::function<double(int, int)> weight = [](int, int) { return 1.0; };
  std::function<int(int, int)> data = [](int row, int i) { return row * 100 + i; };  ///< byte i of a row
  std::map<std::string, std::string> set;
  bool has_offs_sub = true, has_dat_freq = true;
  std::string between;  ///< HDUs between PRIMARY and SUBINT

  std::string bytes() const;
  std::int64_t row_bytes() const;
};

/// Everything that a source holds: samples and, for each, its calibration.
struct WholeStream {
  std::vector<std::uint8_t> samples;
  std::vector<bool> missing;                              ///< [time]
  std::vector<std::vector<float>> scale, offset, weight;  ///< [time][...], empty where trivial
};
/// Read in blocks of n_block spectra; checks that the spans cover each block.
WholeStream read_all(Source& source, std::int64_t n_block);

/// "../shared/data/NAME" of the source tree, or below $TIANYAN_TEST_DATA.
std::string third_party(const std::string& name);

/// Runs a program for /usr/bin/python3, with sys.argv[1:] = arguments; its output. Empty where it fails.
bool has_python(const std::string& modules);
std::string run_python(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace tianyan::test
