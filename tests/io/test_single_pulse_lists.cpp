// Lists of pulses that other programs read: PRESTO's, Heimdall's and those of `your`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "io/exporter.hpp"
#include "io/scan_files.hpp"
#include "io/singlepulse.hpp"
#include "tests/io/detection_lists.hpp"
#include "tests/io/third_party.hpp"

namespace tianyan::test {
namespace {

constexpr const char* kHeader = "# DM      Sigma      Time (s)     Sample    Downfact\n";

void write_list(const std::string& format, const DetectionList& list, const TempFolder& folder) {
  export_format(format).write(list, folder.path());
}

// 20000 / 16384 = 1.220703125, 40000 / 16384 = 2.44140625, 70000 / 16384 = 4.2724609375 (half a sample off
// the middle, for a boxcar of 1), 123456 / 16384 = 7.53515625 (the same, of 3).
TEST(SinglePulseList, IsWrittenAsPrestoDoes) {
  const TempFolder folder;
  write_list("singlepulse", small_list(), folder);
  EXPECT_EQ(read_file(folder / "detections.singlepulse"),
            std::string(kHeader) +
                "3000.50    7.50      1.220703      20000       2\n"
                " 565.25   31.50      2.441406      40000       8\n"
                "  26.75   12.25      4.272461      70000       1\n"
                "3000.50    9.00      7.535156     123456       3\n");
}

// A boxcar of n samples on sample k is [k - n / 2, k + n - n / 2): summed sample by sample here.
TEST(SinglePulseList, NamesABoxcarByPrestosSample) {
  for (std::int64_t n = 1; n < 40; ++n) {
    const std::int64_t k = 1000;
    double middle = 0.0;
    for (std::int64_t t = k - n / 2; t < k + n - n / 2; ++t)
      middle += (static_cast<double>(t) + 0.5) / static_cast<double>(n);
    const NamedInstant at = named_instant(middle * kSampleTime_s, n, kSampleTime_s);
    EXPECT_EQ(at.sample, k) << n;
    EXPECT_NEAR(at.time_s, 1000 * kSampleTime_s, 1e-14) << n;  // n roundings of 1e-16 each, relative
  }
  // Below a sample the instant stays and the sample is the nearest.
  EXPECT_EQ(named_instant(10.7 * kSampleTime_s, 4, kSampleTime_s).sample, 11);
  EXPECT_EQ(named_instant(10.7 * kSampleTime_s, 4, kSampleTime_s).time_s, 10.7 * kSampleTime_s);
  EXPECT_EQ(named_instant(0.2 * kSampleTime_s, 1, kSampleTime_s).time_s, 0.0);
}

// Six decimals of the time: 0.5e-6 s. The sample time is time / sample of the last row, to 0.5e-6 s / 123456.
TEST(SinglePulseList, ComesBackToItsPrintedDigits) {
  const TempFolder folder;
  const DetectionList written = small_list();
  write_list("singlepulse", written, folder);
  const SinglePulseList list = read_singlepulse(folder / "detections.singlepulse");
  EXPECT_NEAR(list.sample_time_s, kSampleTime_s, 0.5e-6 / 123456);
  EXPECT_FALSE(list.inf.has_value());
  const std::size_t by_time[] = {3, 0, 1, 2};
  ASSERT_EQ(list.events.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const Candidate& best = written.detections[by_time[i]].best;
    const Event& event = list.events[i];
    EXPECT_NEAR(event.time_s + 0.5 * kSampleTime_s, best.time_s, 0.51e-6) << i;
    EXPECT_NEAR(event.width_s, best.width_s, 1e-10) << i;
    EXPECT_EQ(event.dm_pc_cm3, best.dm_pc_cm3) << i;
    EXPECT_EQ(event.snr, best.snr) << i;
    EXPECT_EQ(event.snr_white, best.snr) << i;
  }
}

// Even downfacts: the middle is the time, half a sample less from the middle of the first sample. Odd ones:
// the middle is half a sample later.
TEST(SinglePulseReader, TurnsPrestosTimesToMiddlesOfBoxcars) {
  const TempFolder folder;
  const std::string text = " 10.00  6.00  0.5  1000  30\r\n#comment\r\n\r\n 12.5 7 0.25 500 9\r\n20 8 0 0 1";
  const SinglePulseList list = read_singlepulse(folder.write("a.singlepulse", text));
  EXPECT_EQ(list.sample_time_s, 0.0005);
  ASSERT_EQ(list.events.size(), 3u);
  EXPECT_DOUBLE_EQ(list.events[0].time_s, 0.5 - 0.00025);
  EXPECT_DOUBLE_EQ(list.events[0].width_s, 0.015);
  EXPECT_DOUBLE_EQ(list.events[1].time_s, 0.25);
  EXPECT_DOUBLE_EQ(list.events[1].width_s, 0.0045);
  EXPECT_DOUBLE_EQ(list.events[2].time_s, 0.0);
}

// A time series downsampled by 4 for its DM, before and after one that is not.
TEST(SinglePulseReader, TakesJoinedListsOfSeveralSampleTimes) {
  const TempFolder folder;
  const std::string text =
      std::string(kHeader) + "900 6 2.0 1000 2\n" + kHeader + "10 6 3.0 6000 2\n900 6 0.25 125 3\n" + kHeader;
  const SinglePulseList list = read_singlepulse(folder.write("a.singlepulse", text));
  EXPECT_EQ(list.sample_time_s, 0.0005);
  ASSERT_EQ(list.events.size(), 3u);
  EXPECT_DOUBLE_EQ(list.events[0].width_s, 0.004);
  EXPECT_DOUBLE_EQ(list.events[1].width_s, 0.001);
  EXPECT_DOUBLE_EQ(list.events[2].width_s, 0.006);
  EXPECT_DOUBLE_EQ(list.events[2].time_s,
                   0.25 + 0.001 - 0.00025);  // half of its own sample, less of the list's
}

TEST(SinglePulseReader, TakesListsOfNothing) {
  const TempFolder folder;
  for (const std::string text : {"", kHeader, "\n\n"}) {
    const SinglePulseList list = read_singlepulse(folder.write("a.singlepulse", text));
    EXPECT_TRUE(list.events.empty());
    EXPECT_EQ(list.sample_time_s, 0.0);
  }
}

TEST(SinglePulseReader, NamesTheLineThatIsWrong) {
  const TempFolder folder;
  const auto refused = [&](const std::string& line, const std::vector<std::string>& words) {
    const std::string path =
        folder.write("bad.singlepulse", kHeader + std::string("10 6 1.0 1000 3\n") + line);
    const std::string error = error_of([&] { read_singlepulse(path); });
    EXPECT_TRUE(says(error, {"bad.singlepulse:3:"})) << line;
    EXPECT_TRUE(says(error, words)) << line;
  };
  refused("10 6 1.0 1000\n", {"4 columns", "'10 6 1.0 1000'"});
  refused("10 6 1.0 1000 3 1\n", {"6 columns"});
  refused(std::string(5000, 'x'), {"1 columns"});
  refused("x 6 1.0 1000 3\n", {"DM is 'x'"});
  refused("10 nan 1.0 1000 3\n", {"sigma is 'nan'"});
  refused("10 6 1.0s 1000 3\n", {"time is '1.0s'"});
  refused("10 6 1.0 1000.5 3\n", {"sample is '1000.5'"});
  refused("10 6 1.0 -1 3\n", {"sample is '-1'"});
  refused("10 6 1.0 1000 0\n", {"downfact is '0'"});
  refused("10 6 1.0 99999999999999999999 3\n", {"sample"});
  refused("10 6 -1.0 1000 3\n", {"sample 1000 at -1 s"});
  refused("10 6 0.0 1000 3\n", {"sample 1000 at 0 s"});
  const std::string first = folder.write("first.singlepulse", "10 6 0.0 0 3\n");
  EXPECT_TRUE(says(error_of([&] { read_singlepulse(first); }), {"first.singlepulse", "sample 0", ".inf"}));
  EXPECT_TRUE(says(error_of([&] { read_singlepulse(folder / "none"); }), {"none", "No such file"}));
  EXPECT_THROW(read_singlepulse(folder.path()), std::runtime_error);
}

const std::string kInf = R"( Data file name without suffix          =  a_DM10.00
 Telescope used                         =  FAST
 Instrument used                        =  unset
 Object being observed                  =  J1234=56
 J2000 Right Ascension (hh:mm:ss.ssss)  =  12:30:00.0000
 J2000 Declination     (dd:mm:ss.ssss)  =  -00:30:00.0000
 Epoch of observation (MJD)             =  59000.250000000001157
 Barycentered?           (1 yes, 0 no)  =  1
 Number of bins in the time series      =  131072
 Width of each time series bin (sec)    =  0.001
 Dispersion measure (cm-3 pc)           =  10
 Central freq of low channel (Mhz)      =  1000.25
 Number of channels                     =  1000
 Channel bandwidth (Mhz)                =  0.5
 Any additional notes:
    none
)";

TEST(SinglePulseReader, TakesTheSampleTimeOfTheHeaderBesideIt) {
  const TempFolder folder;
  folder.write("a.inf", kInf);
  const SinglePulseList list = read_singlepulse(folder.write("a.singlepulse", "10 6 0.0 0 3\n"));
  EXPECT_EQ(list.sample_time_s, 0.001);
  EXPECT_DOUBLE_EQ(list.events.at(0).width_s, 0.003);
  ASSERT_TRUE(list.inf.has_value());
  EXPECT_EQ(list.inf->telescope, "FAST");
  EXPECT_EQ(list.inf->backend, "");
  EXPECT_EQ(list.inf->source_name, "J1234=56");
  EXPECT_DOUBLE_EQ(list.inf->position.ra_deg, 187.5);
  EXPECT_DOUBLE_EQ(list.inf->position.dec_deg, -0.5);
  EXPECT_EQ(list.inf->start.day, 59000);
  EXPECT_NEAR(list.inf->start.second, 21600.0 + 1.157e-12 * 86400.0, 1e-11);  // a double's step: 4e-12
  EXPECT_TRUE(list.inf->is_barycentred);
  EXPECT_EQ(list.inf->n_time, 131072);
  EXPECT_EQ(list.inf->freq_low_mhz, 1000.25);
  EXPECT_EQ(list.inf->channel_width_mhz, 0.5);
  EXPECT_EQ(list.inf->n_chan, 1000);
}

TEST(SinglePulseReader, RefusesHeadersThatCannotBe) {
  const TempFolder folder;
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& name) {
    std::string text = kInf;
    text.replace(text.find(from), from.size(), to);
    const std::string path = folder.write("bad.inf", text);
    EXPECT_TRUE(says(error_of([&] { read_inf(path); }), {"bad.inf", name})) << to;
  };
  refused("=  0.001", "=  0", "Width of each time series bin is 0");
  refused("=  0.001", "=  fast", "Width of each time series bin is 'fast'");
  refused(" Width of", " Breadth of", "Width of each time series bin");
  refused("=  59000.25", "=  -9.25", "Epoch of observation");
  refused("=  1000\n", "=  0\n", "Number of channels");
  EXPECT_FALSE(read_inf(folder / "none.inf").has_value());
}

