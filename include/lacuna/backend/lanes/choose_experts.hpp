#pragma once
/// Probabilities of experts by lanes.

#include <lacuna/backend/lanes/dispatch.hpp>
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
    element sum = 0;
    Lanes sums(0);
    each_register<Lanes, Experts>(
        [&](extent_t e) {
          const Lanes found = maths::exp(Lanes::load(s + e) - Lanes(largest));
          sums = sums + found;
          found.store(s + e);
        },
        [&](extent_t e, extent_t left) {
          maths::exp(Lanes::load_part(s + e, left) - Lanes(largest)).store_part(s + e, left);
          for (extent_t i = 0; i < left; ++i) sum += s[e + i];
        });
    sum += sum_of(sums);
    const Lanes total(sum);
    each_register<Lanes, Experts>(
        [&](extent_t e) { (Lanes::load(s + e) / total).store(s + e); },
        [&](extent_t e, extent_t left) { (Lanes::load_part(s + e, left) / total).store_part(s + e, left); });
    log_sum(t, 0) = largest + maths::log(sum);
    operation::open_gates<Chosen>(gate.row(t), s, chosen.row(t), renormalised);
  }
}

}  // namespace by_lanes

LACUNA_END
