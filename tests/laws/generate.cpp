// Sampling: greedy, temperature, top-k, top-p, seeds, ends, errors.
#include "support/recipes.hpp"

#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// How often each token is drawn from fixed logits.
std::map<std::uint32_t, double> frequencies(std::vector<double> logits, lc::generate_options options) {
  std::map<std::uint32_t, double> share;
  std::vector<std::uint32_t> order(logits.size());
  constexpr int draws = 40000;
  for (int i = 0; i < draws; ++i) {
    auto copy = logits;
    const auto token = lc::try_sample(copy.data(), order.data(), copy.size(), options, static_cast<std::uint64_t>(i));
    REQUIRE(token.ok());
    share[*token] += 1.0 / draws;
  }
  return share;
}

template <class Model>
std::vector<std::uint32_t> all(Model& model, std::vector<std::uint32_t> prompt, lc::generate_options options) {
  std::vector<std::uint32_t> tokens;
  for (auto token : lc::generate(model, prompt, options)) tokens.push_back(token);
  return tokens;
}

}  // namespace

TEST_CASE("sampling follows the distribution") {
  const std::vector<double> logits{std::log(0.5), std::log(0.1), std::log(0.3), std::log(0.1)};
  auto plain = frequencies(logits, {});
  CHECK(plain[0] == doctest::Approx(0.5).epsilon(0.03));
  CHECK(plain[1] == doctest::Approx(0.1).epsilon(0.08));
  CHECK(plain[2] == doctest::Approx(0.3).epsilon(0.03));
  auto cold = frequencies(logits, {.temperature = 0.5f});
  CHECK(cold[0] == doctest::Approx(0.25 / 0.36).epsilon(0.03));
  auto two = frequencies(logits, {.top_k = 2});
  CHECK(two.size() == 2);
  CHECK(two[0] == doctest::Approx(0.5 / 0.8).epsilon(0.03));
  auto three = frequencies(logits, {.top_k = 3});  // a tie at the edge goes to the lower number
  CHECK(three.count(1) == 1);
  CHECK(three.count(3) == 0);
  CHECK(frequencies(logits, {.top_p = 0.5f}).size() == 1);
  CHECK(frequencies(logits, {.top_p = 0.51f}).size() == 2);
  CHECK(frequencies(logits, {.top_k = 1, .top_p = 0.99f}).size() == 1);
  CHECK(frequencies(logits, {.temperature = 0.0f}).size() == 1);
}

TEST_CASE("greedy ties go to the lowest number") {
  std::vector<float> logits{1, 3, 2, 3};
  std::vector<std::uint32_t> order(4);
  CHECK(*lc::try_sample(logits.data(), order.data(), 4, {.temperature = 0.0f}, 0) == 1);
}

TEST_CASE("logits that are no numbers are errors, not an order") {
  std::vector<std::uint32_t> order(3);
  for (const float wrong : {std::nanf(""), INFINITY}) {
    std::vector<float> logits{1, wrong, 2};
    const auto token = lc::try_sample(logits.data(), order.data(), 3, {}, 0);
    REQUIRE(!token.ok());
    CHECK(token.why().kind == lc::error_kind::value);
    CHECK(std::string(token.why().message.c_str()).find("logit 1") != std::string::npos);
  }
  std::vector<float> nowhere{-INFINITY, -INFINITY, -INFINITY};
  CHECK(!lc::try_sample(nowhere.data(), order.data(), 3, {}, 0).ok());
  std::vector<float> one{-INFINITY, 0, -INFINITY};
  CHECK(*lc::try_sample(one.data(), order.data(), 3, {.top_p = 0.9f}, 0) == 1);
}

TEST_CASE("generation: length, stop, seed, continuation") {
  auto model = std::make_unique<lc::model<recipes::llama>>();
  recipes::randomise(*model, 21, 0.5);
  const auto greedy = all(*model, {1, 2, 3}, {.temperature = 0.0f});
  CHECK(greedy.size() == 18);  // positions 3 to 19, and the token after the last of them
  CHECK(all(*model, {1, 2, 3}, {.temperature = 0.0f}) == greedy);
  CHECK(all(*model, {1, 2, 3}, {.temperature = 0.0f, .tokens = 5}) ==
        std::vector<std::uint32_t>(greedy.begin(), greedy.begin() + 5));
  const auto one = all(*model, {1, 2, 3}, {.seed = 1}), again = all(*model, {1, 2, 3}, {.seed = 1});
  CHECK(one == again);
  CHECK(one != all(*model, {1, 2, 3}, {.seed = 2}));
  const auto stopped = all(*model, {1, 2, 3}, {.temperature = 0.0f, .stop = greedy[4]});
  CHECK(stopped.size() <= 4);
  // A stream can be continued: the same tokens as in one go.
  auto first = all(*model, {1, 2, 3}, {.temperature = 0.0f, .tokens = 5});
  const auto rest = all(*model, {first.back()}, {.temperature = 0.0f, .restart = false});
  first.insert(first.end(), rest.begin(), rest.end());
  CHECK(first == greedy);
}

TEST_CASE("wrong prompts and options") {
  auto model = std::make_unique<lc::model<recipes::llama>>();
  CHECK_THROWS_AS(all(*model, {}, {}), lc::failure);
  CHECK_THROWS_AS(all(*model, {99}, {}), lc::failure);
  CHECK_THROWS_AS(all(*model, std::vector<std::uint32_t>(21, 1), {}), lc::failure);
  CHECK_THROWS_AS(all(*model, {1}, {.temperature = -1.0f}), lc::failure);
  CHECK_THROWS_AS(all(*model, {1}, {.top_p = 0.0f}), lc::failure);
  CHECK_THROWS_AS(all(*model, {1}, {.top_p = 7.0f}), lc::failure);
  CHECK_THROWS_AS(all(*model, {1}, {.temperature = std::nanf("")}), lc::failure);
}
