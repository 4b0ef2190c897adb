// Several branches of one attention, folded and averaged: identities, an independent implementation, the universal
// checks, what is kept, sequences, caches.
#include "support/attention_kit.hpp"
#include "support/recipes.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;
using attention_kit::fast;
using attention_kit::over;
using attention_kit::sum;

constexpr lc::extent_t tokens = 45, width = 16;
template <lc::extent_t Size>
using earlier_chunks = lc::except<lc::causal, lc::chunked<Size>>;
using near = lc::both<lc::causal, lc::window<6>>;
using far = earlier_chunks<8>;
template <class... Policies>
using grouped = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, Policies...>;

template <class Recipe>
using layer = lone_attention<Recipe, width, tokens, lc::f64>;
template <class Recipe>
auto random_layer() {
  auto of = std::make_unique<layer<Recipe>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& each : weight.data) each = 0.5 * lc::random_normal(9, 0, drawn++);
      },
      of->parameters);
  for (lc::extent_t i = 0; i < of->x.size; ++i) of->x[i] = lc::random_normal(9, 1, i);
  of->forward(0, tokens);
  return of;
}
template <class Recipe>
std::vector<double> output_of() {
  const auto of = random_layer<Recipe>();
  return {of->y.data, of->y.data + of->y.size};
}
double apart(const std::vector<double>& found, const std::vector<double>& expected) {
  return relative_difference(found.data(), expected);
}
std::vector<double> mean_of(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> mean(a);
  for (std::size_t i = 0; i < a.size(); ++i) mean[i] = (a[i] + b[i]) / 2;
  return mean;
}

/// The sequences of a stream, each as if it were alone.
template <class... Policies>
void sequences_are_told_apart() {
  using recipe = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<48>,
                             lc::repeat<2, lc::pre_norm<lc::rms_norm<>, grouped<Policies...>>>>;
  const auto packed = std::make_unique<lc::model<lc::packed<recipe, lc::sequences<3>>, lc::f64, lc::chunk<48>>>();
  const auto alone = std::make_unique<lc::model<recipe, lc::f64, lc::chunk<48>>>();
  recipes::randomise(*packed, 5, 0.4), recipes::randomise(*alone, 5, 0.4);
  std::uint32_t stream[43];
  for (lc::extent_t t = 0; t < 43; ++t) stream[t] = static_cast<std::uint32_t>(t * 7 % 11);
  constexpr std::uint32_t lengths[]{13, 1, 29};
  lc::extent_t calls = 0, from = 0;
  double worst = 0;
  const auto compare = [&](lc::extent_t sequence, const auto& logits) {
    REQUIRE(sequence == calls++);
    alone->reset();
    const auto expected = *alone->try_forward({stream + from, lengths[sequence]});
    from += lengths[sequence];
    for (lc::extent_t c = 0; c < 11; ++c) worst = worse(worst, std::fabs(logits(0, c) - expected(0, c)));
  };
  REQUIRE(packed->try_forward_sequences({stream, 43}, {lengths, 3}, compare).ok());
  CHECK(calls == 3);
  CHECK(worst < 1e-12);
}

}  // namespace

TEST_CASE("branches against an independent implementation, and their gradients") {
  auto cases = read_cases("branches");
  const auto check = [&]<class Merge>(Merge, const char* output) {
    check_case<lc::attention<lc::heads<3>, lc::branches<lc::both<lc::causal, lc::window<6>>, earlier_chunks<4>>, Merge>,
               24, 21>(cases["branches_21"], output);
    check_case<
        lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<11>>, earlier_chunks<8>>, Merge>, 16,
        34>(cases["branches_34"], output);
  };
  check(lc::mean_outputs{}, "y.mean_of_two");
  check(lc::mean_seen_outputs{}, "y.mean_of_seen");
  check(lc::fold{}, "y.folded");
}

TEST_CASE("one branch is its route, to the last bit") {
  const auto expected = output_of<grouped<near>>();
  CHECK(output_of<grouped<lc::branches<near>>>() == expected);
  CHECK(output_of<grouped<lc::branches<near>, lc::mean_outputs>>() == expected);
  CHECK(output_of<grouped<lc::branches<near>, lc::mean_seen_outputs>>() == expected);
}

