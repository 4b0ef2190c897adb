#pragma once
/// One learned vector per position, added to the embedding.

#include <lacuna/op/evaluate.hpp>
#include <lacuna/position/slots.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// x(t) += weight(first + t): `(tokens, width)` in place; context * width parameters.
/// Source: Gehring et al. (2017), arXiv 1705.03122, section 3.1; Devlin et al. (2018), arXiv 1810.04805.
struct learned_position {
  using slot = slots::embedding_position;
  static constexpr auto name = fixed_string("learned_position");

  template <extent_t Width, extent_t Context>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<Context, Width> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, rows<Value, Width> x, const Run& run) {
      op::evaluate(x, x + parameters.weight.view().slice(run.first, x.count), run.backend);
    }
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients& gradients, rows<Value, Width> dx, const Run& run) {
      const auto gradient = gradients.weight.view().slice(run.first, dx.count);
      op::evaluate(gradient, gradient + dx, run.backend);
    }
  };
};

LACUNA_END
