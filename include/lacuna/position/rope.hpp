#pragma once
/// Rotary position embedding.

#include <lacuna/op/rotate.hpp>
#include <lacuna/position/slots.hpp>
#include <lacuna/position/theta.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// cos and sin of position * base^(-2i / rotated columns), computed in f64: for all positions, once, shared by all
/// layers; or for those from `first` on.
template <class Value, extent_t Rotated, extent_t Context, theta Base>
struct rotation_angles {
  tensor<Value, Context, Rotated / 2> cosine, sine;

  LACUNA_HD constexpr void build(extent_t first = 0) {
    for (extent_t i = 0; i < Rotated / 2; ++i) {
      const double step = Base.step(i, Rotated);
      for (extent_t position = 0; position < Context; ++position) {
        const double angle = static_cast<double>(first + position) * step;
        cosine[position * (Rotated / 2) + i] = static_cast<Value>(maths::cosine(angle));
        sine[position * (Rotated / 2) + i] = static_cast<Value>(maths::sine(angle));
      }
    }
  }
  /// For heads of that width, or of more columns.
  template <extent_t HeadWidth = Rotated>
  LACUNA_HD constexpr rotation_table<Value, Rotated, HeadWidth> view() const noexcept {
    return {cosine.view(), sine.view()};
  }
};

/// The share of a head's columns that turn: `rope<theta{}, rotary_pairs::halves, rotary_share{0.25f}>`.
struct rotary_share {
  float value = 1.0f;
  constexpr rotary_share() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit rotary_share(float of) : value(of) {}
  constexpr bool operator==(const rotary_share&) const = default;
  /// Columns of a head of that width, to the lower whole number, at least 2.
  constexpr extent_t of(extent_t head_width) const {
    const auto columns = static_cast<extent_t>(value * static_cast<float>(head_width));
    return columns < 2 ? 2 : columns;
  }
};

namespace rules {
template <bool Fine>
struct theta_is_positive {
  static_assert(Fine, "lacuna::rope: theta is not a number above 0 (write rope<theta{10000.f}> or leave it out)");
};
/// A rotation needs pairs.
template <extent_t HeadWidth>
struct rope_needs_pairs {
  static_assert(
      HeadWidth % 2 == 0,
      "lacuna::rope: the head width is odd, and a rotation needs pairs (choose heads so that width / heads is "
      "even)");
};
template <bool Fine>
struct rotary_share_makes_pairs {
  static_assert(Fine,
                "lacuna::rope: the share of columns that turn is not above 0 and up to 1, or an odd number of columns "
                "(choose one that gives an even number, such as rotary_share{0.25f} of 64)");
};
}  // namespace rules

namespace detail {

/// Angles in a table of at most 2 x 2 MiB (f32); a longer context has each token's computed when it is needed, in every
/// layer again.
constexpr bool angles_in_a_table(extent_t head_width, extent_t context) {
  return context <= (extent_t{1} << 19) / (head_width < 2 ? 1 : head_width / 2);
}

}  // namespace detail

/// Rotates pair i of every query and key by position * Base^(-2i / rotated columns); scores then depend on distances
/// only. `(tokens, heads * head_width)` in place, O(tokens * heads * rotated columns). All of a head's columns turn, or
/// the first `Share` of them, and the others pass.
/// Source: Su et al. (2021), arXiv 2104.09864, eq. (34). Pairs are neighbours as in the paper and llama2.c;
/// `rotary_pairs::halves` is what Hugging Face checkpoints use. A share of the columns: Black et al. (2022), GPT-NeoX,
/// arXiv 2204.06745, section 2.1.
template <theta Base = theta{}, rotary_pairs Pairs = rotary_pairs::neighbours, rotary_share Share = rotary_share{}>
struct rope {
  using slot = slots::position;
  static constexpr auto name = fixed_string("rope");

  template <extent_t HeadWidth, extent_t Context>
  struct on_projections {
    static_assert(__is_base_of(nothing, rules::rope_needs_pairs<HeadWidth>) || true);
    static_assert(__is_base_of(nothing, rules::theta_is_positive<Base.fine()>) || true);
    static constexpr bool fine_share = Share.value > 0 && Share.value <= 1 &&
                                       (HeadWidth % 2 != 0 || Share.of(HeadWidth) % 2 == 0);
    static_assert(__is_base_of(nothing, rules::rotary_share_makes_pairs<fine_share>) || true);
    static constexpr extent_t rotated = fine_share ? Share.of(HeadWidth) : HeadWidth;

    /// Applied at a and once more at b it is applied at a + b.
    static constexpr bool adds_up = true;
    static constexpr bool in_a_table = detail::angles_in_a_table(rotated, Context);
    template <class Value>
    using shares =
        std::conditional_t<in_a_table, type_list<rotation_angles<Value, rotated, in_a_table ? Context : 1, Base>>,
                           type_list<>>;

    template <class Value, extent_t Columns, class Run>
    LACUNA_HD static constexpr void apply(rows<Value, Columns> x, bool backward, const Run& run) {
      if constexpr (in_a_table) {
        const auto& angles = run.shared.template get<rotation_angles<Value, rotated, Context, Base>>();
        op::rotate(x, angles.template view<HeadWidth>(), run.first, backward, constant<rotary_pairs, Pairs>{},
                   run.backend);
      } else {
        rotation_angles<Value, rotated, 1, Base> angles;
        for (extent_t t = 0; t < x.count; ++t) {
          angles.build(run.first + t);
          op::rotate(x.slice(t, 1), angles.template view<HeadWidth>(), 0, backward, constant<rotary_pairs, Pairs>{},
                     run.backend);
        }
      }
    }
  };
};

LACUNA_END
