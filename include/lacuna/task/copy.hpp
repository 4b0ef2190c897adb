#pragma once
/// The copy task: symbols, a mark, and blanks to write the symbols into.

#include <lacuna/core/slots.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// How many kinds of symbols there are, and how many an example has: uniformly from `shortest` to `longest`.
struct copy_sizes {
  extent_t symbols = 8;
  extent_t shortest = 1;
  extent_t longest = 10;
  constexpr bool fit() const noexcept { return symbols > 0 && shortest > 0 && shortest <= longest; }
};

}  // namespace task

namespace rules {
template <bool Fit>
struct copy_sizes_fit {
  static_assert(Fit, "lacuna::task::copy: there is nothing to copy (choose symbols > 0 and 0 < shortest <= longest)");
};
}  // namespace rules

namespace task {

/// `s1 ... sn COPY _ ... _`: at blank i the target is symbol i, and nothing else counts. The symbols are uniform and
/// independent, ids 0 to symbols - 1; then come the ids `mark` (COPY) and `blank`. Shorter examples end in more blanks
/// that do not count. Length 2 longest + 1.
///
/// Source: Subramaniam et al. (2024), "Training the untrainable", arXiv 2410.20035, copy-paste task. Their released
/// code lets the blank be symbol 0, counts every position, and has an end token; here a blank is no symbol, and only
/// copies count.
template <copy_sizes Sizes = copy_sizes{}>
struct copy {
  static_assert(__is_base_of(nothing, rules::copy_sizes_fit<Sizes.fit()>) || true);
  static constexpr copy_sizes sizes = Sizes.fit() ? Sizes : copy_sizes{};
  static constexpr extent_t vocabulary = sizes.symbols + 2;
  static constexpr extent_t length = 2 * sizes.longest + 1;
  static constexpr std::uint32_t mark = static_cast<std::uint32_t>(sizes.symbols);
  static constexpr std::uint32_t blank = mark + 1;

  static constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) noexcept {
    random_numbers random(seed, number);
    into = {};
    const auto count = static_cast<extent_t>(random.between(sizes.shortest, sizes.longest));
    for (std::uint32_t& token : into.tokens) token = blank;
    for (extent_t i = 0; i < count; ++i) {
      into.tokens[i] = static_cast<std::uint32_t>(random.below(sizes.symbols));
      into.targets[count + 1 + i] = into.tokens[i];
      into.counts[count + 1 + i] = 1;
    }
    into.tokens[count] = mark;
  }
};

}  // namespace task

LACUNA_END
