// Table of telescopes.
#include "kernels/site.hpp"

#include <strings.h>

#include <algorithm>

namespace tianyan {
namespace {

struct Entry {
  Site site;
  std::array<std::string_view, 5> other_names;
};

constexpr std::array kSites{
    Entry{{"FAST", {-1668557.0, 5506838.0, 2744934.0}}, {"k", "FA"}},
    Entry{{"Arecibo", {2390487.080, -5564731.357, 1994720.633}}, {"3", "AO"}},
    Entry{{"ASKAP", {-2556084.669, 5097398.337, -2848424.133}}, {}},
    Entry{{"CHIME", {-2059166.313, -3621302.972, 4814304.113}}, {"y", "CH"}},
    Entry{{"Effelsberg", {4033947.146, 486990.898, 4900431.067}}, {"g", "EF", "EFF"}},
    Entry{{"GBT", {882589.289, -4924872.368, 3943729.418}}, {"1", "GB", "Green Bank"}},
    Entry{{"GMRT", {1657059.36, 5797913.14, 2073026.71}}, {"r", "GM", "uGMRT"}},
    Entry{{"Lovell", {3822626.04, -154105.65, 5086486.04}}, {"8", "JB", "JBO", "Jodrell", "Jodrell Bank"}},
    Entry{{"MeerKAT", {5109360.133, 2006852.586, -3238948.127}}, {"m", "MK"}},
    Entry{{"MWA", {-2559454.08, 5095372.14, -2849057.18}}, {"u", "MW"}},
    Entry{{"Parkes", {-4554231.5, 2816759.1, -3454036.3}}, {"7", "PK", "PKS", "Murriyang"}},
    Entry{{"VLA", {-1601192.0, -5041981.4, 3554871.4}}, {"6", "VL", "JVLA", "EVLA"}},
};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_called(const Entry& entry, std::string_view name) {
  return same(entry.site.name, name) ||
         std::any_of(entry.other_names.begin(), entry.other_names.end(),
                     [&](std::string_view other) { return same(other, name); });
}

}  // namespace

const Site* find_site(const std::string& telescope) {
  if (telescope.empty()) return nullptr;
  for (const Entry& entry : kSites)
    if (is_called(entry, telescope)) return &entry.site;
  return nullptr;
}

}  // namespace tianyan
