#pragma once
/// Training: a batch of lessons, gradients summed in a fixed order, one step of an optimiser.

#include <lacuna/core/in_turn.hpp>
#include <lacuna/train/adam_w.hpp>
#include <lacuna/train/check_numbers.hpp>
#include <lacuna/train/gradient_descent.hpp>
#include <lacuna/train/learner.hpp>
#include <lacuna/train/rules.hpp>
#include <lacuna/train/schedule.hpp>

LACUNA_BEGIN

/// In how many parts a batch is divided, each with buffers of its own: as many threads as there are parts can share the
/// work. Sums depend on the parts, and not on the threads.
template <extent_t Count>
struct parts {
  static constexpr extent_t value = Count;
};

/// What holds for all tensors.
struct trainer_options {
  std::uint64_t seed = 1;   ///< of what is left out at random (`dropout`)
  double clip_norm = 0;     ///< gradients longer than this are shortened to it; 0: as they are
  double stop_above = 1e6;  ///< a longer gradient stops the training
};

/// How one tensor learns.
struct tensor_setting {
  bool learns = true;   ///< false for what rules of their own move (`learns_by_gradient`)
  double rate = 1;      ///< times the rate of the step
  bool decays = false;  ///< matrices do, unless this says otherwise
};

/// What a step did.
struct step_report {
  double loss = 0;           ///< the mean over what was counted, in nats
  double counted = 0;        ///< how much was counted
  double gradient_norm = 0;  ///< of the mean's gradient, before clipping
  double rate = 0;
};

namespace detail {

/// How many tensors have gradients.
template <class Shapes>
constexpr extent_t count_tensors() {
  extent_t count = 0;
  Shapes walked{};
  visit_tensors([&]<class Leaf>(const Leaf&) { count += is_integer<typename Leaf::element> ? 0 : 1; }, walked);
  return count;
}

/// Matrices decay, and what rules of its own move is left alone.
struct first_settings {
  tensor_setting* setting;

  template <class Leaf>
  constexpr void operator()(const char*, const Leaf&) noexcept {
    setting++->decays = Leaf::rank > 1;
  }
  template <class Struct>
  constexpr bool enters(const path_text&, Struct& of) noexcept {
    if constexpr (learns_by_gradient<Struct>) {
      return true;
    } else {
      visit_tensors(
          [this]<class Leaf>(const Leaf&) {
            setting->decays = Leaf::rank > 1;
            setting++->learns = false;
          },
          of);
      return false;
    }
  }
};
/// Gives structs of parameters that have `after_step(moments...)`, whose first tensor learns, the last word on a step.
struct settles_structs {
  const tensor_setting* setting;  ///< of the next tensor of the walk

  template <class... Leaves>
  constexpr void operator()(Leaves&...) noexcept {
    ++setting;
  }
  template <class Parameters, class... Moments>
  constexpr void enters(Parameters& of, Moments&... moments) const noexcept {
    if constexpr (requires { of.after_step(moments...); })
      if (setting->learns) of.after_step(moments...);
  }
};

/// Models are bound, too.
template <class Model>
inline constexpr bool is_recipe = WholeRecipe<Model> && !IsModel<Model>;
template <class Optimiser>
inline constexpr bool is_optimiser = requires(const Optimiser& of) {
  typename Optimiser::template moments<nothing>;
  of.weight_decay;
};

/// The allocator of a model's own memory, or the program's.
template <class Storage>
struct allocator_of {
  using type = heap_allocator;
};
template <class Storage>
  requires requires { typename Storage::allocator; }
struct allocator_of<Storage> {
  using type = typename Storage::allocator;
};

}  // namespace detail

/// Trains a model, which stays usable in between: `trainer<Model, adam_w, parts<2>, thread_team> teacher(model, {}, {},
/// team)`.
///
/// Its own memory, allocated once: for each part the buffers of a training model, and the moments of the optimiser.
/// The same bits come out for any number of threads, and for a training that was saved and resumed.
template <class Model, class Optimiser = adam_w, class Parts = parts<1>, class Executor = in_turn>
class trainer {
  static_assert(__is_base_of(nothing, rules::trainer_brings_the_buffers<!Model::trains>) || true);
  static_assert(__is_base_of(nothing, rules::what_is_trained_owns_its_parameters<Model::owns_parameters>) || true);
  static constexpr bool wide_enough = same<typename Model::numerics::weight, typename Model::numerics::value>;
  static_assert(__is_base_of(nothing, rules::weights_are_wide_enough_to_learn<wide_enough>) || true);
  static_assert(__is_base_of(nothing, rules::training_has_parts<(Parts::value > 0)>) || true);
  static constexpr bool backend_has_threads = requires(const typename Model::backend_type& of) { of.executor; };
  static_assert(__is_base_of(nothing, rules::one_team_at_a_time<same<Executor, in_turn> || !backend_has_threads>) ||
                true);

