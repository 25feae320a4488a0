// Bytes of hand-made files.
#include "tests/io/spectra_files.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tianyan::test {
namespace {

template <class T>
std::string little(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
std::string big(T value) {
  std::string bytes = little(value);
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

std::string padded(std::string bytes, char with) {
  bytes.resize((bytes.size() + 2879) / 2880 * 2880, with);
  return bytes;
}

using Cards = std::vector<std::pair<std::string, std::string>>;

std::string header(Cards cards, const std::map<std::string, std::string>& set) {
  for (const auto& [key, value] : set) {
    const auto at =
        std::find_if(cards.begin(), cards.end(), [&](const auto& card) { return card.first == key; });
    if (at != cards.end())
      at->second = value;
    else
      cards.emplace_back(key, value);
  }
  std::string text;
  for (const auto& [key, value] : cards)
    if (!value.empty()) text += fmt::format("{:<80}", fmt::format("{:<8}= {:>20}", key, value));
  return padded(text + fmt::format("{:<80}", "END"), ' ');
}

std::string fits_text(const std::string& text) { return fmt::format("'{:<8}'", text); }

}  // namespace

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tianyan-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  path_ = name;
}
TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

std::string TempFolder::write(const std::string& name, const std::string& bytes) const {
  const std::string path = *this / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

::testing::AssertionResult says(const std::string& text, const std::vector<std::string>& words) {
  for (const auto& word : words)
    if (text.find(word) == std::string::npos)
      return ::testing::AssertionFailure() << "\"" << text << "\" does not say \"" << word << "\"";
  return ::testing::AssertionSuccess();
}

FilBytes& FilBytes::bare(const std::string& keyword) {
  bytes += little(static_cast<std::int32_t>(keyword.size())) + keyword;
  return *this;
}
FilBytes& FilBytes::text(const std::string& keyword, const std::string& value) {
  return bare(keyword).bare(value);
}
FilBytes& FilBytes::integer(const std::string& keyword, std::int32_t value) {
  bare(keyword).bytes += little(value);
  return *this;
}
FilBytes& FilBytes::real(const std::string& keyword, double value) {
  bare(keyword).bytes += little(value);
  return *this;
}
FilBytes& FilBytes::byte(const std::string& keyword, std::uint8_t value) {
  bare(keyword).bytes += little(value);
  return *this;
}

FilBytes fil_header(int n_chan, double foff, int n_bits, int n_ifs) {
  FilBytes fil;
  fil.bare("HEADER_START")
      .text("source_name", "B0531+21")
      .integer("telescope_id", 21)
      .integer("data_type", 1);
  fil.real("fch1", 1500.0).real("foff", foff).integer("nchans", n_chan).real("tsamp", 1e-3);
  return fil.integer("nbits", n_bits).integer("nifs", n_ifs).integer("ibeam", 3);
}

std::string fil_file(int n_chan, const std::string& samples, double tstart) {
  return fil_header(n_chan).real("tstart", tstart).bare("HEADER_END").bytes + samples;
}

std::int64_t FitsBytes::row_bytes() const {
  const int pointing_bytes = !pointing ? 0 : pointing_type == 'D' ? 16 : 8;
  return (has_offs_sub ? 8 : 0) + pointing_bytes + (has_dat_freq ? n_chan * (freq_type == 'D' ? 8 : 4) : 0) +
         n_chan * 4 + n_chan * n_pol * 8 + n_block * n_pol * n_chan * n_bits / 8;
}

std::string FitsBytes::bytes() const {
  const int n_value = n_chan * n_pol, n_data = static_cast<int>(n_block * n_value * n_bits / 8);
  const std::string primary = header({{"SIMPLE", "T"},
                                      {"BITPIX", "8"},
                                      {"NAXIS", "0"},
                                      {"EXTEND", "T"},
                                      {"FITSTYPE", fits_text("PSRFITS")},
                                      {"TELESCOP", fits_text("FAST")},
                                      {"BACKEND", fits_text("ROACH2")},
                                      {"IBEAM", "7"},
                                      {"OBS_MODE", fits_text("SEARCH")},
                                      {"SRC_NAME", fits_text("J1935+2154")},
                                      {"OBSFREQ", "1250.0"},
                                      {"OBSBW", "0"},
                                      {"RA", fits_text("19:34:55.6")},
                                      {"DEC", fits_text("-00:30:00")},
                                      {"STT_IMJD", "59000"},
                                      {"STT_SMJD", "43200"},
                                      {"STT_OFFS", "0.25"}},
                                     {});
  std::vector<std::string> names, forms;
  const auto column = [&](const char* name, std::int64_t n, char type) {
    names.push_back(name);
    forms.push_back(fmt::format("{}{}", n, type));
  };
  if (has_offs_sub) column("OFFS_SUB", 1, 'D');
  if (pointing) column("RA_SUB", 1, pointing_type);
  if (pointing) column("DEC_SUB", 1, pointing_type);
  if (has_dat_freq) column("DAT_FREQ", n_chan, freq_type);
  column("DAT_WTS", n_chan, 'E');
  column("DAT_OFFS", n_value, 'E');
  column("DAT_SCL", n_value, 'E');
  column("DATA", data_type == 'E' ? n_data / 4 : data_type == 'I' ? n_data / 2 : n_data, data_type);
  Cards cards = {{"XTENSION", fits_text("BINTABLE")},
                 {"BITPIX", "8"},
                 {"NAXIS", "2"},
                 {"NAXIS1", std::to_string(row_bytes())},
                 {"NAXIS2", std::to_string(n_row)},
                 {"PCOUNT", "0"},
                 {"GCOUNT", "1"},
                 {"TFIELDS", std::to_string(names.size())}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    cards.emplace_back(fmt::format("TTYPE{}", i + 1), fits_text(names[i]));
    cards.emplace_back(fmt::format("TFORM{}", i + 1), fits_text(forms[i]));
  }
  for (const auto& card : Cards{{"EXTNAME", fits_text("SUBINT")},
                                {"NPOL", std::to_string(n_pol)},
                                {"POL_TYPE", fits_text(pol_type)},
                                {"TBIN", fmt::format("{}", tbin)},
                                {"NBITS", std::to_string(n_bits)},
                                {"ZERO_OFF", "0"},
                                {"NSUBOFFS", "0"},
                                {"NCHAN", std::to_string(n_chan)},
                                {"NSBLK", std::to_string(n_block)}})
    cards.push_back(card);
  std::string rows;
  for (int row = 0; row < n_row; ++row) {
    const double middle = (row + 0.5) * static_cast<double>(n_block) * tbin;
    if (has_offs_sub) rows += big(offs_sub ? offs_sub(row) : middle);
    for (const double v :
         pointing ? std::vector{pointing(row).ra_deg, pointing(row).dec_deg} : std::vector<double>{})
      rows += pointing_type == 'D' ? big(v) : big(static_cast<float>(v));
    for (int c = 0; has_dat_freq && c < n_chan; ++c)
      rows += freq_type == 'D' ? big(freq(c)) : big(static_cast<float>(freq(c)));
    for (int c = 0; c < n_chan; ++c) rows += big(static_cast<float>(weight(row, c)));
    for (int i = 0; i < n_value; ++i) rows += big(static_cast<float>(offset(row, i)));
    for (int i = 0; i < n_value; ++i) rows += big(static_cast<float>(scale(row, i)));
    for (int i = 0; i < n_data; ++i) rows += static_cast<char>(data(row, i));
  }
  return primary + between + header(cards, set) + padded(rows, '\0');
}

WholeStream read_all(Source& source, std::int64_t n_block) {
  const std::int64_t n_time = source.info().n_time, bytes = spectrum_bytes(source.info(), source.format());
  WholeStream whole;
  RawBlock block;
  for (std::int64_t first = 0; first < n_time; first += n_block) {
    const std::int64_t n = std::min(n_block, n_time - first);
    source.read(first, n, block);
    EXPECT_EQ(block.first_sample, first);
    EXPECT_EQ(block.n_time, n);
    whole.samples.insert(whole.samples.end(), block.samples.data(), block.samples.data() + n * bytes);
    std::int64_t at = 0;
    for (const auto& span : block.spans) {
      EXPECT_EQ(span.begin, at) << "spans must follow each other";
      EXPECT_GT(span.end, span.begin);
      for (; at < span.end; ++at) {
        whole.missing.push_back(span.missing);
        whole.scale.push_back(span.scale);
        whole.offset.push_back(span.offset);
        whole.weight.push_back(span.weight);
      }
    }
    EXPECT_EQ(at, n) << "spans must cover the block";
  }
  return whole;
}

std::string third_party(const std::string& name) {
  const char* folder = std::getenv("TIANYAN_TEST_DATA");
  return (folder ? std::string(folder) : std::string(TIANYAN_SOURCE_DIR) + "/../shared/data") + "/" + name;
}

bool has_python(const std::string& modules) {
  return std::system(("/usr/bin/python3 -c 'import " + modules + "' >/dev/null 2>&1").c_str()) == 0;
}

std::string run_python(const std::string& program, const std::vector<std::string>& arguments) {
  const TempFolder folder;
  const std::string script = folder.write("program.py", program), output = folder / "output";
  const std::string command =
      fmt::format("/usr/bin/python3 '{}' '{}' >'{}' 2>&1", script, fmt::join(arguments, "' '"), output);
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << read_file(output);
  return read_file(output);
}

}  // namespace tianyan::test
