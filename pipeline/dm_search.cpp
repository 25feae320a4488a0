// The order of work of the search stage.
#include "pipeline/dm_search.hpp"

namespace tianyan {

DmSearch::DmSearch(const SearchPlan& plan, const StreamInfo& info, const SampleFormat& format,
                   const std::vector<int>& subbands, int n_threads, const SearchDevice& device)
    : n_threads_(n_threads),
      is_aside_(!device.is_host()),
      blocks_(plan, info, subbands),
      rows_(make_row_search(blocks_, format, n_threads, device)),
      complete_before_s_(blocks_.complete_before_s()) {}

void DmSearch::allocate() {
  blocks_.allocate();
  rows_->allocate();
}

void DmSearch::window_done(std::vector<Event>& events) {
  wait(events);
  rows_->add_window();
  blocks_.add_window(n_threads_);
  count_window(events);
}

void DmSearch::count_window(std::vector<Event>& events) {
  if (!blocks_.next_window()) return;
  if (is_aside_)
    searching_ = std::async(std::launch::async, [this] { return search_block(); });
  else
    take(search_block(), events);
}

void DmSearch::finish(std::vector<Event>& events) {
  for (wait(events); !blocks_.is_finished(); wait(events)) {
    rows_->add_empty_window();
    blocks_.add_empty_window();
    count_window(events);
  }
}

FoundEvents DmSearch::search_block() {
  blocks_.complete_block();
  FoundEvents found;
  const auto& passes = blocks_.plan().passes;
  // Without weight, the tails, whose weights are in the octave's lag, are zero too.
  for (std::size_t i = 0; i < passes.size(); ++i)
    if (blocks_.has_weight(blocks_.octave_of(passes[i]))) rows_->search_pass(i, found);
  rows_->next_block();
  blocks_.next_block();
  return found;
}

// Of a block whose search is over.
void DmSearch::take(FoundEvents&& found, std::vector<Event>& events) {
  events.insert(events.end(), found.events.begin(), found.events.end());
  n_dropped_ += found.n_dropped;
  complete_before_s_ = blocks_.complete_before_s();
}

// Until the last complete block has been searched.
void DmSearch::wait(std::vector<Event>& events) {
  if (searching_.valid()) take(searching_.get(), events);
}

}  // namespace tianyan
