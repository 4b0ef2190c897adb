#pragma once
/// The random numbers of one example, one after the other, and orders of all examples without memory.

#include <lacuna/core/random.hpp>

LACUNA_BEGIN

namespace task {

/// Random numbers that are known by (seed, number, how many came before): each example has its own, so that it is the
/// same on any thread and after any interruption. All draws are exactly uniform.
class random_numbers {
 public:
  constexpr random_numbers(std::uint64_t seed, std::uint64_t number) noexcept : seed_(seed), number_(number) {}

  /// 32 random bits; every fourth word costs one Philox block.
  constexpr std::uint32_t word() noexcept {
    if (used_ == 4) {
      block_ = random_bits(seed_, number_, counter_++);
      used_ = 0;
    }
    return block_.word[used_++];
  }
  /// Uniform in [0, count), by rejection under the next power of two: below two tries on average. `count` is not 0.
  constexpr std::uint64_t below(std::uint64_t count) noexcept {
    std::uint64_t mask = count - 1;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    for (;;) {
      std::uint64_t drawn = word();
      if (mask > 0xffffffffu) drawn |= std::uint64_t{word()} << 32;
      if ((drawn & mask) < count) return drawn & mask;
    }
  }
  /// Uniform in [from, to], both ends among them.
  constexpr std::uint64_t between(std::uint64_t from, std::uint64_t to) noexcept { return from + below(to - from + 1); }
  /// True with this probability, to 32 bits; never for 0, always for 1.
  constexpr bool chance(double probability) noexcept {
    return static_cast<double>(word()) < probability * 4294967296.0;
  }
  /// Every order of `count` items alike (Fisher and Yates).
  template <class Item>
  constexpr void shuffle(Item* items, extent_t count) noexcept {
    for (extent_t i = count; i > 1; --i) {
      const auto other = static_cast<extent_t>(below(i));
      const Item kept = items[i - 1];
      items[i - 1] = items[other];
      items[other] = kept;
    }
  }

 private:
  std::uint64_t seed_, number_, counter_ = 0;
  random_block block_{};
  int used_ = 4;
};

/// Which of `count` examples comes at place `at` of an epoch: a shuffled order, known at every place without a table.
/// Each example comes exactly once; `at` is below `count`, which is below 2^62. Four Philox blocks a step, below four
/// steps on average.
/// Source: Luby and Rackoff (1988), a Feistel network of four rounds; Black and Rogaway (2002), walked along its cycle
/// until a number below `count` comes.
constexpr std::uint64_t shuffled(std::uint64_t seed, std::uint64_t epoch, std::uint64_t count,
                                 std::uint64_t at) noexcept {
  unsigned half = 1;
  while ((count - 1) >> (2 * half) != 0) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = at >> half, right = at & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t mixed = left ^ (random_bits(seed, epoch, round << 32 | right).word[0] & mask);
      left = right;
      right = mixed;
    }
    at = left << half | right;
  } while (at >= count);
  return at;
}

}  // namespace task

LACUNA_END
