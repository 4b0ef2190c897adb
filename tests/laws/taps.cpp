// Taps: what they cost, what they see, what they give back.
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

template <class... Blocks>
using decoder = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, Blocks...>;
template <class Activation>
using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::rope<>, lc::causal>,
                           lc::ffn<lc::hidden<12>, Activation>>;
template <class Block>
using three = decoder<lc::repeat<2, Block>, Block>;

using plain = three<block<lc::gated<lc::silu>>>;
using tapped = three<lc::tapped<block<lc::gated<lc::silu>>>>;
using neurons = three<block<lc::gated<lc::tapped_activation<lc::silu>>>>;
using both = three<lc::tapped<block<lc::gated<lc::tapped_activation<lc::silu>>>>>;

// Without learning, a tap is nothing at all.
template <class Left, class Right>
constexpr bool cost_the_same() {
  const auto &left = lc::figures<Left>, &right = lc::figures<Right>;
  return lc::same_tensors<Left, Right> && left.parameters == right.parameters &&
         left.state_bytes_f32 == right.state_bytes_f32 && left.multiply_adds_last == right.multiply_adds_last &&
         left["layers"] == right["layers"] && left.size_count == right.size_count &&
         lc::model_bytes<lc::model<Left>> == lc::model_bytes<lc::model<Right>> &&
         lc::workspace_bytes<lc::model<Left>> == lc::workspace_bytes<lc::model<Right>>;
}
static_assert(cost_the_same<plain, tapped>());
static_assert(cost_the_same<plain, neurons>());
static_assert(cost_the_same<plain, both>());
static_assert(cost_the_same<three<block<lc::relu>>, three<block<lc::tapped_activation<lc::relu>>>>());
// With it, three buffers of rows, or two of hidden rows and one for the gate that is not computed anew.
template <class Recipe>
constexpr lc::extent_t kept = lc::workspace_bytes<lc::model<Recipe, lc::f64, lc::training>>;
static_assert(kept<tapped> == kept<plain> + 3 * 3 * 20 * 8 * sizeof(double));
static_assert(kept<neurons> == kept<plain> + 3 * 3 * 20 * 12 * sizeof(double));
static_assert(kept<three<block<lc::tapped_activation<lc::relu>>>> ==
              kept<three<block<lc::relu>>> + 3 * 2 * 20 * 12 * sizeof(double));
// Adjoints of the model take no more.
static_assert(lc::gradient_bytes<lc::model<tapped, lc::f64, lc::training>> ==
              lc::gradient_bytes<lc::model<plain, lc::f64, lc::training>>);

// Taps are parts as others are: they are taken off, put on, and one of many is reached by its number.
static_assert(
    lc::same<lc::substitute<tapped, lc::tapped<block<lc::gated<lc::silu>>>, block<lc::gated<lc::silu>>>, plain>);
static_assert(lc::same<lc::substitute<both, lc::tapped_activation<lc::silu>, lc::silu>, tapped>);
static_assert(lc::same<lc::substitute<plain, lc::silu, lc::tapped_activation<lc::silu>>, neurons>);
static_assert(lc::same<lc::substitute<decoder<lc::tapped<lc::repeat<3, block<lc::relu>>>>, lc::relu, lc::gelu,
                                      lc::in<lc::block_number<2>>>,
                       decoder<lc::tapped<lc::stack<lc::repeat<2, block<lc::relu>>, block<lc::gelu>>>>>);
static_assert(lc::same<lc::substitute<decoder<lc::repeat<2, lc::tapped<block<lc::relu>>>>, lc::tapped<block<lc::relu>>,
                                      block<lc::relu>, lc::in<lc::block_number<0>>>,
                       decoder<block<lc::relu>, lc::tapped<block<lc::relu>>>>);

const std::vector<std::uint32_t> stream{3, 1, 4, 1, 5, 9, 2, 6, 5};

