#pragma once
/// The share of a weight's entries that a sparse format stores.

#include <lacuna/core/fixed_string.hpp>

LACUNA_BEGIN

/// `density{0.1}`: one entry of ten is stored. Counted and named in millionths, so that it has the same name on every
/// compiler.
struct density {
  double share = 0;
  constexpr explicit density(double of) : share(of) {}
  constexpr bool operator==(const density&) const = default;

  /// 0 where it is no share of anything.
  constexpr std::uint32_t millionths() const {
    return share > 0 && share <= 1 ? static_cast<std::uint32_t>(share * 1e6 + 0.5) : 0;
  }
  /// How many of `count` are stored: the nearest number, and at least one.
  constexpr extent_t of(extent_t count) const {
    const auto nearest = static_cast<extent_t>((std::uint64_t{count} * millionths() + 500'000) / 1'000'000);
    return nearest == 0 ? 1 : nearest;
  }
};

namespace rules {
template <bool Fine>
struct density_is_a_share {
  static_assert(Fine,
                "lacuna::density: it is not a share of the entries (write density{s} with s above 0 and at most 1)");
};
}  // namespace rules

namespace detail {

/// `0.125` as text.
template <std::uint32_t Millionths>
constexpr auto share_text() {
  constexpr extent_t digits = [] {
    extent_t left = 6;
    for (std::uint32_t rest = Millionths; left > 1 && rest % 10 == 0; rest /= 10) --left;
    return left;
  }();
  fixed_string<2 + digits> out;
  out.text[0] = static_cast<char>('0' + Millionths / 1'000'000);
  out.text[1] = '.';
  std::uint32_t unit = 100'000;
  for (extent_t i = 0; i < digits; ++i, unit /= 10) out.text[2 + i] = static_cast<char>('0' + Millionths / unit % 10);
  return out;
}

}  // namespace detail

LACUNA_END
