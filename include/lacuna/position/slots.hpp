#pragma once
/// Where positions enter: at the projections of attention, or at the embedding.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct no_position;
struct no_embedding_position;

namespace slots {
/// In attention: `rope<>`, `alibi` or `no_position`.
struct position {
  using stand_in = no_position;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template on_projections<2, 1>; };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::position: the policy has no on_projections<HeadWidth, Context> (see lacuna::rope for what an "
        "attention position offers)");
  };
};
/// In a decoder: `learned_position`, `sinusoidal<>`, a graph's `laplacian_position<N>` or `no_embedding_position`.
struct embedding_position {
  using stand_in = no_embedding_position;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::position: the policy has no bound<Width, Context> (see lacuna::learned_position for what an "
                  "embedding position offers)");
  };
};
}  // namespace slots

LACUNA_END
