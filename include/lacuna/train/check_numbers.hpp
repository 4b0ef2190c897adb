#pragma once
/// Whether the numbers of a training are in their ranges.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

namespace detail {

/// A number that has to be at least 0 and below a bound; below none it has to be finite, or may be infinite, too.
struct named_number {
  const char* name;
  double value;
  const char* hint;
  double below = maths::infinity<double>();
  bool or_infinite = false;
};

/// Error: the first number that is not in its range, by its name.
template <extent_t Count>
constexpr status try_check_numbers(const char* what, const named_number (&numbers)[Count]) {
  for (const auto& of : numbers)
    if (!(of.value >= 0 && (of.value < of.below || of.or_infinite))) {
      error wrong(error_kind::value, what);
      wrong << ": " << of.name << ": expected a ";
      if (maths::is_finite(of.below))
        wrong << "number from 0 to below " << of.below;
      else
        wrong << (of.or_infinite ? "" : "finite ") << "number of 0 or more";
      return wrong << ", found " << of.value << " (" << of.hint << ")";
    }
  return nothing{};
}

}  // namespace detail

LACUNA_END
