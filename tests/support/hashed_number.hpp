#pragma once
// The numbers that scripts of tests/reference give to parameters and inputs: exact in f32 on both sides.

#include <cstdint>

/// From -1/2 to 1/2 in steps of 2^-20, by a hash of both.
inline double hashed_number(std::uint32_t seed, std::uint32_t counter) {
  std::uint32_t h = seed * 0x9E3779B9u + counter;
  h ^= h >> 16, h *= 0x85EBCA6Bu;
  h ^= h >> 13, h *= 0xC2B2AE35u;
  h ^= h >> 16;
  return static_cast<double>(h >> 12) / 1048576.0 - 0.5;
}
