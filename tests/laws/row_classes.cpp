// Rows of two kinds with maps of their own: limits, who reads what, streams, an independent implementation.
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

constexpr lc::extent_t tokens = 37, width = 16;
using set = lc::listed<0, 11, 12>;
using near = lc::either<lc::window<5>, lc::columns<set>>;
using near_past = lc::both<lc::causal, near>;
template <class... Policies>
using grouped = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, Policies...>;

template <class Recipe>
auto random_layer() {
  auto layer = std::make_unique<lone_attention<Recipe, width, tokens>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of = static_cast<float>(0.5 * lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (lc::extent_t i = 0; i < layer->x.size; ++i) layer->x[i] = static_cast<float>(lc::random_normal(9, 1, i));
  return layer;
}
bool is_global(lc::extent_t t) { return lc::holds<set>(t, tokens); }

/// Whether row t of two outputs is the same, bit for bit.
template <class Tensor>
bool same_row(const Tensor& a, const Tensor& b, lc::extent_t t) {
  return std::memcmp(&a[t * width], &b[t * width], width * sizeof(a[0])) == 0;
}

/// Both triples the same: rows by one projection and the route of both kinds.
template <class Route, class Others, class WholeRoute>
void check_one_projection() {
  auto two = random_layer<grouped<Route, lc::class_projections<set>, Others>>();
  auto& p = two->parameters;
  p.global_query = p.query, p.global_key = p.key, p.global_value = p.value;
  auto one = random_layer<grouped<WholeRoute, Others>>();
  auto& q = one->parameters;
  q.query = p.query, q.key = p.key, q.value = p.value, q.output = p.output;
  two->forward(0, tokens);
  one->forward(0, tokens);
  for (lc::extent_t t = 0; t < tokens; ++t) REQUIRE(same_row(two->y, one->y, t));
}

template <class Recipe>
void check_count() {
  using model_recipe =
      lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<40>, lc::pre_norm<lc::rms_norm<>, Recipe>>;
  auto model = std::make_unique<lc::model<model_recipe, lc::chunk<40>>>();
  std::uint32_t stream[40];
  for (lc::extent_t t = 0; t < 40; ++t) stream[t] = static_cast<std::uint32_t>(t * 7 % 11);
  lc::work_counter counter;
  REQUIRE(
      model->try_forward_watched(lc::watched{model->backend(), counter}, {stream, 40}, [](lc::extent_t, auto) {}).ok());
  CHECK(counter.multiply_adds == model_recipe::bound::multiply_adds(0, 40, 40));
}

}  // namespace

TEST_CASE("both triples the same: one projection, and the union of both routes") {
  check_one_projection<near, lc::softmax, lc::either<lc::window<5>, lc::global<set>>>();
  check_one_projection<near, lc::l2_gelu<>, lc::either<lc::window<5>, lc::global<set>>>();
  check_one_projection<near_past, lc::softmax, lc::both<lc::causal, lc::either<lc::window<5>, lc::global<set>>>>();
  // The route has no need to show global tokens: then nobody but they themselves sees them from afar.
  check_one_projection<lc::window<5>, lc::softmax, lc::by_rows<set, lc::full, lc::window<5>>>();
}

TEST_CASE("each kind of rows reads its own maps") {
  auto layer = random_layer<grouped<near, lc::class_projections<set>>>();
  layer->forward(0, tokens);
  const auto before = layer->y;
  const auto moved = [&](auto& weight) {
    const auto kept = weight;
    weight[3] += 1;
    layer->forward(0, tokens);
    weight = kept;
    return layer->y;
  };
  const auto check = [&](auto& local, auto& global) {
    const auto by_local = moved(local.weight), by_global = moved(global.weight);
    for (lc::extent_t t = 0; t < tokens; ++t) {
      REQUIRE(same_row(by_local, before, t) == is_global(t));
      REQUIRE(same_row(by_global, before, t) == !is_global(t));
    }
  };
  auto& p = layer->parameters;
  check(p.query, p.global_query);
  check(p.key, p.global_key);
  check(p.value, p.global_value);
}

