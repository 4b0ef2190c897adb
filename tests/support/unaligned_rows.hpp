#pragma once
// What the comparisons of vectorised elementwise work share: rows that no vector is aligned to, and an activation as a
// user writes it.

#include <lacuna/activation/slots.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/tensor/tensor.hpp>

namespace unaligned {
namespace lc = lacuna;

/// For single values, with branches.
struct staircase {
  using slot = lc::slots::activation;
  static constexpr bool preserves_zero = true;
  template <class Value>
  static constexpr Value value(Value x) noexcept {
    return x > Value(1) ? x - Value(1) : x < Value(-1) ? x + Value(1) : Value(0);
  }
  template <class Value>
  static constexpr Value derivative(Value x) noexcept {
    return x > Value(1) || x < Value(-1) ? Value(1) : Value(0);
  }
};
static_assert(lc::Activation<staircase> && staircase::preserves_zero);

inline constexpr lc::extent_t tokens = 3;
/// One element in; what is around it shows what is written beside it.
template <class Element, lc::extent_t Columns>
struct shifted {
  lc::tensor<Element, tokens * Columns + 2> data;
  explicit shifted(std::uint64_t seed) {
    std::uint64_t drawn = 0;
    for (auto& of : data.data)
      of = lc::convert_element<Element>(static_cast<float>(lc::random_normal(seed, Columns, drawn++)));
  }
  auto view(lc::extent_t count = tokens) { return lc::rows<Element, Columns>(data.data + 1, count); }
};

}  // namespace unaligned
