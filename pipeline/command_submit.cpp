// tianyan submit: a search as jobs of Slurm.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <random>

#include "io/beam_name.hpp"
#include "io/text_file.hpp"
#include "pipeline/command.hpp"
#include "pipeline/slurm.hpp"
#include "pipeline/submission.hpp"
#include "pipeline/subprocess.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

struct Options : SharedOptions {
  JobWishes wishes;
  double memory_gb = 0.0;
  bool resume = false, dry_run = false;
};

void declare_jobs(CLI::App& command, Options& o) {
  command
      .add_option("--parts", o.wishes.n_part, "Jobs that share the search; as many as take half an hour each")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command
      .add_option("--time-s", o.wishes.time_s,
                  "Time of each job; three times what the plan's model says, and more")
      ->check(CLI::Range(60.0, 1e8))
      ->type_name("SECONDS");
  command.add_option("--memory-gb", o.memory_gb, "Memory of each job; what the plan needs, and more")
      ->check(CLI::Range(0.1, 1e5))
      ->type_name("N");
  command.add_option("--jobs-at-once", o.wishes.jobs_at_once, "Most jobs that run at once")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command
      .add_option("--gpus", o.wishes.gpus,
                  "GPUs of each job that searches; one where search.backend is \"cuda\"")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command.add_option("--partition", o.wishes.partition, "Partition; the policy's first, or Slurm's default")
      ->type_name("NAME");
  command.add_option("--account", o.wishes.account, "Account; the policy's first, or the user's default")
      ->type_name("NAME");
  command.add_option("--qos", o.wishes.qos, "Quality of service")->type_name("NAME");
}

void declare(CLI::App& command, Options& o) {
  command.add_option("CONFIG", o.config, "TOML file; `tianyan check` explains its keys");
  command.add_option("INPUT", o.inputs, "Files, directories or quoted globs of one scan");
  command.add_option("-o,--output", o.output, "The run directory to make, which all nodes must see")
      ->required()
      ->type_name("RUN");
  add_set_option(command, o);
  add_policy_option(command, o);
  command.add_option("--threads", o.wishes.threads, "Threads of each job; limits.threads, or 4")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  command.add_option("--mask", o.mask, "Flags to start from, as of `tianyan search`")->type_name("MASK");
  declare_jobs(command, o);
  command.add_flag("--resume", o.resume,
                   "Sends once more what is missing of RUN; CONFIG and INPUT are not given");
  command.add_flag("--dry-run", o.dry_run, "Prints the scripts; makes and sends nothing");
}

std::string new_name() {
  std::random_device random;
  return fmt::format("tianyan-{:08x}{:08x}", random(), random());
}

// Of each part, the units that it searches.
std::vector<std::vector<UnitName>> units_of_parts(const std::vector<WorkItem>& items, int n_part) {
  std::vector<std::vector<UnitName>> parts;
  for (int part = 1; part <= n_part; ++part) {
    const auto range = items_of_part(std::ssize(items), {part, n_part});
    auto& units = parts.emplace_back();
    for (auto item = items.begin() + range.begin; item != items.begin() + range.end; ++item)
      for (const auto& work : *item) units.push_back({work.beam->number, work.unit->unit.index});
  }
  return parts;
}

int array_limit(bool dry_run) {
  try {
    return Slurm().max_array_size();
  } catch (const std::runtime_error&) {
    if (!dry_run) throw;
    return 1001;  // as Slurm has it by default
  }
}

JobWishes wishes_of(const Options& o) {
  JobWishes wishes = o.wishes;
  wishes.memory_bytes = static_cast<std::int64_t>(o.memory_gb * 1e9);
  return wishes;
}

// Plans the run, and makes its directory but for a dry run.
Submission prepare(const Options& o) {
  expect(!o.inputs.empty(), "CONFIG and INPUT are required (see `tianyan submit --help`)");
  Submission s;
  s.run = resolved_path(o.output);
  check_run_path(s.run);
  Config config = load_config(o);
  for (auto& path : config.sift.catalogues) path = resolved_path(path);  // jobs begin elsewhere
  const auto wishes = wishes_of(o);
  config.limits.threads = job_threads(config, wishes);
  const auto found = find_inputs(o.inputs);
  auto beams = open_beams(found, config, o.mask);
  Plans plans(config, beams);
  bind_beams(config, plans, beams);
  s.shape = shape_jobs(config, wishes, load_policies(o.policies), plans, beams, array_limit(o.dry_run));
  s.name = new_name();
  for (const auto& input : o.inputs) s.inputs.push_back(resolved_path(input));
  for (const auto& policy : o.policies) s.policies.push_back(resolved_path(policy));
  if (!o.mask.empty()) s.mask = resolved_path(o.mask);
  s.parts = units_of_parts(work_items(config.rfi, beams), s.shape.n_part);
  for (const auto& beam : beams)
    if (!beam.failure.empty())
      std::cerr << fmt::format("tianyan: beam {} is left out: {}\n", beam_name(beam.number), beam.failure);
  if (o.dry_run) return s;
  RunDirectory(s.run, config, ExistingRun::kRefuse).bind_inputs(files_by_beam(beams));
  write_submission(s);
  return s;
}

