// Faults of files for the program under test, preloaded with LD_PRELOAD: calls on chosen files fail, are
// short or slow, or find the file cut or gone.
//
// TIANYAN_FAULTS holds rules "PATH CALL FAULT [KEY=VALUE]...", separated by ';'. A rule is of calls on files
// whose path contains PATH.
//
//   CALL   open, read, write, flush (fsync), close, rename or mkdir; those of stdio count as what they do
//   FAULT  an errno (EIO, ESTALE, ENOENT, ENOSPC, EROFS, EDQUOT); end: reads find the file's end;
//          cut: the file is truncated to `bytes` at the call; gone: it is removed at the call;
//          slow: the call takes `ms` longer
//   bytes  of reads and writes, where in the file the fault begins: up to there they are short. Default 0
//   call   number of the first call that fails, from 1
//   times  how often it fails; for ever if unset
//   after  the rule sleeps until a file has been renamed to a path that contains this
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <sstream>
#include <string>

namespace {

struct Rule {
  std::string path, call, fault, after;
  std::int64_t bytes = 0, first = 1, times = INT64_MAX, ms = 0;
  std::atomic<std::int64_t> n_seen = 0, n_done = 0;
  std::atomic<bool> is_awake = true;
};

int errno_of(const std::string& fault) {
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, int>>{{"EIO", EIO},
                                                                                      {"ESTALE", ESTALE},
                                                                                      {"ENOENT", ENOENT},
                                                                                      {"ENOSPC", ENOSPC},
                                                                                      {"EROFS", EROFS},
                                                                                      {"EDQUOT", EDQUOT}})
    if (fault == name) return value;
  return 0;
}

std::deque<Rule> read_rules() {
  std::deque<Rule> rules;
  const char* all = std::getenv("TIANYAN_FAULTS");
  std::istringstream lines(all ? all : "");
  for (std::string line; std::getline(lines, line, ';');) {
    Rule& rule = rules.emplace_back();
    std::istringstream words(line);
    words >> rule.path >> rule.call >> rule.fault;
    for (std::string word; words >> word;) {
      const auto at = word.find('=');
      const std::int64_t value = std::atoll(word.c_str() + at + 1);
      const std::string key = word.substr(0, at);
      if (key == "after") {
        rule.after = word.substr(at + 1);
        rule.is_awake = false;
        continue;
      }
      (key == "bytes"   ? rule.bytes
       : key == "call"  ? rule.first
       : key == "times" ? rule.times
                        : rule.ms) = value;
    }
  }
  return rules;
}

std::deque<Rule>& rules() {
  static std::deque<Rule> all = read_rules();
  return all;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int fd) {
  char path[PATH_MAX];
  const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : "";
}

/// What becomes of a call: it fails with `error`, or may read or write `n_left` bytes.
struct Verdict {
  int error = 0;
  std::int64_t n_left = INT64_MAX;
};

void apply(Rule& rule, const std::string& path, std::int64_t offset, std::int64_t n, Verdict& verdict) {
  if (rule.fault == "slow") {
    ::usleep(static_cast<unsigned>(1000 * rule.ms));
  } else if (rule.fault == "cut") {
    (void)!::truncate(path.c_str(), rule.bytes);
  } else if (rule.fault == "gone") {
    ::unlink(path.c_str());
  } else if (n > 0 && offset < rule.bytes) {
    verdict.n_left = std::min(verdict.n_left, rule.bytes - offset);
    return;
  } else if (rule.fault == "end") {
    verdict.n_left = 0;
  } else {
    verdict.error = errno_of(rule.fault);
  }
  ++rule.n_done;
}

/// Of a call on n bytes at `offset` of a file; n is 0 where it is on the file as a whole.
Verdict judge(const char* call, const std::string& path, std::int64_t offset = 0, std::int64_t n = 0) {
  const int before = errno;
  Verdict verdict;
  for (Rule& rule : rules()) {
    if (!rule.is_awake || rule.call != call || path.find(rule.path) == std::string::npos) continue;
    const bool reaches = n == 0 || rule.fault == "slow" || rule.fault == "cut" || rule.fault == "gone" ||
                         offset + n > rule.bytes;
    if (!reaches || ++rule.n_seen < rule.first || rule.n_done >= rule.times) continue;
    apply(rule, path, offset, n, verdict);
  }
  errno = verdict.error != 0 ? verdict.error : before;
  return verdict;
}

/// A read or write of n bytes at `offset`, done by body(bytes that it may do).
template <class Body>
auto limited(const char* call, const std::string& path, std::int64_t offset, std::size_t n, Body body)
    -> decltype(body(n)) {
  const Verdict v = judge(call, path, offset, static_cast<std::int64_t>(n));
  if (v.error != 0) return static_cast<decltype(body(n))>(-1);
  return body(std::min(n, static_cast<std::size_t>(v.n_left)));
}

template <class Body>
ssize_t limited(const char* call, int fd, std::size_t n, Body body) {
  return limited(call, path_of(fd), ::lseek64(fd, 0, SEEK_CUR), n, body);
}

