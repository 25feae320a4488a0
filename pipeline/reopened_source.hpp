// A source that is opened anew after a read that failed: the descriptor of a file on a server that was away
// is stale for good, and neither CFITSIO nor HDF5 promises what its buffers hold after an error.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "io/source.hpp"

namespace tianyan {

class ReopenedSource final : public Source {
 public:
  using Open = std::function<std::unique_ptr<Source>()>;
  /// Opens it at once; throws what `open` throws.
  explicit ReopenedSource(Open open);

  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override;
  std::string format_name() const override { return format_name_; }
  void use_threads(int n_threads) override;
  std::int64_t memory_bytes() const override { return memory_bytes_; }
  void release() override;
  /// Throws std::runtime_error too where the files are not those any more that were opened first.
  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override;

 private:
  void reopen();
  void check_unchanged(const Source& now) const;

  Open open_;
  std::unique_ptr<Source> inner_;  ///< null after a read that failed
  StreamInfo info_;
  SampleFormat format_;
  std::vector<InputFile> files_;
  std::string format_name_;
  mutable Losses losses_;  ///< the most that was counted
  int n_threads_ = 0;      ///< 0: never said
  std::int64_t memory_bytes_ = 0;
};

}  // namespace tianyan
