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
/// In a decoder or encoder: `learned_position`, `sinusoidal<>`, a graph's `laplacian_position<N>` or `no_embedding_position`.
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

namespace detail {

/// What an embedding position shares: nothing, unless it says so.
template <class Position, class Value, class = void>
struct shared_by_position {
  using type = type_list<>;
};
template <class Position, class Value>
struct shared_by_position<Position, Value, std::void_t<typename Position::template shares<Value>>> {
  using type = typename Position::template shares<Value>;
};

/// What an embedding position costs: nothing that is counted, unless it says so.
template <class Position>
constexpr std::uint64_t work_of_position(extent_t tokens) {
  if constexpr (requires { Position::multiply_adds(tokens); })
    return Position::multiply_adds(tokens);
  else
    return 0;
}

}  // namespace detail

LACUNA_END
