// The one flag that a signal handler may set.
#include "pipeline/interrupt.hpp"

#include <csignal>

namespace tianyan {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void remember(int signal) {
  g_interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, remember);
}

bool interrupted() { return g_interrupted != 0; }

}  // namespace tianyan
