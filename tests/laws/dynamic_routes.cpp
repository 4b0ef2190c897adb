// Routes that queries and keys decide: what they select, limits, streams, an independent implementation.
#include "support/reference_cases.hpp"
#include "support/worse.hpp"

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
  for (lc::extent_t i = 0; i < Tensor::size; ++i) most = worse(most, std::abs(static_cast<double>(a[i]) - b[i]));
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
  typename route::template workspace<double, 1, lc::attention_shape<1, 64, 1, 1, 1>> work;
  lc::spans<route::most(64)> seen;
  route::row(work, given_scores{std::move(scores), 0, {}}, 0, seen);
  std::vector<lc::extent_t> keys;
  for (lc::extent_t i = 0; i < seen.count; ++i)
    for (lc::extent_t key = seen.items[i].begin; key < seen.items[i].end; ++key) keys.push_back(key);
  return keys;
}

/// A plan in which no two keys of a group of rows share a block, as many as there is room for; the keys of row r.
constexpr lc::extent_t far_context = 2048, far_keys = 4;
constexpr lc::extent_t far_key(lc::extent_t row, lc::extent_t i) {
  return (i * lc::group_rows + (row * 5) % lc::group_rows) * 4 * lc::block_keys + row % lc::block_keys;
}
using far_plan = lc::stored_plan<19, far_context, far_keys, far_keys>;
constexpr far_plan plan_of_far_keys() {
  far_plan plan;
  plan.prepare_rows(far_context - 19, 19, [](lc::extent_t t, auto& spans) {
    for (lc::extent_t i = 0; i < far_keys; ++i) spans.add(far_key(t, i), far_key(t, i) + 1);
  });
  return plan;
}

/// What hashing asks of two vectors of 16 columns.
struct two_vectors {
  using value = double;
  static constexpr lc::extent_t key_columns = 16;
  lc::rows<const double, key_columns> query;
  lc::extent_t head = 0;
  const double* drawn = nullptr;
};
/// Hash directions of the reference file in the place of drawn ones.
template <lc::hashing Hashing, class Candidates>
struct given_lsh : lc::lsh<Hashing, Candidates> {
  static inline std::vector<double> given;
  template <class Value>
  static void draw(Value* to, lc::extent_t heads, lc::extent_t head_width) {
    REQUIRE(given.size() == given_lsh::draws(heads, head_width));
    for (std::size_t i = 0; i < given.size(); ++i) to[i] = static_cast<Value>(given[i]);
  }
};
template <lc::extent_t Width, lc::extent_t Tokens, lc::extent_t Heads, lc::hashing Hashing, class Candidates>
void check_reformer(const one_case& from, const std::string& output) {
  // The named attention with another route.
  using route = given_lsh<Hashing, Candidates>;
  route::given = from.tensor("hash").of;
  using named = lc::zoo::reformer_attention<Heads, Hashing>;
  check_case<lc::substitute<named, lc::lsh<Hashing>, route>, Width, Tokens>(from, output);
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
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return scores[a] > scores[b] || (scores[a] == scores[b] && a < b); });
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

TEST_CASE("all regions kept is every key, and so is one region; tokens of a region may change places") {
  CHECK(apart(output_of<40, lc::bi_level<5, lc::kept_regions{5}>>(), output_of<40, lc::full>()) < 1e-6);
  CHECK(apart(output_of<40, lc::bi_level<1>>(), output_of<40, lc::full>()) < 1e-6);
  CHECK(apart(output_of<40, lc::bi_level<5, lc::kept_regions{2}>>(), output_of<40, lc::full>()) > 1e-2);
  using recipe = lc::attention<lc::heads<2>, lc::bi_level<5, lc::kept_regions{2}>>;
  auto layer = random_layer<recipe, 40>(), swapped = random_layer<recipe, 40>();
  for (lc::extent_t c = 0; c < 16; ++c) std::swap(swapped->x[9 * 16 + c], swapped->x[14 * 16 + c]);
  layer->forward(0, 40);
  swapped->forward(0, 40);
  for (lc::extent_t t = 0; t < 40; ++t)
    for (lc::extent_t c = 0; c < 16; ++c) {
      const lc::extent_t moved = t == 9 ? 14 : t == 14 ? 9 : t;
      REQUIRE(layer->y[t * 16 + c] == doctest::Approx(swapped->y[moved * 16 + c]).epsilon(1e-4).scale(1));
    }
  // A stream that is shorter than the context has fewer regions.
  layer->forward(0, 19);
  for (lc::extent_t i = 0; i < 19 * 16; ++i) REQUIRE(std::isfinite(layer->y[i]));
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

/// What a watched model counts for a stream, and the formula.
template <class Route>
void check_count() {
  using recipe = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<40>,
                             lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, Route>>>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<40>>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of = static_cast<float>(lc::random_normal(4, 1, drawn++));
      },
      model->parameters_to_write());
  model->update();
  std::uint32_t tokens[40];
  for (lc::extent_t t = 0; t < 40; ++t) tokens[t] = static_cast<std::uint32_t>(t * 7 % 11);
  lc::work_counter counter;
  REQUIRE(
      model->try_forward_watched(lc::watched{model->backend(), counter}, {tokens, 40}, [](lc::extent_t, auto) {}).ok());
  CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, 40, 40));
}
TEST_CASE("pairs and products as the cost formula counts them") {
  check_count<lc::top_k<5>>();
  check_count<lc::bi_level<5, lc::kept_regions{2}>>();
  using route = lc::top_k<5>;
  CHECK(route::pairs(0, 8, 8, 8) == 1 + 2 + 3 + 4 + 5 + 5 + 5 + 5);
  CHECK(route::products(0, 8, 8) == 36);
  CHECK(route::pairs(100, 1, 101, 200) == 5);
}

