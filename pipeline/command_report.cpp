// tianyan report: a finished run as one HTML page.
#include "pipeline/report_page.hpp"

#include <iostream>

#include "io/atomic_file.hpp"
#include "pipeline/command.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  std::string run;
  bool overwrite = false;
};

void declare(CLI::App& command, Options& o) {
  command.add_option("RUN", o.run, "The directory of a finished search")->required();
  command.add_option("-o,--output", o.output, "The page; RUN/report.html unless given")->type_name("FILE");
  command.add_flag("--overwrite", o.overwrite, "Replace FILE; RUN/report.html is always replaced");
}

ExitCode run(const Options& o) {
  expect_allowed(o);
  if (!o.output.empty()) check_output_path(o.output, o.overwrite);
  std::cout << write_report(o.run, o.output) << '\n';
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"report", "Writes a run as one HTML page: detections, losses, candidates, plan",
     "Examples:\n"
     "  tianyan report run                         writes run/report.html\n"
     "  tianyan report run -o night42.html         to send or to archive\n"
     "The page holds all that it shows and loads nothing: it can be mailed, read "
     "on a phone, and printed."},
    declare, run);

}  // namespace
}  // namespace tianyan
