// posix_spawn with two pipes.
#include "pipeline/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "kernels/base/expect.hpp"

extern char** environ;

namespace tianyan {
namespace {

using Clock = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() { require(::pipe2(ends_.data(), O_CLOEXEC) == 0, "no pipe: {}", std::strerror(errno)); }
  ~Pipe() { close_end(0), close_end(1); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_writing() { close_end(1); }

 private:
  void close_end(std::size_t i) {
    if (ends_[i] >= 0) ::close(ends_[i]);
    ends_[i] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void use_null(int fd) { posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDONLY, 0); }
  void use(int fd, const Pipe& pipe) { posix_spawn_file_actions_adddup2(&actions_, pipe.writing(), fd); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

bool begins_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

std::vector<std::string> environment(const std::vector<std::string>& scrubbed,
                                     const std::vector<std::string>& kept) {
  std::vector<std::string> variables;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string variable = *at, name = variable.substr(0, variable.find('='));
    const bool is_kept = std::find(kept.begin(), kept.end(), name) != kept.end();
    if (is_kept || !begins_with_any(name, scrubbed)) variables.push_back(variable);
  }
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Appends what is there; false at the end of the stream.
bool read_some(int fd, std::string& text) {
  std::array<char, 4096> buffer;
  const auto n = ::read(fd, buffer.data(), buffer.size());
  if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

// Reads both pipes to their ends; false where the time is over before.
bool read_both(const Pipe& out, const Pipe& err, Clock::time_point end, ProcessResult& result) {
  std::array<pollfd, 2> waiting{pollfd{out.reading(), POLLIN, 0}, pollfd{err.reading(), POLLIN, 0}};
  const std::array<std::string*, 2> texts{&result.out, &result.err};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    const int n_ready =
        ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<long long>(left, 60'000)));
    if (n_ready <= 0) continue;  // a signal, or a minute without a word
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].revents != 0 && !read_some(waiting[i].fd, *texts[i])) waiting[i].fd = -1;
  }
  return true;
}

int exit_code_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, double timeout_s,
                          const std::vector<std::string>& scrubbed, const std::vector<std::string>& kept) {
  expect(!argv.empty(), "no program to run");
  const auto end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout_s));
  auto words = argv, variables = environment(scrubbed, kept);
  const auto arguments = pointers_to(words), environment_of = pointers_to(variables);
  Pipe out, err;
  SpawnActions actions;
  actions.use_null(STDIN_FILENO);
  actions.use(STDOUT_FILENO, out);
  actions.use(STDERR_FILENO, err);
  pid_t child = -1;
  ProcessResult result;
  const int failure = ::posix_spawnp(&child, words[0].c_str(), actions.get(), nullptr, arguments.data(),
                                     environment_of.data());
  if (failure != 0) {
    result.exit_code = 127;
    result.err = fmt::format("{}: {}", words[0], std::strerror(failure));
    return result;
  }
  out.close_writing();
  err.close_writing();
  if (!read_both(out, err, end, result)) {
    result.timed_out = true;
    ::kill(child, SIGKILL);
  }
  result.exit_code = exit_code_of(child);
  return result;
}

std::string program_path() {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/exe", unknown).string();
}

std::string shell_word(const std::string& text) {
  expect(text.find('\0') == std::string::npos && text.find('\n') == std::string::npos,
         "a line break or NUL cannot be part of a command: {}", text);
  std::string word = "'";
  for (const char ch : text) word += ch == '\'' ? std::string("'\\''") : std::string(1, ch);
  return word + "'";
}

}  // namespace tianyan
