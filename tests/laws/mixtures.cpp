// Mixtures of experts: identities, capacity, losses of the recipe, cost.
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

template <class Sublayer>
using with = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<40>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, Sublayer>>>;
template <class... Policies>
using mixed = with<lc::mixture<lc::hidden<9>, Policies...>>;
template <class Activation, class... More>
using single = with<lc::ffn<lc::hidden<9>, Activation, More...>>;
template <lc::extent_t Experts, lc::extent_t Chosen, class... More>
using of = mixed<lc::experts<Experts>, lc::experts_per_token<Chosen>, lc::relu, More...>;

static_assert(lc::parameter_count<of<4, 2>> - 2 * 4 * 6 - 2 * 6 - 6 - 11 * 6 == 2 * 4 * (2 * 6 * 9));
static_assert(lc::same<lc::substitute<of<4, 2>, lc::relu, lc::gated<lc::silu>>,
                       mixed<lc::experts<4>, lc::experts_per_token<2>, lc::gated<lc::silu>>>);
static_assert(lc::same<lc::substitute<of<4, 2>, lc::raw_gates, lc::renormalised_gates>,
                       of<4, 2, lc::renormalised_gates>>);
// A token costs the router and k experts.
static_assert(lc::decode_multiply_adds<of<4, 2>>(0) == 2 * (6 * 4 + 2 * (2 * 6 * 9)) + 6 * 11);
// An expert that takes half of the even share of 32 tokens: 8 of 2 choices each, with 4 experts.
static_assert(of<4, 2, lc::capacity<lc::factor{0.5f}>>::bound::multiply_adds(0, 32, 0) ==
              2 * (32 * 6 * 4 + 4 * 8 * (2 * 6 * 9)));
static_assert(lc::capacity<lc::factor{1.25f}>::rows(10, 1, 4) == 4);
static_assert(lc::capacity<lc::factor{1}>::rows(8, 2, 4) == 4);
static_assert(lc::capacity<lc::factor{1e-6f}>::rows(8, 2, 4) == 1);
static_assert(lc::capacity<lc::factor{100}>::rows(8, 2, 4) == 8);

/// Every weight is drawn from its path alone, so that models of different kinds can have the same weights: an expert
/// has those of `ffn`, expert by expert apart unless `Equal`.
template <bool Equal = false, class Model>
void draw(Model& model, double spread = 0.5) {
  lc::visit_named([&](std::string path, auto& tensor) {
    if (const auto at = path.find("mixture.experts."); at != std::string::npos && (Equal || path[at + 16] == '0'))
      path.replace(at, 17, "ffn");
    if (const auto at = path.find("mixture_norm"); at != std::string::npos) path.replace(at, 7, "ffn");
    std::uint64_t seed = 7;
    for (const char letter : path) seed = seed * 31 + static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < std::size(tensor.data); ++i)
      tensor.data[i] +=
          static_cast<std::remove_reference_t<decltype(tensor.data[0])>>(spread * lc::random_normal(seed, 1, i));
  }, model.parameters_to_write());
  model.update();
}

/// 37 tokens, so that an expert has several blocks of 16.
std::vector<std::uint32_t> tokens() {
  std::vector<std::uint32_t> all(37);
  for (std::size_t t = 0; t < all.size(); ++t) all[t] = static_cast<std::uint32_t>((t * t + 3 * t + 1) % 11);
  return all;
}

