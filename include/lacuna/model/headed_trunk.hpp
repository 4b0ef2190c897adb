#pragma once
/// A trunk and a head behind it, with the data of both: what decoders and regressors have in common.

#include <lacuna/model/trunk.hpp>

LACUNA_BEGIN

namespace detail {

/// The data of a trunk and of a bound head, at `head`. Not a base of theirs: what a trunk complains of is then told
/// from one level nearer.
template <class Trunk, class Head>
struct headed_trunk {
  template <class Role>
  struct parameters : Trunk::template parameters<Role> {
    using of_trunk = typename Trunk::template parameters<Role>;
    LACUNA_NO_ADDRESS typename Head::template parameters<Role> head_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      of_trunk::visit(v, s...);
      v("head", s.head_part...);
    }
  };
  template <class Plan>
  struct memory : Trunk::template memory<Plan> {
    LACUNA_NO_ADDRESS typename Head::template memory<Plan> head_part;
  };
  template <class Target>
  struct derived : Trunk::template derived<Target> {
    typename Head::template derived<Target> head_part;
  };

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    Trunk::refresh(parameters, derived);
    Head::refresh(parameters.head_part, parameters.embedding, derived.head_part);
  }
};

}  // namespace detail

LACUNA_END
