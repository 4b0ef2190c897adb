#pragma once
/// Rules of training, one sentence each.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

namespace rules {

template <bool Fine>
struct trainer_has_a_model {
  static_assert(Fine,
                "lacuna::trainer: a recipe is a type, and has no parameters to train (write "
                "trainer<lacuna::model<Recipe>>)");
};
template <bool Fine>
struct trainer_has_an_optimiser {
  static_assert(Fine,
                "lacuna::trainer: what follows the model is no optimiser (write trainer<Model, lacuna::adam_w, "
                "lacuna::parts<2>>)");
};
template <bool Fine>
struct training_is_of_a_trainer {
  static_assert(Fine,
                "lacuna::save_training: a training is what a trainer holds (give the trainer to try_save_training and "
                "try_resume_training, and a model alone to try_save and try_load_into)");
};
template <bool Fine>
struct lesson_says_what_it_taught {
  static_assert(Fine,
                "lacuna::trainer: a lesson is called with a learner and a number, and says what it taught (write "
                "[](auto& by, lacuna::extent_t number) { return lacuna::try_learn_tokens(by, ...); })");
};
template <bool Fine>
struct lesson_changes_its_learner {
  static_assert(Fine, "lacuna::learn: the learner is const, and cannot learn (let the lesson take auto& by)");
};
template <bool Fine>
struct lesson_passes_its_learner {
  static_assert(Fine,
                "lacuna::learn: its first argument is no learner (pass what the lesson was given, by, and not "
                "by.model)");
};
template <bool Fine>
struct paths_are_accepted_by_a_rule {
  static_assert(Fine,
                "lacuna::learn_only: its second argument cannot be asked for a path (write "
                "lacuna::with_part{...}, or a function of const char*)");
};
template <bool Fine>
struct trainer_brings_the_buffers {
  static_assert(Fine,
                "lacuna::trainer: the model has buffers for learning, which a trainer brings itself (leave "
                "lacuna::training out of the model)");
};
template <bool Fine>
struct what_is_trained_owns_its_parameters {
  static_assert(Fine,
                "lacuna::trainer: the model borrows its parameters, which cannot be changed (train a model that owns "
                "them)");
};
template <bool Fine>
struct weights_are_wide_enough_to_learn {
  static_assert(Fine,
                "lacuna::trainer: small steps are lost in weights of 16 bits (train in lacuna::f32, and load its file "
                "into the smaller model)");
};
template <bool Fine>
struct training_has_parts {
  static_assert(Fine, "lacuna::parts: a batch needs at least one part (write lacuna::parts<1>)");
};

template <bool Fine>
struct one_team_at_a_time {
  static_assert(Fine,
                "lacuna::trainer: parts on threads and a backend with threads would wait for one another (train on "
                "lacuna::simd, or with parts<1> and no executor)");
};
template <bool Fine>
struct lessons_of_tokens_have_logits {
  static_assert(Fine,
                "lacuna::learn: only a decoder makes logits for tokens (write a lesson of the rows of an encoder, and "
                "try_learn_window for a regressor)");
};
template <bool Fine>
struct lessons_of_windows_have_forecasts {
  static_assert(
      Fine,
      "lacuna::learn: only a regressor forecasts windows, in its own element type (use try_learn_tokens for a "
      "decoder, and rows of the model's value)");
};
template <bool Fine>
struct examples_fit_the_context {
  static_assert(Fine,
                "lacuna::learn: the task's examples are longer than the model's context (write context<task::length>)");
};
template <bool Fine>
struct some_weight_is_masked {
  static_assert(Fine,
                "lacuna::choose_masks: no weight of the model has a mask (give a projection the format "
                "masked<n_m<2, 4>, straight_through>)");
};
template <bool Fine>
struct some_mask_decays {
  static_assert(Fine,
                "lacuna::decay_masks: no mask of the model comes slowly (give a projection the format "
                "masked<n_m<2, 4>, decaying<>>)");
};

}  // namespace rules

LACUNA_END
