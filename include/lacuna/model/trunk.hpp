#pragma once
/// What decoders, encoders and regressors have in common: an input, positions, kinds of tokens, a norm of these,
/// blocks, final norm.

#include <lacuna/block/no_component.hpp>
#include <lacuna/block/repeat.hpp>
#include <lacuna/model/embedding_norm.hpp>
#include <lacuna/model/slots.hpp>
#include <lacuna/model/streams.hpp>
#include <lacuna/model/token_input.hpp>
#include <lacuna/model/token_types.hpp>
#include <lacuna/norm/no_norm.hpp>
#include <lacuna/position/no_position.hpp>

LACUNA_BEGIN

/// Default: the `closing_norm` of the last block.
struct closing_norm_of_body {};

namespace detail {

template <class Norm, class Body>
struct final_norm {
  using type = Norm;
};
template <class Body>
struct final_norm<closing_norm_of_body, Body> {
  using type = typename Body::closing_norm;
};

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

/// The sizes that a whole recipe asks for; 1 each after a complaint.
template <class Recipe>
struct asked_sizes {
  template <class Slot>
  static constexpr extent_t asked = Recipe::template get<Slot>::value;
  static constexpr bool sized = asked<slots::vocabulary> > 0 && asked<slots::width> > 0 && asked<slots::context> > 0;
  static constexpr extent_t vocabulary = sized ? asked<slots::vocabulary> : 1;
  static constexpr extent_t width = sized ? asked<slots::width> : 1;
  static constexpr extent_t context = sized ? asked<slots::context> : 1;
};
/// The choices of a whole recipe of which its trunk is made.
template <class Recipe, class Blocks>
struct choices_of_trunk : asked_sizes<Recipe> {
  using sizes = asked_sizes<Recipe>;
  using input = token_input<sizes::vocabulary, sizes::width, sizes::context>;
  using blocks = Blocks;
  using norm = typename Recipe::template get<slots::norm>;
  using embedding_position = typename Recipe::template get<slots::embedding_position>;
  using embedding_norm = typename Recipe::template get<slots::embedding_norm>;
  using token_types = no_token_types;
};

/// The sublayers of a decoder, encoder or regressor, bound; of another whole recipe none.
template <class Recipe, class = void>
struct sublayers_inside {
  using type = type_list<>;
};
template <class Recipe>
struct sublayers_inside<Recipe, std::void_t<typename Recipe::trunk_parts>> {
  using parts = typename Recipe::trunk_parts;
  using type = typename bound_inside<typename parts::blocks, place<parts::width, parts::context>>::type;
};
template <class Recipe>
using sublayers_of = typename sublayers_inside<Recipe>::type;

}  // namespace detail

/// What the input takes to rows `(tokens, width)`. `Parts` names the choices: input (see model/token_input.hpp), width,
/// context, blocks, norm, embedding_position, embedding_norm, token_types.
template <class Parts>
struct trunk {
  using input = typename Parts::input;
  static constexpr extent_t vocabulary = input::vocabulary;
  static constexpr extent_t width = Parts::width;
  static constexpr extent_t context = Parts::context;
  using sublayers = typename detail::bound_inside<typename Parts::blocks, place<width, context>>::type;
  static_assert(__is_base_of(nothing, detail::completed<sublayers>) || true);
  static constexpr bool forgets = some_forget<sublayers>;
  static constexpr bool selection_leaks = some_selection_leaks<sublayers>;
  static constexpr detail::stream_agreement agreement = detail::streams_of_all<sublayers>;
  static_assert(__is_base_of(nothing, rules::layers_keep_as_many_streams<agreement.agreed>) || true);
  static constexpr extent_t streams = agreement.agreed && agreement.count > 0 ? agreement.count : 1;
  static constexpr bool tells_sequences_apart = detail::all_tell_sequences_apart<sublayers>;
  using body_recipe = typename detail::body_of<typename Parts::blocks>::type;
  using body = typename body_recipe::template bound<place<width, context>>;
  static constexpr bool sees_ahead = lacuna::sees_ahead<body>;
  using norm_policy = typename detail::final_norm<typename Parts::norm, body_recipe>::type;
  using norm = typename norm_policy::template bound<width>;
  using position = typename Parts::embedding_position::template bound<width, context>;
  using entry = detail::norm_stage<typename Parts::embedding_norm::norm, width, trunk>;
  using token_types = typename Parts::token_types::template bound<width, context>;

