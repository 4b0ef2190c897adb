// The normalisers of attention against their definitions, their identities, and their gradients in f64.
#include "support/large_scores.hpp"
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t tokens = 37, heads = 2, width = 6, columns = heads * width, context = 48;

/// Attention of one route and normaliser in f64, and what central differences say of it.
template <class Normaliser, class Route = lc::causal>
struct attention {
  using cache_type = lc::cache_view<double, heads, width, lc::linear_cache::address>;
  using readable = lc::cache_view<const double, heads, width, lc::linear_cache::address>;
  struct inputs {
    lc::tensor<double, context, columns> query, key, value;
  } in{}, adjoint{};
  lc::tensor<double, context, columns> mixed{}, dmixed{};
  lc::tensor<double, context, heads> kept{};
  lc::tensor<double, lc::blocks_of(context), heads, width, lc::block_keys> keys{}, values{}, dkeys{}, dvalues{};
  lc::shared_plan<Route, context, context> plan{};
  lc::score_rule<Normaliser, lc::no_score_bias, double> rule{1 / std::sqrt(6.0)};

  explicit attention(double spread = 1) {
    std::uint64_t drawn = 0;
    for (auto* tensor : {&in.query, &in.key, &in.value, &dmixed})
      for (auto& of : tensor->data) of = lc::random_normal(3, 0, drawn++);
    for (auto& of : in.query.data) of *= spread;
    plan.prepare(0, tokens);
  }
  void forward() {
    lc::op::append(cache_type{keys.data, values.data, {}}, in.key.first(tokens), in.value.first(tokens), 0,
                   lc::reference{});
    lc::op::attend(mixed.first(tokens), kept.first(tokens), in.query.first(tokens),
                   readable{keys.data, values.data, {}}, plan.view(), rule, lc::reference{});
  }
  double loss() {
    forward();
    double sum = 0;
    for (lc::extent_t i = 0; i < tokens * columns; ++i) sum += mixed[i] * dmixed[i];
    return sum;
  }
  double score(lc::extent_t t, lc::extent_t h, lc::extent_t key) const {
    double sum = 0;
    for (lc::extent_t d = 0; d < width; ++d)
      sum += in.query[t * columns + h * width + d] * in.key[key * columns + h * width + d];
    return sum * rule.scale;
  }
  /// Scores of the keys that row t sees.
  std::vector<double> scores(lc::extent_t t, lc::extent_t h) const {
    std::vector<double> of;
    for (lc::extent_t key = 0; key < tokens; ++key)
      if (lc::allows<Route>(t, key, tokens)) of.push_back(score(t, h, key));
    return of;
  }
  /// `weights(scores)` against the output, over all rows and heads.
  template <class Weights>
  void check(Weights&& weights) {
    forward();
    for (lc::extent_t t = 0; t < tokens; ++t)
      for (lc::extent_t h = 0; h < heads; ++h) {
        const std::vector<double> of = weights(scores(t, h));
        for (lc::extent_t d = 0; d < width; ++d) {
          double expected = 0;
          std::size_t at = 0;
          for (lc::extent_t key = 0; key < tokens; ++key)
            if (lc::allows<Route>(t, key, tokens)) expected += of[at++] * in.value[key * columns + h * width + d];
          REQUIRE(mixed[t * columns + h * width + d] == doctest::Approx(expected).epsilon(1e-12).scale(1));
        }
      }
  }
  void check_gradients() {
    forward();
    lc::op::attend_backward(adjoint.query.first(tokens), cache_type{dkeys.data, dvalues.data, {}}, dmixed.first(tokens),
                            kept.first(tokens), in.query.first(tokens), readable{keys.data, values.data, {}},
                            plan.view(), rule, lc::reference{});
    lc::op::append_backward(readable{dkeys.data, dvalues.data, {}}, adjoint.key.first(tokens),
                            adjoint.value.first(tokens), 0, lc::reference{});
    const auto check_one = [&](auto& of, const auto& found) {
      double largest = 0, worst = 0;
      for (lc::extent_t i = 0; i < tokens * columns; ++i) largest = std::max(largest, std::abs(found[i]));
      REQUIRE(largest > 1e-3);
      for (lc::extent_t i = 0; i < tokens * columns; i += 3) {
        const double before = of[i], step = 1e-5;
        of[i] = before + step;
        const double above = loss();
        of[i] = before - step;
        const double below = loss();
        of[i] = before;
        worst = worse(worst, std::abs((above - below) / (2 * step) - found[i]));
      }
      CHECK(worst / largest < 1e-7);
    };
    check_one(in.query, adjoint.query);
    check_one(in.key, adjoint.key);
    check_one(in.value, adjoint.value);
  }
};

