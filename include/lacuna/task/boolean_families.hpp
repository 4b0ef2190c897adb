#pragma once
/// Laws of Boolean functions of points in {-1, 1}^n, and of the points that they are shown on.

#include <concepts>
#include <lacuna/core/slots.hpp>
#include <lacuna/task/random_numbers.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fits>
struct boolean_family_has_variables {
  static_assert(Fits, "lacuna::task::boolean: the family needs more variables than there are (choose more bits)");
};
}  // namespace rules

namespace task {

/// Points and what a function says of each: -1 or 1 everywhere.
template <extent_t Bits, extent_t Points>
struct labelled_points {
  std::int8_t points[Points][Bits]{};
  std::int8_t labels[Points]{};
};

/// A family of functions. Either it says how one is drawn: `draw(random, function)`, of a type `function<Bits>` that is
/// called with a point; and, if the points are not to stay uniform, `prepare(random, function, points)`, which changes
/// them. Or it draws labelled points as a whole, by `fill(random, into)`.
template <class Type>
concept BooleanFamily = requires(random_numbers& random, labelled_points<8, 3>& into) {
  Type::fill(random, into);
} || requires(random_numbers& random, typename Type::template function<8>& into, const std::int8_t (&point)[8]) {
  Type::draw(random, into);
  { into(point) } -> std::same_as<std::int8_t>;
};

/// The families of Bhattamishra et al. (2023), "Understanding in-context learning in Transformers and LLMs by learning
/// to learn discrete functions", arXiv 2310.03016, and their laws as in its released code. Points are uniform; where a
/// label would be rare, a share of them is forced to have it. An empty clause is a constant: + for conjunctions, - for
/// disjunctions; that is part of the law.
namespace boolean {

/// weights . x - threshold, its sign: what most families are. The threshold is kept twice, so that halves are integers.
template <extent_t Bits>
struct linear_threshold {
  std::int8_t weights[Bits]{};
  int twice_threshold = 0;

  constexpr int weight() const noexcept {
    int sum = 0;
    for (const std::int8_t each : weights) sum += each < 0 ? -each : each;
    return sum;
  }
  constexpr std::int8_t operator()(const std::int8_t (&point)[Bits]) const noexcept {
    int sum = 0;
    for (extent_t i = 0; i < Bits; ++i) sum += weights[i] * point[i];
    return 2 * sum > twice_threshold ? std::int8_t{1} : std::int8_t{-1};
  }
  /// All variables that have a weight agree with its sign (+1), or none does (-1).
  constexpr void force(std::int8_t (&point)[Bits], int sign) const noexcept {
    for (extent_t i = 0; i < Bits; ++i)
      if (weights[i] != 0) point[i] = static_cast<std::int8_t>((weights[i] > 0 ? 1 : -1) * sign);
  }
};

namespace detail {

/// Weights 1 and -1, each with a probability, else 0.
template <extent_t Bits>
constexpr void draw_literals(random_numbers& random, double positive, double negative,
                             linear_threshold<Bits>& into) noexcept {
  for (std::int8_t& weight : into.weights) {
    weight = 0;
    if (random.chance(positive))
      weight = 1;
    else if (random.chance(negative / (1 - positive)))
      weight = -1;
  }
}
/// `count` different weights 1, else 0.
template <extent_t Bits>
constexpr void draw_subset(random_numbers& random, extent_t count, std::int8_t (&into)[Bits]) noexcept {
  extent_t places[Bits]{};
  for (extent_t i = 0; i < Bits; ++i) places[i] = i;
  random.shuffle(places, Bits);
  for (extent_t i = 0; i < Bits; ++i) into[places[i]] = i < count ? 1 : 0;
}
template <extent_t Bits>
constexpr void make_conjunction(linear_threshold<Bits>& of) noexcept {
  of.twice_threshold = 2 * (of.weight() - 1);
}
template <extent_t Bits>
constexpr void make_disjunction(linear_threshold<Bits>& of) noexcept {
  of.twice_threshold = -2 * (of.weight() - 1);
}
/// Points of which a share is forced: one label would be rare.
template <extent_t Bits, extent_t Points>
constexpr void force_some(random_numbers& random, const linear_threshold<Bits>& clause, double share, int sign,
                          std::int8_t (&points)[Points][Bits]) noexcept {
  for (auto& point : points)
    if (random.chance(share)) clause.force(point, sign);
}
template <extent_t Bits>
constexpr void draw_point(random_numbers& random, std::int8_t (&into)[Bits]) noexcept {
  std::uint32_t bits = 0;
  for (extent_t i = 0; i < Bits; ++i) {
    if (i % 32 == 0) bits = random.word();
    into[i] = (bits >> (i % 32) & 1u) != 0 ? 1 : -1;
  }
}

}  // namespace detail

/// An AND of literals: each variable is in it with probability .15, and negated with .15. A point is positive with
/// probability .3 or more.
struct conjunction {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    detail::draw_literals(random, 0.15, 0.15, into);
    detail::make_conjunction(into);
  }
  template <extent_t Bits, extent_t Points>
  static constexpr void prepare(random_numbers& random, const linear_threshold<Bits>& of,
                                std::int8_t (&points)[Points][Bits]) noexcept {
    detail::force_some(random, of, 0.3, 1, points);
  }
};

/// An OR of literals, with the probabilities of `conjunction`; .3 of the points are forced to be negative.
struct disjunction {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    detail::draw_literals(random, 0.15, 0.15, into);
    detail::make_disjunction(into);
  }
  template <extent_t Bits, extent_t Points>
  static constexpr void prepare(random_numbers& random, const linear_threshold<Bits>& of,
                                std::int8_t (&points)[Points][Bits]) noexcept {
    detail::force_some(random, of, 0.3, -1, points);
  }
};