template <class Value>
struct outcome_of {
  std::vector<Value> logits;
  std::map<std::string, std::vector<Value>> gradients;
};
template <class Recipe, class Numerics, class Prepare>
auto learned(Prepare&& prepare) {
  using model_type = lc::model<Recipe, Numerics, lc::training>;
  using value = typename model_type::value;
  auto model = std::make_unique<model_type>();
  prepare(*model);
  const auto stream = tokens();
  outcome_of<value> result;
  const auto logits = *model->try_forward_to_learn({stream.data(), stream.size()});
  result.logits.assign(logits.data, logits.data + stream.size() * 11);
  std::vector<value> adjoint(stream.size() * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<value>(lc::random_normal(7, 2, i));
  REQUIRE(model->try_backward({stream.data(), stream.size()}, {adjoint.data(), stream.size()}).ok());
  lc::visit_named([&](const std::string path, const auto& gradient) {
    result.gradients[path].assign(std::begin(gradient.data), std::end(gradient.data));
  }, model->gradients_to_write());
  return result;
}
constexpr auto drawn = [](auto& model) { draw(model); };
constexpr auto drawn_equal = [](auto& model) { draw<true>(model); };

/// The logits of the stream from a model that infers, in pieces.
template <class Recipe, lc::extent_t Chunk>
std::vector<float> streamed() {
  auto model = std::make_unique<lc::model<Recipe, lc::chunk<Chunk>>>();
  draw(*model);
  const auto stream = tokens();
  std::vector<float> all;
  const auto each = [&](lc::extent_t, const auto& logits) { all.insert(all.end(), logits.data, logits.data + 11); };
  REQUIRE(model->try_forward({stream.data(), stream.size()}, each).ok());
  return all;
}

template <class Plain, class Mixed>
void check_one_expert() {
  const auto expected = learned<Plain, lc::f32>(drawn);
  const auto found = learned<Mixed, lc::f32>(drawn);
  CHECK(found.logits == expected.logits);
  for (const auto& of_path : found.gradients) {
    const auto& gradient = of_path.second;
    std::string other = of_path.first;
    INFO(of_path.first);
    if (other.find("router") != std::string::npos) {
      CHECK(std::all_of(gradient.begin(), gradient.end(), [](float value) { return value == 0; }));
      continue;
    }
    if (const auto at = other.find("mixture.experts.0"); at != std::string::npos) other.replace(at, 17, "ffn");
    if (const auto at = other.find("mixture_norm"); at != std::string::npos) other.replace(at, 7, "ffn");
    CHECK(gradient == expected.gradients.at(other));
  }
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = worse(largest, std::fabs(a[i] - b[i]));
  return largest;
}

using bare_run = lc::run<lc::reference, lc::shared_items<lc::type_list<>>>;
constexpr lc::reference on{};
constexpr lc::shared_items<lc::type_list<>> nothing_shared{};

/// A mixture outside of a model, f64, forward only.
template <class Recipe, lc::extent_t Tokens>
struct alone {
  using place = lc::place<6, 40>;
  using bound = typename Recipe::template bound<place>;
  typename bound::template parameters<lc::weights<double>> parameters;
  typename bound::template state<lc::weights<double>> state;
  typename bound::template memory<lc::keep<double, Tokens>> memory;
  typename bound::template derived<lc::target<double, double, lc::reference>> derived;
  lc::tensor<double, Tokens, 6> x, y;

  alone() {
    std::uint64_t counter = 0;
    lc::visit_tensors([&](auto& tensor) {
      for (auto& weight : tensor.data) weight = lc::random_normal(3, 5, counter++);
    }, parameters);
    for (lc::extent_t i = 0; i < x.size; ++i) x[i] = lc::random_normal(4, 5, i);
  }
  void run() {
    bound::forward(lc::values{parameters, state, memory, derived}, x.view(), y.view(),
                   bare_run{0, on, nothing_shared});
  }
  /// What one expert alone gives for a token, by loops of its own.
  std::vector<double> expert(lc::extent_t e, lc::extent_t t) const {
    const auto& weights = parameters.each[e];
    constexpr lc::extent_t hidden = bound::hidden;
    std::vector<double> out(6);
    for (lc::extent_t h = 0; h < hidden; ++h) {
      double up = 0;
      for (lc::extent_t i = 0; i < 6; ++i) up += weights.up.weight[h * 6 + i] * x[t * 6 + i];
      for (lc::extent_t o = 0; o < 6; ++o) out[o] += weights.down.weight[o * hidden + h] * std::fmax(up, 0);
    }
    return out;
  }
  std::vector<double> probabilities(lc::extent_t t) const {
    std::vector<double> p(bound::experts);
    double sum = 0;
    for (lc::extent_t e = 0; e < bound::experts; ++e) {
      double score = 0;
      for (lc::extent_t i = 0; i < 6; ++i) score += parameters.router.weight[e * 6 + i] * x[t * 6 + i];
      sum += p[e] = std::exp(score);
    }
    for (double& share : p) share /= sum;
    return p;
  }
};

template <class Recipe>
double loss_of(const char* name, double router_spread, bool same_token = false) {
  auto model = std::make_unique<lc::model<Recipe, lc::f64, lc::training>>();
  draw(*model);
  lc::visit_named([&](const std::string path, auto& tensor) {
    if (path.find("router") == std::string::npos) return;
    for (auto& weight : tensor.data) weight *= router_spread;
  }, model->parameters_to_write());
  model->update();
  auto stream = tokens();
  if (same_token) std::fill(stream.begin(), stream.end(), 5u);
  REQUIRE(model->try_forward_to_learn({stream.data(), stream.size()}).ok());
  double found = -1;
  model->visit_losses([&](const char* of_name, double, double value) {
    if (std::string(of_name) == name) found = value;  // the last layer's
  });
  return found;
}

/// A drawn number below `bound`.
lc::extent_t below(lc::extent_t bound, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return static_cast<lc::extent_t>(lc::random_uniform(seed, stream, counter) * static_cast<double>(bound));
}

constexpr double at_compile_time = [] {
  lc::model<lc::decoder<lc::vocabulary<3>, lc::width<2>, lc::context<2>,
                        lc::pre_norm<lc::no_norm, lc::mixture<lc::experts<3>, lc::experts_per_token<2>, lc::hidden<2>,
                                                              lc::relu, lc::balance_loss<>, lc::z_loss<>>>>,
            lc::in_place, lc::training> model;
  std::uint64_t counter = 0;
  lc::visit_tensors([&](auto& tensor) {
    for (auto& weight : tensor.data) weight = static_cast<float>(lc::random_uniform(1, 2, counter++)) - 0.4f;
  }, model.parameters_to_write());
  model.update();
  const std::uint32_t two[]{1, 2};
  return model.try_forward_to_learn({two, 2}).ok() ? lc::auxiliary_loss(model) : 0.0;
}();
static_assert(at_compile_time > 0.01);  // at least the weight of an even balance

}  // namespace

