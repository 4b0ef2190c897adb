#pragma once
/// A weight that is the product of two: low rank, and what is made of structured factors.

#include <lacuna/format/block_diagonal.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/format/density.hpp>
#include <lacuna/format/permuted.hpp>

LACUNA_BEGIN

namespace rules {
template <class Inner>
struct product_has_a_width {
  static_assert(detail::has_inner_width<Inner>,
                "lacuna::product: the third argument is no width (write inner<N>, inner_share<density{s}>, or leave it "
                "out)");
};
template <bool Fine>
struct blocks_divide_the_shuffle {
  static_assert(Fine,
                "lacuna::block_shuffle: the blocks of a block_shuffle or monarch weight do not divide its outputs, its "
                "inputs and the width between its factors (choose a number that divides all three, or another inner "
                "width)");
};
template <bool Fine>
struct a_rank_is_above_zero {
  static_assert(Fine,
                "lacuna::low_rank_weight: a weight of rank 0 has no factors (write low_rank_weight<N> with N > 0)");
};
}  // namespace rules

/// `inner<16>`: as many values between the factors. `inner<>`, the default: as many as the smaller side has.
template <extent_t Width = 0>
struct inner {
  template <extent_t Outputs, extent_t Inputs>
  static constexpr extent_t width = Width > 0          ? Width
                                    : Outputs < Inputs ? Outputs
                                                       : Inputs;
  static constexpr auto name = [] {
    if constexpr (Width == 0)
      return fixed_string("");
    else
      return fixed_string(", ") + decimal<Width>();
  }();
};

/// As many values between the factors as make two dense ones as large as this share of the dense weight, rounded down
/// to a multiple of `Multiple`, and no fewer: `inner_share<density{0.25}>`.
/// Source: Cahyawijaya (2021), Greenformers, arXiv 2108.10808, whose ranks below 1 are such shares.
template <density Share, extent_t Multiple = 1>
struct inner_share {
  static_assert(__is_base_of(nothing, rules::density_is_a_share<(Share.millionths() > 0)>) || true);
  static constexpr extent_t multiple = Multiple == 0 ? 1 : Multiple;
  template <extent_t Outputs, extent_t Inputs>
  static constexpr extent_t width = [] {
    const extent_t rank = Share.of(Outputs * Inputs) / (Outputs + Inputs) / multiple * multiple;
    return rank < multiple ? multiple : rank;
  }();
  static constexpr auto name = fixed_string(", ") + detail::share_text<Share.millionths()>();
};

namespace detail {

/// Whether two factors and the shuffle between them suit the sizes of a weight; of other factors, each says itself.
template <class Left, class Right>
struct shuffle {
  template <extent_t Outputs, extent_t Width, extent_t Inputs>
  static constexpr bool divides = true;
};
template <extent_t Blocks>
struct shuffle<block_diagonal<Blocks>, permuted<block_diagonal<Blocks>, gathered<Blocks>>> {
  static constexpr extent_t blocks = Blocks == 0 ? 1 : Blocks;
  template <extent_t Outputs, extent_t Width, extent_t Inputs>
  static constexpr bool divides = Blocks > 0 && Outputs % blocks == 0 && Width % blocks == 0 && Inputs % blocks == 0;
};

/// The width of a given rank.
template <extent_t Rank>
struct inner_of_rank {
  static_assert(__is_base_of(nothing, rules::a_rank_is_above_zero<(Rank > 0)>) || true);
  using type = inner<(Rank > 0 ? Rank : 1)>;
};

}  // namespace detail

