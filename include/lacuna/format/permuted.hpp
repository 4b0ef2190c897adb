#pragma once
/// A weight with its outputs in another order.

#include <lacuna/format/cached.hpp>
#include <lacuna/tensor/order.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a type says in which order outputs come.
template <class Type>
inline constexpr bool is_order = requires { typename Type::template asks<2>; };

}  // namespace detail

namespace rules {
template <bool Fine>
struct stride_divides_the_outputs {
  static_assert(
      Fine,
      "lacuna::permuted: the stride does not divide the outputs of the weight (choose a number of blocks that "
      "divides them)");
};
template <class Order>
struct permuted_has_an_order {
  static_assert(detail::is_order<Order>,
                "lacuna::permuted: the second argument is no order of outputs (write ordered, gathered<N> or "
                "spread<N>)");
};
template <bool Fine>
struct permuted_begins_with_its_weight {
  static_assert(Fine, "lacuna::permuted: the order stands before the weight (write permuted<weight, order>)");
};
template <bool Fine>
struct one_order_is_data {
  static_assert(Fine,
                "lacuna::permuted: a weight whose order is data is ordered again, and both orders would be the tensor "
                "`order` of its path (write one of them: permuted<A, ordered>)");
};
}  // namespace rules

namespace detail {

/// Whether a type says how many values lie between two factors.
template <class Type>
inline constexpr bool has_inner_width = requires { requires(Type::template width<2, 2> > 0); };

/// Whether the sizes of a bound weight suit its format: one that has complained of them says so.
template <class Map>
inline constexpr bool sizes_suit = true;
template <class Map>
  requires requires { Map::divides; }
inline constexpr bool sizes_suit<Map> = Map::divides;

/// Whether a weight's sizes suit its format, and what it asks of them: a format whose complaint should be told from
/// nearby says so without being bound.
template <class Format, extent_t Outputs, extent_t Inputs>
struct weight_that_is_ordered {
  static constexpr bool suits = sizes_suit<typename Format::template bound<Outputs, Inputs>>;
  using asks = nothing;
};
template <class Format, extent_t Outputs, extent_t Inputs>
  requires requires { Format::template suits<Outputs, Inputs>; }
struct weight_that_is_ordered<Format, Outputs, Inputs> {
  static constexpr bool suits = Format::template suits<Outputs, Inputs>;
  using asks = typename Format::template asks<Outputs, Inputs>;
};

/// An order that is known at compile time: no parameters.
template <extent_t Columns, extent_t Stride>
struct fixed_order {
  static constexpr bool divides = Stride > 0 && Columns % (Stride == 0 ? 1 : Stride) == 0;
  static_assert(__is_base_of(nothing, rules::stride_divides_the_outputs<divides>) || true);
  using order = strided_order<Columns, divides ? Stride : 1>;
  template <class Role>
  struct parameters : no_tensors<fixed_order> {};
  template <class Parameters>
  LACUNA_HD static constexpr order of(const Parameters&) noexcept {
    return {};
  }
};

}  // namespace detail

/// Every `Stride`-th output comes together: output b * (outputs / Stride) + i is the factor's output i * Stride + b.
template <extent_t Stride>
struct gathered {
  template <extent_t Outputs>
  using bound = detail::fixed_order<Outputs, Stride>;
  template <extent_t Outputs>
  using asks = rules::stride_divides_the_outputs<Stride != 0 && Outputs % (Stride == 0 ? 1 : Stride) == 0>;
  static constexpr auto name = fixed_string("gathered<") + decimal<Stride>() + ">";
};
/// The inverse of `gathered<Blocks>`: output i * Blocks + b is the factor's output b * (outputs / Blocks) + i.
template <extent_t Blocks>
struct spread {
  template <extent_t Outputs>
  using bound =
      detail::fixed_order<Outputs, Blocks == 0 || Outputs % (Blocks == 0 ? 1 : Blocks) != 0 ? 0 : Outputs / Blocks>;
  template <extent_t Outputs>
  using asks = rules::stride_divides_the_outputs<Blocks != 0 && Outputs % (Blocks == 0 ? 1 : Blocks) == 0>;
  static constexpr auto name = fixed_string("spread<") + decimal<Blocks>() + ">";
};
/// Any order, as data: output i is the factor's output `order[i]`. Path: `order` `(outputs)`, each number once; as they
/// come at first.
struct ordered {
  static constexpr auto name = fixed_string("ordered");
  template <extent_t>
  using asks = nothing;
  template <extent_t Outputs>
  struct bound {
    using number = std::conditional_t<(Outputs > 65536), std::uint32_t, std::uint16_t>;
    using order = table_order<Outputs, number>;
    template <class Role>
    struct parameters {
      LACUNA_NO_ADDRESS typename Role::template integers<number, Outputs> order;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("order", s.order...);
      }
      /// Whether it is an order: each number once.
      constexpr status try_check(const path_text& path) const
        requires(Role::has_integers)
      {
        std::uint32_t met[(Outputs + 31) / 32]{};
        for (extent_t i = 0; i < Outputs; ++i) {
          if (order[i] < Outputs && (met[order[i] / 32] >> order[i] % 32 & 1u) == 0) {
            met[order[i] / 32] |= std::uint32_t{1} << order[i] % 32;
            continue;
          }
          return detail::damaged(path, "order", i) << "expected a number below " << std::uint64_t{Outputs}
                                                   << " that was not there before, found " << std::uint64_t{order[i]};
        }
        return nothing{};
      }
      /// As they come.
      LACUNA_HD constexpr void initialise() noexcept {
        for (extent_t i = 0; i < Outputs; ++i) order[i] = static_cast<number>(i);
      }
    };
    template <class Parameters>
    LACUNA_HD static constexpr order of(const Parameters& parameters) noexcept {
      return {parameters.order.data};
    }
  };
};

