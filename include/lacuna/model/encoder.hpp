#pragma once
/// The encoder: embedding, positions, kinds of tokens, blocks, and one row for each sequence.

#include <lacuna/model/packed.hpp>
#include <lacuna/model/pooling/mean_pooling.hpp>
#include <lacuna/model/trunk.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct encoder;
}

/// The slots of an encoder and their defaults.
using encoder_fields =
    fields<field<slots::vocabulary, must>, field<slots::width, must>, field<slots::context, must>,
           field<slots::norm, closing_norm_of_body>, field<slots::embedding_position, no_embedding_position>,
           field<slots::token_types, no_token_types>, field<slots::embedding_norm, no_embedding_norm>,
           field<slots::sequences, sequences<1>>, field<slots::pooling, mean_pooling>, many<slots::block>>;

namespace rules {
template <extent_t Count>
struct encoder_has_a_body {
  static_assert(Count > 0,
                "lacuna::encoder: the body is missing (add a block, such as lacuna::repeat<N, post_norm<...>>)");
};
template <bool Fine>
struct encoder_sizes_are_not_zero {
  static_assert(Fine, "lacuna::encoder: a size is 0 (give vocabulary, width and context at least 1)");
};
}  // namespace rules

namespace detail {

/// What takes several sequences of the parts of an encoder; one alone needs nothing.
template <class Type, class Sequences>
struct packed_if_several : substituted<Type, packs<Sequences>> {};
template <class Type>
struct packed_if_several<Type, sequences<1>> {
  using type = Type;
};
template <class Blocks, class Sequences>
struct packed_blocks;
template <class... Blocks, class Sequences>
struct packed_blocks<type_list<Blocks...>, Sequences> {
  using type = type_list<typename packed_if_several<Blocks, Sequences>::type...>;
};

}  // namespace detail

/// `encoder<vocabulary<30522>, width<384>, context<512>, learned_position, token_types<2>,
/// embedding_norm<layer_norm<>>, repeat<6, post_norm<...>>, sequences<32>, mean_pooling>`:
/// tokens `(tokens)` to one row for each sequence, `(sequences, width)`.
///
/// `context` tokens at most in one pass, of up to `sequences` sequences one behind the other, without pad tokens; each
/// is treated as if it were alone (routes and positions are wrapped as by `packed`). See `model::try_encode`.
/// Paths: those of a decoder, `token_type.weight`, and what the pooling has under `pooling`.
/// Source: Devlin et al. (2018), BERT, arXiv 1810.04805; without pad tokens: Zhai et al. (2022), ByteTransformer,
/// arXiv 2210.03052.
template <class... Policies>
struct encoder : recipe<recipe_name::encoder, encoder_fields, Policies...> {
  using base = recipe<recipe_name::encoder, encoder_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = encoder<New...>;
  static constexpr bool complained =
      detail::inspection<encoder_fields, Policies...>::find().what != detail::problem::none;

  using sizes = detail::asked_sizes<base>;
  static_assert(__is_base_of(nothing, rules::encoder_sizes_are_not_zero<sizes::sized>) || true);
  static constexpr extent_t vocabulary = sizes::vocabulary;
  static constexpr extent_t width = sizes::width;
  static constexpr extent_t context = sizes::context;
  using several = typename base::template get<slots::sequences>;

  using asked_blocks = typename base::template list<slots::block>;
  static_assert(__is_base_of(nothing, rules::encoder_has_a_body<complained ? 1 : asked_blocks::size>) || true);
  using blocks = std::conditional_t<complained || !sizes::sized, type_list<>,
                                    typename detail::packed_blocks<asked_blocks, several>::type>;

  /// The choices of which the trunk is made.
  struct trunk_parts : detail::choices_of_trunk<base, blocks> {
    using embedding_position =
        typename detail::packed_if_several<typename base::template get<slots::embedding_position>, several>::type;
    using token_types = typename base::template get<slots::token_types>;
  };

  struct bound : trunk<trunk_parts> {
    using trunk_type = trunk<trunk_parts>;
    static constexpr bool is_encoder = true;
    static constexpr extent_t sequences = several::value;
    using pooling = typename base::template get<slots::pooling>::template bound<encoder::width>;
    using table = sequence_table<sequences, encoder::context>;

    template <class Role>
    struct parameters : trunk_type::template parameters<Role> {
      using of_trunk = typename trunk_type::template parameters<Role>;
      LACUNA_NO_ADDRESS typename pooling::template parameters<Role> pooling_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        of_trunk::visit(v, s...);
        v("pooling", s.pooling_part...);
      }
    };
    template <class Plan>
    struct memory : trunk_type::template memory<Plan> {
      LACUNA_NO_ADDRESS typename pooling::template memory<Plan> pooling_part;
    };
    template <class Plan>
    using shares = unique<join<typename trunk_type::template shares<Plan>, type_list<table>>>;

    /// One row for each sequence of the last forward, `tokens` in all.
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void pool(Values v, extent_t tokens, rows<Value, encoder::width> to, const Run& run) {
      pooling::forward(v.parameters.pooling_part, v.memory.pooling_part, run.shared.template get<table>(),
                       v.memory.normed.first(tokens), to, run);
    }
    /// Adjoints of the rows of all sequences to all parameters; gradients accumulate.
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, token_view tokens,
                                             rows<Value, encoder::width> dpooled, const Run& run) {
      const auto dnormed = trunk_type::clear_adjoints(a, tokens);
      pooling::backward(v.parameters.pooling_part, a.gradients.pooling_part, v.memory.pooling_part,
                        run.shared.template get<table>(), v.memory.normed.first(tokens.count), dpooled, dnormed, run);
      trunk_type::backward(v, a, tokens, run);
    }
    /// Multiply-adds of `tokens` rows, all of one sequence: that is the most; pooling is not counted.
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens, extent_t) {
      return trunk_type::multiply_adds(first, tokens);
    }
  };
};

LACUNA_END
