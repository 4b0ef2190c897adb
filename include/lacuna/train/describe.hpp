#pragma once
/// What a trainer takes, in figures: the same constexpr ones that size its memory.

#include <lacuna/model/describe.hpp>
#include <lacuna/train/trainer.hpp>

LACUNA_BEGIN

/// Bytes of what an optimiser remembers between steps.
template <class Trainer>
inline constexpr extent_t moment_bytes = sizeof(typename Trainer::moments_type);
/// Bytes of what one part of a batch learns in: a companion of the model with all that its backward reads, gradients,
/// and room for a stream's targets.
template <class Trainer>
inline constexpr extent_t learner_bytes = sizeof(typename Trainer::learner_type);
/// Bytes that a trainer allocates, once, when it is made.
template <class Trainer>
inline constexpr extent_t trainer_bytes = Trainer::part_count * learner_bytes<Trainer> + moment_bytes<Trainer>;

/// Prints what `describe` prints of the model that is trained, and what its trainer takes beside it: all of it, each
/// part of a batch, the optimiser's moments, and which backend serves each operation of a backward.
/// `describe<trainer<model<stories>>>()`.
template <class Trainer>
  requires requires {
    typename Trainer::learner_type;
    typename Trainer::moments_type;
  }
void describe() {
  using companion_model = typename Trainer::learner_type::model_type;
  describe<typename Trainer::model_type>();
  std::puts("");
  detail::figure("trainer, all of it", trainer_bytes<Trainer>, "bytes");
  detail::figure("of which moments", moment_bytes<Trainer>, "bytes");
  detail::figure("parts of a batch", Trainer::part_count, "");
  detail::figure("each part", learner_bytes<Trainer>, "bytes");
  detail::figure("of which gradients and adjoints", gradient_bytes<companion_model>, "bytes");
  detail::figure("of which kept for backward", workspace_bytes<companion_model>, "bytes");
  detail::describe_operations<companion_model>(true);
}

LACUNA_END
