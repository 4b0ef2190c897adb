#pragma once
/// What all tasks over tokens hand out, and what a task is.

#include <concepts>
#include <lacuna/op/embed.hpp>
#include <lacuna/task/random_numbers.hpp>

LACUNA_BEGIN

namespace task {

/// One example: `(Length)` tokens in, and what has to come out at each of them. `targets[t]` is what the model says
/// behind token t (often the next token), and means something only where `counts[t]` is 1: there it adds to the loss.
template <extent_t Length>
struct token_example {
  static constexpr extent_t length = Length;

  std::uint32_t tokens[Length]{};
  std::uint32_t targets[Length]{};
  std::uint8_t counts[Length]{};

  constexpr token_view inputs() const noexcept { return {tokens, Length}; }
  constexpr token_view wanted() const noexcept { return {targets, Length}; }
  /// How many targets count.
  constexpr extent_t counted() const noexcept {
    extent_t sum = 0;
    for (const std::uint8_t each : counts) sum += each;
    return sum;
  }
  /// The tokens up to the first target that counts: what a model is given that has to write the rest.
  constexpr token_view prompt() const noexcept {
    extent_t last = 0;
    while (last < Length && counts[last] == 0) ++last;
    return {tokens, last < Length ? last + 1 : Length};
  }
  constexpr bool operator==(const token_example&) const = default;
};

/// A task over tokens: how many kinds of tokens there are, how many one example has, and the example of a number.
///
/// `sample` writes every element of `into`, and the same for the same (seed, number), in any order and on any thread:
/// example `index` of the batch of a step has the number step * batch + index, so that the order of the data is a
/// function of the step. Tokens, and targets that count, are below `vocabulary`. Training and evaluation take different
/// seeds; where examples are so few that they would meet again, `held_out` keeps them apart.
template <class Type>
concept TokenTask =
    requires(const Type& of, std::uint64_t seed, std::uint64_t number, token_example<Type::length>& into) {
      { Type::vocabulary } -> std::convertible_to<extent_t>;
      { Type::length } -> std::convertible_to<extent_t>;
      of.sample(seed, number, into);
    };

/// Whether `token` is right behind position `at`: the target, or whatever else the task accepts. A task where several
/// tokens are right says so by `accepts(example, at, token)`.
template <TokenTask Task>
constexpr bool accepts(const Task& of, const token_example<Task::length>& example, extent_t at, std::uint32_t token) {
  if constexpr (requires {
                  { of.accepts(example, at, token) } -> std::convertible_to<bool>;
                })
    return of.accepts(example, at, token);
  else
    return token == example.targets[at];
}

/// How many targets counted, and how many of them were met.
struct score {
  extent_t counted = 0;
  extent_t right = 0;

  constexpr bool all() const noexcept { return right == counted; }
  constexpr double share() const noexcept {
    return counted == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(counted);
  }
  constexpr score& operator+=(const score& other) noexcept {
    counted += other.counted;
    right += other.right;
    return *this;
  }
};

/// The score of `(length)` predicted tokens, one behind each token of the example.
template <TokenTask Task>
constexpr score score_of(const Task& of, const token_example<Task::length>& example, const std::uint32_t* predicted) {
  score found;
  for (extent_t t = 0; t < Task::length; ++t)
    if (example.counts[t] != 0) found += {1, accepts(of, example, t, predicted[t]) ? extent_t{1} : extent_t{0}};
  return found;
}

}  // namespace task

LACUNA_END
