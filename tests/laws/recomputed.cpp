// Blocks that are recomputed: the same bits, fewer bytes.
#include "support/compiled_tiles.hpp"
#include "support/recomputation.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace recomputation;

/// Equal layers with draws, and a group of different ones, where queries choose keys, with a tap behind it.
template <template <class> class Of>
using deep =
    decoder<lc::repeat<3, typename Of<dropping>::type>,
            lc::tapped<typename Of<
                lc::stack<lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::top_k<3>>>,
                          lc::parallel<lc::rms_norm<>, dropped<lc::ffn<lc::hidden<5>, lc::gelu>>, lc::skip>>>::type>>;

// Bytes of 12 layers: one layer's memory and what it puts out in a room, and of each layer where its draws began.
template <class Recipe>
constexpr lc::extent_t workspace = lc::workspace_bytes<lc::model<Recipe, lc::training>>;
constexpr lc::extent_t row_buffer = 20 * 8 * sizeof(float), draws_of_a_layer = 32;
constexpr lc::extent_t layer = workspace<layers<12, block>> - workspace<layers<11, block>> - row_buffer;
static_assert(workspace<layers<12, lc::recomputed<block>>> ==
              workspace<layers<12, block>> - 12 * layer + (layer + row_buffer) + 12 * draws_of_a_layer);
static_assert(workspace<layers<24, lc::recomputed<block>>> ==
              workspace<layers<12, lc::recomputed<block>>> + 12 * (row_buffer + draws_of_a_layer));
static_assert(lc::model_bytes<lc::model<layers<12, block>, lc::training>> -
                  lc::model_bytes<lc::model<layers<12, lc::recomputed<block>>, lc::training>> ==
              workspace<layers<12, block>> - workspace<layers<12, lc::recomputed<block>>>);
// Four segments of three layers: a room of three layers with two row buffers between them, but three in all outside.
static_assert(workspace<layers<4, lc::recomputed<lc::repeat<3, block>>>> ==
              workspace<layers<4, lc::recomputed<block>>> + 2 * (layer + row_buffer));
// Recomputed blocks within a recomputed group have one room, whoever holds them.
using nested = lc::recomputed<lc::repeat<3, lc::recomputed<block>>>;
template <class... More>
constexpr lc::extent_t beside = workspace<decoder<nested, lc::recomputed<block>, More...>>;
static_assert(beside<lc::recomputed<block>, lc::recomputed<block>> == beside<> + 2 * (row_buffer + draws_of_a_layer));
static_assert(beside<> - workspace<decoder<nested>> < layer);

// A model that only runs has nothing of it.
template <class Left, class Right>
constexpr bool run_the_same() {
  using left = lc::model<Left, lc::chunk<20>>;
  using right = lc::model<Right, lc::chunk<20>>;
  return lc::same_tensors<Left, Right> && lc::model_bytes<left> == lc::model_bytes<right> &&
         lc::workspace_bytes<left> == lc::workspace_bytes<right> &&
         lc::state_bytes<Left, lc::f32> == lc::state_bytes<Right, lc::f32> &&
         lc::prefill_multiply_adds<Left>(20) == lc::prefill_multiply_adds<Right>(20) &&
         lc::figures<Left>["layers"] == lc::figures<Right>["layers"];
}
static_assert(run_the_same<layers<3, block>, layers<3, lc::recomputed<block>>>());
static_assert(run_the_same<layers<3, block>, decoder<lc::recomputed<lc::repeat<3, block>>>>());
static_assert(run_the_same<deep<kept>, deep<anew>>());
static_assert(lc::gradient_bytes<lc::model<deep<kept>, lc::training>> ==
              lc::gradient_bytes<lc::model<deep<anew>, lc::training>>);

// What is read between forward and backward is found at any depth, and nowhere else.
template <class Block>
using inside = lc::detail::read_inside<Block>;
using tapped_gate = lc::gated<lc::tapped_activation<lc::silu>>;
template <class... Policies>
using experts =
    lc::shared<2, lc::stack<lc::parallel<lc::rms_norm<>, lc::mixture<lc::experts<2>, lc::experts_per_token<1>,
                                                                     lc::hidden<4>, Policies...>>>>;
static_assert(!inside<dropping>::taps && !inside<dropping>::losses);
static_assert(!inside<experts<lc::relu>>::taps && !inside<experts<lc::relu>>::losses);
static_assert(inside<experts<tapped_gate>>::taps && !inside<experts<tapped_gate>>::losses);
static_assert(!inside<experts<lc::relu, lc::z_loss<>>>::taps && inside<experts<lc::relu, lc::z_loss<>>>::losses);
static_assert(inside<lc::repeat<2, lc::tapped<block>>>::taps);
static_assert(inside<lc::pre_norm<lc::rms_norm<>, lc::dropout<lc::ffn<lc::hidden<4>, tapped_gate>>>>::taps);

// It is put on and taken off, of all layers or of one, and stays around a group of which one layer changes.
static_assert(
    lc::same<lc::substitute<layers<3, block>, block, lc::recomputed<block>>, layers<3, lc::recomputed<block>>>);
static_assert(
    lc::same<lc::substitute<layers<3, lc::recomputed<block>>, lc::recomputed<block>, block>, layers<3, block>>);
static_assert(lc::same<lc::substitute<layers<3, block>, block, lc::recomputed<block>, lc::in<lc::block_number<1>>>,
                       decoder<block, lc::recomputed<block>, block>>);
static_assert(lc::same<lc::substitute<layers<2, lc::recomputed<block>>, lc::recomputed<block>, block,
                                      lc::in<lc::block_number<0>>>,
                       decoder<block, lc::recomputed<block>>>);
using other = lc::pre_norm<lc::rms_norm<>, grouped, lc::ffn<lc::hidden<12>, lc::gated<lc::gelu>>>;
static_assert(lc::same<lc::substitute<decoder<block, lc::recomputed<lc::repeat<3, block>>>, lc::silu, lc::gelu,
                                      lc::in<lc::block_number<3>>>,
                       decoder<block, lc::recomputed<lc::stack<lc::repeat<2, block>, other>>>>);

// The room is written in constant expressions, too.
template <template <class> class Of>
using small =
    lc::decoder<lc::vocabulary<3>, lc::width<2>, lc::context<3>,
                lc::repeat<2, typename Of<lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<1>, lc::causal>,
                                                       lc::ffn<lc::hidden<2>, lc::relu>>>::type>>;
template <template <class> class Of>
constexpr double logit() {
  lc::model<small<Of>, lc::f64, lc::training, lc::in_place> model;
  std::uint64_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of += lc::random_uniform(5, 0, counter++);
      },
      model.parameters_to_write());
  model.update();
  const std::uint32_t stream[]{2, 0, 1};
  const auto logits = model.try_forward_to_learn({stream, 3});
  return logits.ok() ? (*logits)(2, 1) : 0;
}
static_assert(logit<anew>() == logit<kept>() && logit<kept>() != 0);

}  // namespace

TEST_CASE("logits, loss, taps and gradients have the same bits: equal layers, groups, dropout, chosen keys") {
  compare<deep<kept>, deep<anew>, lc::f64>();
  compare<deep<kept>, deep<anew>, lc::f32>();
  compare<deep<kept>, deep<anew>, lc::f64, lc::simd>();
  compare<deep<kept>, deep<anew>, lc::f32, lc::simd>();
  CHECK(learn<deep<anew>, lc::f64>(true) != learn<deep<anew>, lc::f64>(false));
}
