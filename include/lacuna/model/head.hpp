#pragma once
/// The output head: hidden states to one logit per token of the vocabulary.

#include <lacuna/format/projection.hpp>
#include <lacuna/model/slots.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

/// logits = x E^T with the embedding E: `(tokens, width) -> (tokens, vocabulary)`, no parameters of its own.
/// Source: Press and Wolf (2016), arXiv 1608.05859.
struct tied_head {
  using slot = slots::head;
  static constexpr auto name = fixed_string("tied_head");

  template <extent_t Vocabulary, extent_t Width>
  struct bound {
    using map = typename dense::template bound<Vocabulary, Width>;
    template <class Role>
    struct parameters : no_tensors<tied_head> {};
    template <class Target>
    using derived = typename map::template derived<Target>;

    template <class Parameters, class Embedding, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, const Embedding& embedding, Derived& derived) {
      map::refresh(embedding, derived);
    }
    template <class Parameters, class Embedding, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, const Embedding& embedding, const Derived& derived,
                                            rows<Value, Width> x, rows<Value, Vocabulary> logits, const Run& run) {
      nothing memory;
      map::forward(embedding, memory, derived, x, logits, run);
    }
    template <class Parameters, class Embedding, class Gradients, class EmbeddingGradient, class Derived, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, const Embedding& embedding, Gradients&,
                                             EmbeddingGradient& embedding_gradient, const Derived& derived,
                                             rows<Value, Width> x, rows<Output, Vocabulary> dlogits,
                                             rows<Value, Width> dx, const Run& run) {
      nothing memory;
      map::backward(embedding, embedding_gradient, memory, memory, derived, x, dlogits, dx, run);
    }
  };
};

/// logits = x W^T with a matrix of its own: `(tokens, width) -> (tokens, vocabulary)`.
/// `linear_head<bias>` adds one value per token. Paths: `head.weight`, `head.bias`.
template <class Bias = no_bias>
struct linear_head {
  using slot = slots::head;
  static constexpr auto name = fixed_string("linear_head");

  template <extent_t Vocabulary, extent_t Width>
  struct bound {
    using map = projection<dense, Bias, Vocabulary, Width>;
    template <class Role>
    using parameters = typename map::template parameters<Role>;
    template <class Target>
    using derived = typename map::template derived<Target>;

    template <class Parameters, class Embedding, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, const Embedding&, Derived& derived) {
      map::refresh(parameters, derived);
    }
    template <class Parameters, class Embedding, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, const Embedding&, const Derived& derived,
                                            rows<Value, Width> x, rows<Value, Vocabulary> logits, const Run& run) {
      nothing memory;
      map::forward(parameters, memory, derived, x, logits, run);
    }
    template <class Parameters, class Embedding, class Gradients, class EmbeddingGradient, class Derived, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, const Embedding&, Gradients& gradients,
                                             EmbeddingGradient&, const Derived& derived, rows<Value, Width> x,
                                             rows<Output, Vocabulary> dlogits, rows<Value, Width> dx, const Run& run) {
      nothing memory;
      map::backward(parameters, gradients, memory, memory, derived, x, dlogits, dx, run);
    }
  };
};

LACUNA_END
