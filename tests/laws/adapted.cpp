// Adapters, and what else learns where most tensors stay: identities, paths, costs, which bits move.
#include <doctest/doctest.h>

#include "support/recipes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

using attention = lc::attention<lc::heads<2>, lc::rope<>, lc::causal>;
using feed_forward = lc::ffn<lc::hidden<20>, lc::relu>;
template <class... Sublayers>
using network = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                            lc::repeat<2, lc::pre_norm<lc::rms_norm<>, Sublayers...>>>;
using adapter = lc::ffn<lc::hidden<3>, lc::gelu, lc::bias>;
using plain = network<attention, feed_forward>;
using with_adapters = network<lc::adapted<attention, adapter>, lc::adapted<feed_forward, adapter>>;
// LoRA on every projection of attention, and a prefix of three keys in every layer.
using low_rank = network<lc::attention<lc::heads<2>, lc::rope<>, lc::causal,
                                       lc::sum<lc::dense, lc::product<lc::dense, lc::dense, lc::inner<2>>>>,
                         feed_forward>;
using prefixed = network<lc::attention<lc::heads<2>, lc::rope<>, lc::causal, lc::learned_sinks<3>>, feed_forward>;

constexpr std::uint32_t stream[]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};

using numbers = std::vector<double>;
template <class Model>
std::map<std::string, numbers> tensors_of(const Model& model) {
  std::map<std::string, numbers> all;
  lc::visit_named(
      [&](const char* path, const auto& of) { all[path] = numbers(std::begin(of.data), std::end(of.data)); },
      model.parameters());
  return all;
}
template <class Model>
std::vector<typename Model::value> logits_of(Model& model) {
  std::vector<typename Model::value> all;
  model.reset();
  REQUIRE(model
              .try_forward({stream, 16},
                           [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
              .ok());
  return all;
}

/// Trains what a selector accepts for ten steps: the paths whose bits moved, and how the loss went.
template <class Recipe, class Accepts>
std::vector<std::string> moved(Accepts accepts, lc::extent_t tensors) {
  using model_type = lc::model<Recipe>;
  const auto model = std::make_unique<model_type>();
  recipes::randomise(*model, 3, 0.3);
  const auto before = tensors_of(*model);
  const auto teacher = std::make_unique<lc::trainer<model_type>>(*model);
  CHECK(*lc::try_learn_only(*teacher, accepts) == tensors);
  double first = 0, last = 0;
  for (int step = 0; step < 10; ++step) {
    const auto report = teacher->try_step(
        1, 1e-2, [](auto& by, lc::extent_t) { return lc::try_learn_tokens(by, {stream, 15}, {stream + 1, 15}); });
    REQUIRE(report.ok());
    (step == 0 ? first : last) = report->loss;
  }
  CHECK(last < first);
  std::vector<std::string> paths;
  for (const auto& [path, values] : tensors_of(*model))
    if (values != before.at(path)) paths.push_back(path);
  return paths;
}

}  // namespace

TEST_CASE("an adapter whose last weights are 0 is not there, and else it is what it says") {
  const auto check = []<class... Options>(lc::type_list<Options...>, double tolerance) {
    using value = typename lc::model<plain, Options...>::value;
    const auto without = std::make_unique<lc::model<plain, Options...>>();
    const auto with = std::make_unique<lc::model<with_adapters, Options...>>();
    recipes::randomise(*without, 5, 0.4), recipes::randomise(*with, 6, 0.4);
    const auto known = tensors_of(*without);
    std::size_t taken = 0;
    lc::visit_named(
        [&](const char* path, auto& of) {
          const std::string name = path;
          if (const auto found = known.find(name); found != known.end()) {
            ++taken;
            for (lc::extent_t i = 0; i < of.size; ++i) of[i] = static_cast<value>(found->second[i]);
          } else {
            CHECK(name.find(".adapter.") != std::string::npos);
            if (name.find(".adapter.down.") != std::string::npos)
              for (auto& each : of.data) each = 0;
          }
        },
        with->parameters_to_write());
    with->update();
    CHECK(taken == known.size());
    CHECK(logits_of(*with) == logits_of(*without));
    // A bias alone shifts what the sublayer puts out by itself: the same as a bias of its own.
    lc::visit_named(
        [](const char* path, auto& of) {
          if (std::string(path) == "blocks.1.ffn.adapter.down.bias") of[2] = static_cast<value>(0.75);
        },
        with->parameters_to_write());
    with->update();
    using biased = network<attention, lc::ffn<lc::hidden<20>, lc::relu, lc::bias>>;
    const auto other = std::make_unique<lc::model<biased, Options...>>();
    lc::visit_named(
        [&](const char* path, auto& of) {
          for (lc::extent_t i = 0; i < of.size; ++i) {
            const auto found = known.find(path);
            of[i] = static_cast<value>(found != known.end() ? found->second[i] : 0);
          }
          if (std::string(path) == "blocks.1.ffn.down.bias") of[2] = static_cast<value>(0.75);
        },
        other->parameters_to_write());
    other->update();
    const auto shifted = logits_of(*with), expected = logits_of(*other);
    CHECK(shifted != logits_of(*without));
    for (std::size_t i = 0; i < shifted.size(); ++i)
      CHECK(std::fabs(static_cast<double>(shifted[i] - expected[i])) < tolerance);
  };
  check(lc::type_list<lc::f64>{}, 1e-13);
  check(lc::type_list<lc::f32>{}, 1e-5);
  check(lc::type_list<lc::f32, lc::training>{}, 1e-5);
}
TEST_CASE("adapters have parameters and multiply-adds of their own, and nothing else changes") {
  constexpr auto own = 2 * 8 * 3 + 3 + 8;
  static_assert(lc::parameter_count<with_adapters> == lc::parameter_count<plain> + 4 * own);
  static_assert(lc::decode_multiply_adds<with_adapters>(7) == lc::decode_multiply_adds<plain>(7) + 4 * 2 * 8 * 3);
  static_assert(lc::state_bytes<with_adapters, lc::f32> == lc::state_bytes<plain, lc::f32>);
  const auto work_of = []<class Recipe>(lc::type_list<Recipe>) {
    const auto model = std::make_unique<lc::model<Recipe>>();
    lc::work_counter work;
    REQUIRE(model
                ->try_forward_watched(lc::watched{model->backend(), work}, lc::token_view{stream, 16},
                                      [](lc::extent_t, const auto&) {})
                .ok());
    return work.multiply_adds;
  };
  CHECK(work_of(lc::type_list<with_adapters>{}) == work_of(lc::type_list<plain>{}) + 16 * 4 * 2 * 8 * 3);
  // Substitution reaches both halves.
  static_assert(
      lc::same<lc::substitute<with_adapters, lc::relu, lc::silu>,
               network<lc::adapted<attention, adapter>, lc::adapted<lc::ffn<lc::hidden<20>, lc::silu>, adapter>>>);
  static_assert(lc::parameter_count<lc::substitute<with_adapters, lc::hidden<3>, lc::hidden<5>>> ==
                lc::parameter_count<plain> + 4 * (2 * 8 * 5 + 5 + 8));
}
TEST_CASE("an adapter may have an adapter, and facts of both are told") {
  using twice = network<lc::adapted<attention, lc::adapted<adapter, lc::ffn<lc::hidden<2>, lc::gelu>>>, feed_forward>;
  static_assert(lc::parameter_count<twice> == lc::parameter_count<plain> + 2 * (2 * 8 * 3 + 3 + 8 + 2 * 8 * 2));
  std::vector<std::string> paths;
  const auto model = std::make_unique<lc::model<twice>>();
  for (const auto& [path, values] : tensors_of(*model)) paths.push_back(path);
  CHECK(std::count(paths.begin(), paths.end(), "blocks.1.attention.adapter.adapter.up.weight") == 1);
  CHECK(paths.size() == tensors_of(*std::make_unique<lc::model<plain>>()).size() + 2 * 6);
  static_assert(lc::figures<with_adapters>["adapter"] == 3 && lc::figures<with_adapters>["hidden"] == 20);
}
TEST_CASE("only what is accepted moves") {
  const auto all_have = [](const std::vector<std::string>& paths, const char* part, std::size_t count) {
    CHECK(paths.size() == count);
    for (const auto& path : paths) CHECK(path.find(part) != std::string::npos);
  };
  all_have(moved<with_adapters>(lc::with_part{"adapter"}, 16), ".adapter.", 16);
  all_have(moved<low_rank>(lc::with_part{"second"}, 16), ".second.", 16);
  all_have(moved<prefixed>(lc::with_part{"sink_keys", "sink_values"}, 4), ".sink_", 4);
  all_have(moved<with_adapters>(lc::with_part{"bias"}, 8), ".bias", 8);
  using with_shifts = lc::substitute<with_adapters, lc::rms_norm<>, lc::layer_norm<>>;
  CHECK(moved<with_shifts>(lc::with_part{"bias", "shift"}, 13).size() == 13);
}
TEST_CASE("parts of paths, and what no path has") {
  constexpr lc::with_part adapters{"adapter"};
  static_assert(lc::with_part{"x", "ffn"}("blocks.0.ffn"));
  static_assert(lc::with_part{"0.attention"}("blocks.0.0.attention.query") &&
                lc::with_part{"sublayer.down"}("sublayer.sublayer.down") &&
                !lc::with_part{"0.att"}("blocks.0.attention"));
  static_assert(adapters("blocks.0.ffn.adapter.down.weight") && adapters("adapter") && adapters("a.adapter"));
  static_assert(!adapters("blocks.0.ffn.adapters.down") && !adapters("blocks.adapte") && !adapters("xadapter.y") &&
                !adapters("") && !adapters("blocks.0.ffn"));
  using model_type = lc::model<plain>;
  const auto model = std::make_unique<model_type>();
  const auto teacher = std::make_unique<lc::trainer<model_type>>(*model);
  const auto refused = lc::try_learn_only(*teacher, adapters);
  REQUIRE(!refused.ok());
  CHECK(std::string(refused.why().message.c_str()).find("found none") != std::string::npos);
  teacher->visit_settings([](const char*, const lc::tensor_setting& setting) { CHECK(setting.learns); });
}
