// Blocks that are recomputed in whole models: states that are written twice, groups within groups, running, training.
#include "support/recomputation.hpp"

#include <doctest/doctest.h>

namespace {
namespace lc = lacuna;
using namespace recomputation;

/// What keeps a state between tokens, and what tokens decide.
template <template <class> class Of, class... Policies>
using attending = typename Of<lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, Policies...>>>::type;
template <template <class> class Of>
using stateful = decoder<
    lc::allow_selection_leak, attending<Of, lc::causal, lc::favor<6>>,
    attending<Of, lc::both<lc::causal, lc::window<4>>, lc::difference<lc::favor<6>>>,
    attending<Of, lc::causal, lc::summarised<lc::segments<4>>>, attending<Of, lc::causal, lc::learned_sinks<2>>,
    attending<Of, lc::causal, lc::paged_cache<32>>,
    lc::shared<2, attending<Of, lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 3}>, lc::shared_query_key<>>>,
    typename Of<lc::pre_norm<lc::rms_norm<>,
                             lc::mixture<lc::experts<3>, lc::experts_per_token<2>, lc::hidden<4>, lc::relu>>>::type>;

}  // namespace

TEST_CASE("states that are written twice, and experts") { compare<stateful<kept>, stateful<anew>, lc::f64>(); }

TEST_CASE("groups, and groups within groups") {
  using few = lc::pre_norm<lc::rms_norm<>, dropped<gated>>;
  using again = lc::recomputed<few>;
  const auto expected = learn<layers<6, few>, lc::f64>(true);
  CHECK(learn<decoder<lc::recomputed<lc::repeat<2, few>>, lc::recomputed<lc::repeat<2, again>>,
                      lc::recomputed<lc::stack<again, few>>>,
              lc::f64>(true) == expected);
}

TEST_CASE("models that only run have the same bits, in chunks and one by one") {
  const auto logits_of = [](auto model) {
    recipes::randomise(*model, 4, 0.4);
    std::vector<float> all;
    const auto gather = [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); };
    REQUIRE(model->try_forward({tokens, 9}, gather).ok());
    for (lc::extent_t t = 9; t < length; ++t) REQUIRE(model->try_forward({tokens + t, 1}, gather).ok());
    return all;
  };
  const auto expected = logits_of(std::make_unique<lc::model<layers<3, block>, lc::chunk<4>>>());
  CHECK(logits_of(std::make_unique<lc::model<layers<3, lc::recomputed<block>>, lc::chunk<4>>>()) == expected);
  // So does a model that learns, when it runs.
  CHECK(logits_of(std::make_unique<lc::model<layers<3, lc::recomputed<block>>, lc::training>>()) == expected);
}

namespace {

/// Losses of some steps, and the weights after them.
template <class Recipe>
std::vector<double> train(std::uint64_t& multiply_adds) {
  using model_type = lc::model<Recipe>;
  const auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = 3, .deviation = 0.3});
  lc::trainer<model_type, lc::adam_w, lc::parts<2>> teacher(*model, {}, {.seed = 9});
  std::vector<double> all;
  for (int step = 0; step < 5; ++step) {
    const auto report = teacher.try_step(4, 1e-2, [&](auto& by, lc::extent_t number) {
      return lc::try_learn_tokens(by, {tokens + number, 9}, {tokens + number + 1, 9});
    });
    REQUIRE(report.ok());
    all.push_back(report->loss);
  }
  CHECK(all.back() < all.front());
  multiply_adds = teacher.progress().multiply_adds;
  lc::visit_tensors([&](const auto& of) { all.insert(all.end(), std::begin(of.data), std::end(of.data)); },
                    model->parameters());
  return all;
}

}  // namespace

TEST_CASE("training gives the same bits, and counts the same forwards") {
  std::uint64_t with = 0, without = 0;
  CHECK(train<layers<3, lc::recomputed<dropping>>>(with) == train<layers<3, dropping>>(without));
  CHECK(with == without);
  CHECK(without > 0);
}
