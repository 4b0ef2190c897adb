#pragma once
/// A sequence as the mean of its rows.

#include <lacuna/model/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y(s) = the mean of x(t) over the tokens of sequence s: `(tokens, width) -> (sequences, width)`, no parameters,
/// O(tokens * width). Source: Reimers and Gurevych (2019), Sentence-BERT, arXiv 1908.10084, section 3.
struct mean_pooling {
  using slot = slots::pooling;
  static constexpr auto name = fixed_string("mean_pooling");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<mean_pooling> {};
    template <class Plan>
    struct memory {};

    template <class Parameters, class Memory, class Table, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory&, const Table& table, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      for (extent_t s = 0; s < y.count; ++s) {
        const extent_t first = table.start(s), last = table.end(s, x.count);
        const auto mean = y.slice(s, 1);
        op::evaluate(mean, readable(x.slice(first, 1)), run.backend);
        for (extent_t t = first + 1; t < last; ++t) op::evaluate(mean, mean + x.slice(t, 1), run.backend);
        op::evaluate(mean, mean * (Value(1) / static_cast<Value>(last - first)), run.backend);
      }
    }
    template <class Parameters, class Gradients, class Memory, class Table, class Value, class Output, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, const Table& table,
                                             rows<Value, Width>, rows<Output, Width> dy, rows<Value, Width> dx,
                                             const Run& run) {
      for (extent_t s = 0; s < dy.count; ++s) {
        const extent_t first = table.start(s), last = table.end(s, dx.count);
        for (extent_t t = first; t < last; ++t)
          op::evaluate(dx.slice(t, 1), dx.slice(t, 1) + dy.slice(s, 1) * (Value(1) / static_cast<Value>(last - first)),
                       run.backend);
      }
    }
  };
};

LACUNA_END
