#pragma once
/// A model: a recipe on its axes (numerics, backend, ability, storage, chunk), with everything it needs to run.

#include <lacuna/core/error.hpp>
#include <lacuna/model/check_tokens.hpp>
#include <lacuna/model/figures.hpp>
#include <lacuna/model/rules.hpp>
#include <lacuna/model/window/check.hpp>
#include <lacuna/model/workings.hpp>
#include <lacuna/op/block_plan.hpp>
#include <lacuna/tensor/structs.hpp>
#include <lacuna/tensor/taps.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct model;
}

/// The axes of a model and their defaults.
using model_fields =
    fields<field<slots::numerics, f32>, field<slots::backend, reference>, field<slots::ability, inference>,
           field<slots::storage, heap>, field<slots::chunk, chunk<16>>>;

/// `model<stories>`, `model<stories, bf16, training, in_place>`: options in any order.
///
/// Nothing is allocated after construction. A stream starts at position 0 and grows by `forward` up to the context.
/// Not for use by two threads at once; two models may share borrowed parameters.
template <class Recipe, class... Options>
class model : recipe<recipe_name::model, model_fields, Options...> {
  using axes = recipe<recipe_name::model, model_fields, Options...>;
  static_assert(__is_base_of(nothing, detail::completed<typename detail::inside_out<Recipe>::type>) || true);
  static_assert(__is_base_of(nothing, rules::model_holds_a_recipe<Recipe>) || true);

 public:
  using recipe_type = std::conditional_t<detail::WholeRecipe<Recipe>, Recipe, detail::no_recipe>;
  using bound = typename recipe_type::bound;
  // What complains most is asked first, by itself: the compilers then have little to say about how they came there.
  static_assert(__is_base_of(nothing, detail::completed<detail::sublayers_of<recipe_type>>) || true);
  static_assert(__is_base_of(nothing, bound) || true);
  using numerics = typename axes::template get<slots::numerics>;
  using backend_type = typename axes::template get<slots::backend>;
  using ability = typename axes::template get<slots::ability>;
  using storage_type = typename axes::template get<slots::storage>;
  using value = typename numerics::value;
  using traits = backend_traits<backend_type>;

  static constexpr bool trains = ability::trains;
  static_assert(__is_base_of(nothing, rules::what_learns_keeps<!trains || !lacuna::forgets<bound>>) || true);
  static constexpr extent_t vocabulary = bound::vocabulary;
  static constexpr extent_t context = bound::context;
  static constexpr extent_t asked_chunk = axes::template get<slots::chunk>::value;
  static_assert(__is_base_of(nothing, rules::chunk_is_not_empty<asked_chunk>) || true);
  /// Tokens per pass through the layers: the whole context where everything is kept.
  static constexpr extent_t chunk_tokens =
      trains || detail::encodes<bound> || detail::regresses<bound> || asked_chunk > context ? context : asked_chunk;

  static_assert(__is_base_of(nothing,
                             rules::stream_can_be_cut<!lacuna::sees_ahead<bound> || chunk_tokens == context>) ||
                true);

  using plan = std::conditional_t<trains, keep<value, chunk_tokens>, reuse<value, chunk_tokens>>;
  using parameters_type = typename bound::template parameters<weights<typename numerics::weight>>;
  using state_type = typename bound::template state<weights<value>>;
  using memory_type = typename bound::template memory<plan>;
  /// Whether the parameters are the model's own, and what is derived from them.
  static constexpr bool owns_parameters = !same<storage_type, borrowed> && !same<storage_type, companion>;
  static constexpr bool derives = !same<storage_type, companion>;
  using workings_type = detail::model_workings<bound, numerics, backend_type, plan, trains, derives>;
  /// Whether one stream takes several sequences.
  static constexpr bool several_sequences = detail::takes_sequences<bound, decltype(workings_type::shared)>;
  static_assert(__is_base_of(nothing,
                             rules::parts_tell_sequences_apart<!several_sequences || bound::tells_sequences_apart>) ||
                true);
  static_assert(__is_base_of(nothing,
                             rules::sequences_have_one_stream<!several_sequences || detail::streams_in<bound> == 1>) ||
                true);
  using learning_type = decltype(workings_type::learning);
  /// Whether the model makes a row for each sequence, and no logits.
  static constexpr bool encodes = detail::encodes<bound>;
  /// Whether the model forecasts windows, and reads no tokens.
  static constexpr bool regresses = detail::regresses<bound>;
  /// Columns of its results: of logits, rows or forecasts.
  static constexpr extent_t outputs = detail::result_columns<bound>;
  using logits_view = rows<const value, outputs>;
  /// The window of a regressor, a row for each step.
  using window_view = rows<const value, detail::window_columns<bound>>;

