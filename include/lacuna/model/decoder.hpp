#pragma once
/// The decoder: embedding, positions, a norm of both where one is wanted, blocks, final norm, head.

#include <lacuna/block/no_component.hpp>
#include <lacuna/block/repeat.hpp>
#include <lacuna/model/embedding_norm.hpp>
#include <lacuna/model/head.hpp>
#include <lacuna/model/streams.hpp>
#include <lacuna/norm/no_norm.hpp>
#include <lacuna/op/embed.hpp>
#include <lacuna/position/no_position.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct decoder;
}

/// Default: the `closing_norm` of the last block.
struct closing_norm_of_body {};

/// The slots of a decoder and their defaults.
using decoder_fields =
    fields<field<slots::vocabulary, must>, field<slots::width, must>, field<slots::context, must>,
           field<slots::norm, closing_norm_of_body>, field<slots::embedding_position, no_embedding_position>,
           field<slots::embedding_norm, no_embedding_norm>, field<slots::head, tied_head>, many<slots::block>>;

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
struct body_keeps_the_width {
  static_assert(Fine,
                "lacuna::decoder: a block changes the width (end it with a projection back to its input's width)");
};
}  // namespace rules

namespace detail {

template <class Norm, class Body>
struct final_norm {
  using type = Norm;
};
template <class Body>
struct final_norm<closing_norm_of_body, Body> {
  using type = typename Body::closing_norm;
};

/// What an embedding position shares: nothing, unless it says so.
template <class Position, class Value, class = void>
struct shared_by_position {
  using type = type_list<>;
};
template <class Position, class Value>
struct shared_by_position<Position, Value, std::void_t<typename Position::template shares<Value>>> {
  using type = typename Position::template shares<Value>;
};

/// What an embedding position costs: nothing that is counted, unless it says so.
template <class Position>
constexpr std::uint64_t work_of_position(extent_t tokens) {
  if constexpr (requires { Position::multiply_adds(tokens); })
    return Position::multiply_adds(tokens);
  else
    return 0;
}

template <class List>
struct body_of;
template <class... Blocks>
struct body_of<type_list<Blocks...>> {
  using type = stack<Blocks...>;
};
template <class Only>
struct body_of<type_list<Only>> {
  using type = repeat<1, Only>;
};
template <>
struct body_of<type_list<>> {
  using type = no_component;
};

}  // namespace detail

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

  template <class Slot>
  static constexpr extent_t asked = base::template get<Slot>::value;
  static constexpr bool sized = asked<slots::vocabulary> > 0 && asked<slots::width> > 0 && asked<slots::context> > 0;
  static_assert(__is_base_of(nothing, rules::decoder_sizes_are_not_zero<sized>) || true);
  static constexpr extent_t vocabulary = sized ? asked<slots::vocabulary> : 1;
  static constexpr extent_t width = sized ? asked<slots::width> : 1;
  static constexpr extent_t context = sized ? asked<slots::context> : 1;

  using asked_blocks = typename base::template list<slots::block>;
  static_assert(__is_base_of(nothing, rules::decoder_has_a_body<complained ? 1 : asked_blocks::size>) || true);
  using blocks = std::conditional_t<complained || !sized, type_list<>, asked_blocks>;

  struct bound {
    static constexpr extent_t vocabulary = decoder::vocabulary;
    static constexpr extent_t width = decoder::width;
    static constexpr extent_t context = decoder::context;
    using sublayers = typename detail::bound_inside<blocks, place<width, context>>::type;
    static_assert(__is_base_of(nothing, detail::completed<sublayers>) || true);
    static constexpr bool forgets = some_forget<sublayers>;
    static constexpr detail::stream_agreement agreement = detail::streams_of_all<sublayers>;
    static_assert(__is_base_of(nothing, rules::layers_keep_as_many_streams<agreement.agreed>) || true);
    static constexpr extent_t streams = agreement.agreed && agreement.count > 0 ? agreement.count : 1;
    using body_recipe = typename detail::body_of<blocks>::type;
    using body = typename body_recipe::template bound<place<width, context>>;
    static_assert(__is_base_of(nothing, rules::body_keeps_the_width<(body::out::width == width)>) || true);
    static constexpr bool sees_ahead = lacuna::sees_ahead<body>;
    using norm_policy = typename detail::final_norm<typename base::template get<slots::norm>, body_recipe>::type;
    using norm = typename norm_policy::template bound<width>;
    using position = typename base::template get<slots::embedding_position>::template bound<width, context>;
    using entry = detail::norm_stage<typename base::template get<slots::embedding_norm>::norm, width, bound>;
    using head = typename base::template get<slots::head>::template bound<vocabulary, width>;

    template <class Role>
    struct embedding_table {
      typename Role::template tensor<decoder::vocabulary, decoder::width> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Role>
    struct parameters {
      embedding_table<Role> embedding;
      [[no_unique_address]] typename position::template parameters<Role> position_part;
      [[no_unique_address]] typename entry::template parameters<Role> entry_part;
      typename body::template parameters<Role> body_part;
      [[no_unique_address]] typename norm::template parameters<Role> norm_part;
      [[no_unique_address]] typename head::template parameters<Role> head_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("embedding", s.embedding...);
        v("position", s.position_part...);
        v("embedding_norm", s.entry_part...);
        v("", s.body_part...);
        v("final_norm", s.norm_part...);
        v("head", s.head_part...);
      }
    };
    template <class Role>
    struct state : body::template state<Role> {};
    template <class Plan>
    struct memory {
      typename Plan::template buffer<decoder::width> embedded;
      [[no_unique_address]] typename entry::template memory<Plan> entry_part;
      typename Plan::template buffer<decoder::width> mixed;   ///< after the last block
      typename Plan::template buffer<decoder::width> normed;  ///< after the final norm
      typename body::template memory<Plan> body_part;
      typename norm::template memory<Plan> norm_part;
    };
    template <class Target>
    struct derived {
      typename body::template derived<Target> body_part;
      typename head::template derived<Target> head_part;
    };
    template <class Plan>
    using shares = unique<join<typename body::template shares<Plan>,
                               typename detail::shared_by_position<position, typename Plan::value>::type>>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      body::refresh(parameters.body_part, derived.body_part);
      head::refresh(parameters.head_part, parameters.embedding, derived.head_part);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      entry::initialise(parameters.entry_part);
      body::initialise(parameters.body_part);
      norm::initialise(parameters.norm_part);
    }

    /// Tokens through all blocks and the final norm; `logits` reads the result.
    template <class Values, class Run>
    LACUNA_HD static constexpr void forward(Values v, token_view tokens, const Run& run) {
      auto& m = v.memory;
      const auto embedded = m.embedded.first(tokens.count), mixed = m.mixed.first(tokens.count);
      op::embed(embedded, v.parameters.embedding.weight, tokens, run.backend);
      position::forward(v.parameters.position_part, embedded, run);
      const auto entered = entry::inner_rows(m.entry_part, embedded);
      if constexpr (entry::present)
        entry::norm::forward(v.parameters.entry_part, m.entry_part.norm_part, embedded, entered, run);
      body::forward(values{v.parameters.body_part, v.state, m.body_part, v.derived.body_part}, entered, mixed, run);
      norm::forward(v.parameters.norm_part, m.norm_part, mixed, m.normed.first(tokens.count), run);
    }
    /// The logits of rows [from, from + to.count) of the last forward.
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void logits(Values v, extent_t from, rows<Value, vocabulary> to, const Run& run) {
      head::forward(v.parameters.head_part, v.parameters.embedding, v.derived.head_part,
                    v.memory.normed.first(from + to.count).slice(from, to.count), to, run);
    }
    /// Adjoints of all logits to all parameters; gradients accumulate. Covers a stream from position 0.
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, token_view tokens, rows<Value, vocabulary> dlogits,
                                             const Run& run) {
      auto& m = v.memory;
      auto& d = a.memory;
      const extent_t count = tokens.count;
      const auto dembedded = d.embedded.first(count), dmixed = d.mixed.first(count), dnormed = d.normed.first(count);
      dembedded.fill(0), dmixed.fill(0), dnormed.fill(0);
      head::backward(v.parameters.head_part, v.parameters.embedding, a.gradients.head_part, a.gradients.embedding,
                     v.derived.head_part, m.normed.first(count), dlogits, dnormed, run);
      norm::backward(v.parameters.norm_part, a.gradients.norm_part, m.norm_part, m.mixed.first(count), dnormed, dmixed,
                     run);
      const auto entered = entry::inner_rows(m.entry_part, m.embedded.first(count)),
                 dentered = entry::inner_rows(d.entry_part, dembedded);
      if constexpr (entry::present) dentered.fill(0);
      body::backward(values{v.parameters.body_part, v.state, m.body_part, v.derived.body_part},
                     adjoints{a.gradients.body_part, a.state, d.body_part}, entered, dmixed, dentered, run);
      if constexpr (entry::present)
        entry::norm::backward(v.parameters.entry_part, a.gradients.entry_part, m.entry_part.norm_part,
                              m.embedded.first(count), dentered, dembedded, run);
      position::backward(a.gradients.position_part, dembedded, run);
      op::embed_backward(a.gradients.embedding.weight, dembedded, tokens, run.backend);
    }
    template <class Memory, class Function>
    static constexpr void losses(Memory& memory, Function& f) {
      detail::visit_losses_of<body>(memory.body_part, f);
    }
    /// Multiply-adds of `tokens` rows from position `first` on, with the logits of `logit_rows` of them.
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens, extent_t logit_rows) {
      return detail::work_of_position<position>(tokens) + body::multiply_adds(first, tokens) +
             std::uint64_t{logit_rows} * width * vocabulary;
    }
    /// Calls `f(name, value)` for every size, layer by layer.
    template <class Function>
    static constexpr void facts(Function&& f) {
      f("vocabulary", vocabulary);
      f("width", width);
      f("context", context);
      f("layers", body::layers);
      body::facts(f);
    }
    /// Calls `f(route, reason)` for every attention that differs from its neighbours.
    template <class Function>
    static constexpr void schedules(Function&& f) {
      body::schedules(f);
    }
  };
};

LACUNA_END