/// W = L R: `product<dense, dense, inner<16>>` has rank 16. `(tokens, inputs) -> (tokens, inner) -> (tokens, outputs)`;
/// the multiply-adds of R and of L. Paths: what the factors store, under `left` `(outputs, inner)` and `right`
/// `(inner, inputs)`. Not linear in its parameters: many pairs of factors are one weight.
/// Source: low rank: Winata et al. (2020), arXiv 1910.13923, section 3.
template <class Left, class Right, class Inner = inner<>>
struct product {
  static constexpr bool has_width = detail::has_inner_width<Inner>;
  static_assert(__is_base_of(nothing, rules::product_has_a_width<Inner>) || true);
  using slot = slots::format;
  using left_format = checked<Left, slots::format>;
  using right_format = checked<Right, slots::format>;
  using inner_width = std::conditional_t<has_width, Inner, inner<>>;
  static constexpr bool linear = is_linear<left_format> && is_linear<right_format>;
  using parts = type_list<Left, Right>;
  template <class NewLeft, class NewRight>
  using rebuild = product<NewLeft, NewRight, Inner>;
  /// Whether a shuffle between the factors suits the sizes of a weight.
  template <extent_t Outputs, extent_t Inputs>
  static constexpr bool suits =
      detail::shuffle<Left, Right>::template divides<Outputs, inner_width::template width<Outputs, Inputs>, Inputs>;
  template <extent_t Outputs, extent_t Inputs>
  using asks = rules::blocks_divide_the_shuffle<suits<Outputs, Inputs>>;
  static constexpr auto name =
      fixed_string("product<") + left_format::name + ", " + right_format::name + inner_width::name + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    static constexpr extent_t width = inner_width::template width<Outputs, Inputs>;
    static constexpr bool shuffles = suits<Outputs, Inputs>;
    static_assert(__is_base_of(nothing, asks<Outputs, Inputs>) || true);
    // After the complaint, blocks that suit all sizes, and a shuffle of none.
    using left_map =
        typename std::conditional_t<shuffles, left_format, block_diagonal<1>>::template bound<Outputs, width>;
    using right_map =
        typename std::conditional_t<shuffles, right_format,
                                    permuted<block_diagonal<1>, gathered<1>>>::template bound<width, Inputs>;
    static constexpr bool divides = shuffles && detail::sizes_suit<left_map> && detail::sizes_suit<right_map>;

    template <class Role>
    struct parameters {
      typename left_map::template parameters<Role> left;
      typename right_map::template parameters<Role> right;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("left", s.left...);
        v("right", s.right...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<width> between;
      LACUNA_NO_ADDRESS typename left_map::template memory<Plan> left;
      LACUNA_NO_ADDRESS typename right_map::template memory<Plan> right;
    };
    template <class Target>
    struct derived {
      typename left_map::template derived<Target> left;
      typename right_map::template derived<Target> right;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      left_map::refresh(parameters.left, derived.left);
      right_map::refresh(parameters.right, derived.right);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto between = memory.between.first(x.count);
      right_map::forward(parameters.right, memory.right, derived.right, x, between, run);
      left_map::forward(parameters.left, memory.left, derived.left, between, y, run);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      const auto dbetween = adjoint.between.first(x.count);
      dbetween.fill(0);
      left_map::backward(parameters.left, gradients.left, memory.left, adjoint.left, derived.left,
                         memory.between.first(x.count), dy, dbetween, run);
      right_map::backward(parameters.right, gradients.right, memory.right, adjoint.right, derived.right, x, dbetween,
                          dx, run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return left_map::multiply_adds(tokens) + right_map::multiply_adds(tokens);
    }
  };
};

/// A weight of rank `Rank`, which is above 0: `product<dense, dense, inner<Rank>>`. Source: Winata et al. (2020), arXiv
/// 1910.13923; Wei et al. (2024), arXiv 2406.16450.
template <extent_t Rank>
using low_rank_weight = product<dense, dense, typename detail::inner_of_rank<Rank>::type>;

/// A dense factor on top of a block-diagonal one, which reads the inputs: BlockDense.
/// Source: Wei et al. (2024), StructuredFFN, arXiv 2406.16450, section 2.
template <extent_t Blocks, class Inner = inner<>>
using block_dense = product<dense, block_diagonal<Blocks>, Inner>;

/// Two block-diagonal factors and a shuffle between them, so that every output can see every input: BlockShuffle.
/// `(tokens, inputs) -> (tokens, inner) -> (tokens, outputs)`, inner * (inputs + outputs) / Blocks multiply-adds per
/// token and a copy of the inner values. Paths: `right.weight` `(inner, inputs / Blocks)`, `left.weight` `(outputs,
/// inner / Blocks)`. The shuffle gives block b of the left factor every `Blocks`-th value, from b on; outputs come as
/// the blocks do. Between a block of inputs and one of outputs the weight has rank inner / Blocks^2 (where it is no
/// whole number, one of its neighbours): 1 where the inner width is the blocks' square. The blocks have to divide
/// outputs, inputs and the inner width. Source: Wei et al. (2024), StructuredFFN, arXiv 2406.16450, section 2, whose
/// inner width is that of `inner<>`.
template <extent_t Blocks, class Inner = inner<>>
using block_shuffle = product<block_diagonal<Blocks>, permuted<block_diagonal<Blocks>, gathered<Blocks>>, Inner>;

/// `block_shuffle` with its outputs interleaved: output s * Blocks + b is output s of block b, so that blocks are
/// spread over the outputs as they are over the inner values. Shapes, cost and ranks are the same, and a copy of the
/// outputs. Source: Dao et al. (2022), Monarch, arXiv 2204.00595, section 3.
template <extent_t Blocks, class Inner = inner<>>
using monarch = permuted<block_shuffle<Blocks, Inner>, spread<Blocks>>;

LACUNA_END