template <class Weight, class Order>
struct permuted;

namespace detail {

/// How many orders a format stores as the tensor `order` of its own path.
template <class Format>
inline constexpr int stored_orders = 0;
template <class Weight, extent_t Tokens>
inline constexpr int stored_orders<cached<Weight, Tokens>> = stored_orders<Weight>;
template <class Weight, class Order>
inline constexpr int stored_orders<permuted<Weight, Order>> = stored_orders<Weight> + (same<Order, ordered> ? 1 : 0);

}  // namespace detail

/// The outputs of a weight in another order: `permuted<blocked<16, 1, density{0.1}>, ordered>`. `(tokens, inputs) ->
/// (tokens, outputs)`, the multiply-adds of the weight and a copy of its outputs. Paths: those of the weight, and
/// `order`. Rows rearranged so that their patterns agree, as in SparseByteNN (Xu et al. 2023, arXiv 2310.19509, of
/// which no code was released), or the shuffle between block-diagonal factors (`monarch`). One order at most is
/// `ordered` where formats share a path.
template <class Weight, class Order>
struct permuted {
  static constexpr bool swapped = detail::is_order<Weight> && !detail::is_order<Order>;
  static constexpr bool twice = same<Order, ordered> && detail::stored_orders<permuted> == 2;
  static_assert(__is_base_of(nothing, rules::permuted_begins_with_its_weight<!swapped>) || true);
  static_assert(__is_base_of(nothing, rules::permuted_has_an_order<std::conditional_t<swapped, ordered, Order>>) ||
                true);
  static_assert(__is_base_of(nothing, rules::one_order_is_data<!twice>) || true);
  using slot = slots::format;
  using order_type = std::conditional_t<detail::is_order<Order>, Order, ordered>;
  using weight_format = checked<std::conditional_t<detail::is_order<Order>, Weight, dense>, slots::format>;
  static constexpr bool linear = is_linear<weight_format>;
  using parts = type_list<Weight>;
  template <class New>
  using rebuild = permuted<New, Order>;
  /// Of sizes that the weight complains of, the order says nothing.
  template <extent_t Outputs, extent_t Inputs>
  using asks = std::conditional_t<detail::weight_that_is_ordered<weight_format, Outputs, Inputs>::suits,
                                  typename order_type::template asks<Outputs>,
                                  typename detail::weight_that_is_ordered<weight_format, Outputs, Inputs>::asks>;
  static constexpr auto name = fixed_string("permuted<") + weight_format::name + ", " + order_type::name + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    using map = typename weight_format::template bound<Outputs, Inputs>;
    using order =
        typename std::conditional_t<detail::sizes_suit<map>, order_type, gathered<1>>::template bound<Outputs>;
    static_assert(__is_base_of(nothing, order) || true);
    static constexpr bool divides = detail::sizes_suit<map> && detail::sizes_suit<order>;

    template <class Role>
    struct parameters {
      typename map::template parameters<Role> weight;
      LACUNA_NO_ADDRESS typename order::template parameters<Role> order_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("", s.weight...);
        v("", s.order_part...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<Outputs> unordered;  ///< as the weight gives them; as an adjoint: of them
      LACUNA_NO_ADDRESS typename map::template memory<Plan> weight;
    };
    template <class Target>
    using derived = typename map::template derived<Target>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      map::refresh(parameters.weight, derived);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto unordered = memory.unordered.first(x.count);
      map::forward(parameters.weight, memory.weight, derived, x, unordered, run);
      run.reorder(y, unordered, order::of(parameters.order_part));
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      const auto dunordered = adjoint.unordered.first(x.count);
      dunordered.fill(0);
      run.reorder_backward(dunordered, dy, order::of(parameters.order_part));
      map::backward(parameters.weight, gradients.weight, memory.weight, adjoint.weight, derived, x, dunordered, dx,
                    run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return map::multiply_adds(tokens); }
  };
};

LACUNA_END
