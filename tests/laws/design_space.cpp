// Design spaces: all combinations, once, in order, with names of their own; what is left out.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <set>
#include <string>
#include <string_view>

namespace {
namespace lc = lacuna;
using shipped = lc::zoo::shipped;
using near = lc::both<lc::causal, lc::window<64>>;
using nearer = lc::both<lc::causal, lc::window<16>>;

/// 36 variants; parameters as a hand-written formula has them.
using space = lc::design_space<shipped, lc::vary<lc::causal, lc::causal, near, nearer>,
                               lc::vary<lc::slots::activation, lc::relu, lc::silu, lc::gated<lc::silu>>,
                               lc::vary<lc::slots::kv_heads, lc::kv_heads<2>, lc::kv_heads<1>>,
                               lc::vary<lc::no_bias, lc::in<lc::recipe_name::ffn>, lc::no_bias, lc::bias>>;
static_assert(space::size == 36);
static_assert(lc::same<space::variant<0>::recipe, shipped>);
static_assert(lc::same<space::variant<35>::recipe,
                       lc::decoder<lc::vocabulary<65>, lc::width<128>, lc::context<256>,
                           lc::repeat<4, lc::pre_norm<lc::rms_norm<>,
                               lc::attention<lc::heads<4>, lc::kv_heads<1>, lc::rope<>, nearer>,
                               lc::ffn<lc::hidden<512>, lc::gated<lc::silu>, lc::bias>>>,
                           lc::tied_head>>);
static_assert(lc::same<space::variant<14>::choices, lc::type_list<near, lc::relu, lc::kv_heads<1>, lc::no_bias>>);
static_assert(space::variant<14>::has<near> && !space::variant<14>::has<nearer>);
static_assert(std::string_view(space::variant<14>::name.c_str()) ==
              "both<causal, window<64>>, relu, kv_heads<1>, no_bias");
static_assert(std::string_view(space::variant<35>::name.c_str()) ==
              "both<causal, window<16>>, gated<silu>, kv_heads<1>, bias");

// Visited in constant evaluation: every one once, in order, and its parameters are what its choices make of them.
constexpr bool visited_in_order = [] {
  lc::extent_t expected = 0;
  bool fine = true;
  lc::for_each_variant<space>([&](auto variant) {
    using each = decltype(variant);
    fine = fine && variant.index == expected++;
    lc::extent_t parameters = 65 * 128 + 9 * 128;
    const lc::extent_t kv_width = each::template has<lc::kv_heads<1>> ? 32 : 64;
    const lc::extent_t maps = each::template has<lc::gated<lc::silu>> ? 3 : 2;
    parameters += 4 * (2 * 128 * 128 + 2 * 128 * kv_width + maps * 128 * 512);
    if (each::template has<lc::bias>) parameters += 4 * ((maps - 1) * 512 + 128);
    fine = fine && lc::parameter_count<typename each::recipe> == parameters;
  });
  return fine && expected == space::size;
}();
static_assert(visited_in_order);

// What is left out: by choices, or by a predicate, which sees the whole recipe.
template <class Recipe>
inline constexpr bool fits_a_budget = lc::parameter_count<Recipe> <= lc::parameter_count<shipped>;
struct fits {
  template <class Variant>
  static constexpr bool allows = fits_a_budget<typename Variant::recipe>;
};
using caches = lc::design_space<shipped, lc::vary<lc::causal, lc::causal, near, nearer>,
                                lc::vary<lc::slots::cache, lc::linear_cache, lc::ring_cache<64>>,
                                lc::vary<lc::slots::activation, lc::relu, lc::gated<lc::relu>>,
                                lc::without<lc::causal, lc::ring_cache<64>>, lc::where<fits>>;
static_assert(caches::size == 5);
static_assert(lc::same<caches::variant<0>::choices, lc::type_list<lc::causal, lc::linear_cache, lc::relu>>);
static_assert(lc::same<caches::variant<2>::choices, lc::type_list<near, lc::ring_cache<64>, lc::relu>>);
static_assert(lc::same<caches::variant<4>::choices, lc::type_list<nearer, lc::ring_cache<64>, lc::relu>>);

// Names: a policy's own, or the one that the space gives it, or those of its parts.
using named = lc::design_space<
    shipped, lc::vary<lc::causal, lc::causal, lc::called<"local", near>>,
    lc::vary<lc::ffn<lc::hidden<512>, lc::relu>, lc::ffn<lc::hidden<512>, lc::relu>, lc::ffn<lc::hidden<64>, lc::silu>,
             lc::skip>>;
static_assert(std::string_view(named::variant<4>::name.c_str()) == "local, ffn<hidden<64>, silu>");
static_assert(std::string_view(named::variant<2>::name.c_str()) == "causal, skip");
static_assert(lc::same<named::variant<5>::recipe, lc::substitute<lc::substitute<shipped, lc::causal, near>,
                                                                  lc::ffn<lc::hidden<512>, lc::relu>, lc::skip>>);
static_assert(named::variant<4>::has<near> && named::variant<4>::has<lc::called<"local", near>>);
// One axis may change what the one before it chose.
using nested = lc::design_space<shipped, lc::vary<lc::relu, lc::relu, lc::gated<lc::relu>>,
                                lc::vary<lc::relu, lc::in<lc::slots::activation>, lc::relu, lc::silu>>;
static_assert(lc::same<nested::variant<3>::recipe, lc::substitute<shipped, lc::relu, lc::gated<lc::silu>>>);

// Samples: what the constraints allow, none twice, the same by any compiler; a small space is drawn to its end.
using drawn = lc::sampled_space<shipped, lc::samples{.seed = 7, .count = 5}, lc::vary<lc::causal, lc::causal, near, nearer>,
                                lc::vary<lc::slots::cache, lc::linear_cache, lc::ring_cache<64>>,
                                lc::vary<lc::slots::activation, lc::relu, lc::gated<lc::relu>>,
                                lc::without<lc::causal, lc::ring_cache<64>>, lc::where<fits>>;
static_assert(drawn::size == 5 && drawn::combinations == 12);
using drawn_again = lc::sampled_space<shipped, lc::samples{.seed = 7, .count = 2},
                                      lc::vary<lc::slots::activation, lc::relu, lc::silu, lc::gelu>,
                                      lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::layer_norm<>>>;
using drawn_otherwise = lc::sampled_space<shipped, lc::samples{.seed = 8, .count = 2},
                                          lc::vary<lc::slots::activation, lc::relu, lc::silu, lc::gelu>,
                                          lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::layer_norm<>>>;

/// The smaller one, which is run.
using tiny = lc::decoder<lc::vocabulary<13>, lc::width<8>, lc::context<40>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<12>, lc::relu>>>>;
using tiny_space = lc::design_space<tiny, lc::vary<lc::causal, lc::causal, nearer>,
                                    lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::layer_norm<>>>;

}  // namespace

