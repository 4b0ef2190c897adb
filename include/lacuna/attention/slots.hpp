#pragma once
/// The sizes of attention, as policies that wear a name.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct heads;
struct derived_head_width;

namespace slots {
/// `heads<8>`.
struct heads {
  using stand_in = lacuna::heads<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>, "lacuna::attention: the number of heads is missing (add lacuna::heads<8>)");
  };
};
/// `kv_heads<4>`; as many as heads when absent.
struct kv_heads {
  using stand_in = lacuna::heads<1>;
};
/// `head_width<64>`; width / heads when absent.
struct head_width {
  using stand_in = derived_head_width;
};
}  // namespace slots

/// Query heads.
template <extent_t Count>
struct heads {
  using slot = slots::heads;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("heads<") + decimal<Count>() + ">";
};

/// Key/value heads; groups of heads / kv_heads query heads share one. Source: Ainslie et al. (2023), arXiv 2305.13245.
template <extent_t Count>
struct kv_heads {
  using slot = slots::kv_heads;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("kv_heads<") + decimal<Count>() + ">";
};

/// Columns of one head, where it is not width / heads.
template <extent_t Columns>
struct head_width {
  using slot = slots::head_width;
  static constexpr extent_t of(extent_t, extent_t) { return Columns; }
  static constexpr auto name = fixed_string("head_width<") + decimal<Columns>() + ">";
};

/// width / heads.
struct derived_head_width {
  using slot = slots::head_width;
  static constexpr extent_t of(extent_t width, extent_t head_count) { return width / head_count; }
  static constexpr auto name = fixed_string("derived_head_width");
};

/// The sizes of one attention.
template <extent_t Width, extent_t Context, extent_t Heads, extent_t KvHeads, extent_t HeadWidth>
struct attention_shape {
  static constexpr extent_t width = Width;
  static constexpr extent_t context = Context;
  static constexpr extent_t heads = Heads;
  static constexpr extent_t kv_heads = KvHeads;
  static constexpr extent_t head_width = HeadWidth;
  static constexpr extent_t query_width = Heads * HeadWidth;
  static constexpr extent_t kv_width = KvHeads * HeadWidth;
};

namespace rules {
template <bool Fine>
struct head_sizes_are_not_zero {
  static_assert(Fine, "lacuna::attention: heads, kv_heads or head_width is 0 (give each at least 1)");
};
template <extent_t Heads, extent_t Width, bool Derived>
struct heads_divide_width {
  static_assert(!Derived || Width % Heads == 0,
                "lacuna::attention: heads do not divide the width (choose heads that divide it, or add head_width<N>)");
};
template <extent_t KvHeads, extent_t Heads>
struct kv_heads_divide_heads {
  static_assert(
      Heads % KvHeads == 0,
      "lacuna::attention: kv_heads do not divide heads (choose kv_heads that divide heads; 1 is multi-query)");
};
}  // namespace rules

LACUNA_END
