#pragma once
/// Which tokens each expert of a mixture receives, and in which blocks it computes them.

#include <lacuna/op/dispatch.hpp>

LACUNA_BEGIN

/// The assignments of up to `Tokens` tokens, sorted by expert and then by token.
///
/// An expert's tokens are computed in blocks of at most `block_rows`. Every block can have a memory of its own without
/// room for all tokens at every expert: there are at most `most_blocks` of them, however the tokens are spread.
template <extent_t Tokens, extent_t Experts, extent_t Chosen>
struct dispatch_plan {
  static constexpr extent_t block_rows = Tokens < 16 ? Tokens : 16;
  static constexpr extent_t most_blocks = (Tokens * Chosen + Experts * (block_rows - 1)) / block_rows;

  std::uint32_t chosen[Tokens * Chosen]{};  ///< the expert of each assignment: written first, by `op::choose_experts`
  std::uint32_t order[Tokens * Chosen]{};   ///< assignments, those of the first expert first
  std::uint32_t ends[Experts]{};            ///< where an expert's assignments end in `order`
  std::uint32_t asked[Experts]{};           ///< how many there would be without a capacity

  /// Sorts the choices of `tokens` tokens. An expert takes no more than `capacity` of them: first choices before second
  /// ones, in the order of the tokens. O(tokens * Chosen + Experts).
  LACUNA_HD constexpr void build(extent_t tokens, extent_t capacity) {
    std::uint32_t taken[Experts]{};
    for (extent_t e = 0; e < Experts; ++e) asked[e] = 0;
    // A choice that finds its expert full is marked by an expert that does not exist.
    for (extent_t j = 0; j < Chosen; ++j)
      for (extent_t t = 0; t < tokens; ++t) {
        std::uint32_t& expert = chosen[t * Chosen + j];
        ++asked[expert];
        if (taken[expert] < capacity)
          ++taken[expert];
        else
          expert += static_cast<std::uint32_t>(Experts);
      }
    std::uint32_t next = 0;
    for (extent_t e = 0; e < Experts; ++e) {
      ends[e] = next;
      next += taken[e];
    }
    for (std::uint32_t a = 0; a < tokens * Chosen; ++a) {
      if (chosen[a] < Experts)
        order[ends[chosen[a]]++] = a;
      else
        chosen[a] -= static_cast<std::uint32_t>(Experts);
    }
  }
  /// Calls `f(expert, block, assignments)` for every block, experts in order.
  template <class Function>
  LACUNA_HD constexpr void each_block(Function&& f) const {
    extent_t from = 0, block = 0;
    for (extent_t e = 0; e < Experts; ++e)
      while (from < ends[e]) {
        const extent_t left = ends[e] - from, count = left < block_rows ? left : block_rows;
        f(e, block++, assignments<Chosen>{order + from, count});
        from += count;
      }
  }
};

LACUNA_END
