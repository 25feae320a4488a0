// Completion as a shell does it, and manual pages as man reads them.
#include <algorithm>
#include <cstdlib>

#include "tests/pipeline/commands_test.hpp"

namespace tianyan {
namespace {

class CompletionTest : public CommandsTest {
 protected:
  /// What bash offers for the last of these words, as bash splits a command line into them.
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    std::string array;
    for (const auto& word : words) array += " '" + word + "'";
    const std::string script =
        dir_.write("complete.bash", run("completion bash").out + "COMP_WORDS=(tianyan" + array +
                                        ")\nCOMP_CWORD=" + std::to_string(words.size()) +
                                        "\nset -u\n_tianyan\n((!${#COMPREPLY[@]})) || "
                                        "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
    const int status = std::system(("bash '" + script + "' > '" + dir_.file("offered") + "'").c_str());
    EXPECT_EQ(status, 0);
    std::ifstream lines(dir_.file("offered"));
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }

  static bool has(const std::vector<std::string>& all, const std::string& word) {
    return std::find(all.begin(), all.end(), word) != all.end();
  }

  static bool is_here(const std::string& program) {
    return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
  }
};

using Words = std::vector<std::string>;

TEST_F(CompletionTest, BashOffersTheCommands) {
  EXPECT_EQ(offered({"chan"}), Words{"channelize"});
  EXPECT_EQ(offered({"s"}), (Words{"search", "sift", "simulate", "status", "submit"}));
  EXPECT_FALSE(has(offered({""}), "man")) << "it is hidden";
  EXPECT_FALSE(has(offered({""}), "--version")) << "options are for who types a dash";
}

TEST_F(CompletionTest, BashOffersTheOptionsOfACommand) {
  EXPECT_EQ(offered({"search", "a.toml", "b.fil", "--inj"}), Words{"--inject"});
  EXPECT_EQ(offered({"info", "--inj"}), Words{}) << "which only a search has";
  EXPECT_EQ(offered({"--ver"}), Words{"--version"});
  EXPECT_TRUE(has(offered({"search", "-"}), "-o"));
  EXPECT_FALSE(has(offered({"check", "-"}), "--markdown")) << "it is hidden";
}

TEST_F(CompletionTest, BashOffersWhatAValueMayBe) {
  EXPECT_EQ(offered({"search", "--backend", ""}), (Words{"auto", "cpu", "cuda"}));
  EXPECT_EQ(offered({"search", "--backend", "=", "cu"}), Words{"cuda"});
  EXPECT_EQ(offered({"search", "--backend", "="}), (Words{"auto", "cpu", "cuda"}));
  EXPECT_EQ(offered({"flag", "--clean", "fi"}), (Words{"fil", "fits"}));
  EXPECT_EQ(offered({"completion", ""}), (Words{"bash", "zsh", "fish"}));
}

TEST_F(CompletionTest, BashOffersTheKeysOfSet) {
  EXPECT_EQ(offered({"search", "--set", "search.dm_m"}),
            (Words{"search.dm_max_pc_cm3=", "search.dm_min_pc_cm3="}));
  EXPECT_EQ(offered({"simulate", "--set", "scan.see"}), Words{"scan.seed="});
  EXPECT_EQ(offered({"simulate", "--set", "search."}), Words{}) << "which is of the config";
}

TEST_F(CompletionTest, BashLeavesFilesToItself) {
  for (const Words& words : {Words{"search", ""}, {"search", "--mask", ""}, {"convert", "a.fil", "-o", ""}})
    EXPECT_EQ(offered(words), Words{});
  EXPECT_PRED2(contains, run("completion bash").out, "complete -o default -F _tianyan tianyan\n");
}

TEST_F(CompletionTest, ZshReadsItsScript) {
  if (!is_here("zsh")) GTEST_SKIP() << "there is no zsh";
  const std::string script = dir_.write("_tianyan", run("completion zsh").out);
  EXPECT_EQ(std::system(("zsh -n '" + script + "'").c_str()), 0);
}

TEST_F(CompletionTest, FishOffersAsBashDoes) {
  if (!is_here("fish")) GTEST_SKIP() << "there is no fish";
  const std::string script = dir_.write("tianyan.fish", run("completion fish").out);
  auto offer = [&](const std::string& line) {
    const std::string command =
        "fish -N -c \"source '" + script + "'; complete -C '" + line + "'\" > '" + dir_.file("offered") + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << line;
    return read_text(dir_.file("offered"));
  };
  EXPECT_EQ(offer("tianyan chan").rfind("channelize\t", 0), 0u);
  EXPECT_EQ(offer("tianyan search --backend cu"),
            "cuda\tWhere to compute, instead of where the config says\n");
  EXPECT_PRED2(contains, offer("tianyan plan --set search.snr_mi"), "search.snr_min=\t");
  EXPECT_PRED2(contains, offer("tianyan search --inj"), "--inject\t");
  EXPECT_EQ(offer("tianyan info --inj"), "");
}

TEST_F(CompletionTest, AnUnknownShellIsRefused) {
  const Outcome outcome = run("completion tcsh");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_PRED2(contains, outcome.err, "tcsh");
}

class ManualTest : public CompletionTest {};

TEST_F(ManualTest, EachCommandHasAPageThatMandocFindsNoFaultWith) {
  ASSERT_EQ(run("man -o " + dir_.file("man1") + " --configs /opt/tianyan/configs").exit_code, 0);
  EXPECT_EQ(read_text(dir_.file("man1/tianyan-search.1")),
            run("man search --configs /opt/tianyan/configs").out);
  const std::string pages = "'" + dir_.file("man1") + "'/*.1";
  EXPECT_EQ(std::system(("[ $(ls " + pages + " | wc -l) -ge 11 ]").c_str()), 0);
  const std::string groff =
      "LC_ALL=C.UTF-8 groff -man -Tutf8 -ww -z " + pages + " 2>&1 | grep . && exit 1 || exit 0";
  EXPECT_TRUE(!is_here("groff") || std::system(groff.c_str()) == 0);
  if (!is_here("mandoc")) GTEST_SKIP() << "there is no mandoc";
  EXPECT_EQ(std::system(("mandoc -T lint -W warning " + pages).c_str()), 0);
}

TEST_F(ManualTest, APageHasWhatHelpHas) {
  const std::string page = run("man search").out;
  for (const char* section :
       {"NAME", "SYNOPSIS", "DESCRIPTION", "ARGUMENTS", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"})
    EXPECT_PRED2(contains, page, "\n.SH " + std::string(section) + "\n");
  for (const char* text :
       {"tianyan\\-search \\- Searches scans", "\\fICONFIG\\fR \\fIINPUT\\fR... \\fB\\-o\\fR \\fIRUN\\fR",
        "\\fB\\-\\-inject\\fR \\fISPEC\\fR\n",
        "\\fBtianyan search configs/fast_frb.toml scan_dir \\-o run\\fR\n.fi\n.RS 4\nevery beam",
        "\\fB75\\fR\nstopped by a signal"})
    EXPECT_PRED2(contains, page, text);
}

TEST_F(ManualTest, TheDayIsThatOfARepeatableBuild) {
  EXPECT_PRED2(contains, run("man", "SOURCE_DATE_EPOCH=86400 ").out, ".TH \"TIANYAN\" 1 1970-01-02 ");
  EXPECT_EQ(run("man nonsense").exit_code, 2);
}

}  // namespace
}  // namespace tianyan
