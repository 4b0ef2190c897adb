#pragma once
/// Who learns one stream: a model with buffers for learning, and what lessons need beside it.

#include <lacuna/model/model.hpp>
#include <lacuna/task/example.hpp>
#include <lacuna/train/cross_entropy.hpp>
#include <lacuna/train/loss/mean_squared_error.hpp>
#include <lacuna/train/rules.hpp>

LACUNA_BEGIN

/// What one stream of a batch taught.
struct lesson_result {
  double loss = 0;                  ///< the sum of the losses of what was counted: nats, or what lessons measure in
  double counted = 0;               ///< how much was counted: targets of a language model
  std::uint64_t multiply_adds = 0;  ///< of the forward
};

/// A companion of the model that is trained, with buffers for learning, and with room for its adjoint rows and for a
/// stream's tokens.
template <class Model>
struct learner {
  using model_type = Model;
  using value = typename Model::value;
  static constexpr extent_t rows_of_results = detail::result_rows<typename Model::bound, typename Model::plan, true>;

  Model model;
  tensor<value, rows_of_results, Model::outputs> adjoint;  ///< of logits or rows
  std::uint32_t inputs[Model::context]{};                  ///< room for the tokens of a stream
  std::uint32_t targets[Model::context]{};

  template <class Trained>
  constexpr explicit learner(const Trained& of) : model(of) {}
};

namespace detail {

/// Whether targets belong to a stream of inputs.
template <class Learner>
constexpr status check_targets(token_view inputs, token_view targets) {
  if (inputs.count != targets.count)
    return error(error_kind::length, "lacuna::learn: expected as many targets as inputs, ")
           << std::uint64_t{inputs.count} << ", found " << std::uint64_t{targets.count}
           << " (give no_token for what does not count)";
  for (extent_t t = 0; t < targets.count; ++t)
    if (targets.data[t] >= Learner::model_type::vocabulary && targets.data[t] != no_token)
      return error(error_kind::token, "lacuna::learn: target ")
             << std::uint64_t{t} << ": expected a number below " << std::uint64_t{Learner::model_type::vocabulary}
             << " or no_token, found " << std::uint64_t{targets.data[t]} << " (encode with the model's own tokenizer)";
  return nothing{};
}

/// An example's targets, `no_token` where they do not count.
template <class Learner, extent_t Length>
constexpr token_view counted_targets(Learner& by, const task::token_example<Length>& example) {
  constexpr bool fine = Length <= Learner::model_type::context;
  static_assert(__is_base_of(nothing, rules::examples_fit_the_context<fine>) || true);
  if constexpr (fine) {
    for (extent_t t = 0; t < Length; ++t) by.targets[t] = example.counts[t] != 0 ? example.targets[t] : no_token;
    return {by.targets, Length};
  } else {
    return {};
  }
}

/// A learner, or a struct of one's own with the same members, that can be changed.
template <class Learner>
inline constexpr bool is_learner = !std::is_const_v<Learner> && requires(Learner& of) {
  typename Learner::model_type;
  of.model;
  of.adjoint;
};
/// Complains of what is given to a lesson in the place of a learner.
template <class Other>
constexpr lesson_result no_learner() {
  static_assert(__is_base_of(nothing, rules::lesson_changes_its_learner<!std::is_const_v<Other>>) || true);
  static_assert(__is_base_of(nothing, rules::lesson_passes_its_learner<std::is_const_v<Other>>) || true);
  return {};
}

}  // namespace detail

/// The loss of a stream: after each input, its target is the next token; `no_token` does not count. Nothing is learnt.
/// Errors: those of `try_forward_to_learn`; other counts of targets than inputs; a target out of range.
template <class Learner>
constexpr outcome<lesson_result> try_measure_tokens(Learner& by, token_view inputs, token_view targets) {
  using model = typename Learner::model_type;
  constexpr bool fine = !model::encodes && !model::regresses;
  static_assert(__is_base_of(nothing, rules::lessons_of_tokens_have_logits<fine>) || true);
  if constexpr (fine) {
    if (const auto fits = detail::check_targets<Learner>(inputs, targets); !fits.ok()) return fits.why();
    const auto logits = by.model.try_forward_to_learn(inputs);
    if (!logits.ok()) return logits.why();
    return lesson_result{sum_cross_entropies(*logits, targets, by.adjoint.first(inputs.count), 1.0, by.model.backend()),
                         static_cast<double>(count_targets(targets)),
                         model::bound::multiply_adds(0, inputs.count, inputs.count)};
  } else {
    return lesson_result{};
  }
}
/// The same, and the gradients of its sum are added, with the losses that the recipe carries itself once for every
/// target that counts, so that the mean over a batch has them once.
template <class Learner>
constexpr outcome<lesson_result> try_learn_tokens(Learner& by, token_view inputs, token_view targets) {
  auto measured = try_measure_tokens(by, inputs, targets);
  if constexpr (!Learner::model_type::encodes && !Learner::model_type::regresses)
    if (measured.ok()) {
      const auto learnt = by.model.try_backward(inputs, readable(by.adjoint.first(inputs.count)), measured->counted);
      if (!learnt.ok()) return learnt.why();
    }
  return measured;
}

