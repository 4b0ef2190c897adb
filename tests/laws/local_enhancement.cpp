// Values of near tokens beside attention: what they add, how far they reach, an independent implementation.
#include "support/recipes.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

constexpr lc::extent_t width = 16, tokens = 40;
template <class Numerics, class... Policies>
auto random_layer() {
  using recipe = lc::attention<lc::heads<2>, Policies...>;
  auto layer = std::make_unique<lone_attention<recipe, width, tokens, Numerics>>();
  std::uint64_t drawn = 0;
  const auto draw = [&](auto& tensor) {
    for (auto& of : tensor.data)
      of = static_cast<std::remove_reference_t<decltype(of)>>(0.5 * lc::random_normal(9, 0, drawn++));
  };
  // Attention's own parameters first, in this order, whatever the gate adds.
  draw(layer->parameters.query.weight), draw(layer->parameters.key.weight), draw(layer->parameters.value.weight);
  draw(layer->parameters.output.weight), draw(layer->x);
  if constexpr (requires { layer->parameters.gate_part.local; }) lc::visit_tensors(draw, layer->parameters.gate_part);
  return layer;
}

}  // namespace

TEST_CASE("what is added is a convolution of the values") {
  auto plain = random_layer<lc::f64, lc::causal, lc::rope<>>();
  auto enhanced = random_layer<lc::f64, lc::causal, lc::rope<>, lc::local_enhancement<5>>();
  plain->forward(0, tokens);
  enhanced->forward(0, tokens);
  const auto& p = enhanced->parameters;
  for (lc::extent_t t = 0; t < tokens; ++t) {
    double local[width];
    for (lc::extent_t c = 0; c < width; ++c) {
      local[c] = p.gate_part.local.bias[c];
      for (int u = -2; u <= 2; ++u) {
        const int source = static_cast<int>(t) + u;
        if (source < 0 || source >= static_cast<int>(tokens)) continue;
        double value = 0;
        for (lc::extent_t i = 0; i < width; ++i)
          value += p.value.weight[c * width + i] * enhanced->x[static_cast<lc::extent_t>(source) * width + i];
        local[c] += p.gate_part.local.weight[c * 5 + static_cast<lc::extent_t>(u + 2)] * value;
      }
    }
    for (lc::extent_t o = 0; o < width; ++o) {
      double added = 0;
      for (lc::extent_t c = 0; c < width; ++c) added += p.output.weight[o * width + c] * local[c];
      REQUIRE(enhanced->y[t * width + o] - plain->y[t * width + o] == doctest::Approx(added).epsilon(1e-11).scale(1));
    }
  }
}

TEST_CASE("weights of 0 change no bit") {
  auto plain = random_layer<lc::f32, lc::causal>();
  auto enhanced = random_layer<lc::f32, lc::causal, lc::local_enhancement<3>>();
  for (auto& of : enhanced->parameters.gate_part.local.weight.data) of = 0;
  for (auto& of : enhanced->parameters.gate_part.local.bias.data) of = 0;
  plain->forward(0, tokens);
  enhanced->forward(0, tokens);
  for (lc::extent_t i = 0; i < plain->y.size; ++i) REQUIRE(plain->y[i] == enhanced->y[i]);
}

