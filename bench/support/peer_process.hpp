#pragma once
// A program that runs beside a benchmark and takes turns with it: it is sent lines, and answers each with one.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {

class peer_process {
 public:
  /// Starts a command of the shell, which writes "ready NAME" once it is.
  explicit peer_process(const std::string& command) {
    int to_it[2], from_it[2];
    if (pipe(to_it) != 0 || pipe(from_it) != 0) stop("expected two pipes, found none");
    // A second peer must not keep the first one's input open.
    for (const int end : {to_it[0], to_it[1], from_it[0], from_it[1]}) fcntl(end, F_SETFD, FD_CLOEXEC);
    process_ = fork();
    if (process_ < 0) stop("expected a process for the peer, found none");
    if (process_ == 0) {
      dup2(to_it[0], 0), dup2(from_it[1], 1);
      execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(to_it[0]), close(from_it[1]);
    std::signal(SIGPIPE, SIG_IGN);  // where it has ended, its answer is missing, and that is said
    to_ = fdopen(to_it[1], "w"), from_ = fdopen(from_it[0], "r");
    name_ = answer();
    if (name_.rfind("ready ", 0) != 0) stop("the peer did not say that it is ready: " + name_);
    name_.erase(0, 6);
  }
  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;
  ~peer_process() {
    std::fclose(to_), std::fclose(from_);
    waitpid(process_, nullptr, 0);
  }

  const std::string& name() const { return name_; }
  /// Sends a line and waits for the answer.
  std::string ask(const std::string& line) {
    std::fputs(line.c_str(), to_);
    std::fputc('\n', to_);
    std::fflush(to_);
    return answer();
  }

 private:
  [[noreturn]] static void stop(const std::string& message) {
    std::fprintf(stderr, "peer: %s\n", message.c_str());
    std::exit(1);
  }
  std::string answer() {
    std::string line;
    for (int c = 0; (c = std::fgetc(from_)) != EOF && c != '\n';) line += static_cast<char>(c);
    if (line.empty()) stop("it ended");
    return line;
  }
  pid_t process_ = 0;
  FILE *to_ = nullptr, *from_ = nullptr;
  std::string name_;
};

}  // namespace bench
