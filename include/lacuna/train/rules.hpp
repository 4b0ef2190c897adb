#pragma once
/// Rules of training, one sentence each.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

namespace rules {

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