TEST_CASE("one chunk that holds all is every candidate, whatever the hashes") {
  constexpr lc::hashing all{.rounds = 1, .buckets = 4, .chunk = 40};
  using lc::plain_dot_to_others;
  CHECK(apart(output_of<40, lc::lsh<all>>(), output_of<40, lc::causal>()) < 1e-6);
  CHECK(apart(output_of<40, lc::lsh<all, lc::full>>(), output_of<40, lc::full>()) < 1e-6);
  CHECK(apart(output_of<40, lc::lsh<all, lc::full>, plain_dot_to_others>(),
              output_of<40, lc::full, plain_dot_to_others>()) < 1e-6);
  constexpr lc::hashing few{.rounds = 2, .buckets = 8, .chunk = 4};
  CHECK(apart(output_of<40, lc::lsh<few>>(), output_of<40, lc::causal>()) > 1e-2);
  // A token sees itself where it sees nothing else: the first one.
  const auto first = output_of<40, lc::causal, plain_dot_to_others>();
  CHECK(apart(first, output_of<40, lc::causal>()) > 1e-2);
  for (lc::extent_t c = 0; c < 16; ++c)
    CHECK(first[c] == doctest::Approx(output_of<40, lc::causal>()[c]).epsilon(1e-6).scale(1));
}

TEST_CASE("similar vectors meet more often") {
  // What a simulation of the definition gives for 8 buckets and 16 columns.
  const double cosines[]{1, 0.9, 0.5, 0, -0.5}, expected[]{1, 0.66, 0.31, 0.123, 0.028};
  constexpr lc::extent_t width = two_vectors::key_columns, draws = 4000;
  using route = lc::lsh<lc::hashing{.rounds = 1, .buckets = 8, .chunk = 2}>;
  two_vectors input;
  static route::workspace<double, 2, lc::attention_shape<width, 2, 1, 1, width>> work;
  std::vector<double> drawn(route::draws(1, width));
  for (int c = 0; c < 5; ++c) {
    const double pair[2 * width]{1, 0, 0, 0, 0, 0, 0, 0,          0,
                                 0, 0, 0, 0, 0, 0, 0, cosines[c], std::sqrt(1 - cosines[c] * cosines[c])};
    int met = 0;
    for (lc::extent_t i = 0; i < draws; ++i) {
      for (lc::extent_t d = 0; d < drawn.size(); ++d) drawn[d] = lc::random_normal(1, i, d);
      input = {{pair, 2}, 0, drawn.data()};
      route::start(work, input);
      met += work.bucket[0] == work.bucket[1];
      for (const auto bucket : work.bucket) REQUIRE(bucket < 8);
    }
    CHECK(met / static_cast<double>(draws) == doctest::Approx(expected[c]).epsilon(0.05).scale(0.5));
  }
}

TEST_CASE("hashed attention against an independent implementation") {
  auto cases = read_cases("reformer");
  constexpr lc::hashing first{.rounds = 2, .buckets = 4, .chunk = 7}, second{.rounds = 2, .buckets = 4, .chunk = 8};
  check_reformer<24, 21, 3, first, lc::causal>(cases["reformer_21"], "y.causal_distinct");
  check_reformer<24, 21, 3, first, lc::full>(cases["reformer_21"], "y.full_distinct");
  check_reformer<16, 32, 2, second, lc::causal>(cases["reformer_32"], "y.causal_distinct");
  check_reformer<16, 32, 2, second, lc::full>(cases["reformer_32"], "y.full_distinct");
  constexpr lc::hashing first_paper{.rounds = 2, .buckets = 4, .chunk = 7, .same_bucket = true};
  constexpr lc::hashing second_paper{.rounds = 2, .buckets = 4, .chunk = 8, .same_bucket = true};
  check_reformer<24, 21, 3, first_paper, lc::causal>(cases["reformer_21"], "y.paper_causal");
  check_reformer<24, 21, 3, first_paper, lc::full>(cases["reformer_21"], "y.paper_full");
  check_reformer<16, 32, 2, second_paper, lc::causal>(cases["reformer_32"], "y.paper_causal");
  check_reformer<16, 32, 2, second_paper, lc::full>(cases["reformer_32"], "y.paper_full");
}

