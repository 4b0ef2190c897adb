#pragma once
/// Kinds of tokens, such as the two texts of a pair, told to the model by a vector each.

#include <lacuna/core/error.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

struct no_token_types;

namespace slots {
/// `token_types<2>` or `no_token_types`.
struct token_types {
  using stand_in = no_token_types;
};
}  // namespace slots

/// The kind of each token of a stream, as it comes at run time.
struct token_type_view {
  const std::uint32_t* data = nullptr;
  extent_t count = 0;
};

/// What is remembered of it: at first all tokens are of kind 0.
template <extent_t Types, extent_t Context>
struct token_type_table {
  std::uint32_t of[Context]{};
  extent_t tokens = 0;

  /// Errors: more tokens than the context, a kind out of range.
  constexpr status check(const token_type_view& from) const {
    if (from.count > Context)
      return error(error_kind::length, "lacuna::token_types: expected at most ")
             << std::uint64_t{Context} << " tokens (the context), found " << std::uint64_t{from.count}
             << " (give the recipe a longer context)";
    for (extent_t t = 0; t < from.count; ++t)
      if (from.data[t] >= Types)
        return error(error_kind::token, "lacuna::token_types: token ")
               << std::uint64_t{t} << ": expected a kind below " << std::uint64_t{Types} << ", found "
               << std::uint64_t{from.data[t]} << " (number the kinds from 0)";
    return nothing{};
  }
  constexpr void assign(const token_type_view& from) {
    tokens = from.count;
    for (extent_t t = 0; t < Context; ++t) of[t] = t < tokens ? from.data[t] : 0;
  }
  /// A stream has the tokens whose kinds were told; where it may be cut, it has fewer so far.
  constexpr status fits(extent_t count, bool whole) const {
    if (tokens != 0 && (whole ? count != tokens : count > tokens))
      return error(error_kind::length, "lacuna::forward: expected ")
             << std::uint64_t{tokens} << (whole ? "" : " or fewer")
             << " tokens, those of the token_type_view that was assigned, found " << std::uint64_t{count}
             << " (assign the kinds of these tokens, or none)";
    return nothing{};
  }
};

namespace rules {
template <extent_t Types>
struct token_types_are_not_none {
  static_assert(Types > 0, "lacuna::token_types: there is none (choose token_types<N> with N > 0)");
};
}  // namespace rules

/// x(t) += weight(kind of t): `(tokens, width)` in place; Types * width parameters at `token_type.weight`. Kinds are
/// given to the model, `model.try_assign(token_type_view{kinds, count})`, and hold until the next ones; before the
/// first, and after an empty view, all are 0. Source: Devlin et al. (2018), arXiv 1810.04805, section 3 (segment
/// embeddings).
template <extent_t Types>
struct token_types {
  static_assert(__is_base_of(nothing, rules::token_types_are_not_none<Types>) || true);
  using slot = slots::token_types;
  static constexpr extent_t kinds = Types == 0 ? 1 : Types;
  static constexpr auto name = fixed_string("token_types<") + decimal<Types>() + ">";

  template <extent_t Width, extent_t Context>
  struct bound {
    using table = token_type_table<kinds, Context>;
    using shares = type_list<table>;
    template <class Role>
    struct parameters {
      typename Role::template tensor<kinds, Width> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, rows<Value, Width> x, const Run& run) {
      const auto& types = run.shared.template get<table>();
      for (extent_t t = 0; t < x.count; ++t)
        op::evaluate(x.slice(t, 1), x.slice(t, 1) + parameters.weight.view().slice(types.of[run.first + t], 1),
                     run.backend);
    }
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients& gradients, rows<Value, Width> dx, const Run& run) {
      const auto& types = run.shared.template get<table>();
      for (extent_t t = 0; t < dx.count; ++t) {
        const auto gradient = gradients.weight.view().slice(types.of[run.first + t], 1);
        op::evaluate(gradient, gradient + dx.slice(t, 1), run.backend);
      }
    }
  };
};

/// All tokens are alike.
struct no_token_types {
  using slot = slots::token_types;
  static constexpr auto name = fixed_string("no_token_types");

  template <extent_t Width, extent_t Context>
  struct bound {
    using shares = type_list<>;
    template <class Role>
    struct parameters : no_tensors<no_token_types> {};
    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, rows<Value, Width>, const Run&) {}
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients&, rows<Value, Width>, const Run&) {}
  };
};

LACUNA_END
