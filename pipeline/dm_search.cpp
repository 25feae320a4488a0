// The order of work of the search stage.
#include "pipeline/dm_search.hpp"

namespace tianyan {

DmSearch::DmSearch(const SearchPlan& plan, const StreamInfo& info, const SampleFormat& format,
                   const std::vector<int>& subbands, int n_threads, const SearchDevice& device)
    : n_threads_(n_threads),
      blocks_(plan, info, subbands),
      rows_(make_row_search(blocks_, format, n_threads, device)) {}

void DmSearch::allocate() {
  blocks_.allocate();
  rows_->allocate();
}

void DmSearch::window_done(std::vector<Event>& events) {
  rows_->add_window();
  blocks_.add_window(n_threads_);
  count_window(events);
}

void DmSearch::count_window(std::vector<Event>& events) {
  if (blocks_.next_window()) search_block(events);
}

void DmSearch::finish(std::vector<Event>& events) {
  while (!blocks_.is_finished()) {
    rows_->add_empty_window();
    blocks_.add_empty_window();
    count_window(events);
  }
}

void DmSearch::search_block(std::vector<Event>& events) {
  blocks_.complete_block();
  FoundEvents found;
  const auto& passes = blocks_.plan().passes;
  // Without weight, the tails, whose weights are in the octave's lag, are zero too.
  for (std::size_t i = 0; i < passes.size(); ++i)
    if (blocks_.has_weight(blocks_.octave_of(passes[i]))) rows_->search_pass(i, found);
  events.insert(events.end(), found.events.begin(), found.events.end());
  n_dropped_ += found.n_dropped;
  rows_->next_block();
  blocks_.next_block();
}

}  // namespace tianyan