TEST(SinglePulseReader, ReadsHeadersThatPrestoWrote) {
  SKIP_WITHOUT("sigpyproc3/GBT_J1807-0847.inf");
  const auto inf = read_inf(third_party("sigpyproc3/GBT_J1807-0847.inf"));
  ASSERT_TRUE(inf.has_value());
  EXPECT_EQ(inf->telescope + " " + inf->backend + " " + inf->source_name, "GBT VEGAS J1807-0847");
  EXPECT_EQ(inf->start.day, 59313);
  EXPECT_NEAR(inf->start.second, 0.309837974340741 * 86400.0, 1e-10);
  EXPECT_EQ(inf->sample_time_s, 0.00016384);
  EXPECT_EQ(inf->freq_low_mhz, 720.78125);
  EXPECT_EQ(inf->n_chan, 256);
  EXPECT_NEAR(inf->position.ra_deg, 15.0 * (18.0 + 7.0 / 60 + 37.9999 / 3600), 1e-10);
  EXPECT_NEAR(inf->position.dec_deg, -(8.0 + 47.0 / 60 + 43.7463 / 3600), 1e-10);
  EXPECT_FALSE(inf->is_barycentred);
  EXPECT_EQ(read_inf(third_party("sigpyproc3/Lband_DM0.00.inf"))->sample_time_s, 7.2e-5);
}

