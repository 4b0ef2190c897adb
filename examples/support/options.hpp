#pragma once
// Options of a command line that are numbers, and what is no option at all.
#include "stop.hpp"

#include <getopt.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace examples {

/// The number that is the whole of a text, or an error that names what it is for (`--tokens`, `PIECES`) and the text.
inline double number_in(const char* text, const char* program, const std::string& what, double least, double most,
                        bool whole = true) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least) || !(value <= most) || (whole && value != std::floor(value))) {
    std::fprintf(stderr, "%s: %s: expected a%s number from %g to %g, found '%s'\n", program, what.c_str(),
                 whole ? " whole" : "", least, most, text);
    std::exit(2);
  }
  return value;
}
/// The number after an option.
inline double number_of(const char* program, const char* option, double least, double most, bool whole = true) {
  return number_in(optarg, program, std::string("--") + option, least, most, whole);
}
/// Refuses words behind the options; `hint` says what may have been meant.
inline void refuse_words(const char* program, int count, char** arguments, const char* hint) {
  if (optind >= count) return;
  std::fprintf(stderr, "%s: expected options only, found '%s' (%s)\n", program, arguments[optind], hint);
  std::exit(2);
}

}  // namespace examples