 public:
  static constexpr extent_t part_count = Parts::value > 0 ? Parts::value : 1;
  using model_type = Model;
  using learner_type = learner<
      model<typename Model::recipe_type, typename Model::numerics, typename Model::backend_type, training, companion>>;
  using gradients_type = typename Model::bound::template parameters<gradients<typename Model::numerics::weight>>;
  using parameters_type = typename Model::parameters_type;
  using moments_type = typename Optimiser::template moments<gradients_type>;
  static constexpr extent_t tensor_count =
      detail::count_tensors<typename Model::bound::template parameters<shapes<typename Model::numerics::weight>>>();

  trainer(Model& of, Optimiser by = {}, trainer_options with = {})
    requires(same<Executor, in_turn>)
      : trainer(of, by, with, alone_) {}
  trainer(Model& of, Optimiser by, trainer_options with, Executor& on)
      : options(with), optimiser(by), model_(of), executor_(on) {
    if (!of.ready()) return;
    for (auto& part : learners_) part = learner_box::make(of);
    moments_ = moments_box::make();
    if (!ready()) return;
    detail::first_settings first{settings_};
    visit_named(first, gradients_of(0));
  }

  /// False when the allocator had no memory; nothing else may be called then.
  bool ready() const noexcept {
    for (const auto& part : learners_)
      if (!part) return false;
    return static_cast<bool>(moments_);
  }

  trainer_options options;
  Optimiser optimiser;

  /// Calls `f(path, setting)` for every tensor, to read or change how it learns.
  template <class Function>
  void visit_settings(Function&& f) {
    extent_t tensor = 0;
    visit_named([&](const char* path, const auto&) { f(path, settings_[tensor++]); }, gradients_of(0));
  }

  /// One step: `lesson(learner, number)` is called for every number below `streams`, adds the gradients of the sum of
  /// its losses, and returns an `outcome<lesson_result>` (`try_learn_tokens`); parts may be executed at once, and
  /// lessons throw nothing. Then the optimiser moves the parameters against the gradient of the mean, and structs of
  /// parameters that have `after_step(moments...)` have the last word: what masks leave out for good is 0.
  ///
  /// Errors, with the parameters as they were: a number of the optimiser, of the options or of a tensor's setting, or
  /// the rate, that is not in its range; the first of the lessons' errors; nothing was counted; the loss is not finite;
  /// the gradient is not finite or longer than `stop_above`. One error finds out too late: the step itself left
  /// numbers that are not finite. Then the trainer is `damaged`, and `try_save_training` refuses it.
  template <class Lesson>
  outcome<step_report> try_step(extent_t streams, double rate, Lesson&& lesson) {
    if (const auto fine = try_check_numbers(rate); !fine.ok()) return fine.why();
    auto taught = run(streams, lesson, true);
    if (!taught.ok()) return taught.why();
    step_report report{taught->loss / taught->counted, taught->counted, 0, rate};
    if (!maths::is_finite(report.loss))
      return stopped() << "expected a finite loss, found " << report.loss << " (lower the rate, or look at the data)";
    for (extent_t part = 1; part < part_count; ++part)
      visit_tensors([&](auto& to, const auto& from) { op::add_numbers(flat(to), flat(from), backend()); },
                    gradients_of(0), gradients_of(part));
    double squares = 0;
    each_learning(
        [&](extent_t, auto&, const auto& gradient, auto&...) { op::sum_squares(squares, flat(gradient), backend()); });
    report.gradient_norm = maths::sqrt(squares) / report.counted;
    if (!maths::is_finite(report.gradient_norm) || report.gradient_norm > options.stop_above)
      return stopped() << "expected a gradient of length " << options.stop_above << " at most, found "
                       << report.gradient_norm << " (lower the rate, or raise stop_above)";
    double scale = 1 / report.counted, remains = 0;
    if (options.clip_norm > 0 && report.gradient_norm > options.clip_norm)
      scale *= options.clip_norm / report.gradient_norm;
    ++progress_.steps;
    progress_.targets += static_cast<std::uint64_t>(report.counted);
    progress_.multiply_adds += taught->multiply_adds;
    each_learning([&](extent_t tensor, auto& weight, const auto& gradient, auto&... moments) {
      const tensor_setting& setting = settings_[tensor];
      optimiser.step(weight, gradient, moments..., rate * setting.rate, setting.decays ? optimiser.weight_decay : 0.0,
                     scale, ++learnt_[tensor], backend());
      op::sum_squares(remains, flat(weight), backend());
      (op::sum_squares(remains, flat(moments), backend()), ...);
    });
    if constexpr (wide_enough && Model::owns_parameters) {
      detail::settles_structs settles{settings_};
      Optimiser::visit_tensors(settles, *moments_, model_.parameters_to_write());
    }
    model_.update();
    damaged_ = !maths::is_finite(remains);
    if (damaged_)
      return error(error_kind::value, "lacuna::train: step ")
             << progress_.steps << ": expected finite weights and moments after it, found others (lower the rate, and "
             << "resume the last training that was saved)";
    return report;
  }