template <class Recipe, class... Options>
auto model_of() {
  auto model = std::make_unique<lc::model<Recipe, lc::f64, Options...>>();
  recipes::randomise(*model, 3, 0.4);
  return model;
}
template <class Model>
std::vector<double> learn(Model& model) {
  const auto logits = *model.try_forward_to_learn({stream.data(), stream.size()});
  return {logits.data, logits.data + stream.size() * 11};
}
template <class Model>
std::vector<double> gradients_of(Model& model) {
  std::vector<double> all, adjoint(stream.size() * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = lc::random_normal(4, 1, i);
  REQUIRE(model.try_backward({stream.data(), stream.size()}, {adjoint.data(), stream.size()}).ok());
  lc::visit_tensors([&](auto& of) { all.insert(all.end(), std::begin(of.data), std::end(of.data)); },
                    model.gradients_to_write());
  return all;
}
using paths = std::vector<std::string>;
template <class Recipe>
paths paths_of() {
  auto model = model_of<Recipe, lc::training>();
  learn(*model);
  paths all;
  model->visit_taps([&](const char* path, auto seen, auto adjoint) {
    all.push_back(path);
    CHECK(seen.count == adjoint.count);
    CHECK(seen.columns == adjoint.columns);
  });
  return all;
}

}  // namespace