  /// An unloaded model: zero weights, unit gains.
  constexpr model()
    requires owns_parameters
      : model(backend_type{}) {}
  /// The same on a backend that carries something, such as threads.
  constexpr explicit model(const backend_type& on)
    requires owns_parameters
      : backend_(on) {
    if (!storage_.ready()) return;
    initialise_parameters(storage_.parameters());
    bound::initialise(storage_.parameters());
    workings().shared.build();
    update();
  }
  /// A model over parameters that live elsewhere and outlive it.
  constexpr explicit model(const parameters_type& lent, const backend_type& on = backend_type{})
    requires(same<storage_type, borrowed>)
      : backend_(on) {
    storage_.lent = &lent;
    workings().shared.build();
    update();
  }
  /// A companion of a model that outlives it, and is the one to be updated when parameters change.
  template <class... Others>
  constexpr explicit model(const model<Recipe, Others...>& of)
    requires(same<storage_type, companion> && model<Recipe, Others...>::derives &&
             same<typename model<Recipe, Others...>::derived_type, typename workings_type::derived_type>)
      : backend_(of.backend()) {
    storage_.lent = &of.parameters();
    storage_.lent_derived = &of.derived();
    workings().shared.build();
  }

  /// False when the allocator had no memory for a heap model; nothing else may be called then.
  constexpr bool ready() const noexcept { return storage_.ready(); }
  constexpr const parameters_type& parameters() const noexcept { return storage_.parameters(); }
  /// Writable parameters; call `update()` after writing.
  template <class Self = model>
  constexpr parameters_type& parameters_to_write() noexcept {
    static_assert(__is_base_of(nothing, rules::writing_needs_ownership<Self::owns_parameters>) || true);
    if constexpr (Self::owns_parameters)
      return storage_.parameters();
    else
      return after_complaint();
  }

  /// Rebuilds everything that is derived from the parameters; a companion leaves that to its model.
  constexpr void update() {
    if constexpr (derives) bound::refresh(parameters(), workings().derived);
  }
  using derived_type = typename workings_type::derived_type;
  /// What is derived from the parameters, for companions.
  constexpr const derived_type& derived() const noexcept {
    if constexpr (derives)
      return storage_.workings().derived;
    else
      return *storage_.lent_derived;
  }

  /// Starts a new stream in the place of the running one, whose pages are free then.
  constexpr void reset() noexcept {
    workings().position = 0;
    workings().last_count = 0;
    forget_sequences();
    workings().shared.each_page_table([](auto& table) { table.release(); });
  }
  /// Whether some part reads such data beside the tokens.
  template <class Data>
  static constexpr bool reads = decltype(workings_type::shared)::template reads<Data>;
  /// Gives all layers that read it data beside the tokens, a `graph`, `node_positions`, `sequence_lengths` or a
  /// `token_type_view`, which holds until the next one, and starts all streams anew. An error changes nothing: see what
  /// the data says about itself.
  template <class Data>
  constexpr status try_assign(const Data& data) {
    static_assert(__is_base_of(nothing, rules::something_reads_what_is_assigned<reads<Data>>) || true);
    auto assigned = workings().shared.try_assign(data);
    if constexpr (same<Data, sequence_lengths>)
      if (assigned.ok()) workings().sequences_of_the_stream = false;
    if (assigned.ok()) reset_all();
    return assigned;
  }
  /// Tokens of the stream so far.
  constexpr extent_t position() const noexcept { return storage_.workings().position; }
  /// Tokens that the stream can still take: up to the context, or to the last free page.
  constexpr extent_t room() const noexcept { return room_from(position()); }