TEST(SinglePulseReader, ReadsAListThatPrestoWrote) {
  SKIP_WITHOUT("singlepulse-visualizer/1099414416.singlepulse");
  SinglePulseList list = read_singlepulse(third_party("singlepulse-visualizer/1099414416.singlepulse"));
  EXPECT_EQ(list.events.size(), 13137u);
  EXPECT_NEAR(list.sample_time_s, 0.0004, 1e-12);
  std::sort(list.events.begin(), list.events.end(),
            [](const Event& a, const Event& b) { return a.snr > b.snr; });
  std::vector<double> pulses;  // the brightest events that are more than a second from a brighter one
  for (const Event& event : list.events) {
    const bool is_new = std::none_of(pulses.begin(), pulses.end(),
                                     [&](double t) { return std::abs(t - event.time_s) < 1.0; });
    if (is_new && pulses.size() < 4) pulses.push_back(event.time_s);
  }
  const double expected[] = {941.697, 131.378, 318.581, 718.565};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(pulses.at(i), expected[i], 1e-3) << i;
}

// width 3: log2 3 = 1.58, filter 2, whose boxcar of 4 has its middle on a sample: 123456.5 rounds up.
TEST(Cand, IsWrittenAsHeimdallDoes) {
  const TempFolder folder;
  write_list("heimdall", small_list(), folder);
  EXPECT_EQ(read_file(folder / "detections.cand"),
            "7.50\t20000\t1.220703\t1\t2\t3000.5000\t12\t19999\t20001\n"
            "31.50\t40000\t2.441406\t3\t1\t565.2500\t18\t39996\t40004\n"
            "12.25\t70000\t4.272461\t0\t0\t26.7500\t11\t70000\t70001\n"
            "9.00\t123457\t7.535187\t2\t2\t3000.5000\t13\t123455\t123458\n");
}

