#pragma once
/// Counter-based random numbers: the same (seed, stream, counter) gives the same bits on any thread or device.
///
/// Source: Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3": Philox-4x32-10.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// Four random words of one counter.
struct random_block {
  std::uint32_t word[4]{};
};

/// Philox-4x32-10 of (seed, stream, counter): 20 multiplications, no state.
LACUNA_HD constexpr random_block random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept {
  std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  random_block block{{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
                      static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * block.word[0], b = std::uint64_t{0xCD9E8D57u} * block.word[2];
    block = {{static_cast<std::uint32_t>(b >> 32) ^ block.word[1] ^ key0, static_cast<std::uint32_t>(b),
              static_cast<std::uint32_t>(a >> 32) ^ block.word[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return block;
}

/// Uniform in [0, 1) with 53 bits.
LACUNA_HD constexpr double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept {
  const random_block bits = random_bits(seed, stream, counter);
  const std::uint64_t word = (static_cast<std::uint64_t>(bits.word[0]) << 32) | bits.word[1];
  return static_cast<double>(word >> 11) * maths::power_of_two(-53, 0.0);
}

/// Standard normal (Box and Muller).
LACUNA_HD constexpr double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept {
  const random_block bits = random_bits(seed, stream, counter);
  const std::uint64_t first = (static_cast<std::uint64_t>(bits.word[0]) << 32) | bits.word[1];
  const std::uint64_t second = (static_cast<std::uint64_t>(bits.word[2]) << 32) | bits.word[3];
  const double u = (static_cast<double>(first >> 11) + 1.0) * maths::power_of_two(-53, 0.0);
  const double v = static_cast<double>(second >> 11) * maths::power_of_two(-53, 0.0);
  return maths::sqrt(-2.0 * maths::log(u)) * maths::cosine(2 * maths::pi * v);
}

LACUNA_END
