// What a site's policy allows configs and paths, and configs that nobody should be able to do harm with.
#include "pipeline/policy.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <pugixml.hpp>

#include "tests/pipeline/commands_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// DIR/in and DIR/out are allowed; DIR/secret.* and DIR/elsewhere are not, and links lead there.
class PolicyTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    if (IsSkipped()) return;
    for (const char* folder : {"in", "in/more", "in_other", "out", "out/old", "elsewhere"})
      fs::create_directory(dir_.file(folder));
    fs::rename(scan("fil"), dir_.file("in/scan.fil"));
    fs::copy(dir_.file("in/scan.fil"), dir_.file("secret.fil"));
    fs::copy(dir_.file("in/scan.fil"), dir_.file("in_other/scan.fil"));
    for (const char* catalogue : {"secret.csv", "in/known.csv"})
      dir_.write(catalogue, "name,ra,dec,dm\nX,05:31:58,+33:08:52,50\n");
    fs::create_symlink("../secret.csv", dir_.file("in/link.csv"));
    fs::create_symlink(dir_.file("secret.fil"), dir_.file("in/more/M02.fil"));
    fs::create_directory_symlink(dir_.path(), dir_.file("in/up"));
    fs::create_directory_symlink(dir_.file("elsewhere"), dir_.file("out/away"));
    fs::create_directory_symlink(dir_.file("elsewhere"), dir_.file("out/old/plots"));
    fs::create_directory_symlink(dir_.file("elsewhere/new"), dir_.file("out/nowhere"));
    dir_.write("policy.toml",
               "[caps]\nmemory_bytes = 500_000_000\nthreads = 2\nwall_s = 3600\n"
               "output_bytes = 1_000_000_000\ndm_trials = 3000\n[roots]\ninputs = ['" +
                   dir_.file("in") + "']\noutputs = ['" + dir_.file("out") +
                   "']\n[allowed]\nbackends = ['cpu']\n");
  }
  std::string policy() const { return dir_.file("policy.toml"); }

  // With the config's text, or with arguments that take its place.
  Outcome search(const std::string& toml, std::string input = "", std::string output = "") const {
    dir_.write("config.toml", toml);
    if (input.empty()) input = "'" + dir_.file("in/scan.fil") + "'";
    if (output.empty()) output = dir_.file("out/run");
    return run("search '" + dir_.file("config.toml") + "' " + input + " -q -o '" + output + "' --policy '" +
               policy() + "'");
  }

  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path()))
      all.push_back(fs::relative(entry.path(), dir_.path()).string());
    std::sort(all.begin(), all.end());
    return all;
  }
};

double children_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_F(PolicyTest, AllowsWhatItAllows) {
  const auto outcome =
      search("[sift]\ncatalogues = ['" + dir_.file("in/known.csv") + "']\n[limits]\nthreads = 1\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(dir_.file("out/run/detections.ecsv")));
}

TEST_F(PolicyTest, LowersWhatAConfigLeavesOpen) {
  const auto outcome = run("check --print --policy '" + policy() + "' --set limits.threads=0");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* line : {"\nmemory_bytes = 500000000\n", "\nthreads = 2\n", "\nwall_s = 3600.0\n",
                           "\noutput_bytes = 1000000000\n", "\ndm_trials = 3000\n"})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line;
}