std::vector<double> softmax_of(std::vector<double> scores, double more = 0) {
  double sum = more;
  for (double& s : scores) sum += s = std::exp(s);
  for (double& s : scores) s /= sum;
  return scores;
}
template <class Function>
std::vector<double> each(std::vector<double> of, Function&& f) {
  for (double& x : of) x = f(x);
  return of;
}
double gelu_of(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

/// The weights of l2_gelu for a given tau.
std::vector<double> l2_gelu_of(const std::vector<double>& scores, double tau) {
  double sum = 0;
  for (double s : scores) sum += s * s;
  return each(scores, [&](double s) { return gelu_of(tau * s / std::sqrt(sum)); });
}

/// Odd rows see nothing.
struct even_rows {
  using slot = lc::slots::route;
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t keys) {
    return query % 2 == 0 ? lc::spans<1>{0, keys} : lc::spans<1>{};
  }
};
constexpr lc::stretch clipping{-0.06f, 1.1f};

/// With all that a normaliser is not: what it is told to be.
template <class Normaliser>
double largest_difference_from_softmax() {
  attention<lc::softmax> plain;
  attention<Normaliser> other;
  plain.forward();
  other.forward();
  double most = 0;
  for (lc::extent_t i = 0; i < tokens * columns; ++i) most = worse(most, std::abs(plain.mixed[i] - other.mixed[i]));
  return most;
}

}  // namespace

TEST_CASE("weights are what the definition says") {
  attention<lc::softmax>().check([](auto s) { return softmax_of(s); });
  attention<lc::softmax1>().check([](auto s) { return softmax_of(s, 1); });
  attention<lc::softmax1, even_rows>().check([](auto s) { return softmax_of(s, 1); });
  attention<lc::clamped_softmax<lc::score_limit{0.5f}>>().check(
      [](auto s) { return softmax_of(each(s, [](double x) { return std::min(std::max(x, -0.5), 0.5); })); });
  const double low = clipping.low, high = clipping.high;
  const auto clipped = [&](auto s) {
    return each(softmax_of(s), [&](double p) { return std::min(std::max((high - low) * p + low, 0.0), 1.0); });
  };
  attention<lc::clipped_softmax<clipping>>().check(clipped);
  attention<lc::clipped_softmax<clipping>, even_rows>().check(clipped);
  attention<lc::l2_gelu<>>().check([](auto s) { return l2_gelu_of(s, std::sqrt(static_cast<double>(s.size()))); });
  attention<lc::l2_gelu<lc::tau{3.0f}>, even_rows>().check([](auto s) { return l2_gelu_of(s, 3); });
}

TEST_CASE("gradients against central differences") {
  attention<lc::softmax>().check_gradients();
  attention<lc::softmax1>().check_gradients();
  attention<lc::softmax1, even_rows>().check_gradients();
  attention<lc::clamped_softmax<lc::score_limit{0.5f}>>().check_gradients();
  attention<lc::clipped_softmax<clipping>>(3).check_gradients();
  attention<lc::l2_gelu<>>().check_gradients();
  attention<lc::l2_gelu<lc::tau{3.0f}>, even_rows>().check_gradients();
}

TEST_CASE("a query that is no number shows, whatever the normaliser") {
  const auto check = []<class Normaliser>(Normaliser) {
    attention<Normaliser> of;
    of.in.query[5 * columns] = std::nan("");
    of.forward();
    for (lc::extent_t d = 0; d < width; ++d) {
      CHECK(std::isnan(of.mixed[5 * columns + d]));
      CHECK(std::isfinite(of.mixed[4 * columns + d]));
      CHECK(std::isfinite(of.mixed[5 * columns + width + d]));
    }
  };
  check(lc::softmax{});
  check(lc::softmax1{});
  check(lc::clipped_softmax<clipping>{});
  check(lc::l2_gelu<>{});
}

