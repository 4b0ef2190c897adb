#pragma once
/// Which of the mutations that are woven into the headers takes effect: a number, 0 for none.

#include <type_traits>

namespace lacuna_mutant {

inline int chosen = 0;

/// Never during constant evaluation, so that it may stand in constexpr functions.
constexpr bool active(int number) noexcept { return !std::is_constant_evaluated() && number == chosen; }

}  // namespace lacuna_mutant