  /// Streams that the model keeps apart: see `paged_cache`.
  static constexpr extent_t streams = detail::streams_in<bound>;
  /// The stream that runs: 0 at first.
  constexpr extent_t stream() const noexcept { return storage_.workings().stream; }
  /// Lets another stream run, from where it was left; all begin empty. Error: there is no such stream.
  template <class Self = model>
  constexpr status try_select(extent_t stream) {
    static_assert(__is_base_of(nothing, rules::streams_are_several<(Self::streams > 1)>) || true);
    if (stream >= streams) return detail::no_such_stream("lacuna::select", stream, streams);
    auto& w = workings();
    w.positions[w.stream] = w.position;
    w.stream = stream;
    w.position = w.positions[stream];
    w.last_count = 0;
    w.shared.each_page_table([&](auto& table) { table.stream = static_cast<std::uint32_t>(stream); });
    return nothing{};
  }
  /// The running stream, empty so far, begins with the first `tokens` of another, whose pages both hold then; nothing
  /// is computed. Errors, before anything is changed: there is no such stream, it is the running one, the running one
  /// is not empty, the other is shorter, or `tokens` are no whole pages of 16.
  template <class Self = model>
  constexpr status try_share_prefix(extent_t from, extent_t tokens) {
    static_assert(__is_base_of(nothing, rules::streams_are_several<(Self::streams > 1)>) || true);
    auto& w = workings();
    if (from >= streams) return detail::no_such_stream("lacuna::share_prefix", from, streams);
    if (from == w.stream || w.position != 0)
      return error(error_kind::length,
                   "lacuna::share_prefix: expected another stream and an empty one to run, found stream ")
             << static_cast<std::uint64_t>(from) << " and position " << static_cast<std::uint64_t>(w.position)
             << " in stream " << static_cast<std::uint64_t>(w.stream) << " (select a stream, and reset() it)";
    if (tokens % block_keys != 0 || tokens > w.positions[from])
      return error(error_kind::length, "lacuna::share_prefix: expected whole pages of 16 among ")
             << static_cast<std::uint64_t>(w.positions[from]) << " tokens, found " << static_cast<std::uint64_t>(tokens)
             << " (share fewer, and forward the others)";
    w.position = tokens;
    w.shared.each_page_table([&](auto& table) { table.share(from, tokens / block_keys); });
    return nothing{};
  }

  /// Continues the stream by `tokens` and returns the logits `(1, vocabulary)` of the last one. Errors, before anything
  /// is changed: no tokens, a token out of range, more positions than the context or the pool's pages hold, a stream of
  /// another length than the data that was assigned, a stream that is cut where a route sees ahead.
  constexpr outcome<logits_view> try_forward(token_view tokens) { return try_forward(tokens, ignore_logits{}); }
  /// The same, with `each(position, logits)` for every token; the logits are valid during the call. Of an encoder:
  /// `each(sequence, row)` for every sequence.
  template <class Each>
  constexpr outcome<logits_view> try_forward(token_view tokens, Each&& each) {
    if constexpr (encodes) forget_sequences();
    return forward_with(backend_, tokens, each);
  }
  /// The same on a backend that watches this model's backend (see op/watch.hpp); results do not change.
  template <class Watching, class Each>
  constexpr outcome<logits_view> try_forward_watched(const Watching& watching, token_view tokens, Each&& each) {
    if constexpr (encodes) forget_sequences();
    return forward_with(watching, tokens, each);
  }
  /// Takes several sequences one behind the other into the stream, which is empty so far, each as if it were alone,
  /// with `each(sequence, logits)` for the last token of each: prompts are prefilled together. What follows belongs to
  /// the last of them; `reset()` forgets them all. Errors, before anything is changed: those of `try_forward` and of
  /// `sequence_lengths`, a stream that is not empty, other tokens than the lengths say.
  template <class Each, class Self = model>
  constexpr outcome<logits_view> try_forward_sequences(token_view tokens, sequence_lengths lengths, Each&& each) {
    static_assert(__is_base_of(nothing, rules::sequences_are_told_apart < Self::template reads<sequence_lengths> ||
                                            regresses >) ||
                  true);
    if (lengths.count == 0)
      return error(error_kind::length, "lacuna::sequences: expected at least one sequence, found none");
    if (const auto begun = begin_sequences(tokens, lengths); !begun.ok()) return begun.why();
    return forward_with(backend_, tokens, detail::at_ends<std::remove_reference_t<Each>>(lengths, each));
  }
  /// One row for each of several sequences that follow one another in `tokens`, `(sequences, width)`, in a stream of
  /// their own; valid until the next call. No lengths stand for one sequence. Errors, before anything is changed: those
  /// of `try_forward` and of `sequence_lengths`, other tokens than the lengths say.
  template <class Self = model>
  constexpr outcome<logits_view> try_encode(token_view tokens, sequence_lengths lengths = {}) {
    static_assert(__is_base_of(nothing, rules::what_encodes_is_an_encoder < Self::encodes || regresses >) || true);
    if (const auto begun = begin_sequences(tokens, lengths); !begun.ok()) return begun.why();
    return forward_with(backend_, tokens, ignore_logits{});
  }
  /// The same with the kind of each token, for this call alone. Errors: those of `token_type_view`, too.
  template <class Self = model>
  constexpr outcome<logits_view> try_encode(token_view tokens, sequence_lengths lengths, token_type_view kinds) {
    if (const auto assigned = workings().shared.try_assign(kinds); !assigned.ok()) return assigned.why();
    auto rows = try_encode<Self>(tokens, lengths);
    (void)workings().shared.try_assign(token_type_view{});
    return rows;
  }

