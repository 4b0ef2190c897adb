#pragma once
/// The decoder: embedding, positions, a norm of both where one is wanted, blocks, final norm, head.

#include <lacuna/attention/selection_leak.hpp>
#include <lacuna/model/head.hpp>
#include <lacuna/model/headed_trunk.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct decoder;
}

/// The slots of a decoder and their defaults.
using decoder_fields =
    fields<field<slots::vocabulary, must>, field<slots::width, must>, field<slots::context, must>,
           field<slots::norm, closing_norm_of_body>, field<slots::embedding_position, no_embedding_position>,
           field<slots::embedding_norm, no_embedding_norm>, field<slots::head, tied_head>,
           field<slots::selection_leak, refuse_selection_leak>, many<slots::block>>;

namespace rules {
template <extent_t Count>
struct decoder_has_a_body {
  static_assert(Count > 0,
                "lacuna::decoder: the body is missing (add a block, such as lacuna::repeat<N, pre_norm<...>>)");
};
template <bool Fine>
struct decoder_sizes_are_not_zero {
  static_assert(Fine, "lacuna::decoder: a size is 0 (give vocabulary, width and context at least 1)");
};
template <bool Fine>
struct decoder_selects_by_the_past {
  static_assert(Fine,
                "lacuna::decoder: later tokens decide what a row sees of earlier ones, so that losses rest on what is "
                "to be predicted (use k_means, top_k or a route with spans, or add allow_selection_leak)");
};
}  // namespace rules

/// `decoder<vocabulary<512>, width<64>, context<512>, repeat<5, pre_norm<...>>, tied_head>`:
/// tokens `(tokens)` to logits `(tokens, vocabulary)`.
/// Paths: `embedding.weight`, `position.weight`, `embedding_norm.gain`, `blocks.<n>...`, `final_norm.gain`,
/// `head.weight`.
/// Source: Radford et al. (2018), "Improving language understanding by generative pre-training"; Vaswani et al. (2017).
template <class... Policies>
struct decoder : recipe<recipe_name::decoder, decoder_fields, Policies...> {
  using base = recipe<recipe_name::decoder, decoder_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = decoder<New...>;
  static constexpr bool complained =
      detail::inspection<decoder_fields, Policies...>::find().what != detail::problem::none;

  using sizes = detail::asked_sizes<base>;
  static_assert(__is_base_of(nothing, rules::decoder_sizes_are_not_zero<sizes::sized>) || true);
  static constexpr extent_t vocabulary = sizes::vocabulary;
  static constexpr extent_t width = sizes::width;
  static constexpr extent_t context = sizes::context;

  using asked_blocks = typename base::template list<slots::block>;
  static_assert(__is_base_of(nothing, rules::decoder_has_a_body<complained ? 1 : asked_blocks::size>) || true);
  using blocks = std::conditional_t<complained || !sizes::sized, type_list<>, asked_blocks>;

  using trunk_parts = detail::choices_of_trunk<base, blocks>;

  struct bound : trunk<trunk_parts> {
    using trunk_type = trunk<trunk_parts>;
    static constexpr bool leak_is_wanted =
        !trunk_type::selection_leaks || base::template get<slots::selection_leak>::allowed;
    static_assert(__is_base_of(nothing, rules::decoder_selects_by_the_past<leak_is_wanted>) || true);
    using head = typename base::template get<slots::head>::template bound<decoder::vocabulary, decoder::width>;
    using both = detail::headed_trunk<trunk_type, head>;

    template <class Role>
    using parameters = typename both::template parameters<Role>;
    template <class Plan>
    using memory = typename both::template memory<Plan>;
    template <class Target>
    using derived = typename both::template derived<Target>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      both::refresh(parameters, derived);
    }
    /// The logits of rows [from, from + to.count) of the last forward.
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void logits(Values v, extent_t from, rows<Value, decoder::vocabulary> to,
                                           const Run& run) {
      head::forward(v.parameters.head_part, v.parameters.embedding, v.memory.head_part, v.derived.head_part,
                    v.memory.normed.first(from + to.count).slice(from, to.count), to, run);
    }
    /// Adjoints of all logits to all parameters; gradients accumulate. Covers a stream from position 0.
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, token_view tokens,
                                             rows<Value, decoder::vocabulary> dlogits, const Run& run) {
      const auto dnormed = trunk_type::clear_adjoints(a, tokens);
      head::backward(v.parameters.head_part, v.parameters.embedding, a.gradients.head_part, a.gradients.embedding,
                     v.memory.head_part, a.memory.head_part, v.derived.head_part, v.memory.normed.first(tokens.count),
                     dlogits, dnormed, run);
      trunk_type::backward(v, a, tokens, run);
    }
    /// Multiply-adds of `tokens` rows from position `first` on, with the logits of `logit_rows` of them.
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens, extent_t logit_rows) {
      return trunk_type::multiply_adds(first, tokens) + head::multiply_adds(logit_rows);
    }
  };
};

LACUNA_END
