#pragma once
/// All sequences of some symbols, in order, and where a distribution over them is known.

#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// How many symbols there are, and how many a sequence has.
struct sequence_sizes {
  extent_t symbols = 4;
  extent_t length = 6;
  constexpr bool fit() const noexcept { return symbols > 1 && length > 0; }
  /// symbols^length, or more than `most` where it is.
  constexpr extent_t count(extent_t most) const noexcept {
    extent_t product = 1;
    for (extent_t i = 0; i < length && product <= most; ++i) product *= symbols;
    return product;
  }
};

/// So many sequences are enumerated at most: a table of their logarithms takes 512 KiB.
inline constexpr extent_t most_sequences = 65536;

/// Writes sequence `number`, of which the first symbol changes slowest.
template <sequence_sizes Sizes>
constexpr void write_sequence(extent_t number, std::uint32_t* to) noexcept {
  for (extent_t t = Sizes.length; t-- > 0; number /= Sizes.symbols)
    to[t] = static_cast<std::uint32_t>(number % Sizes.symbols);
}
/// The number of a sequence.
template <sequence_sizes Sizes>
constexpr extent_t number_of_sequence(const std::uint32_t* sequence) noexcept {
  extent_t number = 0;
  for (extent_t t = 0; t < Sizes.length; ++t) number = number * Sizes.symbols + sequence[t];
  return number;
}
/// The example that teaches a sequence: a token of its own, `symbols`, begins it, and every symbol is a target.
template <sequence_sizes Sizes>
constexpr void teach_sequence(const std::uint32_t* sequence, token_example<Sizes.length>& into) noexcept {
  for (extent_t t = 0; t < Sizes.length; ++t) {
    into.tokens[t] = t == 0 ? static_cast<std::uint32_t>(Sizes.symbols) : sequence[t - 1];
    into.targets[t] = sequence[t];
    into.counts[t] = 1;
  }
}

/// A distribution over all sequences of some sizes. `log_probability(sequence)` reads `sizes.length` symbols and may be
/// minus infinity.
template <class Type>
concept SequenceSource = requires(const Type& of, const std::uint32_t* sequence) {
  { Type::sizes } -> std::convertible_to<sequence_sizes>;
  { of.log_probability(sequence) } -> std::convertible_to<double>;
};

}  // namespace task

namespace rules {
template <bool Fit>
struct sequence_sizes_fit {
  static_assert(Fit, "lacuna::task: sequences of such sizes are all alike (choose symbols > 1 and length > 0)");
};
template <bool Few>
struct sequences_can_be_enumerated {
  static_assert(Few,
                "lacuna::task: there are too many sequences to enumerate (choose sizes with symbols^length of 65536 at "
                "most, or estimate by samples)");
};
}  // namespace rules

LACUNA_END
