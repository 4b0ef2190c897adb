// What leaving neurons and inputs out must not change: full lists, thresholds of 0, the true mask, cuts, counts.
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

template <class... Policies>
using one_block = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                              lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                         lc::ffn<lc::hidden<21>, Policies...>>>,
                              lc::tied_head>;
using relu = one_block<lc::relu, lc::bias>;
using gated_relu = one_block<lc::gated<lc::relu>>;
using gated_silu = one_block<lc::gated<lc::silu>, lc::bias>;

/// The paths of a recipe's tensors, with their sizes.
template <class Recipe>
std::vector<std::string> paths() {
  std::vector<std::string> all;
  const typename Recipe::bound::template parameters<lc::shapes<float>> shapes{};
  lc::visit_named(
      [&]<class Shape>(const char* path, const Shape&) { all.push_back(path + (" " + std::to_string(Shape::size))); },
      shapes);
  return all;
}

/// Writes 0.4 times normal numbers into every tensor that `from` has, too: they depend on the path alone.
template <class Model>
void randomise_by_path(Model& model) {
  lc::visit_named(
      [&](const char* path, auto& tensor) {
        std::uint64_t seed = 0, counter = 0;
        for (const char* at = path; *at != '\0'; ++at) seed = 31 * seed + static_cast<unsigned char>(*at);
        if (std::string(path).find("threshold") != std::string::npos) return;
        for (auto& of : tensor.data) of += static_cast<float>(0.4 * lc::random_normal(seed, 0, counter++));
      },
      model.parameters_to_write());
  model.update();
}
template <class Model>
void set_thresholds(Model& model, float to) {
  lc::visit_named(
      [&](const char* path, auto& tensor) {
        if (std::string(path).find("threshold") != std::string::npos) tensor.data[0] = to;
      },
      model.parameters_to_write());
  model.update();
}

/// All logits of the stream.
template <class Model>
std::vector<float> logits_of(Model& model, std::size_t piece = 19) {
  std::vector<float> all;
  model.reset();
  for (std::size_t at = 0; at < 19; at += piece)
    REQUIRE(
        model
            .try_forward({recipes::stream + at, std::min(piece, 19 - at)},
                         [&](std::size_t, const auto& logits) { all.insert(all.end(), logits.data, logits.data + 11); })
            .ok());
  return all;
}
template <class Recipe>
std::vector<float> logits_of_recipe(float thresholds = 0) {
  auto model = std::make_unique<lc::model<Recipe>>();
  randomise_by_path(*model);
  set_thresholds(*model, thresholds);
  return logits_of(*model);
}

template <class Recipe>
std::uint64_t counted_work(lc::model<Recipe>& model) {
  lc::work_counter counter;
  const auto each = [](lc::extent_t, const auto&) {};
  model.reset();
  REQUIRE(model.try_forward_watched(lc::watched{model.backend(), counter}, {recipes::stream, 16}, each).ok());
  return counter.multiply_adds;
}

constexpr float infinite = std::numeric_limits<float>::infinity();

/// At compile time: the second and the fourth of four neurons, over outputs and over inputs.
constexpr bool lists_are_constant_expressions() {
  lc::tensor<float, 4, 2> weight;
  for (lc::extent_t i = 0; i < 8; ++i) weight[i] = static_cast<float>(i);
  lc::input_major<float, 4, 2> by_input;
  by_input.pack(weight);
  lc::tensor<float, 1, 4> h{{-1, 2, 0, 3}}, up;
  lc::tensor<float, 1, 2> x{{1, 10}};
  lc::active_lists<1, 4> lists;
  lc::active_lists<1, 2> inputs;
  lc::op::find_active(lists.first(1), h.view(), lc::active::above<float>{0}, lc::reference{});
  lc::op::multiply_some_outputs(up.view(), x.view(), weight, lists.first(1), lc::reference{});
  bool right = lists.sizes[0] == 2 && up[0] == 0 && up[1] == 32 && up[2] == 0 && up[3] == 76;
  lc::op::find_active(inputs.first(1), x.view(), lc::active::magnitude_above<float>{1}, lc::reference{});
  lc::op::multiply_some_inputs(up.view(), x.view(), by_input, inputs.first(1), lc::reference{});
  return right && up[0] == 10 && up[3] == 70;
}
static_assert(lists_are_constant_expressions());

}  // namespace