TEST_CASE("names are unique") {
  std::set<std::string> names;
  lc::for_each_variant<space>([&](auto variant) { names.insert(variant.name.c_str()); });
  CHECK(names.size() == space::size);
}

TEST_CASE("samples are variants of the whole space, each once") {
  std::set<std::string> whole, some;
  lc::for_each_variant<caches>([&](auto variant) { whole.insert(variant.name.c_str()); });
  lc::for_each_variant<drawn>([&](auto variant) { some.insert(variant.name.c_str()); });
  CHECK(some == whole);  // five of twelve are allowed, and five were asked for
  const auto names_of = []<class Space>(Space) {
    std::string names;
    lc::for_each_variant<Space>([&](auto variant) { names += std::string(variant.name.c_str()) + "; "; });
    return names;
  };
  CHECK(names_of(drawn_again{}) == "gelu, rms_norm; silu, layer_norm; ");
  CHECK(names_of(drawn_again{}) != names_of(drawn_otherwise{}));
}

TEST_CASE("variants give what recipes written by hand give") {
  using by_hand = lc::decoder<lc::vocabulary<13>, lc::width<8>, lc::context<40>,
                              lc::repeat<2, lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, nearer>,
                                                         lc::ffn<lc::hidden<12>, lc::relu>>>>;
  static lc::model<by_hand> hand;
  static lc::model<tiny_space::variant<3>::recipe> varied;
  static lc::model<tiny> plain;
  static lc::model<tiny_space::variant<0>::recipe> first;
  const auto draw = [](auto& model) {
    std::uint64_t drawn = 0;
    lc::visit_tensors(
        [&](auto& tensor) {
          for (auto& each : tensor.data) each = static_cast<float>(0.5 * lc::random_normal(1, 0, drawn++));
        },
        model.parameters_to_write());
    model.update();
  };
  draw(hand), draw(varied), draw(plain), draw(first);
  std::uint32_t tokens[40];
  for (lc::extent_t t = 0; t < 40; ++t) tokens[t] = static_cast<std::uint32_t>(t * t % 13);
  const auto a = *hand.try_forward({tokens, 40}), b = *varied.try_forward({tokens, 40});
  const auto c = *plain.try_forward({tokens, 40}), d = *first.try_forward({tokens, 40});
  bool differ = false;
  for (lc::extent_t i = 0; i < 13; ++i) {
    CHECK(a(0, i) == b(0, i));
    CHECK(c(0, i) == d(0, i));
    differ = differ || a(0, i) != c(0, i);
  }
  CHECK(differ);
}
