#pragma once
/// Sums of two numbers, digit by digit.

#include <lacuna/core/slots.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// How the digits of a sum are written.
enum class digit_order : std::uint8_t {
  plain,     ///< the highest first, as the summands
  reversed,  ///< the lowest first: each digit then depends on two digits and a carry
};

/// Digits of each summand, and the order in which the sum is written.
struct addends {
  extent_t digits = 3;
  digit_order answer = digit_order::plain;
};

}  // namespace task

namespace rules {
template <bool Some>
struct addends_have_digits {
  static_assert(Some, "lacuna::task::addition: the summands have no digits (choose digits > 0)");
};
}  // namespace rules

namespace task {

/// `a+b=c` with two summands of `digits` digits and a sum of digits + 1, zeros in front among them; each digit of a and
/// b is uniform. A token is a digit, `plus` or `equals`; targets are the next tokens, and those of the sum count. Any
/// number of digits. Length 3 digits + 2.
///
/// Source: Lee et al. (2023), "Teaching arithmetic to small transformers", arXiv 2307.03381, section 3, plain and
/// reversed; theirs writes numbers without zeros in front and wraps samples in `$`, here all have one length.
template <addends Sizes = addends{}>
struct addition {
  static_assert(__is_base_of(nothing, rules::addends_have_digits<(Sizes.digits > 0)>) || true);
  static constexpr extent_t digits = Sizes.digits > 0 ? Sizes.digits : 1;
  static constexpr extent_t vocabulary = 12;
  static constexpr extent_t length = 3 * digits + 2;
  static constexpr std::uint32_t plus = 10;
  static constexpr std::uint32_t equals = 11;

  static constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) noexcept {
    random_numbers random(seed, number);
    std::uint32_t text[length + 1]{};
    text[digits] = plus;
    text[2 * digits + 1] = equals;
    std::uint32_t carry = 0;
    for (extent_t place = 0; place <= digits; ++place) {
      if (place < digits) {
        const auto a = static_cast<std::uint32_t>(random.below(10)), b = static_cast<std::uint32_t>(random.below(10));
        text[digits - 1 - place] = a;
        text[2 * digits - place] = b;
        carry += a + b;
      }
      text[Sizes.answer == digit_order::reversed ? 2 * digits + 2 + place : length - place] = carry % 10;
      carry /= 10;
    }
    into = {};
    for (extent_t i = 0; i < length; ++i) {
      into.tokens[i] = text[i];
      into.targets[i] = text[i + 1];
      into.counts[i] = i > 2 * digits ? 1 : 0;
    }
  }
};

}  // namespace task

LACUNA_END