TEST_CASE("a single expert is the feed-forward itself, bit for bit") {
  check_one_expert<single<lc::relu, lc::bias>, of<1, 1, lc::bias, lc::balance_loss<>>>();
  check_one_expert<single<lc::gated<lc::silu>>,
                   mixed<lc::experts<1>, lc::experts_per_token<1>, lc::gated<lc::silu>, lc::renormalised_gates>>();
}

TEST_CASE("equal experts whose gates sum to one are the feed-forward") {
  const auto expected = learned<single<lc::relu>, lc::f64>(drawn);
  const auto found = learned<of<4, 2, lc::renormalised_gates>, lc::f64>(drawn_equal);
  CHECK(largest_difference(found.logits, expected.logits) <= 1e-12);
  // The gradients of the experts add up to that of the feed-forward.
  for (const char* layer : {"blocks.0.", "blocks.1."})
    for (const char* part : {"up.weight", "down.weight"}) {
      std::vector<double> sum(6 * 9);
      for (const char* expert : {"0.", "1.", "2.", "3."}) {
        const auto& gradient = found.gradients.at(std::string(layer) + "mixture.experts." + expert + part);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += gradient[i];
      }
      CHECK(largest_difference(sum, expected.gradients.at(std::string(layer) + "ffn." + part)) <= 1e-11);
    }
}

TEST_CASE("all experts chosen: the dense sum of what each gives, by its probability") {
  using recipe = lc::mixture<lc::experts<5>, lc::experts_per_token<5>, lc::hidden<7>, lc::relu>;
  alone<recipe, 20> raw;
  alone<lc::substitute<recipe, lc::raw_gates, lc::renormalised_gates>, 20> renormalised;
  raw.run(), renormalised.run();
  for (lc::extent_t t = 0; t < 20; ++t) {
    const auto p = raw.probabilities(t);
    std::vector<double> sum(6);
    for (lc::extent_t e = 0; e < 5; ++e) {
      const auto out = raw.expert(e, t);
      for (lc::extent_t o = 0; o < 6; ++o) sum[o] += p[e] * out[o];
    }
    for (lc::extent_t o = 0; o < 6; ++o) {
      CHECK(raw.y[t * 6 + o] == doctest::Approx(sum[o]).epsilon(1e-12));
      CHECK(renormalised.y[t * 6 + o] == doctest::Approx(sum[o]).epsilon(1e-12));
    }
  }
}

TEST_CASE("experts in another order, with their rows of the router, give the same") {
  using recipe = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::hidden<7>, lc::relu>;
  alone<recipe, 20> one, other;
  constexpr lc::extent_t order[]{2, 0, 3, 1};
  for (lc::extent_t e = 0; e < 4; ++e) {
    other.parameters.each[e] = one.parameters.each[order[e]];
    for (lc::extent_t i = 0; i < 6; ++i)
      other.parameters.router.weight[e * 6 + i] = one.parameters.router.weight[order[e] * 6 + i];
  }
  one.run(), other.run();
  for (lc::extent_t i = 0; i < one.y.size; ++i) CHECK(other.y[i] == doctest::Approx(one.y[i]).epsilon(1e-12));
}

