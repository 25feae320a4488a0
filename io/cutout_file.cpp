// Cut-outs by HDF5's C API.
#include "io/cutout_file.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "io/atomic_file.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kDeflate = 9;  // as `your`
constexpr auto kAxisSize = static_cast<std::size_t>(kCutoutSize);

using Image = std::vector<float>;  // [row][column]

/// Of the values, which are reordered; 0 for none. The mean of the middle two, as numpy's.
double median_of(std::vector<float>& values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (double{*middle} + *std::max_element(values.begin(), middle));
}

/// About their mean; 1 where they do not vary.
double deviation_of(const std::vector<float>& values) {
  double sum = 0.0, sum_squares = 0.0;
  for (const float v : values) sum += v;
  const double n = static_cast<double>(std::max<std::size_t>(1, values.size())), mean = sum / n;
  for (const float v : values) sum_squares += (v - mean) * (v - mean);
  return sum_squares > 0.0 ? std::sqrt(sum_squares / n) : 1.0;
}

/// (value - median) / standard deviation of those that are finite, 0 for the others.
Image normalised(View<const float, 2> view) {
  Image image, finite;
  for (std::int64_t i = 0; i < kCutoutSize; ++i)
    for (std::int64_t k = 0; k < kCutoutSize; ++k) {
      image.push_back(view(i, k));
      if (std::isfinite(view(i, k))) finite.push_back(view(i, k));
    }
  const double deviation = deviation_of(finite), median = median_of(finite);
  for (float& v : image) v = std::isfinite(v) ? static_cast<float>((v - median) / deviation) : 0.0f;
  return image;
}

void check_image(View<const float, 2> image, const char* name, const std::string& path) {
  expect(image.shape(0) == kCutoutSize && image.shape(1) == kCutoutSize,
         "{}: {} is {} x {}; it must be {} x {}", path, name, image.shape(0), image.shape(1), kCutoutSize,
         kCutoutSize);
}

/// In one chunk, and without the time of creation.
void write_image(hid_t file, const char* name, const Image& image, const std::vector<std::string>& labels,
                 const std::string& path) {
  const char* what = "write an image";
  const hsize_t shape[2] = {kAxisSize, kAxisSize};
  const Hdf5Id space(H5Screate_simple(2, shape, nullptr), H5Sclose, path, what);
  const Hdf5Id plist(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path, what);
  check_hdf5(H5Pset_chunk(plist, 2, shape), path, what);
  check_hdf5(H5Pset_deflate(plist, kDeflate), path, what);
  check_hdf5(H5Pset_obj_track_times(plist, false), path, what);
  const Hdf5Id data(H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT), H5Dclose,
                    path, what);
  check_hdf5(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, image.data()), path, what);
  put_attribute(data, "DIMENSION_LABELS", labels, path);
}

void put_detection(hid_t file, const Detection& detection, std::int64_t cell_samples,
                   const std::string& path) {
  const Candidate& best = detection.best;
  put_attribute(file, "cand_id", detection.id, path);
  put_attribute(file, "tcand", best.time_s, path);
  put_attribute(file, "dm", best.dm_pc_cm3, path);
  put_attribute(file, "dm_opt", detection.is_refined ? best.dm_pc_cm3 : -1.0, path);
  put_attribute(file, "snr", best.snr, path);
  put_attribute(file, "snr_opt", detection.is_refined ? best.snr : -1.0, path);
  put_attribute(file, "width", 2 * cell_samples, path);
  put_attribute(file, "width_s", best.width_s, path);
  put_attribute(file, "label", std::int64_t{detection.source_class != SourceClass::kRfi}, path);
  put_attribute(file, "beam", std::int64_t{best.beam}, path);
  put_attribute(file, "filelist", std::vector<std::string>{detection.file}, path);
  put_attribute(file, "filename", detection.file, path);
  put_attribute(file, "tstart", detection.file_start.value(), path);
  put_attribute(file, "ra_deg", detection.position.ra_deg, path);
  put_attribute(file, "dec_deg", detection.position.dec_deg, path);
}

/// Channels descend: foff < 0, and fch1 is the centre of the highest.
void put_observation(hid_t file, const Observation& scan, std::int64_t n_spectra, const std::string& path) {
  const double channel_width_mhz = scan.bandwidth_mhz() / scan.n_chan;
  put_attribute(file, "telescope", scan.telescope, path);
  put_attribute(file, "source_name", scan.source_name, path);
  put_attribute(file, "fch1", scan.freq_high_mhz - 0.5 * channel_width_mhz, path);
  put_attribute(file, "foff", -channel_width_mhz, path);
  put_attribute(file, "nchans", std::int64_t{scan.n_chan}, path);
  put_attribute(file, "bw", -scan.bandwidth_mhz(), path);
  put_attribute(file, "center_freq", scan.centre_mhz(), path);
  put_attribute(file, "nbits", std::int64_t{scan.n_bits}, path);
  put_attribute(file, "npol", std::int64_t{scan.n_pol}, path);
  put_attribute(file, "tsamp", scan.sample_time_s, path);
  put_attribute(file, "nspectra", n_spectra, path);
}

void write_contents(hid_t file, const Detection& detection, const Observation& scan, const CutoutData& data,
                    const std::string& path) {
  put_detection(file, detection, data.cell_samples, path);
  put_observation(file, scan, data.n_spectra, path);
  write_image(file, "data_freq_time", normalised(data.freq_time), {"time", "frequency"}, path);
  write_image(file, "data_dm_time", normalised(data.dm_time), {"dm", "time"}, path);
}

}  // namespace

double cutout_dm_pc_cm3(const Detection& detection, std::int64_t d) {
  return 2.0 * detection.best.dm_pc_cm3 * static_cast<double>(d) / static_cast<double>(kCutoutSize - 1);
}

void write_cutout(const std::string& path, const Detection& detection, const Observation& scan,
                  const CutoutData& data) {
  check_image(data.freq_time, "freq_time", path);
  check_image(data.dm_time, "dm_time", path);
  expect(scan.sample_time_s > 0.0, "{}: the sample time is {} s; it must be positive", path,
         scan.sample_time_s);
  expect(data.cell_samples > 0, "{}: a cell of {} samples", path, data.cell_samples);
  expect(scan.n_chan > 0, "{}: a scan of {} channels", path, scan.n_chan);
  AtomicFile target(path);
  Hdf5Output output;
  const Hdf5Lock lock;
  Hdf5Id file = create_hdf5(target.temporary_path(), output, path);
  write_contents(file, detection, scan, data, path);
  const bool is_closed = file.close();
  commit_hdf5(is_closed, output, target);
}

}  // namespace tianyan