TEST_CASE("a row sees half a kernel to both sides and no further, what is no number there changes nothing") {
  // The first and the last row that another token 20 changes.
  const auto changed = [](auto layer, float to) {
    layer->forward(0, tokens);
    const auto before = layer->y;
    for (lc::extent_t c = 0; c < width; ++c) layer->x[20 * width + c] = to;
    layer->forward(0, tokens);
    std::pair<lc::extent_t, lc::extent_t> rows{tokens, 0};
    for (lc::extent_t t = 0; t < tokens; ++t)
      for (lc::extent_t c = 0; c < width; ++c)
        if (!(layer->y[t * width + c] == before[t * width + c])) rows = {std::min(rows.first, t), t};
    return rows;
  };
  using own = lc::both<lc::causal, lc::window<1>>;
  using rows = std::pair<lc::extent_t, lc::extent_t>;
  for (const float to : {1.0f, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK(changed(random_layer<lc::f32, own, lc::local_enhancement<1>>(), to) == rows{20, 20});
    CHECK(changed(random_layer<lc::f32, own, lc::local_enhancement<5>>(), to) == rows{18, 22});
    CHECK(changed(random_layer<lc::f32, lc::causal, lc::local_enhancement<5>>(), to) == rows{18, 39});
  }
  using wide = lc::attention<lc::heads<2>, lc::causal, lc::local_enhancement<5>>;
  using single = lc::attention<lc::heads<2>, lc::causal, lc::local_enhancement<1>>;
  static_assert(lc::sees_ahead<wide::bound<lc::place<16, 20>>> && !lc::sees_ahead<single::bound<lc::place<16, 20>>>);
}

TEST_CASE("cost: what is counted is the formula; streams are taken whole, or cut under a kernel of one") {
  using recipe =
      lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<20>,
                  lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::full, lc::local_enhancement<7>>>>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<20>>>();
  recipes::randomise(*model, 3, 0.4);
  for (const lc::extent_t count : {1u, 2u, 3u, 5u, 19u}) {
    model->reset();
    lc::work_counter counter;
    REQUIRE(model
                ->try_forward_watched(lc::watched{model->backend(), counter}, {recipes::stream, count},
                                      [](lc::extent_t, auto) {})
                .ok());
    CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, count, count));
  }
  static_assert(lc::operation::convolution::products<3>(5) == 3 * 5 - 2);
  static_assert(lc::operation::convolution::products<7>(2) == 2 + 1 + 1);
  static_assert(lc::operation::convolution::products<1>(9) == 9);

  using cut =
      lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<20>,
                  lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::local_enhancement<1>>>>;
  auto whole = std::make_unique<lc::model<cut, lc::training>>();
  auto stream = std::make_unique<lc::model<cut, lc::chunk<4>>>();
  recipes::randomise(*whole, 3, 0.4), recipes::randomise(*stream, 3, 0.4);
  const auto expected = *whole->try_forward_to_learn({recipes::stream, 19});
  for (lc::extent_t t = 0; t < 19; ++t) {
    const auto logits = stream->forward({recipes::stream + t, 1});
    for (lc::extent_t i = 0; i < 11; ++i) REQUIRE(logits(0, i) == expected(t, i));
  }
}

TEST_CASE("all regions kept is full attention with the same enhancement") {
  using lc::dot_by_width, lc::local_enhancement;
  auto regions = random_layer<lc::f64, lc::bi_level<5, lc::kept_regions{5}>, dot_by_width, local_enhancement<>>();
  auto full = random_layer<lc::f64, lc::full, dot_by_width, local_enhancement<>>();
  regions->forward(0, tokens);
  full->forward(0, tokens);
  for (lc::extent_t i = 0; i < full->y.size; ++i)
    REQUIRE(regions->y[i] == doctest::Approx(full->y[i]).epsilon(1e-12).scale(1));
}

TEST_CASE("BiFormer's attention against an independent implementation") {
  auto cases = read_cases("biformer");
  using lc::kept_regions;
  const auto &first = cases["biformer_21"], &second = cases["biformer_36"];
  check_case<lc::zoo::biformer_attention<3, 7, kept_regions{2}>, 24, 21>(first, "y.enhanced_bias");
  check_case<lc::zoo::biformer_attention<3, 7, kept_regions{2}, 3, lc::no_bias>, 24, 21>(first, "y.enhanced");
  check_case<lc::zoo::biformer_attention<2, 6, kept_regions{3}>, 16, 36>(second, "y.enhanced_bias");
  check_case<lc::zoo::biformer_attention<2, 6, kept_regions{3}, 3, lc::no_bias>, 16, 36>(second, "y.enhanced");
}