TEST_F(PolicyTest, NamesEveryViolationAtOnceWithItsLineAndWhatIsAllowed) {
  dir_.write(
      "config.toml",
      "[limits]\nmemory_bytes = 3_000_000_000\nthreads = 3\nwall_s = 7200\noutput_bytes = 2_000_000_000\n"
      "dm_trials = 30000\n[search]\nbackend = 'cuda'\nsnr_min = 1\n[sift]\ncatalogues = ['/etc/passwd']\n");
  const auto outcome = run("check '" + dir_.file("config.toml") + "' '" + dir_.file("secret.fil") + "' -o '" +
                           dir_.file("elsewhere/run") + "' --policy '" + policy() + "'");
  EXPECT_EQ(outcome.exit_code, 2);
  const std::string config = dir_.file("config.toml");
  for (const std::string& line :
       {config + ":2: limits.memory_bytes = 3000000000 is more than " + policy() +
            " allows: at most 500000000\n",
        config + ":3: limits.threads = 3 is more than " + policy() + " allows: at most 2\n",
        config + ":4: limits.wall_s = 7200 is more than",
        config + ":5: limits.output_bytes = 2000000000 is more",
        config + ":6: limits.dm_trials = 30000 is more than",
        config + ":8: search.backend = \"cuda\" is not allowed by " + policy() + ": auto or cpu\n",
        config + ":9: search.snr_min = 1 is out of range",
        config + ":11: sift.catalogues /etc/passwd is not allowed by",
        "input " + dir_.file("secret.fil") + " is not allowed",
        "output " + dir_.file("elsewhere/run") + " is not allowed"})
    EXPECT_NE(outcome.err.find(line), std::string::npos) << line << "\nin\n" << outcome.err;
}

TEST_F(PolicyTest, OfTwoTheNarrowerHolds) {
  dir_.write("second.toml", "[caps]\nthreads = 1\nwall_s = 9e9\n");
  EXPECT_EQ(run("check --policy '" + dir_.file("second.toml") + "'").exit_code, 2);  // 9e9 s is out of range
  dir_.write("second.toml", "[caps]\nthreads = 1\nwall_s = 7200\n");
  const auto outcome =
      run("check --print --policy '" + policy() + "' --policy '" + dir_.file("second.toml") + "'");
  EXPECT_NE(outcome.out.find("\nthreads = 1\n"), std::string::npos);
  EXPECT_NE(outcome.out.find("\nwall_s = 3600.0\n"), std::string::npos);
}

TEST_F(PolicyTest, AllowsNothingWhereItCannotBeRead) {
  EXPECT_EQ(run("check --policy '" + dir_.file("none.toml") + "'").exit_code, 1);
  dir_.write("wrong.toml", "[caps]\nthread = 1\n");
  const auto outcome = run("check --policy '" + dir_.file("wrong.toml") + "'");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("'caps.threads'"), std::string::npos) << outcome.err;
}

struct Hostile {
  std::string toml, complaint;
};

