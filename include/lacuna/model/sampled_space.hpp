#pragma once
/// Design spaces too large to enumerate: some of their combinations, drawn by a seed.

#include <lacuna/core/random.hpp>
#include <lacuna/model/design_space.hpp>

LACUNA_BEGIN

/// How many variants are drawn of a space, and by which seed.
struct samples {
  std::uint64_t seed = 1;
  extent_t count = 10;
};

namespace detail {

/// Some combinations of a space, in the order in which they were drawn. None is drawn twice.
template <class Space, class Constraints, samples Drawn>
struct sampled_numbers;
template <class Space, class... Constraints, samples Drawn>
struct sampled_numbers<Space, type_list<Constraints...>, Drawn> {
  /// So many are looked at before it gives up: constraints may leave out fifteen of sixteen.
  static constexpr extent_t most =
      Space::combinations < 16 * Drawn.count ? Space::combinations : extent_t{16 * Drawn.count};
  struct numbers {
    extent_t at[most + 1]{};
    extent_t count = 0;
  };

  /// Without the constraints. Few combinations are all taken, in an order of their own.
  static constexpr numbers candidates = [] {
    numbers found;
    for (std::uint64_t attempt = 0; found.count < most; ++attempt) {
      const random_block bits = random_bits(Drawn.seed, 0, attempt);
      extent_t number = static_cast<extent_t>((std::uint64_t{bits.word[0]} << 32 | bits.word[1]) % Space::combinations);
      const auto is_new = [&] {
        for (extent_t i = 0; i < found.count; ++i)
          if (found.at[i] == number) return false;
        return true;
      };
      while (!is_new()) number = (number + 1) % Space::combinations;
      found.at[found.count++] = number;
    }
    return found;
  }();

  /// Combinations beyond the last one that is needed are never named.
  template <extent_t Candidate, extent_t Found>
  static constexpr void collect(numbers& into) {
    if constexpr (Found < Drawn.count && Candidate < most) {
      constexpr extent_t number = candidates.at[Candidate];
      constexpr bool keeps = Space::template is_kept<typename Space::template at<number>, Constraints...>();
      if constexpr (keeps) into.at[into.count++] = number;
      collect<Candidate + 1, Found + (keeps ? 1 : 0)>(into);
    }
  }
  static constexpr numbers kept = [] {
    numbers found;
    collect<0, 0>(found);
    return found;
  }();

  template <std::size_t... Index>
  static constexpr bool all_differ(std::index_sequence<Index...>) {
    constexpr const char* marks[]{&type_mark<typename Space::template at<kept.at[Index]>::recipe>...};
    for (extent_t i = 0; i < sizeof...(Index); ++i)
      for (extent_t j = 0; j < i; ++j)
        if (marks[i] == marks[j]) return false;
    return true;
  }
  static constexpr space_problem find() {
    if constexpr (kept.count == 0 || kept.count < Drawn.count)
      return space_problem::too_few;
    else if constexpr (!all_differ(std::make_index_sequence<kept.count>{}))
      return space_problem::same_recipes;
    else
      return space_problem::none;
  }
};

/// What is used of a drawn space, as `variants_of` a whole one.
template <bool Usable, class Space, class Numbers>
struct sampled_variants : variants_of<false, Space> {};
template <class Space, class Numbers>
struct sampled_variants<true, Space, Numbers> {
  static constexpr extent_t count = Numbers::kept.count;
  template <extent_t Index>
  using at = typename Space::template at<Numbers::kept.at[Index < count ? Index : 0]>;
  template <extent_t Index>
  using named = typename Space::template choices<Numbers::kept.at[Index < count ? Index : 0]>;
  static constexpr extent_t letters = Space::letters();
};

}  // namespace detail

/// `sampled_space<stories, samples{.seed = 7, .count = 40}, vary<...>, vary<...>, without<...>>`: 40 different
/// combinations of a design space, for random search and for tests, as `variant<0>` to `variant<39>`; every one that
/// constraints allow is as likely as any other. The same seed draws the same ones with every compiler. `combinations`
/// says how many there are before constraints; they may be more than could be enumerated. See `design_space`, whose
/// parts it takes.
template <class Recipe, samples Drawn, class... Parts>
struct sampled_space {
  using recipe = Recipe;
  using constraints = join<typename detail::part_of_space<Parts>::constraints...>;
  using space = detail::space_of<Recipe, join<typename detail::part_of_space<Parts>::axes...>, constraints>;
  using numbers = detail::sampled_numbers<space, constraints, Drawn>;
  static constexpr detail::space_problem problem = [] {
    if constexpr (!(detail::part_of_space<Parts>::known && ...))
      return detail::space_problem::unknown_part;
    else if constexpr (constexpr auto of_parts = space::find_in_parts(); of_parts != detail::space_problem::none)
      return of_parts;
    else
      return numbers::find();
  }();
  static_assert(__is_base_of(nothing, rules::design_space_is_sound<problem>) || true);
  static constexpr bool usable =
      problem == detail::space_problem::none || problem == detail::space_problem::same_recipes;
  using variants = detail::sampled_variants<usable, space, numbers>;

  static constexpr extent_t combinations = space::combinations;
  static constexpr extent_t size = variants::count;
  template <extent_t Index>
  using variant = design_variant<sampled_space, Index>;
};

LACUNA_END