TEST_CASE("a token that is no number reaches the rows that see it, and no others") {
  auto layer = random_layer<grouped<near, lc::class_projections<set>>>();
  layer->forward(0, tokens);
  const auto before = layer->y;
  constexpr lc::extent_t at = 25;
  layer->x[at * width] = std::nanf("");
  layer->forward(0, tokens);
  for (lc::extent_t t = 0; t < tokens; ++t) {
    const bool sees = is_global(t) || (t + 5 > at && at + 5 > t);
    REQUIRE(same_row(layer->y, before, t) == !sees);
    REQUIRE(std::isnan(layer->y[t * width]) == sees);
  }
}

TEST_CASE("under causal the future stays unseen, and a stream may be cut; with a ring for the local rows") {
  using recipe = grouped<near_past, lc::class_projections<set>>;
  using ring = grouped<lc::both<lc::causal, lc::window<5>>, lc::class_projections<set>, lc::ring_cache<5>>;
  using no_ring = grouped<lc::both<lc::causal, lc::window<5>>, lc::class_projections<set>>;
  static_assert(!recipe::bound<lc::place<width, tokens>>::sees_ahead);
  static_assert(grouped<near, lc::class_projections<set>>::bound<lc::place<width, tokens>>::sees_ahead);
  // What depends on the length cannot be cut, whatever the route.
  static_assert(grouped<lc::causal, lc::class_projections<lc::edges<8>>>::bound<lc::place<width, tokens>>::sees_ahead);
  auto whole = random_layer<recipe>(), cut = random_layer<recipe>();
  auto unbounded = random_layer<no_ring>();
  auto bounded = random_layer<ring>();
  whole->forward(0, tokens);
  unbounded->forward(0, tokens);
  for (lc::extent_t first = 0; first < tokens;) {
    const lc::extent_t count = std::min<lc::extent_t>(tokens - first, 1 + first % 9);
    cut->forward(first, count);
    bounded->forward(first, count);
    first += count;
  }
  for (lc::extent_t t = 0; t < tokens; ++t) {
    REQUIRE(same_row(whole->y, cut->y, t));
    REQUIRE(same_row(unbounded->y, bounded->y, t));
  }
  for (lc::extent_t later : {12u, 36u}) {
    const auto before = whole->y;
    for (lc::extent_t c = 0; c < width; ++c) whole->x[later * width + c] = 5;
    whole->forward(0, tokens);
    for (lc::extent_t t = 0; t < later; ++t) REQUIRE(same_row(whole->y, before, t));
    CHECK(!same_row(whole->y, before, later));
  }
}

TEST_CASE("products as the cost formula counts them, a global query for global rows alone") {
  check_count<grouped<near, lc::class_projections<set>>>();
  check_count<
      grouped<near_past, lc::class_projections<lc::leading<3>>, lc::clipped_softmax<lc::stretch{-0.1f, 1.0f}>>>();
  using projections = lc::class_projections<set>::bound<lc::attention_shape<16, 40, 4, 2, 4>, lc::dense, lc::no_bias>;
  static_assert(projections::multiply_adds(0, 40) == 40 * 16 * (16 + 4 * 8) + 3 * 16 * 16);
  static_assert(projections::multiply_adds(12, 1) == 16 * (16 + 4 * 8) + 16 * 16);
  static_assert(projections::multiply_adds(13, 1) == 16 * (16 + 4 * 8));
}

TEST_CASE("Longformer's published sizes, and against an independent implementation") {
  using published = lc::zoo::longformer_attention<12>::bound<lc::place<768, 4096>>;
  static_assert(published::heads == 12 && published::head_width == 64);
  using route = published::parts_of_schedule::route;
  static_assert(lc::pairs<route>(2000, 1, 4096) == 2 * 256 + 1 + 1 && lc::pairs<route>(4095, 1, 4096) == 256 + 1 + 1);
  auto cases = read_cases("longformer");
  REQUIRE(cases["longformer_21"].setting("window_each_side") == 3);
  REQUIRE(cases["longformer_40"].setting("window_each_side") == 4);
  REQUIRE((cases["longformer_21"].tensor("global_tokens").of == std::vector<double>{0, 12}));
  REQUIRE((cases["longformer_40"].tensor("global_tokens").of == std::vector<double>{0, 1, 39}));
  check_case<lc::zoo::longformer_attention<3, lc::listed<0, 12>, 3>, 24, 21>(cases["longformer_21"], "y");
  check_case<lc::zoo::longformer_attention<2, lc::listed<0, 1, 39>, 4>, 16, 40>(cases["longformer_40"], "y");
}
