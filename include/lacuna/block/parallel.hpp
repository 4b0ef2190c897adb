#pragma once
/// Sublayers side by side.

#include <lacuna/block/norm_choices.hpp>
#include <lacuna/block/residual_block.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct parallel;
}

/// The slots of a parallel block and their defaults.
using parallel_fields = fields<field<slots::norm, must>, field<slots::norm_sharing, shared_norms>,
                               field<slots::output_norm, no_output_norm>, many<slots::sublayer>>;

namespace detail {

/// One norm before all branches, or one in each; `After` in each.
template <class Norm, class Sharing, class After>
struct parallel_setting {
  using stem = Norm;
  using places = norm_places<no_norm, After>;
};
template <class Norm, class After>
struct parallel_setting<Norm, own_norms, After> {
  using stem = no_norm;
  using places = norm_places<Norm, After>;
};
template <class At, class Places, class Sublayer, extent_t Ordinal>
using parallel_branch = branch<At, typename Places::before, Sublayer, typename Places::after, Ordinal>;

/// y = x + sum of branch(stem(x)).
template <class At, class Stem, class List>
struct parallel_sum;
template <class At, class Stem>
struct parallel_sum<At, Stem, type_list<>> : residual_chain<At, type_list<>> {};
template <class At, class Stem, class... Branches>
struct parallel_sum<At, Stem, type_list<Branches...>> {
  using out = At;
  using links = different_links<Branches...>;
  struct of_all;
  using stem = norm_stage<Stem, At::width, of_all>;
  static constexpr extent_t layers = 1;
  static constexpr bool sees_ahead = links::ahead;

  /// What stands beside the branches' own data: the stem's.
  template <class Role, class Of>
  struct with_stem {
    LACUNA_NO_ADDRESS typename stem::template parameters<Role> stem_part;
    LACUNA_NO_ADDRESS Of branches;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("norm", s.stem_part...);
      v("", s.branches...);
    }
  };
  template <class Role>
  struct parameters : with_stem<Role, visited_tuple<typename Branches::template parameters<Role>...>> {};
  template <class Role>
  struct own : with_stem<Role, visited_tuple<typename Branches::template own<Role>...>> {};
  template <class Role>
  struct common : visited_tuple<typename Branches::template common<Role>...> {};
  template <class StemParameters, class Joined>
  struct joined {
    StemParameters& stem_part;
    Joined branches;
  };
  template <class Own, class Common>
  LACUNA_HD static constexpr auto join(Own& own_part, Common& common_part) {
    const auto branches = join_links<links>(own_part.branches, common_part);
    return joined<std::remove_reference_t<decltype((own_part.stem_part))>, decltype(branches)>{own_part.stem_part,
                                                                                               branches};
  }
  template <class Role>
  struct state : visited_tuple<typename Branches::template state<Role>...> {};
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename stem::template memory<Plan> stem_part;
    typename links::template memory<Plan> branches;
    array<typename Plan::template buffer<At::width>, (links::count > 1)> term;  ///< one branch after the first
  };
  template <class Target>
  using derived = typename links::template derived<Target>;
  template <class Plan>
  using shares = typename links::template shares<Plan>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    links::template each<false>([&]<class Branch>(type_list<Branch>, auto pick, extent_t) {
      auto&& part = pick(parameters.branches);
      Branch::refresh(part, pick(derived));
    });
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    stem::initialise(parameters.stem_part);
    links::template each<false>([&]<class Branch>(type_list<Branch>, auto pick, extent_t) {
      auto&& part = pick(parameters.branches);
      Branch::initialise(part);
    });
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    auto& m = v.memory;
    const auto in = stem::inner_rows(m.stem_part, x);
    if constexpr (stem::present) stem::norm::forward(v.parameters.stem_part, m.stem_part.norm_part, x, in, run);
    links::template each<false>([&]<class Branch>(type_list<Branch>, auto pick, extent_t i) {
      const auto term = term_rows(m, i, y);
      auto&& part = pick(v.parameters.branches);
      Branch::forward(values{part, pick(v.state), pick(m.branches), pick(v.derived)}, in, term, run);
      op::evaluate(y, (i == 0 ? x : y) + term, run.backend);
    });
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    auto& m = v.memory;
    const auto in = stem::inner_rows(m.stem_part, x), din = stem::inner_rows(a.memory.stem_part, dx);
    if constexpr (stem::present) din.fill(0);
    links::template each<true>([&]<class Branch>(type_list<Branch>, auto pick, extent_t) {
      auto&& part = pick(v.parameters.branches);
      auto&& gradients = pick(a.gradients.branches);
      Branch::backward(values{part, pick(v.state), pick(m.branches), pick(v.derived)},
                       adjoints{gradients, pick(a.state), pick(a.memory.branches)}, in, dy, din, run);
    });
    if constexpr (stem::present)
      stem::norm::backward(v.parameters.stem_part, a.gradients.stem_part, m.stem_part.norm_part, x, din, dx, run);
    op::evaluate(dx, dx + dy, run.backend);
  }
  template <class Memory, class Function>
  static constexpr void losses(Memory& memory, Function& f) {
    links::template each<false>([&]<class Branch>(type_list<Branch>, auto pick, extent_t) {
      visit_losses_of<Branch>(pick(memory.branches), f);
    });
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    links::template each<false>([&]<class Branch>(type_list<Branch>, auto pick, extent_t) {
      visit_taps_of<Branch>(pick(memory.branches), walk);
    });
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return (std::uint64_t{0} + ... + Branches::multiply_adds(first, tokens));
  }
  template <class Function>
  static constexpr void facts(Function&& f) {
    (Branches::facts(f), ...);
  }
  template <class Function>
  static constexpr void schedules(Function&& f) {
    links::schedules(f);
  }

 private:
  /// Where branch i writes: the first into the output.
  template <class Memory, class Value>
  LACUNA_HD static constexpr rows<Value, At::width> term_rows(Memory& memory, extent_t i, rows<Value, At::width> y) {
    if constexpr (links::count > 1)
      return i == 0 ? y : rows<Value, At::width>(memory.term[0].first(y.count));
    else
      return y;
  }
};

}  // namespace detail

/// `parallel<layer_norm<>, attention<...>, ffn<...>>`: y = x + f1(norm(x)) + f2(norm(x)) + ...,
/// `(tokens, width) -> (tokens, width)`. Paths: `norm`, `attention`, `ffn`.
///
/// `parallel<layer_norm<>, own_norms, ...>`: each branch has its own norm: `attention_norm`, `attention`, `ffn_norm`,
/// `ffn`. `parallel<rms_norm<>, on_output<rms_norm<>>, ...>`: each branch is normalised before it is added, too:
/// `attention_output_norm`, `ffn_output_norm`; with both options this is peri-norm side by side.
/// Source: Wang and Komatsuzaki (2021), "GPT-J-6B"; own norms: Black et al. (2022), arXiv 2204.06745, section 2.1.
template <class... Policies>
struct parallel : detail::residual_block<recipe_name::parallel, parallel_fields, Policies...> {
  template <class... New>
  using rebuild = parallel<New...>;
  /// The sum was never normalised.
  using closing_norm = typename parallel::norm;
  using setting = detail::parallel_setting<closing_norm, typename parallel::base::template get<slots::norm_sharing>,
                                           typename parallel::base::template get<slots::output_norm>::norm>;
  template <class At>
  using bound = detail::parallel_sum<At, typename setting::stem,
                                     typename detail::steps_for<detail::parallel_branch, At, typename setting::places,
                                                                typename parallel::sublayers>::type>;
};

LACUNA_END