bool opens(const char* path) { return judge("open", path).error == 0; }

int open_with(const char* name, const char* path, int flags, mode_t mode) {
  return opens(path) ? real<int(const char*, int, ...)>(name)(path, flags, mode) : -1;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

/// Of stdio's: items of `size` bytes. They go on after a short one, and what fails then sets the stream's
/// flag.
template <class Body>
std::size_t limited_items(const char* call, std::size_t size, std::size_t n, FILE* file, Body body) {
  const std::string path = path_of(::fileno(file));
  const std::int64_t at = ::ftello(file), n_byte = static_cast<std::int64_t>(size * n);
  const Verdict v = judge(call, path, at, n_byte);
  std::size_t n_done = 0;
  if (v.error == 0) n_done = body(size == 0 ? n : std::min(n, static_cast<std::size_t>(v.n_left) / size));
  const Verdict rest = v.n_left < n_byte ? judge(call, path, at + v.n_left, n_byte - v.n_left) : v;
  if (rest.error != 0) file->_flags |= 0x20;  // _IO_ERR_SEEN
  if (rest.error != 0) errno = rest.error;
  return n_done;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open64", path, flags, mode);
}

int __open_2(const char* path, int flags) { return open_with("open", path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_with("open64", path, flags, 0); }

FILE* fopen(const char* path, const char* mode) {
  return opens(path) ? real<FILE*(const char*, const char*)>("fopen")(path, mode) : nullptr;
}

FILE* fopen64(const char* path, const char* mode) {
  return opens(path) ? real<FILE*(const char*, const char*)>("fopen64")(path, mode) : nullptr;
}

ssize_t read(int fd, void* to, std::size_t n) {
  return limited("read", fd, n, [&](std::size_t most) {
    return real<ssize_t(int, void*, std::size_t)>("read")(fd, to, most);
  });
}

ssize_t pread(int fd, void* to, std::size_t n, off_t offset) {
  return limited("read", path_of(fd), offset, n, [&](std::size_t most) {
    return real<ssize_t(int, void*, std::size_t, off_t)>("pread")(fd, to, most, offset);
  });
}

ssize_t pread64(int fd, void* to, std::size_t n, off64_t offset) { return pread(fd, to, n, offset); }

ssize_t write(int fd, const void* from, std::size_t n) {
  return limited("write", fd, n, [&](std::size_t most) {
    return real<ssize_t(int, const void*, std::size_t)>("write")(fd, from, most);
  });
}

ssize_t pwrite(int fd, const void* from, std::size_t n, off_t offset) {
  return limited("write", path_of(fd), offset, n, [&](std::size_t most) {
    return real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite")(fd, from, most, offset);
  });
}

ssize_t pwrite64(int fd, const void* from, std::size_t n, off64_t offset) {
  return pwrite(fd, from, n, offset);
}

ssize_t writev(int fd, const iovec* parts, int n) {
  for (int i = 0; i < n; ++i)
    if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
  return 0;
}

std::size_t fread(void* to, std::size_t size, std::size_t n, FILE* file) {
  return limited_items("read", size, n, file, [&](std::size_t most) {
    return real<std::size_t(void*, std::size_t, std::size_t, FILE*)>("fread")(to, size, most, file);
  });
}

std::size_t __fread_chk(void* to, std::size_t, std::size_t size, std::size_t n, FILE* file) {
  return fread(to, size, n, file);
}

std::size_t fwrite(const void* from, std::size_t size, std::size_t n, FILE* file) {
  return limited_items("write", size, n, file, [&](std::size_t most) {
    return real<std::size_t(const void*, std::size_t, std::size_t, FILE*)>("fwrite")(from, size, most, file);
  });
}

int fsync(int fd) { return judge("flush", path_of(fd)).error == 0 ? real<int(int)>("fsync")(fd) : -1; }

/// The file is closed in any case, as Linux does it.
int close(int fd) {
  const Verdict v = judge("close", path_of(fd));
  const int status = real<int(int)>("close")(fd);
  errno = v.error != 0 ? v.error : errno;
  return v.error != 0 ? -1 : status;
}

int fclose(FILE* file) {
  const Verdict v = judge("close", path_of(::fileno(file)));
  const int status = real<int(FILE*)>("fclose")(file);
  errno = v.error != 0 ? v.error : errno;
  return v.error != 0 ? EOF : status;
}

int rename(const char* from, const char* to) {
  if (judge("rename", to).error != 0) return -1;
  const int status = real<int(const char*, const char*)>("rename")(from, to);
  for (Rule& rule : rules())
    if (status == 0 && std::string(to).find(rule.after) != std::string::npos) rule.is_awake = true;
  return status;
}

int mkdir(const char* path, mode_t mode) {
  return judge("mkdir", path).error == 0 ? real<int(const char*, mode_t)>("mkdir")(path, mode) : -1;
}

}  // extern "C"
