#pragma once
/// Positions of a graph's nodes, added to the embedding through a learned map.

#include <lacuna/core/error.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/op/multiply.hpp>
#include <lacuna/position/slots.hpp>
#include <lacuna/tensor/graph.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Columns>
struct node_positions_have_columns {
  static_assert(Columns > 0,
                "lacuna::laplacian_position: nodes have no position (choose laplacian_position<N> with N > 0)");
};
template <bool Fine>
struct node_positions_have_the_columns_that_are_read {
  static_assert(Fine,
                "lacuna::laplacian_position: nodes come with more or fewer numbers than it reads (assign "
                "node_positions<N> under laplacian_position<N>)");
};
}  // namespace rules

/// What comes at run time: `Columns` numbers for each node. At first they are 0.
template <class Value, extent_t Context, extent_t Columns>
struct node_position_table {
  tensor<Value, Context, Columns> of;
  extent_t nodes = 0;

  /// Error: more nodes than the context.
  template <extent_t Given, class Number>
  constexpr status check(const node_positions<Given, Number>& from) const {
    static_assert(__is_base_of(nothing, rules::node_positions_have_the_columns_that_are_read < Given == Columns >) ||
                  true);
    if (from.of.count > Context)
      return error(error_kind::length, "lacuna::node_positions: expected at most ")
             << std::uint64_t{Context} << " nodes (the context), found " << std::uint64_t{from.of.count}
             << " (give the recipe a longer context)";
    return nothing{};
  }
  template <extent_t Given, class Number>
  constexpr void assign(const node_positions<Given, Number>& from) {
    nodes = from.of.count;
    if constexpr (Given == Columns)
      for (extent_t i = 0; i < Context * Columns; ++i)
        of[i] = i < nodes * Columns ? static_cast<Value>(from.of.data[i]) : Value(0);
  }
  /// A stream has a token for each node, once nodes have positions; where it may be cut, it has fewer so far.
  constexpr status fits(extent_t tokens, bool whole) const {
    if (nodes != 0 && (whole ? tokens != nodes : tokens > nodes))
      return error(error_kind::length, "lacuna::forward: expected ")
             << std::uint64_t{nodes} << (whole ? "" : " or fewer")
             << " tokens, one for each node with a position, found " << std::uint64_t{tokens}
             << " (assign the node_positions of these tokens first)";
    return nothing{};
  }
};

/// x(t) += W p(t) + b for the position p(t) of node t: `(tokens, width)` in place; tokens * Columns * width
/// multiply-adds. Positions are given to the model, `model.try_assign(node_positions<Columns>{rows})`, and hold until
/// the next ones, whatever graph is assigned in between; before the first they are 0. `try_laplacian_positions`
/// (with_eigen.hpp) makes them from a graph; any other numbers serve as well. Paths: `position.weight`
/// `(Columns, width)`, a row for what each number adds, and `position.bias`.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, the input of the layers.
template <extent_t Columns>
struct laplacian_position {
  static_assert(__is_base_of(nothing, rules::node_positions_have_columns<Columns>) || true);
  using slot = slots::embedding_position;
  static constexpr auto name = fixed_string("laplacian_position<") + decimal<Columns>() + ">";
  static constexpr extent_t columns = Columns == 0 ? 1 : Columns;
  /// Positions come with the tokens, wherever these stand.
  static constexpr bool counts_from_the_start = false;

  template <extent_t Width, extent_t Context>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<columns, Width> weight;
      typename Role::template tensor<Width> bias;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
        v("bias", s.bias...);
      }
    };
    template <class Value>
    using shares = type_list<node_position_table<Value, Context, columns>>;

    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, rows<Value, Width> x, const Run& run) {
      op::multiply_transposed(x, positions_of<Value>(x.count, run), parameters.weight, run.backend);
      op::evaluate(x, x + parameters.bias, run.backend);
    }
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients& gradients, rows<Value, Width> dx, const Run& run) {
      op::accumulate_outer(gradients.weight, positions_of<Value>(dx.count, run), dx, run.backend);
      op::sum_over_tokens(gradients.bias, dx, dx.count, run.backend);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * columns * Width; }

   private:
    template <class Value, class Run>
    LACUNA_HD static constexpr auto positions_of(extent_t tokens, const Run& run) {
      return run.shared.template get<node_position_table<Value, Context, columns>>().of.view().slice(run.first, tokens);
    }
  };
};

/// Multiplies each column by 1 or -1, by chance: what an eigenvector's sign is worth. For a batch of training, with
/// `batch` its number; the same (seed, batch) gives the same signs. In place, so start from the positions themselves.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, positional encodings.
template <class Value, extent_t Columns>
constexpr void flip_signs(rows<Value, Columns> positions, std::uint64_t seed, std::uint64_t batch) {
  for (extent_t c = 0; c < Columns; ++c)
    if ((random_bits(seed, batch, c).word[0] & 1u) != 0)
      for (extent_t node = 0; node < positions.count; ++node) positions(node, c) = -positions(node, c);
}

LACUNA_END
