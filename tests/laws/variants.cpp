// The variant algebra: substitution of spelled policies, unspelled defaults and slots.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
using stories = lc::zoo::stories260k;

using relu_stories = lc::decoder<
    lc::vocabulary<512>, lc::width<64>, lc::context<512>,
    lc::repeat<5, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
                               lc::ffn<lc::hidden<172>, lc::gated<lc::relu>>>>,
    lc::tied_head>;
static_assert(lc::same<lc::substitute<stories, lc::silu, lc::relu>, relu_stories>);
static_assert(lc::same<lc::substitute<relu_stories, lc::relu, lc::silu>, stories>);
// What does not occur changes nothing, not even the type.
static_assert(lc::same<lc::substitute<stories, lc::gelu, lc::relu>, stories>);
// A route inside a combination.
using local = lc::substitute<stories, lc::causal, lc::both<lc::causal, lc::window<64>>>;
using wider = lc::substitute<local, lc::window<64>, lc::window<128>>;
static_assert(lc::same<wider, lc::substitute<stories, lc::causal, lc::both<lc::causal, lc::window<128>>>>);
// By slot: whatever fills it.
static_assert(lc::same<lc::substitute<wider, lc::slots::route, lc::causal>, stories>);
// Defaults that nobody spelled: biases everywhere, as many key/value heads as heads, a norm of the decoder's own.
using biased = lc::substitute<stories, lc::no_bias, lc::bias>;
static_assert(lc::parameter_count<biased> == lc::parameter_count<stories> + 5 * (64 + 32 + 32 + 64 + 172 + 172 + 64));
using single = lc::substitute<lc::zoo::shipped, lc::slots::kv_heads, lc::kv_heads<1>>;
static_assert(lc::parameter_count<single> == lc::parameter_count<lc::zoo::shipped> - 4 * 2 * 32 * 128);
// The final norm follows the body's: it is derived, so substitution reaches it.
using layered = lc::substitute<stories, lc::rms_norm<>, lc::layer_norm<>>;
static_assert(lc::same<layered::bound::norm_policy, lc::layer_norm<>>);
static_assert(lc::parameter_count<layered> == lc::parameter_count<stories> + 11 * 64);
// The head is a default of the decoder here and is replaced as one.
using untied = lc::substitute<lc::decoder<lc::vocabulary<5>, lc::width<4>, lc::context<2>,
                                          lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<3>, lc::relu>>>,
                              lc::tied_head, lc::linear_head<>>;
static_assert(lc::parameter_count<untied> == 2 * 5 * 4 + 2 * 4 + 2 * 3 * 4);

// The default itself changes nothing, not even the type.
static_assert(lc::same<lc::substitute<stories, lc::slots::cache, lc::linear_cache>, stories>);
// In a scope alone: spelled or not, and nowhere else.
using scores_biased = lc::substitute<stories, lc::no_bias, lc::bias, lc::in<lc::recipe_name::attention>>;
static_assert(
    lc::same<scores_biased, lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>,
                                        lc::repeat<5, lc::pre_norm<lc::rms_norm<>,
                                                                   lc::attention<lc::heads<8>, lc::kv_heads<4>,
                                                                                 lc::rope<>, lc::causal, lc::bias>,
                                                                   lc::ffn<lc::hidden<172>, lc::gated<lc::silu>>>>,
                                        lc::tied_head>>);
static_assert(lc::parameter_count<scores_biased> == lc::parameter_count<stories> + 5 * (64 + 32 + 32 + 64));
static_assert(lc::parameter_count<lc::substitute<stories, lc::slots::bias, lc::bias, lc::in<lc::recipe_name::ffn>>> ==
              lc::parameter_count<stories> + 5 * (172 + 172 + 64));
// By a slot: inside what fills it; by a type: inside that.
static_assert(lc::same<lc::substitute<stories, lc::silu, lc::relu, lc::in<lc::slots::activation>>, relu_stories>);
using feed_forward = lc::ffn<lc::hidden<172>, lc::gated<lc::silu>>;
static_assert(lc::same<lc::substitute<stories, lc::silu, lc::relu, lc::in<feed_forward>>, relu_stories>);
static_assert(lc::same<lc::substitute<stories, lc::causal, lc::full, lc::in<lc::recipe_name::ffn>>, stories>);
// Whether something is there to be replaced.
static_assert(lc::occurs<stories, lc::no_bias> && lc::occurs<stories, lc::slots::gate> &&
              !lc::occurs<stories, lc::relu>);
static_assert(lc::occurs<stories, lc::causal, lc::in<lc::recipe_name::attention>>);
static_assert(!lc::occurs<stories, lc::causal, lc::in<lc::recipe_name::ffn>>);

/// One block of many: a repeat is taken apart, and layers keep their numbers.
template <class Activation>
using block_of = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
                              lc::ffn<lc::hidden<172>, lc::gated<Activation>>>;
using second_block_of_five = lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>, block_of<lc::silu>,
                                         block_of<lc::relu>, lc::repeat<3, block_of<lc::silu>>, lc::tied_head>;
static_assert(lc::same<lc::substitute<stories, lc::silu, lc::relu, lc::in<lc::block_number<1>>>, second_block_of_five>);
static_assert(
    lc::same<lc::substitute<second_block_of_five, lc::silu, lc::gelu, lc::in<lc::block_number<4>>>,
             lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>, block_of<lc::silu>, block_of<lc::relu>,
                         lc::repeat<2, block_of<lc::silu>>, block_of<lc::gelu>, lc::tied_head>>);
