// Beams of one scan that go through their windows in step, so that each window of a beam is judged by the
// same window of the others.
#pragma once
#include <functional>
#include <vector>

#include "pipeline/condition.hpp"

namespace tianyan {

/// A beam that is worked through window by window.
class BeamStream {
 public:
  virtual ~BeamStream() = default;
  virtual int beam() const = 0;
  /// Reads and measures the next window; false when there is none left.
  virtual bool measure() = 0;
  virtual const Conditioner& conditioner() const = 0;
  /// Finishes the window; `beams_good` [subband][cell] is what the other beams say, or null.
  virtual void take(const View<const std::uint8_t, 2>* beams_good) = 0;
};

/// True where two of the beams are known, differ, and are not neighbours.
bool can_tell_beams(const std::vector<int>& beams);

/// Takes all streams to their ends, each judged by the others where can_tell_beams() says so (then all beams
/// are known and differ), as many at once as there are workers; all but the last windows, which may be
/// missing, begin at the same samples. `failed(i, exception)` is told of a stream that threw; the others go
/// on, unless it throws itself. `window_done(i)` is called after each window and `stream_done(i)`
/// when all streams have ended, for those that did not fail, from any worker.
void run_in_step(const std::vector<BeamStream*>& streams, double threshold_sigma, int n_worker,
                 const std::function<void(std::size_t)>& window_done,
                 const std::function<void(std::size_t, std::exception_ptr)>& failed,
                 const std::function<void(std::size_t)>& stream_done = {});

}  // namespace tianyan
