#pragma once
/// The slots of decoders, and the axes of a model: numerics, backend, ability, storage, chunk.

#include <lacuna/core/box.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct vocabulary;
template <extent_t Columns>
struct width;
template <extent_t Positions>
struct context;
struct tied_head;
struct mean_pooling;
template <extent_t Tokens>
struct chunk;

namespace slots {
/// `vocabulary<512>`.
struct vocabulary {
  using stand_in = lacuna::vocabulary<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::vocabulary: it is missing in a decoder or encoder (add lacuna::vocabulary<N>, the number of tokens)");
  };
};
/// `width<64>`.
struct width {
  using stand_in = lacuna::width<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::width: it is missing in a whole recipe (add lacuna::width<N>, the columns of the residual "
                  "stream)");
  };
};
/// `context<512>`.
struct context {
  using stand_in = lacuna::context<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::context: it is missing in a decoder or encoder (add lacuna::context<N>, the most positions of a stream)");
  };
};
/// `tied_head` or `linear_head<>`.
struct head {
  using stand_in = tied_head;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::head: the policy has no bound<Vocabulary, Width> (derive it from lacuna::tied_head or "
                  "lacuna::linear_head<>)");
  };
};
/// In an encoder: `mean_pooling`, `first_token`, `sequence_pooling`.
struct pooling {
  using stand_in = mean_pooling;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::pooling: the policy has no bound<Width> (see lacuna::mean_pooling for what one offers)");
  };
};
/// `f32`, `bf16`, `f16`, `f64`.
struct numerics {
  using stand_in = nothing;
};
/// `inference` or `training`.
struct ability {
  using stand_in = nothing;
};
/// `heap`, `heap_from<allocator>`, `in_place`, `borrowed`, `companion`.
struct storage {
  using stand_in = nothing;
};
/// `chunk<16>`.
struct chunk {
  using stand_in = lacuna::chunk<16>;
};
}  // namespace slots

/// Tokens the model knows.
template <extent_t Count>
struct vocabulary {
  using slot = slots::vocabulary;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("vocabulary<") + decimal<Count>() + ">";
};
/// Columns of the residual stream.
template <extent_t Columns>
struct width {
  using slot = slots::width;
  static constexpr extent_t value = Columns;
  static constexpr auto name = fixed_string("width<") + decimal<Columns>() + ">";
};
/// The most positions of a stream.
template <extent_t Positions>
struct context {
  using slot = slots::context;
  static constexpr extent_t value = Positions;
  static constexpr auto name = fixed_string("context<") + decimal<Positions>() + ">";
};

/// Weights and computation in f32.
struct f32 {
  using slot = slots::numerics;
  using weight = float;
  using value = float;
  static constexpr auto name = fixed_string("f32");
};
/// Weights stored in bf16, computation in f32.
struct bf16 {
  using slot = slots::numerics;
  using weight = bfloat16;
  using value = float;
  static constexpr auto name = fixed_string("bf16");
};
/// Weights stored in f16, computation in f32. No weight can be larger than 65504.
struct f16 {
  using slot = slots::numerics;
  using weight = float16;
  using value = float;
  static constexpr auto name = fixed_string("f16");
};
/// Weights and computation in f64: gradient checks.
struct f64 {
  using slot = slots::numerics;
  using weight = double;
  using value = double;
  static constexpr auto name = fixed_string("f64");
};

/// The model can run: workspace only, no byte for gradients.
struct inference {
  using slot = slots::ability;
  static constexpr auto name = fixed_string("inference");
  static constexpr bool trains = false;
};
/// The model can learn: every activation of one context is kept, with gradients and adjoints.
struct training {
  using slot = slots::ability;
  static constexpr auto name = fixed_string("training");
  static constexpr bool trains = true;
};

/// One aligned block of an allocator (see core/box.hpp), allocated at construction: `heap_from<huge_pages>`.
template <class Allocator>
struct heap_from {
  using slot = slots::storage;
  using allocator = Allocator;
  static constexpr auto name = fixed_string("heap_from<") + Allocator::name + ">";
};
/// One aligned heap block, allocated at construction.
struct heap {
  using slot = slots::storage;
  using allocator = heap_allocator;
  static constexpr auto name = fixed_string("heap");
};
/// Whether a storage allocates.
template <class Storage>
inline constexpr bool is_on_the_heap = requires { typename Storage::allocator; };
/// Inside the model object: static or stack memory, no heap.
struct in_place {
  using slot = slots::storage;
  static constexpr auto name = fixed_string("in_place");
};
/// Parameters stay where they are (flash, a mapped file); everything else is inside the model object.
struct borrowed {
  using slot = slots::storage;
  static constexpr auto name = fixed_string("borrowed");
};
/// Parameters, and what is derived from them, stay in another model of the same recipe, numerics and backend, which is
/// not copied; all else is inside the model object: one more stream, or buffers for learning, beside a model.
/// A model whose parameters are in place is not moved while it has companions.
struct companion {
  using slot = slots::storage;
  static constexpr auto name = fixed_string("companion");
};

/// Tokens that an inference model takes through its layers at once; workspace grows with it, results do not change. An
/// encoder takes the whole context at once.
template <extent_t Tokens>
struct chunk {
  using slot = slots::chunk;
  static constexpr extent_t value = Tokens;
  static constexpr auto name = fixed_string("chunk<") + decimal<Tokens>() + ">";
};

LACUNA_END
