#pragma once
// Options of a command line that are numbers, and what is no option at all.
#include "stop.hpp"

#include <getopt.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace examples {

/// The number after an option, or an error that names both.
inline double number_of(const char* program, const char* option, double least, double most, bool whole = true) {
  char* end = nullptr;
  const double value = std::strtod(optarg, &end);
  if (end == optarg || *end != '\0' || !(value >= least) || !(value <= most) || (whole && value != std::floor(value))) {
    std::fprintf(stderr, "%s: --%s: expected a%s number from %g to %g, found '%s'\n", program, option,
                 whole ? " whole" : "", least, most, optarg);
    std::exit(2);
  }
  return value;
}
/// Refuses words behind the options; `hint` says what may have been meant.
inline void refuse_words(const char* program, int count, char** arguments, const char* hint) {
  if (optind >= count) return;
  std::fprintf(stderr, "%s: expected options only, found '%s' (%s)\n", program, arguments[optind], hint);
  std::exit(2);
}

}  // namespace examples
