#pragma once
/// Parameters in two places that are read as if they were in one: norms of a layer's own beside weights that layers
/// share. A block that keeps the two apart says `norms_apart`; bound, it names them `own<Role>` and `common<Role>`, and
/// what its `join(own, common)` returns has the members of its `parameters<Role>`. Gradients are joined alike.

#include <lacuna/core/flat_tuple.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a block keeps its norms apart.
template <class Block>
inline constexpr bool norms_apart = [] {
  if constexpr (requires { Block::norms_apart; })
    return static_cast<bool>(Block::norms_apart);
  else
    return false;
}();

/// A sublayer's parameters under the sublayer's name.
template <class Names, class Parameters>
struct named_sublayer {
  Parameters sublayer_part;
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    v(Names::sublayer.c_str(), s.sublayer_part...);
  }
};

/// One residual step, joined.
template <class Own, class Sublayer>
struct joined_step {
  Own& own_part;
  Sublayer& sublayer_part;
  LACUNA_HD constexpr joined_step(Own& own, Sublayer& sublayer) noexcept : own_part(own), sublayer_part(sublayer) {}
};
template <class Own, class Sublayer>
joined_step(Own&, Sublayer&) -> joined_step<Own, Sublayer>;

/// Several links, joined one by one when they are asked for.
template <class Links, class Own, class Common>
struct joined_links {
  Own& own_part;
  Common& common_part;

  template <extent_t Index>
  LACUNA_HD constexpr auto at() const noexcept {
    return Links::template link<Index>::join(own_part.template at<Index>(), common_part.template at<Index>());
  }
  LACUNA_HD constexpr auto operator[](extent_t i) const noexcept {
    return Links::template link<0>::join(own_part[i], common_part[i]);
  }
};
template <class Links, class Own, class Common>
LACUNA_HD constexpr joined_links<Links, Own, Common> join_links(Own& own, Common& common) noexcept {
  return {own, common};
}

/// Different structs in a row, visited without a level of their own.
template <class... Parts>
struct visited_tuple : flat_tuple<Parts...> {
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    for_each_index<sizeof...(Parts)>([&](auto i) { type_at<i, Parts...>::visit(v, s.template at<i>()...); });
  }
};

}  // namespace detail

LACUNA_END