  /// `try_forward`, throwing.
  constexpr logits_view forward(token_view tokens) { return try_forward(tokens).take(); }

  /// Of a regressor: the forecast `(horizon, variates)` of a window `(lookback, variates + covariates)`, a row for each
  /// step; valid until the next call. Errors: another number of steps, a number that is not finite.
  template <class Number, extent_t Columns>
  constexpr outcome<logits_view> try_predict(rows<Number, Columns> window) {
    return predict_with(backend_, window);
  }
  /// The same on a backend that watches this model's backend.
  template <class Watching, class Number, extent_t Columns>
  constexpr outcome<logits_view> try_predict_watched(const Watching& watching, rows<Number, Columns> window) {
    return predict_with(watching, window);
  }
  /// `try_predict`, throwing.
  template <class Number, extent_t Columns>
  constexpr logits_view predict(rows<Number, Columns> window) {
    return try_predict(window).take();
  }

  /// Logits `(tokens, vocabulary)` of a whole stream from position 0, or the rows `(sequences, width)` of an encoder,
  /// which reads the sequences that were assigned; everything kept for `backward`.
  template <class Self = model>
  constexpr outcome<logits_view> try_forward_to_learn(token_view tokens) {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    static_assert(__is_base_of(nothing, rules::tokens_are_read<!Self::regresses>) || true);
    forget_sequences();
    if (const auto fine = check(tokens, 0); !fine.ok()) return fine.why();
    if constexpr (Self::trains && !Self::regresses) {
      reset();
      auto& w = workings();
      w.shared.prepare(0, tokens.count);
      const auto run = run_at(backend_, 0, 1, draws());
      bound::forward(all_values(), tokens, run);
      w.last_rows = make_results(tokens.count, run);
      w.position = w.last_count = tokens.count;
      return readable(w.logits.first(w.last_rows));
    } else {
      return logits_view{};
    }
  }
  /// Adds the gradients of every parameter for the adjoints of all the logits, or rows, of the last
  /// `try_forward_to_learn` on the same tokens, and those of the losses that the recipe carries itself, times
  /// `loss_scale`: give it what the adjoints were multiplied by, such as 1 / (streams of a batch).
  template <class Self = model>
  constexpr status try_backward(token_view tokens, logits_view adjoint, double loss_scale = 1) {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    static_assert(__is_base_of(nothing, rules::tokens_are_read<!Self::regresses>) || true);
    if constexpr (Self::trains && !Self::regresses) {
      auto& w = workings();
      if (tokens.count != w.last_count || adjoint.count != w.last_rows || w.last_count == 0)
        return error(error_kind::length, "lacuna::backward: expected ")
               << static_cast<std::uint64_t>(w.last_count) << " tokens and " << static_cast<std::uint64_t>(w.last_rows)
               << " adjoint rows, as in the last forward, found " << static_cast<std::uint64_t>(tokens.count) << " and "
               << static_cast<std::uint64_t>(adjoint.count)
               << " (call try_forward_to_learn with the same tokens first)";
      if (const auto fine = detail::check_range(tokens, vocabulary); !fine.ok()) return fine.why();
      clear(w.learning.state_adjoint);
      bound::backward(all_values(), all_adjoints(), tokens, adjoint, run_at(backend_, 0, loss_scale));
    }
    return nothing{};
  }
  /// Of a regressor: `try_predict` with everything kept for `backward`.
  template <class Number, extent_t Columns, class Self = model>
  constexpr outcome<logits_view> try_forward_to_learn(rows<Number, Columns> window) {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    auto predicted = predict_with(backend_, window, draws());
    if (predicted.ok()) workings().last_rows = workings().last_count = predicted->count;
    return predicted;
  }
  /// Of a regressor: adds the gradients of every parameter for the adjoints `(horizon, variates)` of the forecast of
  /// the last `try_forward_to_learn` on the same window; the rest as for tokens.
  template <class Number, extent_t Columns, class Self = model>
  constexpr status try_backward(rows<Number, Columns> window, logits_view adjoint, double loss_scale = 1) {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    if constexpr (Self::trains && takes_window<Number, Columns>()) {
      auto& w = workings();
      if (adjoint.count != w.last_rows || w.last_count == 0)
        return error(error_kind::length, "lacuna::backward: expected ")
               << static_cast<std::uint64_t>(w.last_count) << " adjoint rows, as in the last forward, found "
               << static_cast<std::uint64_t>(adjoint.count)
               << " (call try_forward_to_learn with the same window first)";
      if (auto fine = detail::check_window(window_view(window), bound::lookback); !fine.ok()) return fine;
      clear(w.learning.state_adjoint);
      bound::backward(all_values(), all_adjoints(), window_view(window), adjoint, run_at(backend_, 0, loss_scale));
    }
    return nothing{};
  }
  /// The same, and adds the adjoint of the window itself to `window_adjoint`, of the window's shape.
  template <class Number, extent_t Columns>
  constexpr status try_backward(rows<Number, Columns> window, logits_view adjoint,
                                rows<value, window_view::columns> window_adjoint, double loss_scale = 1) {
    if (auto fine = detail::check_steps(window_adjoint.count, bound::lookback); !fine.ok()) return fine;
    if (auto done = try_backward(window, adjoint, loss_scale); !done.ok()) return done;
    if constexpr (trains && takes_window<Number, Columns>())
      bound::window_backward(all_values(), all_adjoints(), window_adjoint, run_at(backend_, 0));
    return nothing{};
  }
  /// Calls `f(name, weight, value)` for every loss that the recipe carries itself, layer by layer, as the last
  /// `try_forward_to_learn` evaluated it.
  template <class Self = model, class Function>
  constexpr void visit_losses(Function&& f) {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    if constexpr (Self::trains) detail::visit_losses_of<bound>(workings().memory, f);
  }
  /// Calls `f(path, rows, adjoint)` for everything that the recipe taps, layer by layer: the rows that the last
  /// `try_forward_to_learn` kept, to read, and their adjoint, 0 at first, to which losses add what `try_backward` then
  /// takes in. No rows before the first one. See `tapped`, `tapped_activation`.
  template <class Self = model, class Function>
  constexpr void visit_taps(Function&& f) {
    static_assert(__is_base_of(nothing, rules::what_is_tapped_is_kept<Self::trains>) || true);
    if constexpr (Self::trains) {
      detail::tap_walk<std::remove_reference_t<Function>> walk{
          f, regresses && workings().last_count != 0 ? context : workings().last_count};
      detail::visit_taps_of<bound>(workings().memory, walk);
    }
  }
  /// Lets every `try_forward_to_learn` draw what it leaves out (`dropout`), each anew, until `draw_nothing()`.
  template <class Self = model>
  constexpr void draw(const random_draws& by) noexcept {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    if constexpr (Self::trains) workings().learning.draws = by, workings().learning.draws_something = true;
  }
  constexpr void draw_nothing() noexcept {
    if constexpr (trains) workings().learning.draws_something = false;
  }
  /// Gradients, to read and to clear.
  template <class Self = model>
  constexpr auto& gradients_to_write() noexcept {
    static_assert(__is_base_of(nothing, rules::learning_needs_training<Self::trains>) || true);
    if constexpr (Self::trains)
      return workings().learning.gradients_part;
    else
      return after_complaint();
  }
  template <class Self = model>
  constexpr void clear_gradients() noexcept {
    clear(gradients_to_write<Self>());
  }