/// An OR of `Variables` variables; points as for `disjunction`.
template <extent_t Variables = 4>
struct sparse_disjunction : disjunction {
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    static_assert(__is_base_of(nothing, rules::boolean_family_has_variables<Variables <= Bits>) || true);
    detail::draw_subset(random, Variables, into.weights);
    detail::make_disjunction(into);
  }
};

/// Three clauses, joined by OR (`All` false) or AND.
template <extent_t Bits, bool All>
struct three_clauses {
  linear_threshold<Bits> clauses[3];
  constexpr std::int8_t operator()(const std::int8_t (&point)[Bits]) const noexcept {
    for (const auto& clause : clauses)
      if ((clause(point) > 0) != All) return All ? std::int8_t{-1} : std::int8_t{1};
    return All ? std::int8_t{1} : std::int8_t{-1};
  }
};

namespace detail {

/// Three clauses of literals with probabilities .1 and .1, joined by the other connective; one of the three, the same
/// for all points of an example, is forced to decide at a share of them.
template <bool All>
struct normal_form {
  template <extent_t Bits>
  using function = three_clauses<Bits, All>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, three_clauses<Bits, All>& into) noexcept {
    for (auto& clause : into.clauses) {
      draw_literals(random, 0.1, 0.1, clause);
      All ? make_disjunction(clause) : make_conjunction(clause);
    }
  }
  template <extent_t Bits, extent_t Points>
  static constexpr void prepare(random_numbers& random, const three_clauses<Bits, All>& of,
                                std::int8_t (&points)[Points][Bits]) noexcept {
    force_some(random, of.clauses[random.below(3)], All ? 0.3 : 0.35, All ? -1 : 1, points);
  }
};

}  // namespace detail

/// An OR of three ANDs, literals with probabilities .1 and .1; one of the three, the same for all points of an example,
/// is satisfied by force at .35 of them.
struct dnf : detail::normal_form<false> {};

/// An AND of three ORs, literals with probabilities .1 and .1; one of the three is broken by force at .3 of the points.
struct cnf : detail::normal_form<true> {};

/// The majority of a subset of the variables, each in it with probability .3; a tie is negative.
struct majority {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    detail::draw_literals(random, 0.3, 0, into);
    into.twice_threshold = 1;
  }
};

/// A halfspace with integer weights, uniform from -3 to 3, and threshold 1/2.
struct halfspace {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    for (std::int8_t& weight : into.weights) weight = static_cast<std::int8_t>(static_cast<int>(random.below(7)) - 3);
    into.twice_threshold = 1;
  }
};

/// A threshold of literals: weights as in `conjunction`, the threshold 1/2 more than uniform from -3 to 2.
struct threshold {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    detail::draw_literals(random, 0.15, 0.15, into);
    into.twice_threshold = 2 * (static_cast<int>(random.below(6)) - 3) + 1;
  }
};

/// Whether an odd number of the variables of a subset are 1: then +1.
template <extent_t Bits>
struct odd_of_subset {
  std::int8_t chosen[Bits]{};
  constexpr std::int8_t operator()(const std::int8_t (&point)[Bits]) const noexcept {
    unsigned odd = 0;
    for (extent_t i = 0; i < Bits; ++i) odd ^= chosen[i] != 0 && point[i] > 0 ? 1u : 0u;
    return odd != 0 ? std::int8_t{1} : std::int8_t{-1};
  }
};

/// The parity of a subset, all subsets alike.
struct parity {
  template <extent_t Bits>
  using function = odd_of_subset<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, odd_of_subset<Bits>& into) noexcept {
    for (std::int8_t& each : into.chosen) each = static_cast<std::int8_t>(random.below(2));
  }
};

