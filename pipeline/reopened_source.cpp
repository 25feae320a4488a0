// Reading with a second try, at the next read.
#include "pipeline/reopened_source.hpp"

#include <stdexcept>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {

ReopenedSource::ReopenedSource(Open open)
    : open_(std::move(open)),
      inner_(open_()),
      info_(inner_->info()),
      format_(inner_->format()),
      files_(inner_->files()),
      format_name_(inner_->format_name()),
      losses_(inner_->losses()),
      memory_bytes_(inner_->memory_bytes()) {}

const Losses& ReopenedSource::losses() const {
  if (inner_ && !inner_->losses().counts_less_than(losses_)) losses_ = inner_->losses();
  return losses_;
}

void ReopenedSource::use_threads(int n_threads) {
  n_threads_ = n_threads;
  if (!inner_) return;
  inner_->use_threads(n_threads);
  memory_bytes_ = inner_->memory_bytes();
}

void ReopenedSource::release() {
  if (inner_) inner_->release();
}

void ReopenedSource::read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) {
  if (!inner_) reopen();
  try {
    inner_->read(first_sample, n_time, out);
  } catch (const std::runtime_error&) {
    losses();
    inner_.reset();
    throw;
  }
}

void ReopenedSource::reopen() {
  try {
    auto now = open_();
    check_unchanged(*now);
    if (n_threads_ > 0) now->use_threads(n_threads_);
    inner_ = std::move(now);
  } catch (const std::invalid_argument& e) {  // the config fits what was opened first
    throw std::runtime_error(e.what());
  }
}

void ReopenedSource::check_unchanged(const Source& now) const {
  const auto& files = now.files();
  require(files.size() == files_.size(), "{}: changed while it was being read: {} files, {} before",
          files_.front().path, files.size(), files_.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    require(files[i].size_bytes == files_[i].size_bytes &&
                files[i].header_checksum == files_[i].header_checksum && files[i].n_time == files_[i].n_time,
            "{}: changed while it was being read: {} bytes and {} spectra, {} and {} before", files_[i].path,
            files[i].size_bytes, files[i].n_time, files_[i].size_bytes, files_[i].n_time);
}

}  // namespace tianyan