TEST_CASE("streamed equals whole while no capacity is set; with one it need not") {
  using unlimited = mixed<lc::experts<4>, lc::experts_per_token<2>, lc::gated<lc::silu>, lc::renormalised_gates>;
  const auto kept = learned<unlimited, lc::f32>(drawn).logits;
  CHECK(streamed<unlimited, 40>() == kept);
  CHECK(streamed<unlimited, 16>() == kept);
  CHECK(streamed<unlimited, 5>() == kept);
  CHECK(streamed<unlimited, 1>() == kept);
  // A capacity that nobody exceeds changes no bit.
  CHECK(streamed<lc::substitute<unlimited, lc::unlimited_capacity, lc::capacity<lc::factor{2.0f}>>, 40>() == kept);
  using limited = lc::substitute<unlimited, lc::unlimited_capacity, lc::capacity<lc::factor{0.5f}>>;
  CHECK(streamed<limited, 40>() == learned<limited, lc::f32>(drawn).logits);
  CHECK(streamed<limited, 40>() != kept);
  CHECK(streamed<limited, 1>() == kept);  // a token alone always finds room
}

TEST_CASE("dispatch plans: every assignment once, first choices first, never more blocks than there is room for") {
  constexpr lc::extent_t most = 50, experts = 5, chosen = 2;
  using plan_type = lc::dispatch_plan<most, experts, chosen>;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    plan_type plan;
    const lc::extent_t tokens = 1 + below(most, seed, 1, 0);
    const lc::extent_t capacity = seed % 3 == 0 ? tokens : 1 + below(tokens, seed, 1, 1);
    for (lc::extent_t t = 0; t < tokens; ++t) {
      // Two different experts; for some seeds nearly always the same ones.
      const auto first = seed % 4 == 1 ? 3 : below(experts, seed, 2, t);
      plan.chosen[2 * t] = static_cast<std::uint32_t>(first);
      plan.chosen[2 * t + 1] = static_cast<std::uint32_t>((first + 1 + below(4, seed, 3, t)) % experts);
    }
    std::vector<std::uint32_t> choices(plan.chosen, plan.chosen + 2 * tokens);
    // The rule, once more: who finds room.
    std::vector<std::vector<std::uint32_t>> expected(experts);
    std::vector<std::uint32_t> asked(experts);
    for (lc::extent_t j = 0; j < chosen; ++j)
      for (lc::extent_t t = 0; t < tokens; ++t) {
        const auto e = choices[t * chosen + j];
        ++asked[e];
        if (expected[e].size() < capacity) expected[e].push_back(static_cast<std::uint32_t>(t * chosen + j));
      }
    for (auto& list : expected) std::sort(list.begin(), list.end());

    plan.build(tokens, capacity);
    CHECK(std::equal(choices.begin(), choices.end(), plan.chosen));  // still there for backward
    CHECK(std::equal(asked.begin(), asked.end(), plan.asked));
    std::vector<std::vector<std::uint32_t>> found(experts);
    lc::extent_t blocks = 0;
    plan.each_block([&](lc::extent_t e, lc::extent_t number, const lc::assignments<chosen>& rows) {
      CHECK(number == blocks++);
      CHECK(rows.count > 0);
      CHECK(rows.count <= plan_type::block_rows);
      found[e].insert(found[e].end(), rows.data, rows.data + rows.count);
    });
    CHECK(found == expected);
    CHECK(blocks <= plan_type::most_blocks);
  }
}

TEST_CASE("tokens beyond the capacity pass by with output 0, the first ones are served") {
  using recipe = lc::mixture<lc::experts<2>, lc::experts_per_token<1>, lc::hidden<7>, lc::relu,
                             lc::capacity<lc::factor{0.5f}>>;
  alone<recipe, 8> all;
  // Every token prefers expert 1: two of eight find room there.
  for (lc::extent_t i = 0; i < 6; ++i) all.parameters.router.weight[i] = 0, all.parameters.router.weight[6 + i] = 1;
  for (double& of_x : all.x.data) of_x = std::fabs(of_x);
  all.run();
  for (lc::extent_t t = 0; t < 8; ++t) {
    const auto out = all.expert(1, t);
    const double gate = t < 2 ? all.probabilities(t)[1] : 0;
    for (lc::extent_t o = 0; o < 6; ++o) CHECK(all.y[t * 6 + o] == doctest::Approx(gate * out[o]).epsilon(1e-12));
  }
}