  /// The mean loss of `streams` lessons that learn nothing (`try_measure_tokens`), with what was counted. Errors: the
  /// first of the lessons' errors; nothing was counted; the loss is not finite.
  template <class Lesson>
  outcome<step_report> try_measure(extent_t streams, Lesson&& lesson) {
    const auto taught = run(streams, lesson, false);
    if (!taught.ok()) return taught.why();
    const step_report report{taught->loss / taught->counted, taught->counted, 0, 0};
    if (!maths::is_finite(report.loss))
      return error(error_kind::value, "lacuna::train: expected a finite mean loss, found ")
             << report.loss << " (look at the parameters and the data)";
    return report;
  }

  const training_progress& progress() const noexcept { return progress_; }
  /// In how many of the steps a tensor learnt, by its number in the order of `visit_settings`: one that was frozen did
  /// in fewer.
  std::uint64_t learnt(extent_t tensor) const noexcept { return learnt_[tensor]; }
  /// The last step left numbers that are not finite.
  bool damaged() const noexcept { return damaged_; }
  const moments_type& moments() const noexcept { return *moments_; }
  Model& trained() noexcept { return model_; }
  const Model& trained() const noexcept { return model_; }

  /// For whoever restores a training: writable moments, and progress, with the steps in which each tensor learnt; in
  /// all of them, if nothing is said. Whoever writes parameters calls the model's `update()`.
  moments_type& moments_to_write() noexcept { return *moments_; }
  void restore(const training_progress& progress, const std::uint64_t* learnt = nullptr) {
    progress_ = progress;
    for (extent_t tensor = 0; tensor < tensor_count; ++tensor)
      learnt_[tensor] = learnt != nullptr ? learnt[tensor] : progress.steps;
    damaged_ = false;
    model_.update();
  }

 private:
  using learner_box = box<learner_type, typename detail::allocator_of<typename Model::storage_type>::type>;
  using moments_box = box<moments_type, typename detail::allocator_of<typename Model::storage_type>::type>;

  struct part_result {
    double loss = 0, counted = 0;
    std::uint64_t multiply_adds = 0;
    error wrong;
  };

  // Whether what the program chose can be used.
  status try_check_numbers(double rate) {
    if constexpr (requires { optimiser.try_check(); })
      if (auto fine = optimiser.try_check(); !fine.ok()) return fine;
    if (auto fine = detail::try_check_numbers(
            "lacuna::train", {{"rate", rate, "look at the schedule"},
                              {"clip_norm", options.clip_norm, "0 leaves gradients as they are", unbounded, true},
                              {"stop_above", options.stop_above, "1e6 stops what explodes", unbounded, true}});
        !fine.ok())
      return fine;
    error wrong;
    visit_settings([&](const char* path, const tensor_setting& setting) {
      if (!wrong && !(setting.rate >= 0 && maths::is_finite(setting.rate)))
        wrong = error(error_kind::value, "lacuna::train: rate of '")
                << path << "': expected a finite number of 0 or more, found " << setting.rate
                << " (1 learns as others do)";
    });
    if (wrong) return wrong;
    return nothing{};
  }

