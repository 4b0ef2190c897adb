#pragma once
/// Finite automata by their transition tables, and some whose languages tell models apart.

#include <concepts>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

namespace task {

/// A deterministic finite automaton: `states`, `symbols`, the state it starts in, the next one by `next(state,
/// symbol)`, and which states accept. One with a table derives from `by_table`.
template <class Type>
concept Automaton = requires(std::uint32_t at) {
  { Type::states } -> std::convertible_to<extent_t>;
  { Type::symbols } -> std::convertible_to<extent_t>;
  { Type::start } -> std::convertible_to<std::uint32_t>;
  { Type::next(at, at) } -> std::convertible_to<std::uint32_t>;
  { Type::accepts(at) } -> std::convertible_to<bool>;
};

/// A transition table: `next[state][symbol]`, and which states accept.
template <extent_t States, extent_t Symbols>
struct transition_table {
  std::uint16_t next[States][Symbols]{};
  bool accepting[States]{};

  constexpr bool whole() const noexcept {
    for (const auto& row : next)
      for (const std::uint16_t state : row)
        if (state >= States) return false;
    return true;
  }
};

}  // namespace task

namespace rules {
template <bool Whole>
struct transition_table_is_whole {
  static_assert(Whole, "lacuna::task: a transition leads to a state that there is not (number states from 0)");
};
template <bool Fit>
struct permutations_are_few {
  static_assert(Fit, "lacuna::task::permutations: no group of a size to learn (choose 1 to 6 items)");
};
}  // namespace rules

namespace task {

/// An automaton that starts in state 0 and goes by the table of the derived type:
/// `struct mine : by_table<mine, 2, 2> { static constexpr transition_table<2, 2> table{...}; };`.
template <class Derived, extent_t States, extent_t Symbols>
struct by_table {
  static constexpr extent_t states = States, symbols = Symbols;
  static constexpr std::uint32_t start = 0;

  static constexpr std::uint32_t next(std::uint32_t state, std::uint32_t symbol) noexcept {
    static_assert(__is_base_of(nothing, rules::transition_table_is_whole<Derived::table.whole()>) || true);
    return Derived::table.next[state][symbol];
  }
  static constexpr bool accepts(std::uint32_t state) noexcept { return Derived::table.accepting[state]; }
};

/// Languages by their automata.
namespace language {

/// Words over 0 and 1 with an even number of ones.
struct parity : by_table<parity, 2, 2> {
  static constexpr transition_table<2, 2> table{{{0, 1}, {1, 0}}, {true, false}};
};

/// (aa)*: words of the one letter whose length is even. Answers differ only where lengths do.
struct pairs : by_table<pairs, 2, 1> {
  static constexpr transition_table<2, 1> table{{{1}, {0}}, {true, false}};
};

/// Words over 0 and 1 whose number of ones is a multiple of 3.
struct multiples_of_three : by_table<multiples_of_three, 3, 2> {
  static constexpr transition_table<3, 2> table{{{0, 1}, {1, 2}, {2, 0}}, {true, false, false}};
};

/// The word problem of the symmetric group of `Items` items: symbols and states are its permutations, the state is the
/// product of the symbols so far (each is applied after those before), and the identity accepts. For 5 items the group
/// is not solvable, and no circuit of bounded depth solves the problem unless one solves all of NC1 (Barrington, 1989).
///
/// Permutations are numbered in the order of their images, the identity is 0. Products are computed
/// from the images, about Items^2 steps each, and not tabled.
template <extent_t Items>
struct permutations {
  static_assert(__is_base_of(nothing, rules::permutations_are_few<(Items > 0 && Items <= 6)>) || true);
  static constexpr extent_t items = Items > 0 && Items <= 6 ? Items : 1;

  struct images {
    std::uint8_t of[items]{};
  };
  static constexpr extent_t states = [] {
    extent_t product = 1;
    for (extent_t i = 2; i <= items; ++i) product *= i;
    return product;
  }();
  static constexpr extent_t symbols = states;
  static constexpr std::uint32_t start = 0;

  /// Where a permutation brings each item.
  static constexpr images images_of(std::uint32_t number) noexcept {
    images found;
    bool taken[items]{};
    auto below = static_cast<std::uint32_t>(states);
    for (extent_t i = 0; i < items; ++i) {
      below /= static_cast<std::uint32_t>(items - i);
      std::uint32_t skip = number / below;
      number %= below;
      std::uint8_t item = 0;
      while (taken[item] || skip-- > 0) ++item;
      taken[item] = true;
      found.of[i] = item;
    }
    return found;
  }
  static constexpr std::uint32_t number_of(const images& of) noexcept {
    std::uint32_t number = 0;
    for (extent_t i = 0; i < items; ++i) {
      std::uint32_t smaller = 0;
      for (extent_t j = i + 1; j < items; ++j) smaller += of.of[j] < of.of[i] ? 1 : 0;
      number = number * static_cast<std::uint32_t>(items - i) + smaller;
    }
    return number;
  }
  static constexpr std::uint32_t next(std::uint32_t state, std::uint32_t symbol) noexcept {
    const images before = images_of(state), applied = images_of(symbol);
    images after;
    for (extent_t i = 0; i < items; ++i) after.of[i] = applied.of[before.of[i]];
    return number_of(after);
  }
  static constexpr bool accepts(std::uint32_t state) noexcept { return state == 0; }
};

}  // namespace language

}  // namespace task

LACUNA_END
