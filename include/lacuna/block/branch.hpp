#pragma once
/// The branch: what a residual block adds to its stream, a sublayer between two norms that may be absent. Written once
/// for all placements of norms.

#include <lacuna/block/joined.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/norm/no_norm.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

/// The n-th sublayer of the same role in a block is called `attention`, `attention_2`, ...
template <class Sublayer, extent_t Ordinal>
struct sublayer_names {
  static constexpr auto sublayer = [] {
    if constexpr (Ordinal == 1)
      return Sublayer::role;
    else
      return Sublayer::role + "_" + decimal<Ordinal>();
  }();
  static constexpr auto norm = sublayer + "_norm";
  static constexpr auto output_norm = sublayer + "_output_norm";
};

/// A norm and the rows on its inner side. Nothing at all, and no copy, where there is no norm: the rows on its outer
/// side serve for both. `Owner` keeps two absent ones apart, so that both can take no room.
template <class Norm, extent_t Width, class Owner>
struct norm_stage {
  static constexpr bool present = true;
  using norm = typename Norm::template bound<Width>;
  template <class Role>
  using parameters = typename norm::template parameters<Role>;
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename norm::template memory<Plan> norm_part;
    typename Plan::template buffer<Width> inner;
  };
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    norm::initialise(parameters);
  }
  template <class Memory, class Value>
  LACUNA_HD static constexpr rows<Value, Width> inner_rows(Memory& memory, rows<Value, Width> outer) {
    return memory.inner.first(outer.count);
  }
};
template <extent_t Width, class Owner>
struct norm_stage<no_norm, Width, Owner> {
  static constexpr bool present = false;
  template <class Role>
  struct parameters : no_tensors<norm_stage> {};
  template <class Plan>
  struct memory {};
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}
  template <class Memory, class Value>
  LACUNA_HD static constexpr rows<Value, Width> inner_rows(Memory&, rows<Value, Width> outer) {
    return outer;
  }
};
struct before_sublayer;
struct after_sublayer;

/// y = after(sublayer(before(x))), with the data of all three. `out`, `state`, `derived`, `shares` are the sublayer's.
template <class At, class Before, class Sublayer, class After, extent_t Ordinal>
struct branch {
  using out = At;
  using before = norm_stage<Before, At::width, before_sublayer>;
  using after = norm_stage<After, At::width, after_sublayer>;
  using sublayer = typename Sublayer::template bound<At>;
  using names = sublayer_names<Sublayer, Ordinal>;
  static constexpr bool sees_ahead = lacuna::sees_ahead<sublayer>;

  /// The norms: what layers that share a block may have each for itself.
  template <class Role>
  struct own {
    LACUNA_NO_ADDRESS typename before::template parameters<Role> before_part;
    LACUNA_NO_ADDRESS typename after::template parameters<Role> after_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::norm.c_str(), s.before_part...);
      v(names::output_norm.c_str(), s.after_part...);
    }
  };
  template <class Role>
  using common = named_sublayer<names, typename sublayer::template parameters<Role>>;
  template <class Role>
  struct parameters {
    LACUNA_NO_ADDRESS own<Role> own_part;
    typename sublayer::template parameters<Role> sublayer_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::norm.c_str(), s.own_part.before_part...);
      v(names::sublayer.c_str(), s.sublayer_part...);
      v(names::output_norm.c_str(), s.own_part.after_part...);
    }
  };
  template <class Own, class Common>
  LACUNA_HD static constexpr auto join(Own& own_part, Common& common_part) {
    return joined_step(own_part, common_part.sublayer_part);
  }
  template <class Role>
  struct state : sublayer::template state<Role> {
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::sublayer.c_str(), static_cast<copy_const<Structs, typename sublayer::template state<Role>>&>(s)...);
    }

   private:
    template <class From, class To>
    using copy_const = std::conditional_t<std::is_const_v<From>, const To, To>;
  };
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename before::template memory<Plan> before_part;
    typename sublayer::template memory<Plan> sublayer_part;
    LACUNA_NO_ADDRESS typename after::template memory<Plan> after_part;
  };
  template <class Target>
  using derived = typename sublayer::template derived<Target>;
  template <class Plan>
  using shares = typename sublayer::template shares<Plan>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    sublayer::refresh(parameters.sublayer_part, derived);
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    before::initialise(parameters.own_part.before_part);
    sublayer::initialise(parameters.sublayer_part);
    after::initialise(parameters.own_part.after_part);
  }
  template <class Memory, class Function>
  static constexpr void losses(Memory& memory, Function& f) {
    visit_losses_of<sublayer>(memory.sublayer_part, f);
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    walk.inside("blocks", walk.layer, walk.tokens, [&] {
      walk.inside(names::sublayer.c_str(), [&] { visit_taps_of<sublayer>(memory.sublayer_part, walk); });
    });
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return sublayer::multiply_adds(first, tokens);
  }
  template <class Function>
  static constexpr void facts(Function&& f) {
    sublayer::facts(f);
  }
  template <class Function>
  static constexpr void schedules(Function&& f) {
    sublayer::schedules(f);
  }

  /// y = after(sublayer(before(x))).
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    auto& m = v.memory;
    const auto in = before::inner_rows(m.before_part, x), result = after::inner_rows(m.after_part, y);
    if constexpr (before::present)
      before::norm::forward(v.parameters.own_part.before_part, m.before_part.norm_part, x, in, run);
    sublayer::forward(values{v.parameters.sublayer_part, v.state, m.sublayer_part, v.derived}, in, result, run);
    if constexpr (after::present)
      after::norm::forward(v.parameters.own_part.after_part, m.after_part.norm_part, result, y, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    auto& m = v.memory;
    const auto in = before::inner_rows(m.before_part, x), din = before::inner_rows(a.memory.before_part, dx),
               dresult = after::inner_rows(a.memory.after_part, dy);
    if constexpr (after::present) {
      dresult.fill(0);
      after::norm::backward(v.parameters.own_part.after_part, a.gradients.own_part.after_part, m.after_part.norm_part,
                            m.after_part.inner.first(x.count), dy, dresult, run);
    }
    if constexpr (before::present) din.fill(0);
    sublayer::backward(values{v.parameters.sublayer_part, v.state, m.sublayer_part, v.derived},
                       adjoints{a.gradients.sublayer_part, a.state, a.memory.sublayer_part}, in, dresult, din, run);
    if constexpr (before::present)
      before::norm::backward(v.parameters.own_part.before_part, a.gradients.own_part.before_part,
                             m.before_part.norm_part, x, din, dx, run);
  }
};

}  // namespace detail

LACUNA_END