TEST_CASE("taps have the paths of what they tap, in order") {
  CHECK(paths_of<tapped>() == paths{"blocks.0", "blocks.1", "blocks.2"});
  CHECK(paths_of<neurons>() == paths{"blocks.0.ffn.activation", "blocks.1.ffn.activation", "blocks.2.ffn.activation"});
  CHECK(paths_of<decoder<lc::repeat<2, lc::stack<block<lc::relu>, lc::tapped<block<lc::relu>>>>,
                         lc::shared<2, lc::tapped<block<lc::relu>>>, lc::tapped<lc::repeat<3, block<lc::relu>>>>>() ==
        paths{"blocks.1", "blocks.3", "blocks.4", "blocks.5", "blocks.8"});
  CHECK(paths_of<decoder<lc::parallel<lc::rms_norm<>, lc::ffn<lc::hidden<4>, lc::relu>,
                                      lc::ffn<lc::hidden<4>, lc::tapped_activation<lc::relu>>>>>() ==
        paths{"blocks.0.ffn_2.activation"});
  CHECK(paths_of<plain>().empty());
}
TEST_CASE("taps of experts are as many rows as the experts got") {
  using mixed = decoder<lc::pre_norm<lc::rms_norm<>, lc::mixture<lc::experts<3>, lc::experts_per_token<2>,
                                                                 lc::hidden<5>, lc::tapped_activation<lc::relu>>>>;
  auto model = model_of<mixed, lc::training>();
  learn(*model);
  std::size_t rows = 0;
  model->visit_taps([&](const std::string& path, auto seen, auto) {
    CHECK(path.substr(0, 25) == "blocks.0.mixture.experts.");
    CHECK(path.substr(26) == ".activation");
    rows += seen.count;
  });
  CHECK(rows == 2 * stream.size());
}
TEST_CASE("taps see what passes, and change no bit") {
  auto with = model_of<both, lc::training>();
  auto without = model_of<plain, lc::training>();
  CHECK(learn(*with) == learn(*without));
  // The rows behind block n are those behind the last block of a model that ends there.
  using shorter = decoder<lc::repeat<2, lc::tapped<block<lc::gated<lc::silu>>>>>;
  auto begin = model_of<shorter, lc::training>();
  std::map<std::string, std::vector<double>> found, expected;
  const auto into = [](auto& to) {
    return
        [&](const char* path, auto seen, auto) { to[path].assign(seen.data, seen.data + seen.count * seen.columns); };
  };
  std::map<std::string, std::vector<double>> weights;
  lc::visit_named([&](const char* path, auto& of) { weights[path].assign(std::begin(of.data), std::end(of.data)); },
                  with->parameters_to_write());
  lc::visit_named(
      [&](const char* path, auto& of) {
        REQUIRE(weights[path].size() == std::size(of.data));
        std::copy(weights[path].begin(), weights[path].end(), std::begin(of.data));
      },
      begin->parameters_to_write());
  begin->update();
  learn(*begin);
  with->visit_taps(into(found));
  begin->visit_taps(into(expected));
  REQUIRE(expected["blocks.1"].size() == stream.size() * 8);
  CHECK(found["blocks.0"] == expected["blocks.0"]);
  CHECK(found["blocks.1"] == expected["blocks.1"]);
  CHECK(found["blocks.2"] != found["blocks.1"]);

  // Inference: the same logits, through the memory of the recipe without taps.
  auto infers = model_of<both>();
  auto infers_plainly = model_of<plain>();
  for (const std::uint32_t token : stream) {
    const auto left = infers->forward({&token, 1}), right = infers_plainly->forward({&token, 1});
    for (lc::extent_t i = 0; i < 11; ++i) CHECK(left(0, i) == right(0, i));
  }
}
TEST_CASE("the rows of the embedding are those of a tapped block of nothing but skip") {
  using recipe = decoder<lc::tapped<lc::pre_norm<lc::rms_norm<>, lc::skip>>, block<lc::relu>>;
  auto model = model_of<recipe, lc::training>();
  learn(*model);
  bool equal = true;
  model->visit_taps([&](const char*, auto seen, auto) {
    for (lc::extent_t t = 0; t < seen.count; ++t)
      for (lc::extent_t c = 0; c < 8; ++c)
        equal = equal && seen(t, c) == model->parameters().embedding.weight[stream[t] * 8 + c];
  });
  CHECK(equal);
}
TEST_CASE("without losses, gradients are those without taps; with them, adjoints last until the next forward") {
  auto with = model_of<both, lc::training>();
  auto without = model_of<plain, lc::training>();
  int rows = 0;
  with->visit_taps([&](const char*, auto seen, auto) { rows += static_cast<int>(seen.count); });
  CHECK(rows == 0);  // nothing was learned from yet
  learn(*with), learn(*without);
  const auto expected = gradients_of(*without);
  CHECK(gradients_of(*with) == expected);

  const auto give = [&](double by) {
    with->visit_taps([&](const char*, auto, auto adjoint) {
      for (lc::extent_t i = 0; i < adjoint.count * adjoint.columns; ++i) adjoint.data[i] += by;
    });
  };
  with->clear_gradients();
  give(0.5);
  const auto once = gradients_of(*with);
  CHECK(once != expected);
  const auto twice = gradients_of(*with);  // gradients accumulate, and the taps' adjoints are still there
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == doctest::Approx(2 * once[i]).epsilon(1e-12));
  // The next forward begins anew.
  learn(*with);
  with->clear_gradients();
  CHECK(gradients_of(*with) == expected);
  // A loss of weight 0 changes no bit.
  with->clear_gradients();
  with->visit_taps([](const char*, auto seen, auto adjoint) { lc::density_penalty{}(seen, adjoint, 0); });
  CHECK(gradients_of(*with) == expected);
}
TEST_CASE("a loss on a tap teaches what lies before it, and nothing behind it") {
  auto model = model_of<tapped, lc::training>();
  learn(*model);
  model->visit_taps([](const std::string& path, auto, auto adjoint) {
    if (path == "blocks.1") adjoint.fill(1);
  });
  std::vector<double> none(stream.size() * 11);
  REQUIRE(model->try_backward({stream.data(), stream.size()}, {none.data(), stream.size()}).ok());
  lc::visit_named(
      [](const std::string& path, const auto& of) {
        double largest = 0;
        for (const double gradient : of.data) largest = std::fmax(largest, std::fabs(gradient));
        INFO(path);
        const bool behind = path.rfind("blocks.2", 0) == 0 || path.rfind("final_norm", 0) == 0;
        CHECK((largest > 0) == !behind);
      },
      model->gradients_to_write());
}
TEST_CASE("encoders are tapped, too") {
  using recipe =
      lc::encoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::sequences<3>, lc::mean_pooling,
                  lc::repeat<2, lc::tapped<lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::full>,
                                                        lc::ffn<lc::hidden<6>, lc::tapped_activation<lc::relu>>>>>>;
  auto model = model_of<recipe, lc::training>();
  REQUIRE(model->try_forward_to_learn({stream.data(), stream.size()}).ok());
  paths all;
  model->visit_taps([&](const char* path, auto seen, auto) {
    all.push_back(path);
    CHECK(seen.count == stream.size());
  });
  CHECK(all == paths{"blocks.0.ffn.activation", "blocks.0", "blocks.1.ffn.activation", "blocks.1"});
}
