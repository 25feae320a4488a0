// The configuration of a search: plain structs, read from TOML and --set, every default visible here.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/schema.hpp"

namespace tianyan {

struct SearchConfig {
  double dm_min_pc_cm3 = 0.0;
  double dm_max_pc_cm3 = 3000.0;
  double snr_min = 7.0;         ///< of a detection
  double snr_min_member = 6.0;  ///< of an event that may join a cluster
  double width_min_s = 4e-4;
  double width_max_s = 0.1;
  double snr_loss_max = 0.1;  ///< fraction of S/N that the plan may lose
  double block_s = 2.0;
  std::string backend = "auto";  ///< auto, cpu or cuda
};

struct RfiConfig {
  struct Rule {
    bool enabled = true;
    double threshold_sigma = 0.0;
  };
  double window_s = 1.0;
  Rule channels{true, 5.0};
  Rule zero_dm{true, 6.0};
  struct Bands {
    std::vector<Pair> mhz;  ///< always flagged
    bool hold(double freq_mhz) const;
  } bands;
};

struct LimitsConfig {
  std::int64_t memory_bytes = 4'000'000'000;
  int threads = 0;  ///< 0: all that the machine offers
};

struct OutputConfig {
  bool plots = true;
  int max_plots = 100;
};

struct Config {
  SearchConfig search;
  RfiConfig rfi;
  LimitsConfig limits;
  OutputConfig output;
};

/// The file's values over the defaults (an empty path: defaults alone), then each "key=value" of `set`.
/// Throws std::invalid_argument with one line for each mistake, std::runtime_error where there is no such
/// file.
Config load_config(const std::string& path, const std::vector<std::string>& set = {});

/// The effective configuration as TOML with a comment for each key. Loading it gives the same Config.
std::string print_config(const Config& config);

/// 16 hexadecimal digits: FNV-1a of print_config() with what cannot change an answer at its default: limits,
/// output, block length, backend.
std::string config_hash(const Config& config);

/// docs/config.md, from the same rows that parse.
std::string config_reference_markdown();

}  // namespace tianyan
