// The configuration of a search: plain structs, read from TOML and --set, every default visible here.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
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
  bool running_noise = true;  ///< S/N is corrected for noise that is redder than its weights say
  double block_s = 2.0;
  double unit_s = 300.0;
  std::string backend = "auto";  ///< auto, cpu or cuda
};

struct RfiConfig {
  struct Rule {
    bool enabled = true;
    double threshold_sigma = 0.0;
  };
  double window_s = 1.0;
  double keep_snr = 500.0;   ///< pulses up to it are not flagged
  double flagged_max = 0.5;  ///< of a beam, above which it is marked
  struct Bands {
    std::vector<Pair> mhz;  ///< always flagged
    bool hold(double freq_mhz) const;
  } bands;
  struct Saturated {
    bool enabled = true;
    double margin_sigma = 2.0;
  } saturated;
  Rule channels{true, 5.0};
  struct Iqrm {
    bool enabled = false;
    double threshold_sigma = 3.0;
    double radius_fraction = 0.05;
  } iqrm;
  Rule zero_dm{true, 6.0};
  struct ZeroDmFilter {
    bool enabled = false;
  } zero_dm_filter;
  struct Periodic {
    bool enabled = true;
    std::vector<double> fundamentals_hz = {1.0 / 0.201326592, 50.0};
    double max_hz = 500.0;
    double false_alarm = 1e-4;
  } periodic;
  struct Kurtosis {
    bool enabled = true;
    double false_alarm = 1e-7;
    int cell_samples = 1024;
    double shape = 0.0;  ///< 0: measured
  } kurtosis;
  struct SumThreshold {
    bool enabled = true;
    double threshold_sigma = 12.0;
    double base = 1.5;
    int longest = 64;
    double bandpass_sigma = 8.0;
    double bandpass_lambda = 1e5;
  } sum_threshold;
  Rule beams{true, 4.5};
};

/// What the headers of voltages do not say, or say wrongly; 0 and false: as they say.
struct VoltagesConfig {
  double sample_rate_hz = 0.0;
  double band_low_mhz = 0.0;
  int n_pol = 0;
  bool lower_sideband = false;
};

struct ChannelizeConfig {
  int channels = 0;  ///< over the whole band; 0: near FAST's 0.122 MHz
  int taps = 4;
  std::string window = "hamming";  ///< rectangular, hann, hamming or kaiser
  double kaiser_beta = 8.0;
  std::string oversampling = "1";  ///< "4/3"
  double sample_time_s = 49.152e-6;
  std::vector<double> coherent_dm_pc_cm3;  ///< none: not dedispersed coherently
  std::string products = "intensity";      ///< intensity, aabbcrci or iquv
  std::string feed = "linear";             ///< linear or circular
  int n_bits = 8;                          ///< 8 or 32
};

struct LimitsConfig {
  std::int64_t memory_bytes = 16'000'000'000;
  std::int64_t device_memory_bytes = 0;  ///< of each device; 0: nine tenths of what is free
  int threads = 0;                       ///< 0: all that the machine offers
  double wall_s = 0.0;                   ///< 0: as long as it takes
  std::int64_t output_bytes = 0;         ///< 0: as much as there is
  std::int64_t dm_trials = 1'000'000;
  std::string memory_bound_by = "limits.memory_bytes allows";  ///< no key: see limits_here()
};

/// How candidates of all beams become detections.
struct SiftConfig {
  double match_sigma = 4.0;
  double far_beam_fraction = 0.05;
  double shape_probability = 1e-6;
  double repetition_probability = 1e-6;
  std::vector<std::string> catalogues;
  double known_radius_arcmin = 3.0;
  std::string telescope;
  std::vector<double> site_itrf_m;
  double rotation_deg = -1.0;  ///< negative: as the pointings say
  int max_refined = 200;
  std::vector<double> list_band_mhz;
};

struct OutputConfig {
  std::vector<std::string> formats = {"heimdall", "singlepulse", "tns", "voevent", "votable", "your"};
  bool plots = true;
  bool cutouts = true;
  int max_plots = 100;
  std::string author = "unknown", contact;
  std::string ivo_authority = "example/frb";
  double gain_k_jy = 0.0, tsys_k = 0.0;  ///< 0: FAST's where it is FAST, else unknown
};

struct Config {
  SearchConfig search;
  RfiConfig rfi;
  VoltagesConfig voltages;
  ChannelizeConfig channelize;
  SiftConfig sift;
  LimitsConfig limits;
  OutputConfig output;
};

/// The file's values over the defaults (an empty path: defaults alone), then each "key=value" of `set`, which
/// `judge` may find more wrong with, or change. Throws std::invalid_argument with one line for each mistake,
/// std::runtime_error where there is no such file.
using JudgeConfig = std::function<void(Config& config, ReadReport& report)>;
Config load_config(const std::string& path, const std::vector<std::string>& set = {},
                   const JudgeConfig& judge = nullptr);

/// The effective configuration as TOML with a comment for each key. Loading it gives the same Config.
std::string print_config(const Config& config);

/// The effective values as TOML, by key.
std::map<std::string, std::string> config_values(const Config& config);

/// 16 hexadecimal digits: FNV-1a of print_config() with what cannot change an answer at its default: limits,
/// output, block length, backend, and what `tianyan channelize` alone looks at.
std::string config_hash(const Config& config);

struct Fraction {
  int num = 1, den = 1;
};
/// channelize.oversampling as a fraction from 1 to 8; nothing where it is none.
std::optional<Fraction> oversampling_of(const ChannelizeConfig& config);

/// docs/config.md, from the same rows that parse.
std::string config_reference_markdown();

}  // namespace tianyan