static_assert(lc::parameter_count<lc::substitute<stories, lc::no_bias, lc::bias,
                                                 lc::in<lc::block_number<1>, lc::recipe_name::attention>>> ==
              lc::parameter_count<stories> + 64 + 32 + 32 + 64);
static_assert(lc::occurs<stories, lc::silu, lc::in<lc::block_number<4>>> &&
              !lc::occurs<stories, lc::silu, lc::in<lc::block_number<5>>>);
// Groups of layers, layers that share their weights, and containers in containers.
template <class... Blocks>
using body_of = lc::decoder<lc::vocabulary<5>, lc::width<64>, lc::context<2>, Blocks...>;
using a = block_of<lc::silu>;
using b = block_of<lc::relu>;
using c = block_of<lc::gelu>;
static_assert(
    lc::same<lc::substitute<body_of<lc::repeat<3, lc::stack<a, b>>>, lc::relu, lc::gelu, lc::in<lc::block_number<3>>>,
             body_of<lc::stack<a, b>, lc::stack<a, c>, lc::stack<a, b>>>);
static_assert(
    lc::same<lc::substitute<body_of<lc::repeat<2, lc::repeat<2, a>>>, lc::silu, lc::relu, lc::in<lc::block_number<2>>>,
             body_of<lc::repeat<2, a>, b, a>>);
static_assert(!lc::occurs<body_of<lc::shared<2, a>, a>, lc::silu, lc::in<lc::block_number<1>>>);
static_assert(lc::same<lc::substitute<body_of<lc::shared<2, a>, a>, lc::silu, lc::relu, lc::in<lc::block_number<2>>>,
                       body_of<lc::shared<2, a>, b>>);
// A whole block, or a sublayer of it.
static_assert(lc::same<lc::substitute<body_of<lc::repeat<2, a>>, a, b, lc::in<lc::block_number<0>>>, body_of<b, a>>);
// The final norm is that of the last block.
static_assert(
    lc::same<lc::substitute<stories, lc::rms_norm<>, lc::layer_norm<>, lc::in<lc::block_number<3>>>::bound::norm_policy,
             lc::rms_norm<>>);
static_assert(
    lc::same<lc::substitute<stories, lc::rms_norm<>, lc::layer_norm<>, lc::in<lc::block_number<4>>>::bound::norm_policy,
             lc::layer_norm<>>);

/// A block that the user named is still seen into.
struct my_block : lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<3>, lc::relu>> {};
using named = lc::decoder<lc::vocabulary<5>, lc::width<4>, lc::context<2>, lc::repeat<3, my_block>>;
static_assert(lc::same<lc::substitute<named, lc::relu, lc::silu>,
                       lc::decoder<lc::vocabulary<5>, lc::width<4>, lc::context<2>,
                                   lc::repeat<3, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<3>, lc::silu>>>>>);
static_assert(lc::same<lc::substitute<named, lc::gelu, lc::silu>, named>);
static_assert(lc::same<lc::substitute<named, lc::relu, lc::silu, lc::in<lc::block_number<2>, lc::recipe_name::ffn>>,
                       lc::decoder<lc::vocabulary<5>, lc::width<4>, lc::context<2>, lc::repeat<2, my_block>,
                                   lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<3>, lc::silu>>>>);

/// Defaults that ride in classes work in function templates, too.
template <lc::extent_t Width>
constexpr lc::extent_t parameters_of_defaults() {
  using first = lc::attention<lc::heads<2>, lc::causal, lc::rope<>, lc::sigmoid_gate<>, lc::clipped_softmax<>>;
  using second =
      lc::attention<lc::heads<2>, lc::lsh<>, lc::allow_selection_leak, lc::clamped_softmax<>, lc::parameter_tokens<>>;
  using experts = lc::mixture<lc::experts<2>, lc::experts_per_token<1>, lc::hidden<4>, lc::relu,
                              lc::capacity<lc::factor{}>, lc::balance_loss<>, lc::z_loss<>>;
  using block = lc::pre_norm<lc::layer_norm<>, first, second>;
  return lc::parameter_count<
      lc::decoder<lc::vocabulary<4>, lc::width<Width>, lc::context<8>, block, lc::pre_norm<lc::rms_norm<>, experts>>>;
}
static_assert(parameters_of_defaults<8>() > 8 * 8 * 8);

}  // namespace

TEST_CASE("a substituted model runs") {
  lc::model<local> model;
  REQUIRE(model.ready());
  const std::uint32_t tokens[]{1, 2, 3};
  CHECK(model.try_forward({tokens, 3}).ok());
  lc::model<lc::substitute<named, lc::relu, lc::silu>> other;
  CHECK(other.try_forward({tokens, 2}).ok());
}
TEST_CASE("a model with one block changed has the paths and shapes of the others, and runs") {
  const auto paths_of = []<class Recipe>(lc::type_list<Recipe>) {
    std::vector<std::string> paths;
    for (const auto& row : lc::tensor_table<Recipe>) paths.emplace_back(row.path.c_str());
    return paths;
  };
  CHECK(paths_of(lc::type_list<second_block_of_five>{}) == paths_of(lc::type_list<stories>{}));
  lc::model<second_block_of_five> model;
  REQUIRE(model.ready());
  const std::uint32_t tokens[]{1, 2, 3};
  CHECK(model.try_forward({tokens, 3}).ok());
}