TEST_CASE("full lists give the dense products, partial ones those of what is left") {
  constexpr lc::extent_t tokens = 3, outputs = 7, inputs = 5;
  std::uint64_t drawn = 0;
  const auto fill = [&](auto& of) {
    for (auto& value : of.data) value = lc::random_normal(1, 0, drawn++);
  };
  lc::tensor<double, outputs, inputs> weight;
  lc::tensor<double, tokens, inputs> x, kept;
  lc::tensor<double, tokens, outputs> dense, found;
  fill(weight), fill(x);
  lc::input_major<double, outputs, inputs> by_input;
  by_input.pack(weight);
  lc::active_lists<tokens, outputs> some_outputs;
  lc::active_lists<tokens, inputs> some_inputs;
  const lc::reference on;
  const auto multiply = [&](const auto& from) {
    lc::op::multiply(dense.view(), from.view(), weight, lc::nothing{}, on);
  };

  multiply(x);
  lc::op::find_active(some_outputs.first(tokens), dense.view(), lc::active::above<double>{-1e9}, on);
  lc::op::multiply_some_outputs(found.view(), x.view(), weight, some_outputs.first(tokens), on);
  for (lc::extent_t i = 0; i < found.size; ++i) CHECK(found[i] == dense[i]);
  lc::op::find_active(some_outputs.first(tokens), dense.view(), lc::active::above<double>{0}, on);
  CHECK(some_outputs.first(tokens).total() < found.size);
  lc::op::multiply_some_outputs(found.view(), x.view(), weight, some_outputs.first(tokens), on);
  for (lc::extent_t i = 0; i < found.size; ++i) CHECK(found[i] == (dense[i] > 0 ? dense[i] : 0));

  for (const double bound : {-1.0, 0.5}) {
    for (lc::extent_t i = 0; i < x.size; ++i) kept[i] = std::fabs(x[i]) > bound ? x[i] : 0;
    multiply(kept);
    lc::op::find_active(some_inputs.first(tokens), x.view(), lc::active::magnitude_above<double>{bound}, on);
    lc::op::multiply_some_inputs(found.view(), x.view(), by_input, some_inputs.first(tokens), on);
    for (lc::extent_t i = 0; i < found.size; ++i) CHECK(found[i] == dense[i]);
  }
}

TEST_CASE("checkpoints of a dense model fit: parameters have the same paths") {
  CHECK(paths<one_block<lc::relu, lc::bias, lc::skips_zeros>>() == paths<relu>());
  CHECK(paths<one_block<lc::relu, lc::bias, lc::predicted<lc::oracle>>>() == paths<relu>());
  CHECK(paths<one_block<lc::gated<lc::relu>, lc::predicted<lc::oracle>>>() == paths<gated_relu>());
  using predicted = one_block<lc::relu, lc::predicted<lc::rank<3>>>;
  CHECK(lc::parameter_count<predicted> == lc::parameter_count<one_block<lc::relu>> + 2 * (3 * (8 + 21) + 1));
  using gated = one_block<lc::gated<lc::relu>, lc::thresholded>;
  CHECK(lc::parameter_count<gated> == lc::parameter_count<gated_relu> + 2 * 3);
  const auto all = paths<predicted>();
  for (const char* path : {"blocks.1.ffn.predictor.reduce.weight 24", "blocks.1.ffn.predictor.threshold 1"})
    CHECK(std::count(all.begin(), all.end(), path) == 1);
}

TEST_CASE("skipped zeros and the true mask change no bit") {
  const auto expected = logits_of_recipe<relu>();
  CHECK(logits_of_recipe<one_block<lc::relu, lc::bias, lc::skips_zeros>>() == expected);
  CHECK(logits_of_recipe<one_block<lc::relu, lc::bias, lc::predicted<lc::oracle>>>() == expected);
  const auto gated = logits_of_recipe<gated_relu>();
  CHECK(logits_of_recipe<one_block<lc::gated<lc::relu>, lc::skips_zeros>>() == gated);
  CHECK(logits_of_recipe<one_block<lc::gated<lc::relu>, lc::predicted<lc::oracle>>>() == gated);
}

