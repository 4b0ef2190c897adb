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
  static constexpr bool is_tied = true;
  static constexpr auto name = fixed_string("tied_head");

  template <extent_t Vocabulary, extent_t Width>
  struct bound {
    using map = typename dense::template bound<Vocabulary, Width>;
    template <class Role>
    struct parameters : no_tensors<tied_head> {};
    template <class Plan>
    using memory = typename map::template memory<Plan>;
    template <class Target>
    using derived = typename map::template derived<Target>;

    template <class Parameters, class Embedding, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, const Embedding& embedding, Derived& derived) {
      map::refresh(embedding, derived);
    }
    template <class Parameters, class Embedding, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, const Embedding& embedding, Memory& memory,
                                            const Derived& derived, rows<Value, Width> x,
                                            rows<Value, Vocabulary> logits, const Run& run) {
      map::forward(embedding, memory, derived, x, logits, run);
    }
    template <class Parameters, class Embedding, class Gradients, class EmbeddingGradient, class Memory, class Adjoint,
              class Derived, class Output, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, const Embedding& embedding, Gradients&,
                                             EmbeddingGradient& embedding_gradient, Memory& memory, Adjoint& adjoint,
                                             const Derived& derived, rows<Value, Width> x,
                                             rows<Output, Vocabulary> dlogits, rows<Value, Width> dx, const Run& run) {
      map::backward(embedding, embedding_gradient, memory, adjoint, derived, x, dlogits, dx, run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return map::multiply_adds(tokens); }
  };
};

namespace recipe_name {
struct linear_head;
}

/// The slots of a head of its own and their defaults.
using linear_head_fields = fields<field<slots::format, dense>, field<slots::bias, no_bias>>;

/// logits = x W^T with a matrix of its own: `(tokens, width) -> (tokens, vocabulary)`; the multiply-adds of its format.
/// `linear_head<bias>` adds one value per token, `linear_head<quantized<8>>` stores the matrix in another format.
/// Paths: `head.weight` (or what the format stores), `head.bias`.
template <class... Policies>
struct linear_head : recipe<recipe_name::linear_head, linear_head_fields, Policies...> {
  using slot = slots::head;
  using base = recipe<recipe_name::linear_head, linear_head_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = linear_head<New...>;
  static constexpr auto name = [] {
    using format = typename base::template get<slots::format>;
    if constexpr (same<format, dense>)
      return fixed_string("linear_head");
    else
      return fixed_string("linear_head<") + format::name + ">";
  }();

  template <extent_t Vocabulary, extent_t Width>
  struct bound {
    using map = projection<typename base::template get<slots::format>, typename base::template get<slots::bias>,
                           Vocabulary, Width>;
    template <class Role>
    using parameters = typename map::template parameters<Role>;
    template <class Plan>
    using memory = typename map::template memory<Plan>;
    template <class Target>
    using derived = typename map::template derived<Target>;

    template <class Parameters, class Embedding, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, const Embedding&, Derived& derived) {
      map::refresh(parameters, derived);
    }
    template <class Parameters, class Embedding, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, const Embedding&, Memory& memory,
                                            const Derived& derived, rows<Value, Width> x,
                                            rows<Value, Vocabulary> logits, const Run& run) {
      map::forward(parameters, memory, derived, x, logits, run);
    }
    template <class Parameters, class Embedding, class Gradients, class EmbeddingGradient, class Memory, class Adjoint,
              class Derived, class Output, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, const Embedding&, Gradients& gradients,
                                             EmbeddingGradient&, Memory& memory, Adjoint& adjoint,
                                             const Derived& derived, rows<Value, Width> x,
                                             rows<Output, Vocabulary> dlogits, rows<Value, Width> dx, const Run& run) {
      map::backward(parameters, gradients, memory, adjoint, derived, x, dlogits, dx, run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return map::multiply_adds(tokens); }
  };
};

LACUNA_END
