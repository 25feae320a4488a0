// The one flag that a signal handler may set.
#include "pipeline/interrupt.hpp"

#include <signal.h>

#include <atomic>

namespace tianyan {
namespace {

std::atomic<bool> g_interrupted = false;  // searches of many beams read it from several threads
static_assert(std::atomic<bool>::is_always_lock_free);

void remember(int) { g_interrupted = true; }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART | SA_RESETHAND;  // a second one does what it does by default
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return g_interrupted; }

}  // namespace tianyan
