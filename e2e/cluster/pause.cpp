// What holds a pod's namespaces: waits to be told to end, and reaps what is left to it.
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

void leave(int) {
  _exit(0);
}

void reap(int) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace

int main() {
  std::signal(SIGINT, leave);
  std::signal(SIGTERM, leave);
  std::signal(SIGCHLD, reap);
  for (;;) pause();
}