TEST_CASE("a branch twice changes nothing but the sums") {
  const auto expected = output_of<grouped<near>>();
  CHECK(apart(output_of<grouped<lc::branches<near, near>>>(), expected) < 1e-13);
  CHECK(apart(output_of<grouped<lc::branches<near, near>, lc::mean_outputs>>(), expected) < 1e-13);
  // In softmax1 what a row may leave out counts once.
  CHECK(apart(output_of<grouped<lc::branches<near, near>, lc::softmax1>>(), output_of<grouped<near, lc::softmax1>>()) >
        1e-3);
}

TEST_CASE("branches without common keys fold to their union, with any normaliser") {
  using apart_from_far = lc::except<near, far>;
  const auto check = [&]<class Normaliser>(Normaliser) {
    CHECK(apart(output_of<grouped<lc::branches<apart_from_far, far>, Normaliser>>(),
                output_of<grouped<lc::either<near, far>, Normaliser>>()) < 1e-13);
    // With a key of both they do not.
    CHECK(apart(output_of<grouped<lc::branches<near, far>, Normaliser>>(),
                output_of<grouped<lc::either<near, far>, Normaliser>>()) > 1e-4);
  };
  check(lc::softmax{});
  check(lc::softmax1{});
  check(lc::clipped_softmax<lc::stretch{-0.03f, 1.1f}>{});
  check(lc::l2_gelu<>{});
}

TEST_CASE("the mean is the mean of what the routes give alone; where one shows nothing, of what is seen") {
  const auto one = output_of<grouped<near>>(), other = output_of<grouped<far>>();
  CHECK(apart(output_of<grouped<lc::branches<near, far>, lc::mean_outputs>>(), mean_of(one, other)) < 1e-13);
  const auto seen = output_of<grouped<lc::branches<near, far>, lc::mean_seen_outputs>>();
  auto expected = mean_of(one, other);
  for (std::size_t i = 0; i < 8 * width; ++i) expected[i] = one[i];  // the first chunk has no earlier ones
  CHECK(apart(seen, expected) < 1e-13);
  CHECK(apart(mean_of(one, other), expected) > 1e-2);
}

TEST_CASE("features everywhere and their difference on a route are Scatterbrain, to the last bit") {
  using features = lc::favor<12>;
  using spelled = lc::branches<lc::branch<lc::causal, features>, lc::branch<near, lc::difference<features>>>;
  CHECK(output_of<grouped<spelled>>() == output_of<grouped<near, lc::difference<features>>>());
  using everywhere = lc::branches<lc::branch<lc::full, features>, lc::branch<lc::window<5>, lc::difference<features>>>;
  CHECK(output_of<grouped<everywhere>>() == output_of<grouped<lc::window<5>, lc::difference<features>>>());
  static_assert(layer<grouped<spelled>>::bound::schedule_type::chosen.what == lc::schedule::state_scan);
}

TEST_CASE("branches with scores of their own") {
  using features = lc::favor<12>;
  const auto scanned = output_of<grouped<lc::causal, features>>(), local = output_of<grouped<near>>();
  using hybrid = lc::branches<lc::branch<lc::causal, features>, near>;
  CHECK(apart(output_of<grouped<hybrid, lc::mean_outputs>>(), mean_of(scanned, local)) < 1e-13);
  using with_best = lc::branches<near, lc::top_k<3>>;
  CHECK(apart(output_of<grouped<with_best, lc::mean_outputs>>(), mean_of(local, output_of<grouped<lc::top_k<3>>>())) <
        1e-13);
  using plain = lc::branches<near, lc::branch<far, lc::plain_dot>>;
  CHECK(apart(output_of<grouped<plain, lc::mean_outputs>>(), mean_of(local, output_of<grouped<far, lc::plain_dot>>())) <
        1e-13);
}