TEST_CASE("experts that were not chosen have no gradient, bit for bit") {
  auto model = std::make_unique<lc::model<of<4, 2>, lc::training>>();
  draw(*model);
  const float adjoint[11]{1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11};
  REQUIRE(model->try_forward_to_learn({recipes::stream, 1}).ok());
  REQUIRE(model->try_backward({recipes::stream, 1}, {adjoint, 1}).ok());
  unsigned active = 0, experts = 0;
  lc::visit_named([&](const std::string path, const auto& gradient) {
    if (!path.ends_with("up.weight")) return;
    ++experts;
    active += std::any_of(std::begin(gradient.data), std::end(gradient.data), [](float value) { return value != 0; });
  }, model->gradients_to_write());
  CHECK(experts == 8);
  CHECK(active == 4);
}

TEST_CASE("the balance loss is 1 when all is even and `experts` when one expert gets everything") {
  using balanced = of<4, 1, lc::balance_loss<>, lc::z_loss<>>;
  CHECK(loss_of<balanced>("balance_loss", 0) == doctest::Approx(1).epsilon(1e-12));
  CHECK(loss_of<balanced>("balance_loss", 1000, true) == doctest::Approx(4).epsilon(1e-9));
  CHECK(loss_of<of<4, 4, lc::balance_loss<>>>("balance_loss", 1) == doctest::Approx(1).epsilon(1e-12));
  const double some = loss_of<balanced>("balance_loss", 1);
  CHECK(some > 1);
  CHECK(some < 4);
  CHECK(loss_of<balanced>("z_loss", 0) == doctest::Approx(std::log(4) * std::log(4)).epsilon(1e-12));
}

TEST_CASE("the recipe's losses: read by a walk, their gradients in backward, scaled as asked") {
  using recipe = of<3, 2, lc::balance_loss<lc::loss_weight{0.5f}>, lc::z_loss<lc::loss_weight{0.25f}>>;
  auto model = std::make_unique<lc::model<recipe, lc::f64, lc::training>>();
  draw(*model);
  const auto stream = tokens();
  const lc::token_view view{stream.data(), stream.size()};
  REQUIRE(model->try_forward_to_learn(view).ok());
  std::vector<std::string> names;
  double sum = 0;
  model->visit_losses([&](const char* name, double weight, double value) {
    names.push_back(name);
    sum += weight * value;
  });
  CHECK(names == std::vector<std::string>{"balance_loss", "z_loss", "balance_loss", "z_loss"});
  CHECK(sum == lc::auxiliary_loss(*model));
  const std::vector<double> none(stream.size() * 11);
  const auto router_gradient = [&](double scale) {
    model->clear_gradients();
    REQUIRE(model->try_backward(view, {none.data(), stream.size()}, scale).ok());
    std::vector<double> all;
    lc::visit_tensors([&](const auto& of_tensor) {
      all.insert(all.end(), std::begin(of_tensor.data), std::end(of_tensor.data));
    }, model->gradients_to_write());
    return all;
  };
  const auto whole = router_gradient(1), half = router_gradient(0.5), zero = router_gradient(0);
  CHECK(std::any_of(whole.begin(), whole.end(), [](double value) { return std::fabs(value) > 1e-3; }));
  CHECK(std::all_of(zero.begin(), zero.end(), [](double value) { return value == 0; }));
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(half[i] == doctest::Approx(whole[i] / 2).epsilon(1e-12));
  // A model without losses has none.
  auto plain = std::make_unique<lc::model<single<lc::relu>, lc::training>>();
  REQUIRE(plain->try_forward_to_learn(view).ok());
  CHECK(lc::auxiliary_loss(*plain) == 0);
}

TEST_CASE("counted work is the cost formula, and below it where tokens pass by") {
  const auto count = [](auto recipe) {
    auto model = std::make_unique<lc::model<decltype(recipe), lc::chunk<40>>>();
    draw(*model);
    lc::work_counter counter;
    const auto stream = tokens();
    const auto each = [](lc::extent_t, const auto&) {};
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {stream.data(), 37}, each).ok());
    return counter.multiply_adds;
  };
  using gated = mixed<lc::experts<4>, lc::experts_per_token<3>, lc::gated<lc::silu>, lc::renormalised_gates>;
  CHECK(count(gated{}) == gated::bound::multiply_adds(0, 37, 37));
  CHECK(count(of<4, 1>{}) == of<4, 1>::bound::multiply_adds(0, 37, 37));
  using limited = of<4, 1, lc::capacity<lc::factor{0.75f}>>;
  CHECK(count(limited{}) <= limited::bound::multiply_adds(0, 37, 37));
  CHECK(limited::bound::multiply_adds(0, 37, 37) < of<4, 1>::bound::multiply_adds(0, 37, 37));
}
