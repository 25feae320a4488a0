// The one flag that a signal handler may set.
#include "pipeline/interrupt.hpp"

#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cmath>

namespace tianyan {
namespace {

std::atomic<int> g_signal = 0;  // searches of many beams read it from several threads
static_assert(std::atomic<int>::is_always_lock_free);

void remember(int signal) { g_signal = signal; }

}  // namespace

void catch_interrupts(double wall_s) {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART | SA_RESETHAND;  // a second one does what it does by default
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGALRM}) sigaction(signal, &action, nullptr);
  if (wall_s <= 0.0) return;
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(wall_s);
  timer.it_value.tv_usec = std::max<suseconds_t>(1, std::lround(1e6 * std::fmod(wall_s, 1.0)) % 1'000'000);
  setitimer(ITIMER_REAL, &timer, nullptr);
}

bool interrupted() { return g_signal != 0; }

Interrupted::Interrupted(const std::string& where)
    : text_((g_signal == SIGALRM ? "stopped by limits.wall_s " : "stopped by a signal ") + where) {}

}  // namespace tianyan
