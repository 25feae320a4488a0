// Tables of SIGPROC's numbers and its packed angles.
#include "io/sigproc_ids.hpp"

#include <strings.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

struct NumberedName {
  int id;
  const char* name;
};

constexpr std::array kTelescopes{
    NumberedName{1, "Arecibo"}, NumberedName{2, "Ooty"},       NumberedName{3, "Nancay"},
    NumberedName{4, "Parkes"},  NumberedName{5, "Jodrell"},    NumberedName{6, "GBT"},
    NumberedName{7, "GMRT"},    NumberedName{8, "Effelsberg"}, NumberedName{9, "ATA"},
    NumberedName{10, "SRT"},    NumberedName{11, "LOFAR"},     NumberedName{12, "VLA"},
    NumberedName{20, "CHIME"},  NumberedName{21, "FAST"},      NumberedName{64, "MeerKAT"},
    NumberedName{65, "KAT-7"},  NumberedName{82, "eMerlin"}};

constexpr std::array kMachines{NumberedName{1, "PSPM"}, NumberedName{2, "WAPP"}, NumberedName{3, "AOFTM"},
                               NumberedName{4, "BPP"},  NumberedName{5, "OOTY"}, NumberedName{6, "SCAMP"}};

template <class Names>
std::string name_of(const Names& names, int id, const char* keyword) {
  if (id == 0) return "";
  for (const auto& entry : names)
    if (entry.id == id) return entry.name;
  return fmt::format("{} {}", keyword, id);
}

template <class Names>
int id_of(const Names& names, const std::string& name, const std::string& keyword) {
  for (const auto& entry : names)
    if (strcasecmp(entry.name, name.c_str()) == 0) return entry.id;
  return name.starts_with(keyword + " ") ? std::atoi(name.c_str() + keyword.size() + 1) : 0;
}

constexpr std::size_t kMaxStatement = 79;  // SIGPROC's own reader has room for 80 with the terminator

}  // namespace

std::string telescope_name(int telescope_id) { return name_of(kTelescopes, telescope_id, "telescope_id"); }
int telescope_id_of(const std::string& name) { return id_of(kTelescopes, name, "telescope_id"); }
std::string machine_name(int machine_id) { return name_of(kMachines, machine_id, "machine_id"); }
int machine_id_of(const std::string& name) { return id_of(kMachines, name, "machine_id"); }

double unpack_sexagesimal(double packed) {
  const double magnitude = std::abs(packed);
  const double whole = std::floor(magnitude / 1e4);
  const double minutes = std::floor((magnitude - whole * 1e4) / 1e2);
  const double seconds = magnitude - whole * 1e4 - minutes * 1e2;
  if (!(minutes < 60.0 && seconds < 60.0 && whole <= 360.0)) return std::numeric_limits<double>::quiet_NaN();
  return std::copysign(whole + minutes / 60.0 + seconds / 3600.0, packed);
}

double pack_sexagesimal(double value) {
  const double total = std::round(std::abs(value) * 3600e6) / 1e6;
  const double whole = std::floor(total / 3600.0);
  const double minutes = std::floor((total - whole * 3600.0) / 60.0);
  const double seconds = total - whole * 3600.0 - minutes * 60.0;
  return std::copysign(whole * 1e4 + minutes * 1e2 + seconds, value);
}

std::string pol_type_name(PolKind kind) {
  switch (kind) {
    case PolKind::kAaBb:
      return "AABB";
    case PolKind::kCoherence:
      return "AABBCRCI";
    case PolKind::kStokes:
      return "IQUV";
    case PolKind::kIntensity:
      break;
  }
  return "AA+BB";
}

std::string make_statement(const StreamInfo& info, const SampleFormat& format) {
  std::string text = "tianyan:POL_TYPE=" + pol_type_name(format.pol_kind);
  const auto add = [&text](const std::string& key, const std::string& value) {
    const std::string more = ";" + key + "=" + value;
    const bool is_plain = value.find_first_of(";=") == std::string::npos;
    if (!value.empty() && is_plain && text.size() + more.size() <= kMaxStatement) text += more;
  };
  if (machine_id_of(info.backend) == 0) add("BACKEND", info.backend);
  if (telescope_id_of(info.telescope) == 0) add("TELESCOP", info.telescope);
  return text;
}

std::string stated(const std::string& statement, const std::string& key) {
  const std::string prefix = "tianyan:";
  if (!statement.starts_with(prefix)) return "";
  const std::string text = statement.substr(prefix.size() - 1);  // from the colon
  for (const char before : {':', ';'}) {
    const std::string want = fmt::format("{}{}=", before, key);
    const std::size_t at = text.find(want);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + want.size();
    return text.substr(begin, text.find(';', begin) - begin);
  }
  return "";
}

}  // namespace tianyan
