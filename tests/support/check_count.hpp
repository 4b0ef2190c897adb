#pragma once
// Counts of random events against their law.
#include <doctest/doctest.h>

#include <cmath>

/// Whether a count of `tries` with this probability lies within five standard deviations of its mean.
inline void check_count(double found, double tries, double probability) {
  CAPTURE(found);
  CAPTURE(tries * probability);
  CHECK(std::fabs(found - tries * probability) <= 5 * std::sqrt(tries * probability * (1 - probability)));
}
