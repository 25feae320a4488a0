// Masks of PRESTO's rfifind.
#include <algorithm>
#include <stdexcept>

#include "io/rfifind_mask.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) try {
  const RfifindMask mask = read_rfifind_mask(input_file(bytes));
  promise(std::ssize(mask.channels_of_interval) == mask.n_interval, "each interval has its list");
  for (const auto& channels : mask.channels_of_interval)
    promise(channels.empty() || (channels.front() >= 0 && channels.back() < mask.n_chan),
            "channels are those of the mask");
} catch (const std::runtime_error&) {
}

const bool kRegistered = register_fuzz_target({"rfifind", run});

}  // namespace
}  // namespace tianyan::fuzz