TEST_CASE("bi-level attention against an independent implementation") {
  auto cases = read_cases("biformer");
  check_case<lc::attention<lc::heads<3>, lc::bi_level<7, lc::kept_regions{2}>, lc::dot_by_width>, 24, 21>(
      cases["biformer_21"], "y");
  check_case<lc::attention<lc::heads<2>, lc::bi_level<6, lc::kept_regions{3}>, lc::dot_by_width>, 16, 36>(
      cases["biformer_36"], "y");
}

TEST_CASE("top-k attention against an independent implementation") {
  auto cases = read_cases("top_k");
  check_case<lc::attention<lc::heads<3>, lc::top_k<4>>, 24, 21>(cases["top_k_21"], "y");
  check_case<lc::attention<lc::heads<2>, lc::top_k<8>>, 16, 40>(cases["top_k_40"], "y");
  check_case<lc::attention<lc::heads<2>, lc::top_k<4>>, 16, 21>(cases["top_k_ties"], "y");
}

TEST_CASE("plans have room for the worst that single keys can be, and no more") {
  // In constant evaluation a write beyond the storage would be an error.
  static constexpr far_plan plan = plan_of_far_keys();
  CHECK(plan.begin[1] == far_plan::runs_per_group);
  CHECK(plan.begin[3] == 2 * far_plan::runs_per_group + 3 * far_keys);
  CHECK(plan.visible == 19 * far_keys);
  for (lc::extent_t row = 0; row < 19; ++row) {
    std::vector<lc::extent_t> seen, expected;
    plan.view().for_each_block(row, [&](lc::extent_t block, std::uint32_t mask) {
      for (lc::extent_t j = 0; j < lc::block_keys; ++j)
        if ((mask >> j & 1u) != 0) seen.push_back(block * lc::block_keys + j);
    });
    for (lc::extent_t i = 0; i < far_keys; ++i) expected.push_back(far_key(row, i));
    REQUIRE(seen == expected);
  }
  // Of top_k<16> over 8192 keys: 128 blocks per group of rows in place of all 512.
  using route = lc::top_k<16>;
  using bounded = lc::stored_plan<8192, 8192, route::most(8192), route::most_keys(8192)>;
  static_assert(bounded::runs_per_group == 8 * 16);
  static_assert(lc::stored_plan<8192, 8192, route::most(8192)>::runs_per_group == 512);
  static_assert(sizeof(bounded) < (std::size_t{1} << 22) + 10'000);
}

/// Outputs of a stream in which one token is no number: which rows are none.
template <lc::extent_t Tokens, class... Policies>
std::vector<bool> rows_that_show(lc::extent_t token) {
  auto layer = random_layer<lc::attention<lc::heads<2>, Policies...>, Tokens>();
  for (lc::extent_t c = 0; c < 16; ++c) layer->x[token * 16 + c] = std::nanf("");
  layer->forward(0, Tokens);
  std::vector<bool> shows;
  for (lc::extent_t t = 0; t < Tokens; ++t) shows.push_back(std::isnan(layer->y[t * 16]));
  return shows;
}
TEST_CASE("what is no number is chosen first, so that it shows") {
  // A score that is none is kept, wherever it stands, and rows that may not see it do not.
  CHECK(chosen<2>({1, 5, std::nan(""), 4}) == std::vector<lc::extent_t>{1, 2});
  CHECK(chosen<1>({std::nan(""), 5, 6}) == std::vector<lc::extent_t>{0});
  auto shows = rows_that_show<40, lc::top_k<3>>(20);
  for (lc::extent_t t = 0; t < 40; ++t) CHECK(shows[t] == (t >= 20));
  // All regions choose one whose mean is none, and that one, which can compare nothing, the first.
  shows = rows_that_show<40, lc::bi_level<5, lc::kept_regions{1}>>(20);
  for (lc::extent_t t = 0; t < 40; ++t) CHECK(shows[t] == (t < 16 || t >= 24 || t == 20));
  // Hashed, it falls into the first bucket; its own row shows it.
  CHECK(rows_that_show<40, lc::lsh<lc::hashing{.rounds = 1, .buckets = 4, .chunk = 4}>>(20)[20]);
}
