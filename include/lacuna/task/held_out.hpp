#pragma once
/// A task in two parts that have no input in common.

#include <lacuna/core/slots.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Several>
struct held_out_share_is_a_part {
  static_assert(Several, "lacuna::task: there is no share to hold out (choose one_of{2} or more)");
};
}  // namespace rules

namespace task {

/// One of so many inputs: `held_out<Task, one_of{10}>` has a tenth of them.
struct one_of {
  std::uint64_t parts = 10;
};

namespace detail {

/// Which of `parts` parts an input belongs to, by its tokens alone (FNV-1a over them, mixed by Philox).
template <extent_t Length>
constexpr std::uint64_t part_of(const token_example<Length>& example, std::uint64_t parts) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint32_t token : example.tokens) hash = (hash ^ token) * 0x100000001b3u;
  return random_bits(hash, 0, 0).word[0] % parts;
}

/// The examples of a task whose input is among those held out, or is not.
template <TokenTask Task, one_of Share, bool HeldOut>
struct partial_task : Task {
  static_assert(__is_base_of(nothing, rules::held_out_share_is_a_part<(Share.parts > 1)>) || true);
  static constexpr std::uint64_t parts = Share.parts > 1 ? Share.parts : 2;

  constexpr partial_task() = default;
  constexpr explicit partial_task(const Task& of) : Task(of) {}

  constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<Task::length>& into) const {
    // Drawn again until the input is of this part; the tries of one number are examples of a seed of its own.
    const random_block own = random_bits(seed, number, 0);
    const std::uint64_t own_seed = std::uint64_t{own.word[0]} << 32 | own.word[1];
    std::uint64_t attempt = 0;
    do Task::sample(own_seed, attempt++, into);
    while ((part_of(into, parts) == 0) != HeldOut);
  }
};

}  // namespace detail

/// The inputs of a task that training does not see: one of `Share.parts`, by exact match. Sampling takes that many
/// tries on average. A task needs inputs in both parts: one with a handful of different inputs may have none in this.
template <TokenTask Task, one_of Share = one_of{}>
using held_out = detail::partial_task<Task, Share, true>;

/// All other inputs of a task.
template <TokenTask Task, one_of Share = one_of{}>
using without_held_out = detail::partial_task<Task, Share, false>;

}  // namespace task

LACUNA_END