TEST_CASE("limits in which normalisers are the softmax") {
  CHECK(largest_difference_from_softmax<lc::clamped_softmax<lc::score_limit{100.0f}>>() == 0);
  CHECK(largest_difference_from_softmax<lc::clipped_softmax<lc::stretch{0.0f, 1.0f}>>() < 1e-15);
  CHECK(largest_difference_from_softmax<lc::softmax1>() > 1e-3);
  CHECK(largest_difference_from_softmax<lc::clipped_softmax<clipping>>() > 1e-3);
}

TEST_CASE("softmax1 is softmax with one more key of zeros") {
  // Key 0 and its value are made 0, and every causal row sees it.
  attention<lc::softmax> more;
  attention<lc::softmax1, lc::except<lc::causal, lc::columns<lc::leading<1>>>> without;
  for (lc::extent_t c = 0; c < columns; ++c)
    more.in.key[c] = more.in.value[c] = without.in.key[c] = without.in.value[c] = 0;
  more.forward();
  without.forward();
  for (lc::extent_t i = 0; i < tokens * columns; ++i)
    REQUIRE(more.mixed[i] == doctest::Approx(without.mixed[i]).epsilon(1e-13).scale(1));
}

TEST_CASE("clipped softmax gives exact zeros; adding a constant moves a clamped softmax and no other") {
  using normaliser = lc::clipped_softmax<lc::stretch{-0.025f, 1.0f}>;
  CHECK(normaliser::reweigh(0.0) == 0.0);
  CHECK(normaliser::reweigh(0.0243) == 0.0);  // 0.025 / 1.025 = 0.0244
  CHECK(normaliser::reweigh(0.0245) > 0.0);
  CHECK(normaliser::reweigh(1.0) == 1.0);
  CHECK(std::isnan(normaliser::reweigh(std::nan(""))));
  CHECK(normaliser::reweigh_derivative(0.01f) == 0.0f);
  CHECK(lc::clamped_softmax<>::map(7.0f) == 5.0f);
  CHECK(lc::clamped_softmax<>::map(-7.0) == -5.0);
  CHECK(lc::clamped_softmax<>::map_derivative(7.0) == 0);
  CHECK(lc::clamped_softmax<>::map_derivative(4.9) == 1);
}

TEST_CASE("keys of score 0 leave l2_gelu alone where tau is constant, and only there") {
  // Keys 1, 3, ... are 0: against a route that does not see them.
  struct even_keys {
    static constexpr lc::spans<tokens> spans(lc::extent_t query, lc::extent_t keys) {
      lc::spans<tokens> seen;
      for (lc::extent_t k = 0; k <= query && k < keys; k += 2) seen.add(k, k + 1);
      return seen;
    }
  };
  const auto difference = []<class Normaliser>(Normaliser) {
    attention<Normaliser> grown;
    attention<Normaliser, even_keys> small;
    for (lc::extent_t k = 1; k < tokens; k += 2)
      for (lc::extent_t c = 0; c < columns; ++c) grown.in.key[k * columns + c] = 0;
    grown.forward();
    small.forward();
    double most = 0;
    for (lc::extent_t i = 0; i < tokens * columns; ++i) most = worse(most, std::abs(grown.mixed[i] - small.mixed[i]));
    return most;
  };
  CHECK(difference(lc::l2_gelu<lc::tau{3.0f}>{}) < 1e-14);
  CHECK(difference(lc::l2_gelu<>{}) > 1e-2);
}

TEST_CASE("keys of one score share the weight evenly, however large it is") {
  large_scores::check_even_shares(lc::reference{});
}

TEST_CASE("the schedule says why") {
  static_assert(lc::choose<lc::dot, lc::softmax1>().what == lc::schedule::planned_tiles);
  static_assert(lc::choose<lc::dot, lc::clipped_softmax<>>().what == lc::schedule::two_passes);
  static_assert(lc::choose<lc::dot, lc::l2_gelu<>>().what == lc::schedule::two_passes);
}
