// A fixture that runs the program as a user does, in a directory of its own.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "io/sink.hpp"
#include "io/source.hpp"
#include "pipeline/simulate.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {

using nlohmann::json;

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

class CommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* binary = std::getenv("TIANYAN_BINARY");
    if (binary == nullptr) GTEST_SKIP() << "TIANYAN_BINARY does not name the program";
    binary_ = binary;
  }

  /// `shell` stands before the command: limits, traps.
  Outcome run(const std::string& arguments, const std::string& shell = "") const {
    Outcome outcome;
    const std::string err = dir_.file("stderr.txt");
    const std::string command = shell + "'" + binary_ + "' " + arguments + " 2>'" + err + "'";
    std::FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      outcome.out.append(buffer.data(), n);
    const int status = pclose(pipe);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.err = read_text(err);
    return outcome;
  }

  /// One small file of one beam; its path.
  std::string scan(const std::string& format, int n_bits = 8, int n_pol = 1) const {
    ScanSpec spec;
    spec.source_name = "S" + std::to_string(n_bits) + "x" + std::to_string(n_pol);
    spec.format = format;
    spec.n_chan = 32;
    spec.sample_time_s = 1e-3;
    spec.duration_s = 1.5;
    spec.n_bits = n_bits;
    spec.n_pol = n_pol;
    spec.beams = {4};
    return simulate_scan(spec, dir_.path(), {1, true, nullptr}).at(0);
  }

  /// A PSRFITS file with scales, offsets, and channel 5 flagged.
  std::string calibrated_scan() const {
    const auto source = open_source(scan("fits"));
    RawBlock block;
    source->read(0, source->info().n_time, block);
    CalibrationSpan span{0,
                         block.n_time,
                         false,
                         std::vector<float>(32, 2.0F),
                         std::vector<float>(32, -3.0F),
                         std::vector<float>(32, 1.0F)};
    span.weight[5] = 0.0F;
    block.spans = {span};
    const std::string path = dir_.file("calibrated.fits");
    const auto sink = create_sink(path, source->info(), source->format(), true);
    sink->write(block);
    sink->finish();
    return path;
  }

  TempDir dir_;
  std::string binary_;
};

}  // namespace tianyan
