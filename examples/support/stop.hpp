#pragma once
// How an example ends that cannot go on: with one sentence.

#include <cstdio>
#include <cstdlib>
#include <lacuna/core/error.hpp>
#include <string>

namespace examples {
namespace lc = lacuna;

[[noreturn]] inline void stop(const char* message) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", message);
  std::exit(EXIT_FAILURE);
}
[[noreturn]] inline void stop(const std::string& message) { stop(message.c_str()); }
template <class Value>
const Value& unless_wrong(const lc::outcome<Value>& of) {
  if (!of.ok()) stop(of.why().message.c_str());
  return *of;
}
inline void unless_wrong(const lc::status& of) {
  if (!of.ok()) stop(of.why().message.c_str());
}

}  // namespace examples
