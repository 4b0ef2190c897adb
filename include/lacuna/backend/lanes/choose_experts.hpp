#pragma once
/// Probabilities of experts by lanes.

#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/op/choose_experts.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Softmax in place over the experts of each token, the best of them, and their gates: see `op::choose_experts`.
template <class Lanes, extent_t Experts, extent_t Chosen>
void choose_experts(rows<typename Lanes::element, Experts> score, rows<typename Lanes::element, Chosen> gate,
                    rows<typename Lanes::element, 1> log_sum, rows<std::uint32_t, Chosen> chosen,
                    bool renormalised) noexcept {
  using element = typename Lanes::element;
  for (extent_t t = 0; t < score.count; ++t) {
    element* s = score.row(t);
    operation::choose_best<Experts, Chosen>(s, chosen.row(t));
    const element largest = s[chosen(t, 0)];
    using columns = row_dots<Lanes, Experts>;
    Lanes sums(0);
    columns::for_each_register([&](auto in_part, extent_t e) LACUNA_UNROLLED {
      const Lanes found = maths::exp(columns::template load<in_part>(s + e) - Lanes(largest));
      columns::template store<in_part>(found, s + e);
      // Behind the experts lie zeros, whose exponentials are none of theirs.
      sums = sums + (in_part ? columns::template load<in_part>(s + e) : found);
    });
    const element sum = sum_of(sums);
    columns::for_each_register([&](auto in_part, extent_t e) LACUNA_UNROLLED {
      columns::template store<in_part>(columns::template load<in_part>(s + e) / Lanes(sum), s + e);
    });
    log_sum(t, 0) = largest + maths::log(sum);
    operation::open_gates<Chosen>(gate.row(t), s, chosen.row(t), renormalised);
  }
}

}  // namespace by_lanes

LACUNA_END
