#pragma once
/// Which backend serves each operation of a model, as a constant.

#include <lacuna/core/box.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

/// An operation by name, and the backend whose kernel serves it.
struct served_operation {
  const char* operation = nullptr;
  const char* backend = nullptr;
  bool in_backward = false;  ///< whether a backward calls it, or a forward
  bool falls_back = false;   ///< whether the reference serves it, though the model has another backend
};

/// The operations that a model calls, in the order of the first calls: a range. One that is served by two backends,
/// since its arguments have other types elsewhere, is there twice.
template <extent_t Count>
struct served_operations {
  served_operation rows[Count + 1]{};
  extent_t fall_backs = 0;  ///< how many of them fall back to the reference
  static constexpr extent_t size() noexcept { return Count; }
  constexpr const served_operation& operator[](extent_t i) const noexcept { return rows[i]; }
  constexpr const served_operation* begin() const noexcept { return rows; }
  constexpr const served_operation* end() const noexcept { return rows + Count; }
  /// The backend of an operation by name, where it is called first; an empty text where it is not called.
  constexpr const char* backend_of(const char* operation) const {
    for (const served_operation& row : *this)
      if (detail::same_text(row.operation, operation)) return row.backend;
    return "";
  }
};

namespace detail {

/// A watcher that notes every operation with the backend that serves it.
template <class Backend>
struct operations_seen {
  static constexpr extent_t most = 96;
  served_operation rows[most]{};
  extent_t count = 0;
  bool in_backward = false;
  bool whole = true;  ///< whether there was room for all of them

  template <class Operation, class Server, class... Arguments>
  constexpr void after(Operation, ran_on<Server>, const Arguments&...) {
    const char *const operation = Operation::name.c_str(), *const backend = Server::name.c_str();
    for (const served_operation& row : *this)
      if (row.operation == operation && row.backend == backend && row.in_backward == in_backward) return;
    if (count == most)
      whole = false;
    else
      rows[count++] = {operation, backend, in_backward, same<Server, reference> && !same<Backend, reference>};
  }
  constexpr const served_operation* begin() const noexcept { return rows; }
  constexpr const served_operation* end() const noexcept { return rows + count; }
};

/// Rows of the windows that a bound recipe takes.
template <class Bound>
inline constexpr extent_t window_rows = [] {
  if constexpr (regresses<Bound>)
    return Bound::lookback;
  else
    return extent_t{1};
}();

/// What a pass goes through: zeros. There is room for a few tokens only; views do not know how many they could be.
template <class Model>
inline constexpr extent_t surveyed_tokens = Model::chunk_tokens < 16 ? Model::chunk_tokens : 16;
template <class Model>
using adjoint_plan_of_survey = apart<typename Model::value, surveyed_tokens<Model>>;
template <class Model>
using plan_of_survey = std::conditional_t<Model::trains, keep<typename Model::value, surveyed_tokens<Model>>,
                                          adjoint_plan_of_survey<Model>>;
template <class Model>
struct survey_weights {
  typename Model::parameters_type parameters{};
  typename Model::derived_type derived{};
};
template <class Model>
struct data_of_forward {
  using bound = typename Model::bound;
  using plan = plan_of_survey<Model>;
  typename Model::state_type state{};
  typename bound::template memory<plan> memory{};
  shared_items<typename bound::template shares<plan>> shared{};
  tensor<typename Model::value, result_rows<bound, plan, false>, Model::outputs> results{};
};
template <class Model, bool Trains = Model::trains>
struct survey_data : data_of_forward<Model> {};
template <class Model>
struct survey_data<Model, true> : data_of_forward<Model> {
  using bound = typename Model::bound;
  typename bound::template parameters<gradients<typename Model::numerics::weight>> gradients_part{};
  typename bound::template state<gradients<typename Model::value>> state_adjoint{};
  typename bound::template memory<adjoint_plan_of_survey<Model>> memory_adjoint{};
  random_draws draws{};
};
template <class Model>
struct whole_survey {
  survey_weights<Model> weights{};
  survey_data<Model> data{};
};

/// The operations of a forward, and of a backward where the model learns, in the order in which a pass of two tokens,
/// or of a window, calls them. `on` tells `seen`: it is `surveyed`, or `watched`, and everything runs.
template <class Model, class Backend, class Seen>
constexpr void follow_pass(const survey_weights<Model>& weights, survey_data<Model>& data, const Backend& on,
                           Seen& seen) {
  using bound = typename Model::bound;
  const std::uint32_t tokens[2]{0, 0};
  const tensor<typename Model::value, window_rows<bound>, window_columns<bound>> window{};
  const auto given = [&] {
    if constexpr (Model::regresses)
      return window.view();
    else
      return token_view{tokens, Model::context < 2 ? extent_t{1} : extent_t{2}};
  }();
  const extent_t count = bound::input::tokens(given);
  const auto results = data.results.first(Model::regresses ? data.results.extents[0] : 1);
  const auto all_values = values{weights.parameters, data.state, data.memory, weights.derived};
  run<Backend, decltype(data.shared)> pass{0, on, data.shared};
  if constexpr (Model::trains) pass.draws = &data.draws;
  const auto follow = [&] {
    data.shared.prepare(pass.first, count);
    bound::forward(all_values, given, pass);
    if constexpr (Model::regresses)
      bound::forecast(all_values, results, pass);
    else if constexpr (Model::encodes)
      bound::pool(all_values, count, results, pass);
    else
      bound::logits(all_values, count - 1, results, pass);
  };
  follow();
  // What a cache that forgets does besides, it does late in a stream.
  if constexpr (forgets<bound> && !Model::trains) {
    pass.first = Model::context - count;
    follow();
  }
  if constexpr (Model::trains) {
    seen.in_backward = true;
    pass.draws = nullptr;
    bound::backward(all_values, adjoints{data.gradients_part, data.state_adjoint, data.memory_adjoint}, given,
                    readable(results), pass);
  }
}
template <class Model>
constexpr auto survey(const survey_weights<Model>& weights, survey_data<Model>& data) {
  operations_seen<typename Model::backend_type> seen;
  const surveyed<typename Model::backend_type, operations_seen<typename Model::backend_type>> on{seen};
  follow_pass<Model>(weights, data, on, seen);
  return seen;
}

/// An object that is nowhere. Constant expressions may say where its members lie, and read none of them.
template <class Type>
struct nowhere {
  static Type object;
};
LACUNA_NOWHERE_BEGIN
/// The survey in constant expressions; too large for a stack that runs. clang++ makes numbers that are classes one by
/// one, millions of them: such weights are nowhere, since only kernels read weights, and no kernel runs. (What reads a
/// threshold or a mask of its own outside of kernels is no constant then.)
template <class Model>
constexpr auto survey() {
  survey_data<Model> data{};
  if constexpr (std::is_class_v<typename Model::numerics::weight>) {
    return survey<Model>(nowhere<survey_weights<Model>>::object, data);
  } else {
    const survey_weights<Model> zeros{};
    return survey<Model>(zeros, data);
  }
}
LACUNA_NOWHERE_END

/// Whether all of that is known in constant expressions.
template <class Model>
concept SurveyIsConstant = requires { typename std::integral_constant<bool, survey<Model>().whole>; };

}  // namespace detail

