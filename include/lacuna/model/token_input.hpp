#pragma once
/// What a trunk reads: token numbers, rows of a table.
///
/// An input is a component in front of the blocks. It says
///   `tokens(given)`      how many rows it makes of what a model is given,
///   `forward(values, given, embedded, run)` and `backward(values, adjoints, given, dembedded, run)`,
///   `facts(f)`           the sizes that its parameters have,
/// and has `parameters`, `memory`, `derived`, `refresh` and `multiply_adds(tokens)` as other components do.

#include <lacuna/op/embed.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// Tokens `(tokens)` to rows `(tokens, width)` of a table `(vocabulary, width)`, at `embedding.weight`. No
/// multiply-adds.
template <extent_t Vocabulary, extent_t Width, extent_t Context>
struct token_input {
  static constexpr extent_t vocabulary = Vocabulary;
  LACUNA_HD static constexpr extent_t tokens(token_view given) noexcept { return given.count; }

  template <class Role>
  struct parameters {
    typename Role::template tensor<Vocabulary, Width> weight;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("weight", s.weight...);
    }
  };
  template <class Plan>
  struct memory {};
  template <class Target>
  struct derived {};

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) {}
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, token_view given, rows<Value, Width> embedded, const Run& run) {
    op::embed(embedded, v.parameters.weight, given, run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values, Adjoints a, token_view given, rows<Value, Width> dembedded,
                                           const Run& run) {
    op::embed_backward(a.gradients.weight, dembedded, given, run.backend);
  }
  static constexpr std::uint64_t multiply_adds(extent_t) { return 0; }
  /// Calls `f(name, value)` for every size.
  template <class Function>
  static constexpr void facts(Function&& f) {
    f("vocabulary", Vocabulary);
    f("width", Width);
    f("context", Context);
  }
};

LACUNA_END
