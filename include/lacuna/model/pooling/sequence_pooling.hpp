#pragma once
/// A sequence as a mean of its rows whose weights are learned.

#include <lacuna/core/maths.hpp>
#include <lacuna/model/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y(s) = sum of p(t) x(t), where p is the softmax of weight . x(t) over the tokens of sequence s:
/// `(tokens, width) -> (sequences, width)`, 2 tokens width multiply-adds. Paths: `pooling.weight` `(width)`,
/// `pooling.bias`
/// `(1)`; the bias is the same for all tokens and changes nothing, and is there because checkpoints have it.
/// Source: Hassani et al. (2021), Escaping the big data paradigm with compact transformers, arXiv 2104.05704, section
/// 3.3 (SeqPool).
struct sequence_pooling {
  using slot = slots::pooling;
  static constexpr auto name = fixed_string("sequence_pooling");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<Width> weight;
      typename Role::template tensor<1> bias;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
        v("bias", s.bias...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<1> share;    ///< p
      typename Plan::template buffer<1> through;  ///< g, of backward
    };

    template <class Parameters, class Memory, class Table, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Table& table,
                                            rows<Value, Width> x, rows<Value, Width> y, const Run& run) {
      const auto share = memory.share.first(x.count);
      op::evaluate(share, row_sum(x * parameters.weight), run.backend);
      for (extent_t s = 0; s < y.count; ++s) {
        const extent_t first = table.start(s), last = table.end(s, x.count);
        Value largest = share(first, 0), sum = 0;
        for (extent_t t = first + 1; t < last; ++t) largest = share(t, 0) > largest ? share(t, 0) : largest;
        for (extent_t t = first; t < last; ++t) sum += share(t, 0) = maths::exp(share(t, 0) - largest);
        const auto mean = y.slice(s, 1);
        mean.fill(0);
        for (extent_t t = first; t < last; ++t) {
          share(t, 0) /= sum;
          op::evaluate(mean, mean + x.slice(t, 1) * share(t, 0), run.backend);
        }
      }
    }
    /// With g(t) = dy . x(t): ds = p (g - sum of p g); dx += p dy + ds weight; dweight += ds x.
    template <class Parameters, class Gradients, class Memory, class Table, class Value, class Output, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             const Table& table, rows<Value, Width> x, rows<Output, Width> dy,
                                             rows<Value, Width> dx, const Run& run) {
      const auto share = memory.share.first(x.count), through = memory.through.first(x.count);
      for (extent_t s = 0; s < dy.count; ++s) {
        const extent_t first = table.start(s), last = table.end(s, x.count);
        const auto adjoint = dy.slice(s, 1);
        Value mean = 0;
        for (extent_t t = first; t < last; ++t) {
          op::evaluate(through.slice(t, 1), row_sum(adjoint * x.slice(t, 1)), run.backend);
          mean += share(t, 0) * through(t, 0);
        }
        for (extent_t t = first; t < last; ++t) {
          const Value p = share(t, 0);
          const Value ds = p * (through(t, 0) - mean);
          const auto down = dx.slice(t, 1);
          op::evaluate(down, down + adjoint * p + parameters.weight * ds, run.backend);
          op::sum_over_tokens(gradients.weight, x.slice(t, 1) * ds, 1, run.backend);
        }
      }
    }
  };
};

LACUNA_END
