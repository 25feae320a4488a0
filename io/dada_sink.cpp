// DADA files: VoltageSink, 8 and 16 bits.
#include <vector>

#include "io/dada_header.hpp"
#include "io/output_file.hpp"
#include "io/voltage_sink.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

class DadaSink : public VoltageSink {
 public:
  DadaSink(const std::string& path, const VoltageInfo& info, int beam, const VoltageFormat& format)
      : info_(info), format_(format), file_(path) {
    expect((format.n_bits == 8 || format.n_bits == 16) && !format.is_inverted,
           "{}: voltages of {} bits{}; DADA is written with 8 or 16 bits, not inverted", path, format.n_bits,
           format.is_inverted ? ", inverted" : "");
    const std::string header = make_dada_header(info, beam, format);
    file_.put(header.data(), header.size());
  }

  void write(int b, View<const std::int16_t, 3> v) override {
    const std::int64_t n_component = format_.n_component(), n = v.shape(2) / n_component;
    expect(
        b == 0 && v.shape(0) == info_.n_coarse && v.shape(1) == info_.n_pol && v.shape(2) % n_component == 0,
        "{}: beam {}, voltages [{}][{}][{}]; [{}][{}][{} n] of beam 0 were announced", file_.path(), b,
        v.shape(0), v.shape(1), v.shape(2), info_.n_coarse, info_.n_pol, n_component);
    expect(n <= info_.n_time - n_taken_, "{}: {} samples after {} of {}", file_.path(), n, n_taken_,
           info_.n_time);
    if (format_.n_bits == 8)
      put<std::int8_t>(v);
    else
      put<std::int16_t>(v);
    n_taken_ += n;
  }

  void finish() override {
    expect(n_taken_ == info_.n_time, "{}: {} samples were written, {} were announced", file_.path(), n_taken_,
           info_.n_time);
    file_.commit();
  }

 private:
  /// As [time][channel][pol][component], little-endian as the machine is.
  template <class T>
  void put(View<const std::int16_t, 3> v) {
    const std::int64_t n_component = format_.n_component();
    const std::int64_t n_stream = std::int64_t{info_.n_coarse} * info_.n_pol;
    std::vector<T> spectra(static_cast<std::size_t>(v.size()));
    for (std::int64_t c = 0; c < info_.n_coarse; ++c)
      for (std::int64_t p = 0; p < info_.n_pol; ++p) {
        T* to = spectra.data() + (c * info_.n_pol + p) * n_component;
        for (std::int64_t i = 0; i < v.shape(2); ++i)
          to[i / n_component * n_stream * n_component + i % n_component] = static_cast<T>(v(c, p, i));
      }
    file_.put(spectra.data(), spectra.size() * sizeof(T));
  }

  VoltageInfo info_;
  VoltageFormat format_;
  OutputFile file_;
  std::int64_t n_taken_ = 0;
};

std::unique_ptr<VoltageSink> create_dada(const std::string& path, const VoltageInfo& info,
                                         const std::vector<int>& beams, const VoltageFormat& format) {
  return std::make_unique<DadaSink>(path, info, beams.at(0), format);
}

[[maybe_unused]] const bool kSink = register_voltage_sink({"DADA", ".dada", false, create_dada});

}  // namespace
}  // namespace tianyan