  constexpr const backend_type& backend() const noexcept { return backend_; }

  /// The logits of the last token of the last forward, writable: sampling turns them into weights in place.
  constexpr rows<value, outputs> last_logits() noexcept {
    auto& w = workings();
    const extent_t last = w.last_count > 0 ? w.last_count - 1 : 0;
    return w.logits.first(last + 1).slice(last, 1);
  }
  /// Room for one number per token of the vocabulary.
  constexpr std::uint32_t* sampling_order() noexcept { return workings().sampling_order; }

 private:
  struct ignore_logits {};

  /// The sequences of the stream that begins now, in all parts that tell them apart.
  constexpr status begin_sequences(token_view tokens, sequence_lengths lengths) {
    auto& w = workings();
    if (!encodes && w.position != 0)
      return error(error_kind::length, "lacuna::sequences: expected an empty stream, found it at position ")
             << std::uint64_t{w.position} << " (reset() it)";
    if (const auto fine = check_tokens(tokens, 0); !fine.ok()) return fine.why();
    std::uint64_t sum = 0;
    for (extent_t i = 0; i < lengths.count; ++i) sum += lengths.data[i];
    if (lengths.count > 0 && sum != tokens.count)
      return error(error_kind::length, "lacuna::sequences: expected as many tokens as the lengths say, ")
             << sum << ", found " << std::uint64_t{tokens.count} << " (give the tokens of all sequences at once)";
    if (auto assigned = w.shared.try_assign(lengths); !assigned.ok()) return assigned;
    w.sequences_of_the_stream = lengths.count > 0;
    return nothing{};
  }
  /// Those that were given with the stream are forgotten with it.
  constexpr void forget_sequences() noexcept {
    auto& w = workings();
    if (w.sequences_of_the_stream) (void)w.shared.try_assign(sequence_lengths{});
    w.sequences_of_the_stream = false;
  }
  /// The results of the last forward, of all its tokens; how many rows they are.
  template <class Run>
  constexpr extent_t make_results(extent_t tokens, const Run& run) {
    auto& w = workings();
    if constexpr (regresses) {
      bound::forecast(all_values(), w.logits.first(bound::horizon), run);
      return bound::horizon;
    } else if constexpr (encodes) {
      const extent_t rows = w.shared.template get<typename bound::table>().count();
      bound::pool(all_values(), tokens, w.logits.first(rows), run);
      return rows;
    } else {
      bound::logits(all_values(), 0, w.logits.first(tokens), run);
      return tokens;
    }
  }