TEST(YourCsv, IsWrittenAsCandmakerReadsIt) {
  const TempFolder folder;
  write_list("your", list_of_two_scans(), folder);
  EXPECT_EQ(read_file(folder / "your.csv"),
            "file,snr,stime,width,dm,label,chan_mask_path,num_files\n"
            "J1234+56_tracking-M01_0001.fits,31.50,2.441406250,3,565.2500,1,,1\n"
            "\"other, \"\"scan\"\".fil\",12.25,4.272491455,0,26.7500,1,,1\n"
            "\"other, \"\"scan\"\".fil\",9.00,7.535186768,2,3000.5000,1,,1\n"
            "J1234+56_tracking-M01_0001.fits,7.50,1.220703125,1,3000.5000,1,,1\n");
}

TEST(PulseLists, HaveAFileForEachScan) {
  const TempFolder folder;
  DetectionList list = list_of_two_scans();
  list.scans.push_back(small_scan());
  for (const char* format : {"singlepulse", "heimdall"}) write_list(format, list, folder);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"detections_scan0.cand", "detections_scan0.singlepulse",
                                          "detections_scan1.cand", "detections_scan1.singlepulse",
                                          "detections_scan2.cand", "detections_scan2.singlepulse"}));
  EXPECT_EQ(read_singlepulse(folder / "detections_scan1.singlepulse").events.size(), 2u);
  EXPECT_EQ(read_file(folder / "detections_scan2.singlepulse"), kHeader);
  EXPECT_EQ(read_file(folder / "detections_scan2.cand"), "");
}

TEST(PulseLists, OfNothingAreHeadersAlone) {
  const TempFolder folder;
  const std::string inner = folder / "made/here";
  for (const char* format : {"singlepulse", "heimdall", "your"}) export_format(format).write({}, inner);
  EXPECT_EQ(read_file(inner + "/detections.singlepulse"), kHeader);
  EXPECT_TRUE(std::filesystem::exists(inner + "/detections.cand"));
  EXPECT_EQ(read_file(inner + "/your.csv"), "file,snr,stime,width,dm,label,chan_mask_path,num_files\n");
}

TEST(PulseLists, RefuseDetectionsThatHaveNoScan) {
  const TempFolder folder;
  const auto refused = [&](const auto& change) {
    DetectionList list = small_list();
    change(list);
    for (const char* format : {"singlepulse", "heimdall", "your"})
      EXPECT_THROW(write_list(format, list, folder), std::invalid_argument) << format;
  };
  refused([](DetectionList& list) { list.detections[1].scan = 1; });
  refused([](DetectionList& list) { list.scans[0].sample_time_s = 0.0; });
  refused([](DetectionList& list) { list.detections[1].best.time_s = std::nan(""); });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

const std::string kReadLists = R"(
import csv, sys
import numpy as np
from astropy.table import Table
folder = sys.argv[1]
dm, sigma, time, sample, width = np.loadtxt(folder + '/detections.singlepulse', unpack=True)
print(*sample.astype(int), *np.abs(time - sample / 16384).round(6))
names = 'snr sample time filter dm_trial dm members begin end'.split()
cand = np.genfromtxt(folder + '/detections.cand', dtype=[(n, float) for n in names])
print(*cand['filter'].astype(int), *cand['dm'])
your = Table.read(folder + '/your.csv', format='ascii.csv')
print(*your['width'], *your['stime'], your['width'].dtype, your['label'].dtype, set(your['file']))
)";

TEST(PulseLists, AreReadByNumpyAndAstropy) {
  if (!has_python("numpy, astropy")) GTEST_SKIP() << "/usr/bin/python3 with numpy and astropy is missing";
  const TempFolder folder;
  for (const char* format : {"singlepulse", "heimdall", "your"}) write_list(format, small_list(), folder);
  EXPECT_EQ(run_python(kReadLists, {folder.path()}),
            "20000 40000 70000 123456 0.0 0.0 0.0 0.0\n"
            "1 3 0 2 3000.5 565.25 26.75 3000.5\n"
            "3 0 2 1 2.44140625 4.272491455 7.535186768 1.220703125 int64 int64 "
            "{'J1234+56_tracking-M01_0001.fits'}\n");
}

}  // namespace
}  // namespace tianyan::test
