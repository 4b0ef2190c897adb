#pragma once
/// No positions: attention sees a set, but for what the route tells it.

#include <lacuna/position/slots.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// Queries and keys pass unchanged.
struct no_position {
  using slot = slots::position;
  static constexpr auto name = fixed_string("no_position");

  template <extent_t HeadWidth, extent_t Context>
  struct on_projections {
    static constexpr bool adds_up = true;
    template <class Value>
    using shares = type_list<>;
    template <class Value, extent_t Columns, class Run>
    LACUNA_HD static constexpr void apply(rows<Value, Columns>, bool, const Run&) {}
  };
};

/// Nothing is added to the embedding.
struct no_embedding_position {
  using slot = slots::embedding_position;
  static constexpr auto name = fixed_string("no_embedding_position");

  template <extent_t Width, extent_t Context>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<no_embedding_position> {};
    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, rows<Value, Width>, const Run&) {}
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients&, rows<Value, Width>, const Run&) {}
  };
};

LACUNA_END