std::string repeated(const std::string& text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

std::vector<Hostile> hostile_configs(const std::string& dir) {
  const auto catalogue = [](const std::string& path) { return "[sift]\ncatalogues = [\"" + path + "\"]\n"; };
  const auto output = [](const std::string& key, const std::string& value) {
    return "[output]\n" + key + " = \"" + value + "\"\n";
  };
  return {
      // Paths
      {catalogue("../../../../../../etc/passwd"), "is not allowed by"},
      {catalogue(dir + "/in/../secret.csv"), "is not allowed by"},
      {catalogue(dir + "/in/link.csv"), "is not allowed by"},
      {catalogue(dir + "/in/up/secret.csv"), "is not allowed by"},
      {catalogue(dir + "/in_other/known.csv"), "is not allowed by"},
      {catalogue("/proc/self/environ"), "is not allowed by"},
      {catalogue("/dev/stdin"), "is not allowed by"},
      // What means something to a shell, a page or a terminal
      {output("author", "$(touch x)"), "has '$'"},
      {output("author", "`touch x`"), "has '`'"},
      {output("author", "a\\nb"), "control character 10"},
      {output("author", "a\\u0000b"), "control character 0"},
      {output("author", "\\u001b[2J"), "control character 27"},
      {output("author", "<script>alert(1)</script>"), "has '<'"},
      {output("author", std::string(100'000, 'a')), "at most 500"},
      {output("contact", "a; rm -rf x"), "has ';'"},
      {output("contact", "a@b | mail c"), "has '|'"},
      {output("contact", "a\\\\b"), "has '\\'"},
      {output("ivo_authority", "a && b"), "has '&'"},
      {output("ivo_authority", "a\\\"b"), "has '\"'"},
      {output("formats", "tns"), "array"},
      {"[output]\nformats = [\"tns$(x)\"]\n", "not one of its choices"},
      {"[sift]\ntelescope = \"a > /etc/x\"\n", "has '>'"},
      {"[sift]\ntelescope = \"*\"\n", "has '*'"},
      {catalogue(dir + "/in/x; ls"), "has ';'"},
      {"[search]\nbackend = \"cpu; ls\"\n", "not one of its choices"},
      {"[channelize]\noversampling = \"4/3 `ls`\"\n", "has '`'"},
      {"[channelize]\nwindow = \"hann\\r\\n#SBATCH --uid=0\"\n", "not one of its choices"},
      {"\"a\\u001b[31m;$(x)\" = 1\n", "unknown key 'a\\x1b[31m;$(x)'"},
      // Numbers
      {"[search]\ndm_max_pc_cm3 = 1e12\n", "out of range"},
      {"[search]\ndm_max_pc_cm3 = 1e5\nsnr_loss_max = 0.01\nwidth_min_s = 1e-9\n", "limits.dm_trials"},
      {"[search]\nblock_s = 1000.0\ndm_max_pc_cm3 = 1e4\n[rfi]\nwindow_s = 1000.0\n", "GB"},
      {"[search]\nsnr_min = nan\n", "out of range"},
      {"[search]\nwidth_max_s = inf\n", "out of range"},
      {"[limits]\nthreads = 99999999999999999999\n", "not valid TOML"},
      {"[limits]\nthreads = -1\n", "out of range"},
      {"[limits]\nmemory_bytes = 1_000_000_000_000_000\n", "at most 500000000"},
      {"[limits]\nthreads = 4096\n", "at most 2"},
      {"[limits]\nwall_s = 1e9\n", "at most 3600"},
      {"[limits]\noutput_bytes = 1_000_000_000_000_000\n", "at most 1000000000"},
      {"[rfi.periodic]\nfundamentals_hz = [" + repeated("1.0,", 100'000) + "]\n", "at most 1000"},
      // Files
      {"a = " + repeated("[", 100'000) + repeated("]", 100'000) + "\n", "nested"},
      {repeated("a.", 100'000) + "a = 1\n", "more than 30 parts"},
      {"[" + repeated("\"a,=\".", 100'000) + "a]\n", "more than 30 parts"},
      {"a = {" + repeated("a.", 100'000) + "a = 1}\n", "more than 30 parts"},
      {"a = " + repeated("{a=", 50'000) + "1" + repeated("}", 50'000) + "\n", "nested"},
      {std::string(100'000'000, '#'), "more than 1000000 bytes"},
      {"[search]\nsnr_min = 8.0" + std::string(1, '\0') + "\n", ":2: not valid TOML: a NUL byte"},
      {"[search]\nsnr_min = 8.0\nsnr_min = 9.0\n", "not valid TOML"},
      {"[search]\nsnr_min = 8.0\n[search]\nsnr_max = 9.0\n", "not valid TOML"},
      {"[output]\nauthor = \"\xe9\"\n", "utf-8"},
      {repeated("[x]\n", 2), "not valid TOML"},
      {"x = \"\"\"", "not valid TOML"},
      {"{}[]=====", "not valid TOML"},
      {[] {
         std::string many;
         for (int i = 0; i < 60'000; ++i) many += fmt::format("key_{} = 1\n", i);
         return many;
       }(),
       "59900 more mistakes"},
  };
}

TEST_F(PolicyTest, RefusesHostileConfigsWithinASecondAndWritesNothing) {
  dir_.write("config.toml", "");
  dir_.write("stderr.txt", "");
  const auto before = files();
  const auto configs = hostile_configs(dir_.path());
  ASSERT_GE(configs.size(), 40U);
  for (const auto& hostile : configs) {
    SCOPED_TRACE(hostile.toml.substr(0, 100));
    const double begin_s = children_cpu_s();
    const auto outcome = search(hostile.toml);
    EXPECT_LT(children_cpu_s() - begin_s, 1.0);  // of processor time: the machine may be busy
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err.substr(0, 1000);
    EXPECT_NE(outcome.err.find(hostile.complaint), std::string::npos) << outcome.err.substr(0, 1000);
    EXPECT_EQ(outcome.err.find_first_of("\x1b\r"), std::string::npos);
    EXPECT_EQ(files(), before);
  }
}

TEST_F(PolicyTest, KeepsInputsAndOutputsWithinItsFolders) {
  const auto quoted = [&](const std::string& name) { return "'" + dir_.file(name) + "'"; };
  for (const auto& [input, output] : std::vector<std::pair<std::string, std::string>>{
           {quoted("in/../secret.fil"), ""},
           {quoted("in_other/scan.fil"), ""},
           {quoted("in/more"), ""},
           {quoted("in/up/secret.fil"), ""},
           {quoted("in/*/*.fil"), ""},
           {quoted("in/scan.fil") + " --mask " + quoted("secret.csv"), ""},
           {quoted("in/scan.fil") + " --inject " + quoted("secret.csv"), ""},
           {"", dir_.file("out/../elsewhere/run")},
           {"", dir_.file("out/away/run")},
           {"", dir_.file("out/new/../../elsewhere/run")},
           {"", dir_.file("out/old") + "' --overwrite '"},
           {"", dir_.file("out/nowhere")},
           {"", "/etc/tianyan_run"}}) {
    SCOPED_TRACE(input + " -> " + output);
    const auto outcome = search("", input, output);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_TRUE(outcome.err.find(": only below ") != std::string::npos ||
                outcome.err.find("is a link that leads nowhere") != std::string::npos)
        << outcome.err;
  }
  EXPECT_TRUE(fs::is_empty(dir_.file("elsewhere")));
  EXPECT_FALSE(fs::exists(dir_.file("out/run")));
}

// What a header says is text wherever it goes: file names, XML, HTML, JSON, tables, scripts.
TEST_F(PolicyTest, HeadersAreTextInAllThatIsWritten) {
  const std::string name(45, 'N');
  const std::string hostile = "</script><b>&\"'`$(touch owned)`;|../../x\x1b[3m\n";
  ASSERT_LE(hostile.size(), name.size());
  dir_.write("scan.toml",
             "[scan]\nsource_name = '" + name +
                 "'\nformat = 'fil'\nn_chan = 256\nsample_time_s = 196.608e-6\nduration_s = 8.0\n"
                 "beams = [1]\n[[pulse]]\ndm_pc_cm3 = 200.0\nwidth_s = 4e-3\nsnr = 30.0\ntime_s = 3.0\n");
  ASSERT_EQ(run("simulate '" + dir_.file("scan.toml") + "' -o '" + dir_.file("scan") + "'").exit_code, 0);
  const std::string path = dir_.file("scan/" + name + "_tracking-M01_0001.fil");
  std::string bytes = read_text(path);
  bytes.replace(bytes.find(name), name.size(), hostile + std::string(name.size() - hostile.size(), '!'));
  dir_.write("scan/x $(touch owned) <b>&'-M01_0001.fil", bytes);
  fs::remove(path);
  const auto outcome = run("search '' '" + dir_.file("scan") + "' -q -o '" + dir_.file("run") +
                           "' --set search.dm_max_pc_cm3=400");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::size_t n_xml = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.file("run"))) {
    const auto file = entry.path();
    if (file.extension() == ".xml" || file.extension() == ".vot") {
      pugi::xml_document document;
      EXPECT_TRUE(document.load_file(file.c_str())) << file;
      ++n_xml;
    }
    if (file.extension() == ".json") {
      EXPECT_TRUE(json::accept(read_text(file.string()))) << file;
    }
    if (file.extension() == ".ecsv" || file.extension() == ".csv" || file.extension() == ".html") {
      EXPECT_EQ(read_text(file.string()).find("\x1b"), std::string::npos) << file;
    }
  }
  EXPECT_EQ(n_xml, 2U);
  EXPECT_EQ(read_text(dir_.file("run/report.html")).find("</script><b>"), std::string::npos);
  EXPECT_FALSE(fs::exists("owned"));
}

}  // namespace
}  // namespace tianyan