// Of what is no learner, these complain, and their fellows below.
template <class Other>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_measure_tokens(Other&, token_view, token_view) {
  return detail::no_learner<Other>();
}
template <class Other>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_learn_tokens(Other&, token_view, token_view) {
  return detail::no_learner<Other>();
}

/// The same for an example of a task, of which the context of the model is no shorter: what counts is what the task
/// says.
template <class Learner, extent_t Length>
constexpr outcome<lesson_result> try_learn_example(Learner& by, const task::token_example<Length>& example) {
  return try_learn_tokens(by, example.inputs(), detail::counted_targets(by, example));
}
/// The loss of an example; nothing is learnt.
template <class Learner, extent_t Length>
constexpr outcome<lesson_result> try_measure_example(Learner& by, const task::token_example<Length>& example) {
  return try_measure_tokens(by, example.inputs(), detail::counted_targets(by, example));
}

template <class Other, extent_t Length>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_learn_example(Other&, const task::token_example<Length>&) {
  return detail::no_learner<Other>();
}
template <class Other, extent_t Length>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_measure_example(Other&, const task::token_example<Length>&) {
  return detail::no_learner<Other>();
}

/// The squared error of a regressor's forecast of a window: `(lookback, variates + covariates)` to `(horizon,
/// variates)`; every element counts. Nothing is learnt. Errors: those of `try_forward_to_learn`; a future of other
/// length.
template <class Learner, class Number, extent_t Columns, class Target, extent_t Variates>
constexpr outcome<lesson_result> try_measure_window(Learner& by, rows<Number, Columns> window,
                                                    rows<Target, Variates> future) {
  using model = typename Learner::model_type;
  constexpr bool fine =
      model::regresses && same<std::remove_const_t<Target>, typename Learner::value> && Variates == model::outputs;
  static_assert(__is_base_of(nothing, rules::lessons_of_windows_have_forecasts<fine>) || true);
  if constexpr (fine) {
    const auto forecast = by.model.try_forward_to_learn(window);
    if (!forecast.ok()) return forecast.why();
    if (future.count != forecast->count)
      return error(error_kind::length, "lacuna::learn: expected a future of ")
             << std::uint64_t{forecast->count} << " rows, the horizon, found " << std::uint64_t{future.count}
             << " (give what comes behind the window)";
    const auto adjoint = by.adjoint.first(future.count);
    adjoint.fill(0);
    const double elements = static_cast<double>(future.count * Variates);
    using bound = typename model::bound;
    return lesson_result{elements * mean_squared_error(*forecast, readable(future), adjoint, elements), elements,
                         bound::multiply_adds(0, bound::context, bound::variates)};
  } else {
    return lesson_result{};
  }
}
/// The same, and the gradients of its sum are added.
template <class Learner, class Number, extent_t Columns, class Target, extent_t Variates>
constexpr outcome<lesson_result> try_learn_window(Learner& by, rows<Number, Columns> window,
                                                  rows<Target, Variates> future) {
  auto measured = try_measure_window(by, window, future);
  if constexpr (Learner::model_type::regresses && Variates == Learner::model_type::outputs)
    if (measured.ok()) {
      const auto learnt = by.model.try_backward(window, readable(by.adjoint.first(future.count)), measured->counted);
      if (!learnt.ok()) return learnt.why();
    }
  return measured;
}
template <class Other, class Number, extent_t Columns, class Target, extent_t Variates>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_measure_window(Other&, rows<Number, Columns>, rows<Target, Variates>) {
  return detail::no_learner<Other>();
}
template <class Other, class Number, extent_t Columns, class Target, extent_t Variates>
  requires(!detail::is_learner<Other>)
constexpr outcome<lesson_result> try_learn_window(Other&, rows<Number, Columns>, rows<Target, Variates>) {
  return detail::no_learner<Other>();
}

LACUNA_END