/// The parity of `Variables` variables.
template <extent_t Variables = 2>
struct sparse_parity {
  template <extent_t Bits>
  using function = odd_of_subset<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, odd_of_subset<Bits>& into) noexcept {
    static_assert(__is_base_of(nothing, rules::boolean_family_has_variables<Variables <= Bits>) || true);
    detail::draw_subset(random, Variables, into.chosen);
  }
};

/// Which of the points before point `at` is nearest to it, the earliest of several: as many bits agree as with no
/// other. (All points have one norm, so that this is also the largest cosine, which the released code rounds to 7
/// digits for the sake of ties.) `at` is not 0.
template <extent_t Bits, extent_t Points>
constexpr extent_t nearest_before(const labelled_points<Bits, Points>& of, extent_t at) noexcept {
  extent_t nearest = 0;
  int largest = -static_cast<int>(Bits) - 1;
  for (extent_t i = 0; i < at; ++i) {
    int product = 0;
    for (extent_t b = 0; b < Bits; ++b) product += of.points[i][b] * of.points[at][b];
    if (product > largest) {
      largest = product;
      nearest = i;
    }
  }
  return nearest;
}
/// The baseline for all families: the label of the nearest point before, or + for the first.
template <extent_t Bits, extent_t Points>
constexpr std::int8_t nearest_label(const labelled_points<Bits, Points>& of, extent_t at) noexcept {
  return at == 0 ? std::int8_t{1} : of.labels[nearest_before(of, at)];
}

/// Each point has the label of the nearest one before; the first `Random` labels are random, but equal for equal
/// points.
template <extent_t Random>
struct nearest_neighbour {
  template <extent_t Bits, extent_t Points>
  static constexpr void fill(random_numbers& random, labelled_points<Bits, Points>& into) noexcept {
    for (auto& point : into.points) detail::draw_point(random, point);
    for (extent_t i = 0; i < Points; ++i) {
      into.labels[i] = random.below(2) != 0 ? 1 : -1;
      if (i == 0) continue;
      const extent_t nearest = nearest_before(into, i);
      bool equal = true;
      for (extent_t b = 0; b < Bits; ++b) equal = equal && into.points[nearest][b] == into.points[i][b];
      if (i >= Random || equal) into.labels[i] = into.labels[nearest];
    }
  }
};

/// An AND of variables, each in it with probability .3, whose first points teach it: the one in which just those are 1,
/// then that one with each of them in turn at -1: |variables| + 1 points, after which no other such function fits (or
/// as many of them as there are points). The points that follow are forced to be positive with probability .4.
struct taught_conjunction {
  template <extent_t Bits>
  using function = linear_threshold<Bits>;
  template <extent_t Bits>
  static constexpr void draw(random_numbers& random, linear_threshold<Bits>& into) noexcept {
    detail::draw_literals(random, 0.3, 0, into);
    detail::make_conjunction(into);
  }
  template <extent_t Bits, extent_t Points>
  static constexpr void prepare(random_numbers& random, const linear_threshold<Bits>& of,
                                std::int8_t (&points)[Points][Bits]) noexcept {
    detail::force_some(random, of, 0.4, 1, points);
    extent_t at = 0;
    const auto teach = [&](extent_t flipped) {
      if (at == Points) return;
      for (extent_t i = 0; i < Bits; ++i) points[at][i] = of.weights[i] != 0 && i != flipped ? 1 : -1;
      ++at;
    };
    teach(Bits);
    for (extent_t i = 0; i < Bits; ++i)
      if (of.weights[i] != 0) teach(i);
  }
};

}  // namespace boolean

/// Draws a function of a family and points, labels them, and hands out the function.
template <class Family, extent_t Bits, extent_t Points>
constexpr void fill_points(random_numbers& random, labelled_points<Bits, Points>& into,
                           typename Family::template function<Bits>& drawn) noexcept {
  Family::draw(random, drawn);
  for (auto& point : into.points) boolean::detail::draw_point(random, point);
  if constexpr (requires { Family::prepare(random, drawn, into.points); }) Family::prepare(random, drawn, into.points);
  for (extent_t i = 0; i < Points; ++i) into.labels[i] = drawn(into.points[i]);
}
/// The same for any family.
template <BooleanFamily Family, extent_t Bits, extent_t Points>
constexpr void fill_points(random_numbers& random, labelled_points<Bits, Points>& into) noexcept {
  if constexpr (requires { Family::fill(random, into); }) {
    Family::fill(random, into);
  } else {
    typename Family::template function<Bits> drawn;
    fill_points<Family>(random, into, drawn);
  }
}

}  // namespace task

LACUNA_END
