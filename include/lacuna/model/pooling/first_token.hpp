#pragma once
/// A sequence as its first row.

#include <lacuna/model/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y(s) = x(first token of sequence s), such as BERT's [CLS]: `(tokens, width) -> (sequences, width)`, no parameters,
/// no multiply-adds. Source: Devlin et al. (2018), arXiv 1810.04805, section 3.
struct first_token {
  using slot = slots::pooling;
  static constexpr auto name = fixed_string("first_token");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<first_token> {};
    template <class Plan>
    struct memory {};

    template <class Parameters, class Memory, class Table, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory&, const Table& table, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      for (extent_t s = 0; s < y.count; ++s)
        op::evaluate(y.slice(s, 1), readable(x.slice(table.start(s), 1)), run.backend);
    }
    template <class Parameters, class Gradients, class Memory, class Table, class Value, class Output, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, const Table& table,
                                             rows<Value, Width>, rows<Output, Width> dy, rows<Value, Width> dx,
                                             const Run& run) {
      for (extent_t s = 0; s < dy.count; ++s) {
        const auto first = dx.slice(table.start(s), 1);
        op::evaluate(first, first + dy.slice(s, 1), run.backend);
      }
    }
  };
};

LACUNA_END
