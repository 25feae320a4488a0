// GUPPI raw files: VoltageSink, 8 bits.
#include <algorithm>
#include <vector>

#include "io/guppi_header.hpp"
#include "io/output_file.hpp"
#include "io/voltage_sink.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kMaxBlockBytes = 8 << 20;

/// Whole packets, as many as fit; all in one block where they do.
std::int64_t samples_per_block(const VoltageInfo& info) {
  const std::int64_t packet_bytes = std::int64_t{info.n_coarse} * info.n_pol * 2 * kGuppiPacketSamples;
  const std::int64_t n_packet = std::max<std::int64_t>(1, kMaxBlockBytes / packet_bytes);
  return n_packet * kGuppiPacketSamples;
}

class GuppiSink : public VoltageSink {
 public:
  GuppiSink(const std::string& path, const VoltageInfo& info, int beam, const VoltageFormat& format)
      : info_(info), beam_(beam), max_samples_(samples_per_block(info)), file_(path) {
    expect(format.is_complex && format.n_bits == 8 && !format.is_inverted,
           "{}: {} voltages of {} bits{}; GUPPI is written as complex of 8 bits, not inverted", path,
           format.is_complex ? "complex" : "real", format.n_bits, format.is_inverted ? ", inverted" : "");
    expect(info.n_time > 0, "{}: no samples; a GUPPI file without a block cannot be read", path);
    begin_block();
  }

  void write(int b, View<const std::int16_t, 3> v) override {
    const std::int64_t n = v.shape(2) / 2;
    expect(b == 0 && v.shape(0) == info_.n_coarse && v.shape(1) == info_.n_pol && v.shape(2) % 2 == 0,
           "{}: beam {}, voltages [{}][{}][{}]; [{}][{}][2 n] of beam 0 were announced", file_.path(), b,
           v.shape(0), v.shape(1), v.shape(2), info_.n_coarse, info_.n_pol);
    expect(n <= info_.n_time - n_taken_, "{}: {} samples after {} of {}", file_.path(), n, n_taken_,
           info_.n_time);
    for (std::int64_t done = 0; done < n;) {
      const std::int64_t take = std::min(n - done, block_samples_ - n_filled_);
      copy(v.slice(2, 2 * done, 2 * (done + take)));
      done += take;
      n_filled_ += take;
      n_taken_ += take;
      if (n_filled_ == block_samples_) end_block();
    }
  }

  void finish() override {
    expect(n_taken_ == info_.n_time, "{}: {} samples were written, {} were announced", file_.path(), n_taken_,
           info_.n_time);
    file_.commit();
  }

 private:
  /// The last block holds what is left.
  void begin_block() {
    block_samples_ = std::min(max_samples_, info_.n_time - n_taken_);
    n_filled_ = 0;
    block_.resize(static_cast<std::size_t>(info_.n_coarse * block_samples_ * info_.n_pol * 2));
  }

  /// To block [channel][time][pol][re, im].
  void copy(View<const std::int16_t, 3> v) {
    const std::int64_t n_pol = info_.n_pol;
    for (std::int64_t c = 0; c < info_.n_coarse; ++c)
      for (std::int64_t p = 0; p < n_pol; ++p) {
        std::int8_t* to = block_.data() + ((c * block_samples_ + n_filled_) * n_pol + p) * 2;
        for (std::int64_t i = 0; i < v.shape(2); i += 2, to += 2 * n_pol) {
          to[0] = static_cast<std::int8_t>(v(c, p, i));
          to[1] = static_cast<std::int8_t>(v(c, p, i + 1));
        }
      }
  }

  void end_block() {
    const std::string cards = make_guppi_header(info_, beam_, n_block_++, max_samples_, block_samples_);
    file_.put(cards.data(), cards.size());
    file_.put(block_.data(), block_.size());
    begin_block();
  }

  VoltageInfo info_;
  int beam_;
  std::int64_t max_samples_;
  OutputFile file_;
  std::vector<std::int8_t> block_;
  std::int64_t block_samples_ = 0, n_filled_ = 0, n_taken_ = 0, n_block_ = 0;
};

std::unique_ptr<VoltageSink> create_guppi(const std::string& path, const VoltageInfo& info,
                                          const std::vector<int>& beams, const VoltageFormat& format) {
  return std::make_unique<GuppiSink>(path, info, beams.at(0), format);
}

[[maybe_unused]] const bool kSink = register_voltage_sink({"GUPPI", ".raw", false, create_guppi});

}  // namespace
}  // namespace tianyan