TEST_CASE("predicting all neurons is the dense feed-forward, predicting none is none") {
  using predicted = one_block<lc::gated<lc::silu>, lc::bias, lc::predicted<lc::rank<3>>>;
  const auto expected = logits_of_recipe<gated_silu>();
  CHECK(logits_of_recipe<predicted>(-infinite) == expected);
  CHECK(logits_of_recipe<predicted>(0) != expected);
  // Without neurons the down projection leaves its bias: so does a dense one whose weights are 0.
  auto emptied = std::make_unique<lc::model<gated_silu>>();
  randomise_by_path(*emptied);
  lc::visit_named(
      [](const char* path, auto& tensor) {
        if (std::string(path).find("down.weight") != std::string::npos)
          for (auto& of : tensor.data) of = 0;
      },
      emptied->parameters_to_write());
  emptied->update();
  CHECK(logits_of_recipe<predicted>(infinite) == logits_of(*emptied));
}

TEST_CASE("a threshold of 0 changes no bit, a large one silences, one between drops what is below it") {
  using gated = lc::substitute<gated_silu, lc::dense, lc::thresholded>;
  static_assert(
      lc::same<gated,
               lc::decoder<
                   lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                   lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::thresholded>,
                                              lc::ffn<lc::hidden<21>, lc::gated<lc::silu>, lc::bias, lc::thresholded>>>,
                   lc::tied_head>>);
  const auto expected = logits_of_recipe<gated_silu>();
  CHECK(logits_of_recipe<gated>(0) == expected);
  const auto distance = [&](float threshold) {
    const auto found = logits_of_recipe<gated>(threshold);
    double sum = 0;
    for (std::size_t i = 0; i < found.size(); ++i) sum += std::pow(static_cast<double>(found[i] - expected[i]), 2);
    return sum;
  };
  const double small = distance(0.05f), middle = distance(0.3f), large = distance(1.0f);
  CHECK((0 < small && small < middle && middle < large));
}

/// The lists of all products over inputs.
struct list_counter {
  std::uint64_t entries = 0, calls = 0;
  template <class Backend, class Y, class X, class Matrix, class Lists>
  void after(lc::operation::multiply_some_inputs, lc::ran_on<Backend>, const Y&, const X&, const Matrix&,
             const Lists& lists) {
    entries += lists.total();
    ++calls;
  }
  template <class Operation, class Backend, class... Arguments>
  void after(Operation, lc::ran_on<Backend>, const Arguments&...) {}
};

TEST_CASE("thresholds calibrated by quantile gate the share that was asked for") {
  using gated = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                            lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                         lc::ffn<lc::hidden<21>, lc::gated<lc::silu>, lc::thresholded>>>;
  const auto each = [](lc::extent_t, const auto&) {};
  auto model = std::make_unique<lc::model<gated, lc::chunk<7>>>();
  randomise_by_path(*model);
  auto& ffn = model->parameters_to_write().body_part[0].at<1>().sublayer_part;
  for (const double share : {0.0, 0.25, 0.5, 0.9}) {
    ffn.down.threshold[0] = 0;
    lc::tensor<float, 19, 21> inputs;
    lc::tensor<float, 12, 8> outputs;
    lc::input_recorder recorder(ffn.down.weight, inputs.view(), outputs.view());
    model->reset();
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), recorder}, {recipes::stream, 19}, each).ok());
    CHECK(recorder.recorded == 19);
    CHECK((outputs[0] != 0 && outputs[12 * 8 - 1] != 0));

    ffn.down.threshold[0] = lc::magnitude_quantile(inputs.view(), share);
    list_counter counter;
    model->reset();
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {recipes::stream, 19}, each).ok());
    // The other two thresholds are 0, and so is this one for a share of 0: no product over lists is called for them.
    CHECK(counter.calls == (share > 0 ? 3 : 0));
    const auto kept = share > 0 ? static_cast<double>(counter.entries) : 19 * 21;
    CHECK(std::fabs(1 - kept / (19 * 21) - share) <= 1.0 / (19 * 21));
  }
}