TEST_CASE("the universal checks") {
  using two = lc::branches<near, far>;
  using seen = lc::either<near, far>;
  attention_kit::check<over<two, lc::rope<>>, fast>("fold", {.sees = lc::allows<seen>});
  attention_kit::check<over<two, lc::alibi, lc::clipped_softmax<lc::stretch{-0.03f, 1.1f}>>, fast>(
      "fold, two passes", {.weights = sum::anything, .sees = lc::allows<seen>});
  attention_kit::check<over<two, lc::mean_outputs>, fast>("mean_outputs",
                                                          {.weights = sum::less, .sees = lc::allows<seen>});
  attention_kit::check<over<two, lc::mean_seen_outputs, lc::rope<>>, fast>("mean_seen_outputs",
                                                                           {.sees = lc::allows<seen>});
  using hybrid = lc::branches<lc::branch<lc::causal, lc::hyperbolic_favor<12>>, near>;
  attention_kit::check<over<hybrid, lc::mean_outputs>, fast>("features beside a window",
                                                             {.sees = lc::allows<lc::causal>});
  using ahead = lc::branches<lc::window<5>, lc::columns<lc::leading<3>>>;
  attention_kit::check<over<ahead>, fast>(
      "both sides", {.causal = false, .sees = lc::allows<lc::either<lc::window<5>, lc::columns<lc::leading<3>>>>});
}

TEST_CASE("keys and values are kept once") {
  const auto bytes = []<class Recipe>(std::type_identity<Recipe>) {
    using bound = typename Recipe::template bound<lc::place<width, 512>>;
    return lc::count_bytes<typename bound::template state<lc::weights<float>>>();
  };
  constexpr auto once = bytes(std::type_identity<grouped<near>>{});
  static_assert(bytes(std::type_identity<grouped<lc::branches<near, far>>>{}) == once);
  static_assert(bytes(std::type_identity<grouped<lc::branches<near, far, lc::causal>, lc::mean_outputs>>{}) == once);
  using ring = grouped<lc::branches<near, lc::both<lc::causal, lc::window<9>>>, lc::ring_cache<9>>;
  static_assert(bytes(std::type_identity<ring>{}) < once);
  CHECK(apart(output_of<ring>(), output_of<grouped<lc::branches<near, lc::both<lc::causal, lc::window<9>>>>>()) <
        1e-13);
  using pages = lc::paged_cache<64>;
  CHECK(output_of<grouped<lc::branches<near, far>, lc::mean_outputs, pages>>() ==
        output_of<grouped<lc::branches<near, far>, lc::mean_outputs>>());
}

TEST_CASE("several sequences, each as if alone") {
  sequences_are_told_apart<lc::branches<near, far>>();
  sequences_are_told_apart<lc::branches<near, far>, lc::mean_outputs>();
  sequences_are_told_apart<lc::branches<near, far>, lc::mean_seen_outputs>();
}

TEST_CASE("names and reasons") {
  using recipe = grouped<lc::branches<near, lc::branch<far, lc::plain_dot>>, lc::mean_outputs>;
  const std::string name = recipe::get<lc::slots::route>::name.c_str();
  CHECK(name == "branches<" + std::string(near::name.c_str()) + ", branch<" + far::name.c_str() + ", plain_dot>>");
  std::string why;
  recipe::bound<lc::place<width, tokens>>::schedules(
      [&](const char* route, const char* reason) { why += std::string(route) + ": " + reason + '\n'; });
  const std::string tiles = "plain dot product, one-pass normaliser, route with spans";
  CHECK(why == name + ": branches that are normalised each for itself: one after the other, averaged\n" +
                   near::name.c_str() + ": " + tiles + '\n' + far::name.c_str() + ": " + tiles + '\n');
  static_assert(!lc::sees_ahead<recipe::bound<lc::place<width, tokens>>>);
  using longer = lc::substitute<recipe, near, lc::causal>;
  CHECK(std::string(longer::get<lc::slots::route>::name.c_str()).find("branches<causal, ") == 0);
  static_assert(lc::same<lc::substitute<recipe, lc::mean_outputs, lc::fold>::get<lc::slots::merge>, lc::fold>);
}
