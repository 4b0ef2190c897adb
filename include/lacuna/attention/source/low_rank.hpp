#pragma once
/// Few rows in place of many: keys and values mixed along the sequence by learned shares.

#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/schedule/planned_sources.hpp>
#include <lacuna/attention/source/tokens.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/op/mix_rows.hpp>

LACUNA_BEGIN

/// Whether keys and values are mixed by shares of their own, or by the same.
enum class mixing : std::uint8_t { apart, together };

namespace rules {
template <extent_t Count>
struct mixed_rows_are_not_none {
  static_assert(Count > 0, "lacuna::low_rank: no rows are left (choose low_rank<N> with N > 0, often 128 or 256)");
};
template <bool Fine>
struct mixed_rows_see_all {
  static_assert(Fine,
                "lacuna::low_rank: each mixed row is made of all tokens, so that no route can hide one (use full with "
                "it, or tokens with this route)");
};
}  // namespace rules

/// Keys E^T K and values F^T V, E and F `(context, Count)` and the same for all heads: every row sees `Count` atoms,
/// whatever the length of the stream. A stream of n tokens takes the first n rows of E and F.
/// 2 * tokens * Count * kv_width multiply-adds, and 2 * tokens * Count * query_width for the attention. State: Count
/// rows. Paths: `key_mix.weight` (E), and `value_mix.weight` (F) where keys and values are mixed apart; at first normal
/// numbers of variance 1 / Count, the same in each layer, which a checkpoint overwrites.
/// Errors: another route than `full`. Keys are rotated before they are mixed.
/// Source: Wang et al. (2020), Linformer, arXiv 2006.04768, section 4, eq. (7); E = F is its key-value sharing.
template <extent_t Count, mixing Mixing = mixing::apart>
struct low_rank {
  static_assert(__is_base_of(nothing, rules::mixed_rows_are_not_none<Count>) || true);
  using slot = slots::source;
  static constexpr auto name = [] {
    if constexpr (Mixing == mixing::apart)
      return fixed_string("low_rank<") + decimal<Count>() + ">";
    else
      return fixed_string("low_rank<") + decimal<Count>() + ", together>";
  }();
  static constexpr extent_t count = Count == 0 ? 1 : Count;

  template <class Shape, class Parts>
  using schedule = planned_sources<Shape, Parts>;
  template <class Shape, class Parts>
  struct checks {
    static_assert(__is_base_of(nothing, rules::mixed_rows_see_all<same<typename Parts::route, full>>) || true);
  };

  template <class Route, extent_t Context>
  struct sight {
    static constexpr extent_t atoms = count;
    static constexpr bool shows_tokens = false;
    static constexpr bool sees_ahead = true;
    LACUNA_HD static constexpr spans<1> visible(extent_t) { return {0, count}; }
  };

  template <class Shape, class Sight>
  struct bound {
    template <class Role>
    struct shares_of_rows {
      typename Role::template tensor<Shape::context, count> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Role>
    struct parameters {
      shares_of_rows<Role> key_mix;
      LACUNA_NO_ADDRESS std::conditional_t<Mixing == mixing::apart, shares_of_rows<Role>, no_tensors<low_rank>>
          value_mix;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("key_mix", s.key_mix...);
        v("value_mix", s.value_mix...);
      }
    };
    template <class Role>
    struct state : no_tensors<bound> {};
    template <class Plan>
    struct memory {
      tensor<typename Plan::value, count, Shape::kv_width> key, value;  ///< mixed rows, on their way to the cache
    };
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      std::uint64_t stream = 0;
      const double spread = 1 / maths::sqrt(static_cast<double>(count));
      visit_tensors(
          [&](auto& share) {
            for (extent_t i = 0; i < share.size; ++i)
              share[i] =
                  convert_element<std::remove_reference_t<decltype(share[0])>>(spread * random_normal(0, stream, i));
            ++stream;
          },
          parameters);
    }

    template <class Values, class Value, class Place, class Run>
    LACUNA_HD static constexpr void make(Values v, rows<Value, Shape::query_width>, rows<Value, Shape::kv_width> key,
                                         rows<Value, Shape::kv_width> value, const Place& place, const Run& run) {
      const auto mixed_key = v.memory.key.first(count), mixed_value = v.memory.value.first(count);
      op::mix_rows(mixed_key, key, v.parameters.key_mix.weight.first(key.count), run.backend);
      op::mix_rows(mixed_value, value, of_values(v.parameters).weight.first(key.count), run.backend);
      op::append(place.cache, mixed_key, mixed_value, place.first, run.backend);
    }
    template <class Values, class Adjoints, class Value, class Place, class PlaceAdjoint, class Run>
    LACUNA_HD static constexpr void make_backward(Values v, Adjoints a, rows<Value, Shape::query_width>,
                                                  rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                                  const Place&, const PlaceAdjoint& dplace,
                                                  rows<Value, Shape::query_width>, rows<Value, Shape::kv_width> dkey,
                                                  rows<Value, Shape::kv_width> dvalue, const Run& run) {
      const auto dmixed_key = a.memory.key.first(count), dmixed_value = a.memory.value.first(count);
      dmixed_key.fill(0), dmixed_value.fill(0);
      op::append_backward(readable(dplace.cache), dmixed_key, dmixed_value, dplace.first, run.backend);
      op::mix_rows_backward(dkey, a.gradients.key_mix.weight.first(key.count), dmixed_key, key,
                            v.parameters.key_mix.weight.first(key.count), run.backend);
      op::mix_rows_backward(dvalue, of_values(a.gradients).weight.first(key.count), dmixed_value, value,
                            of_values(v.parameters).weight.first(key.count), run.backend);
    }
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) {
      return 2 * std::uint64_t{tokens} * count * Shape::kv_width;
    }

   private:
    template <class Parameters>
    LACUNA_HD static constexpr auto& of_values(Parameters& parameters) {
      if constexpr (Mixing == mixing::apart)
        return parameters.value_mix;
      else
        return parameters.key_mix;
    }
  };
};

LACUNA_END