  /// All streams begin anew.
  constexpr void reset_all() noexcept {
    auto& w = workings();
    const auto let_run = [&](extent_t stream) {
      w.shared.each_page_table([&](auto& table) { table.stream = static_cast<std::uint32_t>(stream); });
    };
    for (extent_t stream = 0; stream < streams; ++stream) {
      let_run(stream);
      reset();
      w.positions[stream] = 0;
    }
    let_run(w.stream);
  }

  /// What a refused call returns, so that nothing else is reported. It never runs.
  constexpr parameters_type& after_complaint() noexcept { return const_cast<parameters_type&>(parameters()); }

  constexpr workings_type& workings() noexcept { return storage_.workings(); }
  constexpr auto all_values() { return values{parameters(), workings().state, workings().memory, derived()}; }
  constexpr auto all_adjoints() {
    auto& learning = workings().learning;
    return adjoints{learning.gradients_part, learning.state_adjoint, learning.memory_adjoint};
  }
  constexpr random_draws* draws() noexcept {
    if constexpr (trains) return workings().learning.draws_something ? &workings().learning.draws : nullptr;
    return nullptr;
  }
  template <class Backend>
  constexpr auto run_at(const Backend& on, extent_t first, double loss_scale = 1, random_draws* by = nullptr) {
    return run<Backend, decltype(workings().shared)>{first, on, workings().shared, loss_scale, by};
  }

  template <class Struct>
  static constexpr void clear(Struct& of) noexcept {
    visit_tensors(
        [](auto& tensor) {
          for (auto& element : tensor.data) element = 0;
        },
        of);
  }