TEST_CASE("quantiles of magnitudes") {
  const float values[]{-3, 1, 0.5f, -0.25f, 2, 4, -5, 6};
  const lc::rows<const float, 4> recorded(values, 2);
  CHECK(lc::magnitude_quantile(recorded, 0) == 0);
  CHECK(lc::magnitude_quantile(recorded, 0.06) == 0);
  CHECK(lc::magnitude_quantile(recorded, 0.125) == 0.25f);
  CHECK(lc::magnitude_quantile(recorded, 0.5) == 2);
  CHECK(lc::magnitude_quantile(recorded, 1) == 6);
  const double ties[]{0, -1, 1, 1};
  CHECK(lc::magnitude_quantile(lc::rows<const double, 1>(ties, 4), 0.5) == 1);
  CHECK(lc::magnitude_quantile(lc::rows<const double, 1>(ties, 4), 0.25) == 0);
  static constexpr float one[]{-7};
  static_assert(lc::magnitude_quantile(lc::rows<const float, 1>(one, 1), 1.0) == 7);
}

TEST_CASE("recall and precision") {
  const float scores[]{1, -1, 1, 1, -1, -1, -1, -1}, truth[]{1, 1, -1, 1, -1, -1, -1, -1};
  lc::active_lists<2, 4> predicted, active;
  const auto list = [](auto& to, const float* from) {
    lc::op::find_active(to.first(2), lc::rows<const float, 4>(from, 2), lc::active::above<float>{0}, lc::reference{});
  };
  list(predicted, scores), list(active, truth);
  const auto found = lc::compare_predictions(predicted.first(2), active.first(2));
  CHECK(found.predicted == 3);
  CHECK(found.active == 3);
  CHECK(found.both == 2);
  CHECK(found.recall() == doctest::Approx(2.0 / 3));
  CHECK(found.precision() == doctest::Approx(2.0 / 3));
  CHECK(lc::prediction_quality{}.recall() == 1);
  const auto perfect = lc::compare_predictions(active.first(2), active.first(2));
  CHECK((perfect.recall() == 1 && perfect.precision() == 1 && perfect.both == 3));
}

TEST_CASE("cuts of a stream and the training forward change no bit") {
  const auto logits = [](auto model, std::size_t piece) {
    recipes::randomise(*model, 3, 0.4);
    return logits_of(*model, piece);
  };
  const auto expected = logits(std::make_unique<lc::model<recipes::active, lc::chunk<20>>>(), 19);
  CHECK(logits(std::make_unique<lc::model<recipes::active, lc::chunk<1>>>(), 19) == expected);
  CHECK(logits(std::make_unique<lc::model<recipes::active, lc::chunk<5>>>(), 7) == expected);
  auto learner = std::make_unique<lc::model<recipes::active, lc::training>>();
  recipes::randomise(*learner, 3, 0.4);
  const auto kept = *learner->try_forward_to_learn({recipes::stream, 19});
  CHECK(std::vector<float>(kept.data, kept.data + 19 * 11) == expected);
}

TEST_CASE("counted work: the cost formula where nothing is left out, less where something is") {
  const auto formula = []<class Recipe>(const lc::model<Recipe>&) { return Recipe::bound::multiply_adds(0, 16, 16); };
  const auto check = [&]<class Recipe>(Recipe, float everything, float nothing, std::uint64_t left_out) {
    auto model = std::make_unique<lc::model<Recipe>>();
    randomise_by_path(*model);
    set_thresholds(*model, everything);
    CHECK(counted_work(*model) == formula(*model));
    set_thresholds(*model, 0.1f);
    CHECK(counted_work(*model) < formula(*model));
    set_thresholds(*model, nothing);
    CHECK(counted_work(*model) == formula(*model) - left_out);
  };
  check(one_block<lc::relu, lc::predicted<lc::rank<3>>>{}, -infinite, infinite, 2 * 16 * 2 * 8 * 21);
  check(one_block<lc::gated<lc::silu>, lc::predicted<lc::rank<3>>>{}, -infinite, infinite, 2 * 16 * 3 * 8 * 21);
  check(one_block<lc::gated<lc::silu>, lc::thresholded>{}, 0, 1e30f, 2 * 16 * 3 * 8 * 21);
  // Zeros that are skipped: as many as an activity counter does not see.
  auto model = std::make_unique<lc::model<one_block<lc::relu, lc::skips_zeros>>>();
  randomise_by_path(*model);
  lc::activity_counter activity;
  const auto each = [](lc::extent_t, const auto&) {};
  REQUIRE(model->try_forward_watched(lc::watched{model->backend(), activity}, {recipes::stream, 16}, each).ok());
  CHECK(activity.seen == 2 * 16 * 21);
  CHECK(counted_work(*model) == formula(*model) - (activity.seen - activity.active) * 8);
}