  template <class Lesson>
  outcome<part_result> run(extent_t streams, Lesson& lesson, bool learns) {
    using said = decltype(lesson(*learners_[0], streams));
    constexpr bool fine = std::is_convertible_v<said, outcome<lesson_result>>;
    static_assert(__is_base_of(nothing, rules::lesson_says_what_it_taught<fine>) || true);
    const auto teach = [&](learner_type& by, extent_t number) -> outcome<lesson_result> {
      if constexpr (fine)
        return lesson(by, number);
      else
        return lesson_result{};
    };
    executor_.for_each(part_count, [&](extent_t part) {
      auto& result = results_[part];
      auto& by = *learners_[part];
      result = part_result{};
      if (learns) by.model.clear_gradients();
      for (extent_t i = part * streams / part_count; i < (part + 1) * streams / part_count && !result.wrong; ++i) {
        if (learns) by.model.draw({options.seed, progress_.steps << 24 | i});
        const outcome<lesson_result> taught = teach(by, i);
        if (!taught.ok()) {
          result.wrong = taught.why();
          continue;
        }
        result.loss += taught->loss;
        result.counted += taught->counted;
        result.multiply_adds += taught->multiply_adds;
      }
      by.model.draw_nothing();  // lessons that only measure follow
    });
    part_result all;
    for (const auto& part : results_) {
      if (part.wrong) return part.wrong;
      all.loss += part.loss;
      all.counted += part.counted;
      all.multiply_adds += part.multiply_adds;
    }
    if (!(all.counted > 0))
      return error(error_kind::length, "lacuna::train: expected lessons in which something counts, found ")
             << std::uint64_t{streams} << " in which nothing does (look at the targets)";
    return all;
  }

  /// Calls `f(tensor, weight, gradient, moments...)` for every tensor that learns, with its number.
  template <class Function>
  void each_learning(Function&& f) {
    if constexpr (wide_enough && Model::owns_parameters) {
      extent_t tensor = 0;
      Optimiser::visit_tensors(
          [&](auto& weight, auto& gradient, auto&... moments) {
            if (settings_[tensor].learns) f(tensor, weight, gradient, moments...);
            ++tensor;
          },
          *moments_, model_.parameters_to_write(), gradients_of(0));
    }
  }

  gradients_type& gradients_of(extent_t part) noexcept { return learners_[part]->model.gradients_to_write(); }
  const typename Model::backend_type& backend() const noexcept { return model_.backend(); }
  error stopped() const { return error(error_kind::value, "lacuna::train: step ") << progress_.steps + 1 << ": "; }

  static constexpr double unbounded = maths::infinity<double>();
  static inline in_turn alone_{};
  Model& model_;
  Executor& executor_;
  learner_box learners_[part_count];
  moments_box moments_;
  part_result results_[part_count];
  tensor_setting settings_[tensor_count]{};
  std::uint64_t learnt_[tensor_count]{};
  training_progress progress_{};
  bool damaged_ = false;
};

// A recipe in the place of a model: complains, and trains the model of the recipe.
template <class Recipe, class Optimiser, class Parts, class Executor>
  requires(detail::is_recipe<Recipe> && detail::is_optimiser<Optimiser>)
class trainer<Recipe, Optimiser, Parts, Executor> : public trainer<model<Recipe>, Optimiser, Parts, Executor> {
  static_assert(__is_base_of(nothing, rules::trainer_has_a_model<!detail::is_recipe<Recipe>>) || true);

 public:
  using trainer<model<Recipe>, Optimiser, Parts, Executor>::trainer;
};
// Something else in the place of an optimiser: complains, and trains with `adam_w`.
template <class Model, class Other, class Parts, class Executor>
  requires(!detail::is_optimiser<Other>)
class trainer<Model, Other, Parts, Executor> : public trainer<Model, adam_w, Parts, Executor> {
  static_assert(__is_base_of(nothing, rules::trainer_has_an_optimiser<detail::is_optimiser<Other>>) || true);

 public:
  using trainer<Model, adam_w, Parts, Executor>::trainer;
};

LACUNA_END