  template <class Role>
  struct parameters {
    typename input::template parameters<Role> embedding;
    LACUNA_NO_ADDRESS typename position::template parameters<Role> position_part;
    LACUNA_NO_ADDRESS typename token_types::template parameters<Role> token_types_part;
    LACUNA_NO_ADDRESS typename entry::template parameters<Role> entry_part;
    typename body::template parameters<Role> body_part;
    LACUNA_NO_ADDRESS typename norm::template parameters<Role> norm_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("embedding", s.embedding...);
      v("position", s.position_part...);
      v("token_type", s.token_types_part...);
      v("embedding_norm", s.entry_part...);
      v("", s.body_part...);
      v("final_norm", s.norm_part...);
    }
  };
  template <class Role>
  struct state : body::template state<Role> {};
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename input::template memory<Plan> input_part;
    typename Plan::template buffer<Parts::width> embedded;
    LACUNA_NO_ADDRESS typename entry::template memory<Plan> entry_part;
    typename Plan::template buffer<Parts::width> mixed;   ///< after the last block
    typename Plan::template buffer<Parts::width> normed;  ///< after the final norm
    typename body::template memory<Plan> body_part;
    typename norm::template memory<Plan> norm_part;
  };
  template <class Target>
  struct derived {
    LACUNA_NO_ADDRESS typename input::template derived<Target> input_part;
    typename body::template derived<Target> body_part;
  };
  template <class Plan>
  using shares = unique<join<typename body::template shares<Plan>, typename token_types::shares,
                             typename detail::shared_by_position<position, typename Plan::value>::type>>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    input::refresh(parameters.embedding, derived.input_part);
    body::refresh(parameters.body_part, derived.body_part);
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    entry::initialise(parameters.entry_part);
    body::initialise(parameters.body_part);
    norm::initialise(parameters.norm_part);
  }

  /// What is given through all blocks and the final norm; the rows are `memory.normed`.
  template <class Values, class Given, class Run>
  LACUNA_HD static constexpr void forward(Values v, Given given, const Run& run) {
    auto& m = v.memory;
    const extent_t count = input::tokens(given);
    const auto embedded = m.embedded.first(count), mixed = m.mixed.first(count);
    input::forward(input_values(v), given, embedded, run);
    position::forward(v.parameters.position_part, embedded, run);
    token_types::forward(v.parameters.token_types_part, embedded, run);
    const auto entered = entry::inner_rows(m.entry_part, embedded);
    if constexpr (entry::present)
      entry::norm::forward(v.parameters.entry_part, m.entry_part.norm_part, embedded, entered, run);
    body::forward(values{v.parameters.body_part, v.state, m.body_part, v.derived.body_part}, entered, mixed, run);
    norm::forward(v.parameters.norm_part, m.norm_part, mixed, m.normed.first(count), run);
  }
  /// Room for the adjoints of the rows, 0 so far: what `backward` reads.
  template <class Adjoints, class Given>
  LACUNA_HD static constexpr auto clear_adjoints(Adjoints a, Given given) {
    auto& d = a.memory;
    const extent_t count = input::tokens(given);
    const auto dnormed = d.normed.first(count);
    d.embedded.first(count).fill(0), d.mixed.first(count).fill(0), dnormed.fill(0);
    return dnormed;
  }
  /// Adjoints of all rows to all parameters; gradients accumulate. Covers a stream from position 0.
  template <class Values, class Adjoints, class Given, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, Given given, const Run& run) {
    auto& m = v.memory;
    auto& d = a.memory;
    const extent_t count = input::tokens(given);
    const auto dembedded = d.embedded.first(count), dmixed = d.mixed.first(count), dnormed = d.normed.first(count);
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
    token_types::backward(a.gradients.token_types_part, dembedded, run);
    position::backward(a.gradients.position_part, dembedded, run);
    input::backward(input_values(v), adjoints{a.gradients.embedding, a.state, d.input_part}, given, dembedded, run);
  }
  template <class Memory, class Function>
  static constexpr void losses(Memory& memory, Function& f) {
    detail::visit_losses_of<body>(memory.body_part, f);
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    detail::visit_taps_of<body>(memory.body_part, walk);
  }
  /// Multiply-adds of `tokens` rows from position `first` on.
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return input::multiply_adds(tokens) + detail::work_of_position<position>(tokens) +
           body::multiply_adds(first, tokens);
  }
  /// Calls `f(name, value)` for every size, layer by layer.
  template <class Function>
  static constexpr void facts(Function&& f) {
    input::facts(f);
    f("layers", body::layers);
    body::facts(f);
  }
  /// Calls `f(route, reason)` for every attention that differs from its neighbours.
  template <class Function>
  static constexpr void schedules(Function&& f) {
    body::schedules(f);
  }

 private:
  template <class Values>
  LACUNA_HD static constexpr auto input_values(Values& v) {
    return values{v.parameters.embedding, v.state, v.memory.input_part, v.derived.input_part};
  }
};

LACUNA_END