  constexpr extent_t room_from(extent_t position) const noexcept {
    extent_t room = context - position;
    storage_.workings().shared.each_page_table([&](const auto& table) {
      if (const extent_t paged = table.room(position); paged < room) room = paged;
    });
    return room;
  }
  constexpr status check_tokens(token_view tokens, extent_t position) const {
    return detail::check_tokens(tokens,
                                {position, context, room_from(position), vocabulary, lacuna::sees_ahead<bound>});
  }
  /// The same, and whether they are what data beside the tokens speaks of.
  constexpr status check(token_view tokens, extent_t position,
                         bool whole = lacuna::sees_ahead<bound> || encodes) const {
    if (auto fine = check_tokens(tokens, position); !fine.ok()) return fine;
    return storage_.workings().shared.fits(position + tokens.count, whole);
  }
  /// Whether windows of such a type are the model's; complains where they are not.
  template <class Number, extent_t Columns>
  static constexpr bool takes_window() {
    constexpr bool fits = same<const Number, const value> && Columns == window_view::columns;
    static_assert(__is_base_of(nothing, rules::windows_are_read<regresses>) || true);
    static_assert(__is_base_of(nothing, rules::window_is_of_the_recipe < fits || !regresses >) || true);
    return regresses && fits;
  }
  template <class Backend, class Number, extent_t Columns>
  constexpr outcome<logits_view> predict_with(const Backend& on, rows<Number, Columns> window, random_draws* by = {}) {
    if constexpr (takes_window<Number, Columns>()) {
      if (const auto fine = detail::check_window(window_view(window), bound::lookback); !fine.ok()) return fine.why();
      auto& w = workings();
      if (const auto fine = w.shared.fits(context, true); !fine.ok()) return fine.why();
      w.shared.prepare(0, context);
      const auto run = run_at(on, 0, 1, by);
      bound::forward(all_values(), window_view(window), run);
      w.last_count = 0;
      return readable(w.logits.first(make_results(context, run)));
    } else {
      return logits_view{};
    }
  }

  template <class Backend, class Each>
  constexpr outcome<logits_view> forward_with(const Backend& backend, token_view tokens, Each&& each) {
    static_assert(__is_base_of(nothing, rules::tokens_are_read<!regresses>) || true);
    if constexpr (regresses)
      return logits_view{};
    else
      return forward_tokens_with(backend, tokens, each);
  }
  template <class Backend, class Each>
  constexpr outcome<logits_view> forward_tokens_with(const Backend& backend, token_view tokens, Each&& each) {
    constexpr bool all_logits = !same<std::remove_cvref_t<Each>, ignore_logits>;
    if (const auto fine = check(tokens, encodes ? 0 : position()); !fine.ok()) return fine.why();
    if constexpr (encodes) workings().position = 0;
    auto& w = workings();
    extent_t rows = 1;
    const auto to = w.logits.first(1);
    for (extent_t done = 0; done < tokens.count;) {
      const extent_t count = tokens.count - done < chunk_tokens ? tokens.count - done : chunk_tokens;
      w.shared.prepare(w.position, count);
      const auto run = run_at(backend, w.position);
      bound::forward(all_values(), token_view{tokens.data + done, count}, run);
      if constexpr (encodes) {
        rows = make_results(count, run);
        if constexpr (all_logits)
          for (extent_t s = 0; s < rows; ++s) each(s, logits_view(w.logits.first(rows).slice(s, 1)));
      } else if constexpr (all_logits) {
        for (extent_t t = 0; t < count; ++t) {
          if constexpr (requires { each.wants(t); })
            if (!each.wants(w.position + t)) continue;
          bound::logits(all_values(), t, to, run);
          each(w.position + t, logits_view(to));
        }
      } else if (done + count == tokens.count) {
        bound::logits(all_values(), count - 1, to, run);
      }
      w.position += count;
      done += count;
    }
    w.last_count = 0;
    return logits_view(w.logits.first(rows));
  }

  detail::model_storage<storage_type, parameters_type, workings_type> storage_{};
  LACUNA_NO_ADDRESS backend_type backend_{};
};

/// Bytes a model object and what it allocates take, padding included.
template <class Model>
inline constexpr extent_t model_bytes =
    (Model::owns_parameters ? sizeof(typename Model::parameters_type) : 0) + sizeof(typename Model::workings_type);
/// Bytes of gradients and adjoints: 0 for a model that only runs.
template <class Model>
inline constexpr extent_t gradient_bytes = [] {
  if constexpr (Model::trains)
    return sizeof(typename Model::learning_type);
  else
    return extent_t{0};
}();
/// Bytes of the workspace: what a forward writes and nobody keeps but backward, with the rooms of `recomputed` blocks.
template <class Model>
inline constexpr extent_t workspace_bytes = sizeof(typename Model::memory_type) + Model::workings_type::room_bytes;

LACUNA_END
