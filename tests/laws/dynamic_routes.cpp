// Routes that queries and keys decide: what they select, limits, streams, an independent implementation.
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

template <class Recipe, lc::extent_t Tokens>
auto random_layer() {
  auto layer = std::make_unique<lone_attention<Recipe, 16, Tokens>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of = static_cast<float>(0.5 * lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (auto& of : layer->x.data) of = static_cast<float>(lc::random_normal(9, 1, drawn++));
  return layer;
}
template <lc::extent_t Tokens, class... Policies>
auto output_of() {
  auto layer = random_layer<lc::attention<lc::heads<2>, Policies...>, Tokens>();
  layer->forward(0, Tokens);
  return layer->y;
}
template <class Tensor>
double apart(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (lc::extent_t i = 0; i < Tensor::size; ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

/// Keys with given scores: query 1, keys the scores, one column.
struct given_scores {
  std::vector<double> of;
  lc::extent_t first = 0;
  struct {
    lc::extent_t count = 1;
  } query;
  lc::extent_t keys() const { return of.size(); }
  double score(lc::extent_t, lc::extent_t key) const { return of[key]; }
};
template <lc::extent_t Count>
std::vector<lc::extent_t> chosen(std::vector<double> scores) {
  using route = lc::top_k<Count, lc::full>;
  typename route::template workspace<double, 1, 64> work;
  lc::spans<route::most(64)> seen;
  route::row(work, given_scores{std::move(scores), 0, {}}, 0, seen);
  std::vector<lc::extent_t> keys;
  for (lc::extent_t i = 0; i < seen.count; ++i)
    for (lc::extent_t key = seen.items[i].begin; key < seen.items[i].end; ++key) keys.push_back(key);
  return keys;
}

}  // namespace

TEST_CASE("top_k keeps exactly k, the earlier of equal ones") {
  using keys = std::vector<lc::extent_t>;
  CHECK(chosen<2>({1, 5, 3, 4}) == keys{1, 3});
  CHECK(chosen<3>({2, 2, 2, 2, 2}) == keys{0, 1, 2});
  CHECK(chosen<3>({2, 2, 3, 2, 2}) == keys{0, 1, 2});
  CHECK(chosen<3>({2, 2, 2, 2, 3}) == keys{0, 1, 4});
  CHECK(chosen<4>({7, 1}) == keys{0, 1});
  CHECK(chosen<1>({-3, -2, -2, -9}) == keys{1});
  // Against sorting, with many ties.
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const lc::extent_t count = 1 + lc::random_bits(seed, 0, 0).word[0] % 60;
    std::vector<double> scores(count);
    std::vector<lc::extent_t> order(count);
    for (lc::extent_t i = 0; i < count; ++i) scores[i] = lc::random_bits(seed, 1, i).word[0] % 7, order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    order.resize(std::min<lc::extent_t>(count, 9));
    std::sort(order.begin(), order.end());
    REQUIRE(chosen<9>(scores) == order);
  }
}

TEST_CASE("all keys kept is the route it chooses from") {
  CHECK(apart(output_of<37, lc::top_k<37>>(), output_of<37, lc::causal>()) < 1e-6);
  CHECK(apart(output_of<37, lc::top_k<99, lc::full>>(), output_of<37, lc::full>()) < 1e-6);
  CHECK(apart(output_of<37, lc::top_k<11, lc::window<6>>>(), output_of<37, lc::window<6>>()) < 1e-6);
  CHECK(apart(output_of<37, lc::top_k<2>>(), output_of<37, lc::causal>()) > 1e-2);
  // With a bias by distance, which takes part in the choice.
  CHECK(apart(output_of<37, lc::top_k<37>, lc::alibi>(), output_of<37, lc::causal, lc::alibi>()) < 1e-6);
}

TEST_CASE("a choice among the past does not see the future, and streams like a whole") {
  using recipe = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::top_k<3>>;
  auto whole = random_layer<recipe, 40>(), cut = random_layer<recipe, 40>();
  whole->forward(0, 40);
  for (lc::extent_t first = 0; first < 40;) {
    const lc::extent_t count = std::min<lc::extent_t>(40 - first, 1 + first % 9);
    cut->forward(first, count);
    first += count;
  }
  for (lc::extent_t i = 0; i < 40 * 16; ++i) REQUIRE(whole->y[i] == cut->y[i]);
  const auto before = whole->y;
  for (lc::extent_t c = 0; c < 16; ++c) whole->x[39 * 16 + c] *= 5;
  whole->forward(0, 40);
  for (lc::extent_t i = 0; i < 39 * 16; ++i) REQUIRE(whole->y[i] == before[i]);
}

TEST_CASE("pairs and products as the cost formula counts them") {
  using route = lc::top_k<5>;
  CHECK(route::pairs(0, 8, 8) == 1 + 2 + 3 + 4 + 5 + 5 + 5 + 5);
  CHECK(route::products(0, 8, 8) == 36);
  CHECK(route::pairs(100, 1, 101) == 5);
}

TEST_CASE("top-k attention against an independent implementation") {
  auto cases = read_cases("top_k");
  check_case<lc::attention<lc::heads<3>, lc::top_k<4>>, 24, 21>(cases["top_k_21"], "y");
  check_case<lc::attention<lc::heads<2>, lc::top_k<8>>, 16, 40>(cases["top_k_40"], "y");
  check_case<lc::attention<lc::heads<2>, lc::top_k<4>>, 16, 21>(cases["top_k_ties"], "y");
}
