#pragma once
/// N of 4 inputs, chosen by every row for itself, a register of rows at a time: the form in which one token meets such
/// a weight. Four inputs lie in every quarter of a register, and each lane takes one of them.

#include <lacuna/backend/lanes/block_columns.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Entry k of each of `lanes` rows side by side, and 2 bits per entry. Rows beyond the last are zeros and take the
/// first input; what they give is not stored.
template <class Lanes, class Element, class Pattern>
struct chosen_rows {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::outputs, kept = Pattern::kept;
  static constexpr extent_t groups = (outputs + lanes - 1) / lanes, steps = Pattern::per_strip;
  static constexpr extent_t in_a_word = 16 / lanes;  ///< steps whose bits one word holds
  static constexpr extent_t words = (steps + in_a_word - 1) / in_a_word;
  static_assert(Pattern::group == 4 && Pattern::block_outputs == 1 && lanes <= 16 && 16 % lanes == 0);

  tensor<Element, groups * steps * lanes> values;
  tensor<std::uint32_t, groups * words> places;

  constexpr void pack(const block_matrix<const Element, Pattern>& weight) {
    for (auto& word : places.data) word = 0;
    for (extent_t row = 0; row < outputs; ++row) {
      const extent_t group = row / lanes, lane = row % lanes;
      for (extent_t k = 0; k < steps; ++k) {
        values[(group * steps + k) * lanes + lane] = weight.values[row * steps + k];
        places[group * words + k / in_a_word] |= std::uint32_t{weight.pattern.numbers[row * steps + k]}
                                                 << 2 * (k % in_a_word * lanes + lane);
      }
    }
  }

  /// Two registers of rows at once share the reading of their inputs.
  void multiply_token(value* y, const value* x) const noexcept {
    extent_t group = 0;
    for (; group + 2 <= groups; group += 2) multiply_groups<2>(y, x, group);
    if (group < groups) multiply_groups<1>(y, x, group);
  }

 private:
  template <extent_t Count>
  LACUNA_INLINE void multiply_groups(value* y, const value* x, extent_t group) const noexcept {
    constexpr extent_t sets = 2;
    Lanes sums[sets][Count];
    unroll<sets * Count>([&](extent_t i) LACUNA_UNROLLED { sums[i / Count][i % Count] = Lanes(value(0)); });
    const auto add = [&](auto q, extent_t k, const std::uint32_t(&word)[Count]) LACUNA_UNROLLED {
      const value* four = x + k / kept * 4;
      unroll<Count>([&](extent_t g) LACUNA_UNROLLED {
        sums[q % sets][g] = multiply_add(Lanes::load(values.data + ((group + g) * steps + k) * lanes),
                                         Lanes::template one_of_four<q>(four, word[g]), sums[q % sets][g]);
      });
    };
    extent_t k = 0;
    for (extent_t w = 0; w < words; ++w) {
      std::uint32_t word[Count];
      unroll<Count>([&](extent_t g) LACUNA_UNROLLED { word[g] = places[(group + g) * words + w]; });
      unroll<in_a_word>([&](auto q) LACUNA_UNROLLED {
        if (steps % in_a_word == 0 || k < steps) add(q, k++, word);
      });
    }
    unroll<Count>([&](extent_t g) LACUNA_UNROLLED {
      const extent_t first = (group + g) * lanes, left = outputs - first;
      const Lanes sum = sums[0][g] + sums[1][g];
      if (left >= lanes)
        sum.store(y + first);
      else
        sum.store_part(y + first, left);
    });
  }
};

}  // namespace by_lanes

LACUNA_END