namespace rules {
template <bool Fine>
struct operations_are_constant {
  static_assert(Fine,
                "lacuna::served: what the model calls is not known at compile time (make forward and backward of your "
                "own parts constexpr, or allow more steps: -fconstexpr-ops-limit for g++, -fconstexpr-steps for "
                "clang++)");
};
template <bool Fine>
struct a_model_is_served {
  static_assert(
      Fine,
      "lacuna::served: expected a model (write served<model<recipe, simd>>; of a trainer, name the model that it "
      "teaches)");
};
template <bool Fine>
struct operations_have_room {
  static_assert(Fine,
                "lacuna::served: the model calls more than 96 different operations (ask about a model with some of its "
                "layers)");
};
}  // namespace rules

namespace detail {

template <class Model>
inline constexpr auto survey_of = survey<Model>();

template <class Model>
constexpr auto table_of_operations() {
  if constexpr (!IsModel<Model>) {
    static_assert(__is_base_of(nothing, rules::a_model_is_served<IsModel<Model>>) || true);
    return served_operations<0>{};
  } else if constexpr (SurveyIsConstant<Model>) {
    constexpr const auto& seen = survey_of<Model>;
    static_assert(__is_base_of(nothing, rules::operations_have_room<seen.whole>) || true);
    served_operations<seen.count> table;
    for (extent_t i = 0; i < seen.count; ++i) {
      table.rows[i] = seen.rows[i];
      if (seen.rows[i].falls_back) ++table.fall_backs;
    }
    return table;
  } else {
    static_assert(__is_base_of(nothing, rules::operations_are_constant<SurveyIsConstant<Model>>) || true);
    return served_operations<0>{};
  }
}

}  // namespace detail

/// Which backend serves each operation of a model, forward, and backward where it learns:
/// `served<model<stories, simd>>.backend_of("attend")`, `served<...>.fall_backs == 0`.
///
/// Nothing runs: which kernel serves an operation follows from the types of its arguments. The pass that is followed
/// has two tokens, or a window; where a cache forgets, two at the end of the context follow. Losses that are given to a
/// trainer, and its optimiser, are not part of it. Needs forwards and backwards that are constexpr, as those of all
/// parts of the library are. Compiling it costs less than compiling a call of the forward; models with many and wide
/// layers that learn may need more steps than a compiler allows by itself.
template <class Model>
inline constexpr auto served = detail::table_of_operations<Model>();

LACUNA_END