void print_shape(const Submission& s) {
  std::size_t n_unit = 0;
  for (const auto& part : s.parts) n_unit += part.size();
  std::cout << fmt::format(
      "{} units in {} job{}: each about {:.0f} s by the plan's model, {:.0f} min asked for, {} thread{}, "
      "{:.2f} GB\n",
      n_unit, s.shape.n_part, s.shape.n_part == 1 ? "" : "s", s.shape.model_s, s.shape.time_s / 60.0,
      s.shape.threads, s.shape.threads == 1 ? "" : "s", static_cast<double>(s.shape.memory_bytes) / 1e9);
}

// Sends the jobs; what was sent is recorded after each.
void send(Submission& s, const std::vector<int>& parts) {
  const Slurm slurm;
  fs::remove(s.run + "/report.json");  // of an earlier sift: `tianyan status` would take it for this one's
  const std::string search = s.run + "/slurm/search.sh", sift = s.run + "/slurm/sift.sh";
  std::vector<std::string> after;
  if (!parts.empty()) {
    write_text_file(search, search_script(s, parts));
    s.search_job = slurm.submit(search, s.search_name(), {});
    write_submission(s);
    after = {fmt::format("--dependency=afterany:{}", s.search_job), "--kill-on-invalid-dep=yes"};
    std::cout << fmt::format("search: job {}, parts {}\n", s.search_job, array_text(parts));
  }
  write_text_file(sift, sift_script(s));
  s.sift_job = slurm.submit(sift, s.sift_name(), after);
  write_submission(s);
  std::cout << fmt::format("sift: job {}{}\n`tianyan status {}` says how far it is\n", s.sift_job,
                           after.empty() ? "" : ", after the search", s.run);
}

// What was submitted before, judged again: its record may have been changed, and policies, too.
Submission earlier(const Options& o) {
  expect(o.config.empty() && o.inputs.empty() && o.mask.empty() && o.set.empty() && o.wishes.n_part == 0,
         "--resume takes CONFIG, INPUT, --set, --mask and --parts from RUN: give none of them");
  auto s = read_submission(o.output);
  for (const auto& policy : o.policies) s.policies.push_back(resolved_path(policy));
  SharedOptions same;
  same.config = s.run + "/config.toml";
  same.inputs = s.inputs;
  same.mask = s.mask;
  same.output = s.run;
  same.policies = s.policies;
  load_config(same);
  s.shape = fit_shape(s.shape, wishes_of(o), load_policies(s.policies));
  for (const auto& job : Slurm().jobs({s.search_name(), s.sift_name()}))
    require(!is_alive(job), "job {} of {} is still {}: wait for it, or `tianyan cancel {}`", job.id, s.run,
            job.state, s.run);
  return s;
}

ExitCode run(const Options& o) {
  auto submission = o.resume ? earlier(o) : prepare(o);
  submission.program = program_path();  // which jobs run; send() records it
  require(!submission.program.empty(),
          "the path of this program is not known: /proc/self/exe cannot be read");
  const auto parts = parts_to_do(submission);
  print_shape(submission);
  if (o.dry_run)
    std::cout << "\n# RUN/slurm/search.sh\n"
              << search_script(submission, parts) << "\n# RUN/slurm/sift.sh\n"
              << sift_script(submission);
  else
    send(submission, parts);
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"submit", "Sends a search to Slurm: an array of jobs that share it, then one that sifts",
     "Examples:\n"
     "  tianyan submit configs/fast_frb.toml scan_dir -o /scratch/run\n"
     "  tianyan submit configs/fast_frb.toml scan_dir -o /scratch/run --dry-run\n"
     "  tianyan submit configs/fast_frb.toml scan_dir -o /scratch/run --partition cpu --jobs-at-once 40\n"
     "  tianyan status /scratch/run\n"
     "  tianyan submit --resume -o /scratch/run            after jobs that failed, were lost or cancelled\n"
     "RUN is as of `tianyan search`, with slurm/ beside: the scripts, their logs, and a record. The sift "
     "runs "
     "when all\n"
     "jobs are over, whether they failed or not; what is missing is in report.json."},
    declare, run);

}  // namespace
}  // namespace tianyan
