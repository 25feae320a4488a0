// Names of beams, and which beam a file belongs to: from its name as FAST gives it, else from its header.
#pragma once
#include <string>
#include <vector>

namespace tianyan {

inline constexpr int kMaxBeam = 19;

/// "M07"; "M00" is an unknown beam.
std::string beam_name(int beam);

/// NN of `-MNN` followed by no further digit, in the last component of `path`; 0 where there is none from 1
/// to 19.
int beam_from_name(const std::string& path);

/// The name wins over the header's number (0: the header says nothing). A contradiction, or a number that no
/// beam of FAST has, adds a line to `notes`.
int beam_of(const std::string& path, long long header_beam, std::vector<std::string>& notes);

/// Throws std::invalid_argument where another beam is wanted than the file has; 0 is any, or unknown.
void expect_beam(const std::string& path, int wanted, int beam);

}  // namespace tianyan
