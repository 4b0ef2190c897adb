#pragma once
// The larger of two differences, of which the second may be no number.

#include <algorithm>
#include <cmath>

/// The larger of two; infinite where the second is no number, which std::max would forget.
inline double worse(double so_far, double other) { return other < HUGE_VAL ? std::max(so_far, other) : HUGE_VAL; }
