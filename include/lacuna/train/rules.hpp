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

}  // namespace rules

LACUNA_END
