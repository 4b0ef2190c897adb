// Attention through features: against sums over pairs, streams, the estimate of softmax, an independent implementation.
#include "support/pieces.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

/// Attention by weights phi(q).phi(k) over pairs, for one head of the rows of a tensor.
template <class Score, class Route, lc::extent_t Width, lc::extent_t Tokens, class Query, class Key, class Value>
std::vector<double> by_pairs(const Query& query, const Key& key, const Value& value) {
  const lc::extent_t rows = Score::projections(Width), count = Score::count(Width);
  std::vector<double> drawn(rows * Width + 1);
  Score::draw(drawn.data(), Width);
  const auto map = Score::template map<double, Width>(drawn.data());
  std::vector<double> out(Tokens * Width), of_query(count), of_key(count);
  for (lc::extent_t t = 0; t < Tokens; ++t) {
    const double query_scale = map.apply(&query[t * Width], of_query.data());
    double sum = 0;
    for (lc::extent_t j = 0; j < Tokens; ++j) {
      if (!lc::allows<Route>(t, j, Tokens)) continue;
      const double scale = query_scale + map.apply(&key[j * Width], of_key.data());
      double weight = 0;
      for (lc::extent_t r = 0; r < count; ++r) weight += of_query[r] * of_key[r];
      weight *= std::exp(scale);
      sum += weight;
      for (lc::extent_t d = 0; d < Width; ++d) out[t * Width + d] += weight * value[j * Width + d];
    }
    for (lc::extent_t d = 0; d < Width; ++d) out[t * Width + d] /= sum;
  }
  return out;
}

template <lc::extent_t Context, class... Policies>
using model_of = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<Context>,
                             lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, Policies...>>>>;

/// One head of one layer, whose projections are the identity.
template <class Score, class Route>
void check_against_pairs() {
  constexpr lc::extent_t width = 6, tokens = 25;
  using recipe = lc::attention<lc::heads<1>, Route, Score>;
  auto layer = std::make_unique<lone_attention<recipe, width, tokens, lc::f64>>();
  lc::visit_tensors(
      [](auto& weight) {
        for (lc::extent_t i = 0; i < width; ++i) weight[i * width + i] = 1;
      },
      layer->parameters);
  for (lc::extent_t i = 0; i < tokens * width; ++i) layer->x[i] = lc::random_normal(6, 0, i);
  layer->forward(0, tokens);
  const auto expected = by_pairs<Score, Route, width, tokens>(layer->x.data, layer->x.data, layer->x.data);
  for (lc::extent_t i = 0; i < tokens * width; ++i)
    REQUIRE(layer->y[i] == doctest::Approx(expected[i]).epsilon(1e-12).scale(1));
}

/// Directions of the reference file in the place of drawn ones.
template <lc::extent_t Features>
struct given_favor : lc::favor<Features> {
  static inline std::vector<double> given;
  template <class Value>
  static void draw(Value* to, lc::extent_t head_width) {
    REQUIRE(given.size() == Features * head_width);
    for (std::size_t i = 0; i < given.size(); ++i) to[i] = static_cast<Value>(given[i]);
  }
};

/// Relative error of the estimated exponentials, |estimate - e^s| / |e^s| over all pairs, for vectors of that spread.
template <lc::extent_t Features>
double kernel_error(double spread) {
  constexpr lc::extent_t width = 16, tokens = 64;
  double squared = 0, all = 0;
  const auto draw = [&]<std::uint64_t seed>(std::integral_constant<std::uint64_t, seed>) {
    using score = lc::favor<Features, lc::feature_seed{seed}>;
    std::vector<double> drawn(Features * width), q(width), k(width), of_query(Features), of_key(Features);
    score::draw(drawn.data(), width);
    const auto map = score::template map<double, width>(drawn.data());
    for (lc::extent_t i = 0; i < tokens; ++i) {
      double exact = 0, estimate = 0;
      for (lc::extent_t d = 0; d < width; ++d) {
        q[d] = spread * lc::random_normal(1, i, d), k[d] = spread * lc::random_normal(2, i, d);
        exact += q[d] * k[d] / std::sqrt(16.0);
      }
      const double scale = map.apply(q.data(), of_query.data()) + map.apply(k.data(), of_key.data());
      for (lc::extent_t r = 0; r < Features; ++r) estimate += of_query[r] * of_key[r];
      estimate *= std::exp(scale) / Features;
      squared += (estimate - std::exp(exact)) * (estimate - std::exp(exact));
      all += std::exp(2 * exact);
    }
  };
  draw(std::integral_constant<std::uint64_t, 11>{});
  draw(std::integral_constant<std::uint64_t, 12>{});
  draw(std::integral_constant<std::uint64_t, 13>{});
  draw(std::integral_constant<std::uint64_t, 14>{});
  return std::sqrt(squared / all);
}

}  // namespace

TEST_CASE("a scan is the sum over pairs") {
  check_against_pairs<lc::favor<10>, lc::causal>();
  check_against_pairs<lc::favor<10>, lc::full>();
  check_against_pairs<lc::hyperbolic_favor<8>, lc::causal>();
  check_against_pairs<lc::hyperbolic_favor<8>, lc::full>();
  check_against_pairs<lc::relu_features, lc::causal>();
  check_against_pairs<lc::relu_features, lc::full>();
}

TEST_CASE("off a prefix features fall back to pairs, and describe's reason says so") {
  using window = lc::both<lc::causal, lc::window<5>>;
  check_against_pairs<lc::favor<10>, window>();
  check_against_pairs<lc::hyperbolic_favor<8>, lc::dilated_window<3, lc::dilation{2}>>();
  check_against_pairs<lc::relu_features, window>();
  // A window that leaves nothing out is the scan.
  check_against_pairs<lc::favor<10>, lc::both<lc::causal, lc::window<1000>>>();
  using place = lc::place<16, 64>;
  using off = lc::attention<lc::heads<2>, window, lc::favor<10>>::bound<place>::schedule_type;
  using on = lc::attention<lc::heads<2>, lc::causal, lc::favor<10>>::bound<place>::schedule_type;
  static_assert(off::chosen.what == lc::schedule::feature_pairs && on::chosen.what == lc::schedule::state_scan);
}

TEST_CASE("however a stream is cut, its logits are the same; another stream starts anew") {
  using recipe = model_of<90, lc::causal, lc::favor<12>, lc::rope<>>;
  const auto expected = logits_in_pieces<recipe>(90, 90);
  for (const lc::extent_t piece : {1u, 7u, 16u, 50u}) CHECK((logits_in_pieces<recipe>(90, piece) == expected));
}

TEST_CASE("the state does not grow with the stream") {
  using small = model_of<90, lc::causal, lc::favor<12>>;
  using endless = model_of<1'000'000'000, lc::causal, lc::favor<12>>;
  static_assert(lc::state_bytes<small, lc::f32> == lc::state_bytes<endless, lc::f32>);
  static_assert(lc::state_bytes<small, lc::f32> == 2 * 2 * (12 * 8 + 12 + 1) * sizeof(float));
  static_assert(lc::decode_multiply_adds<endless>(0) == lc::decode_multiply_adds<endless>(999'999'999));
}

TEST_CASE("the future does not leak into the past") {
  using recipe = lc::attention<lc::heads<2>, lc::causal, lc::favor<16>>;
  constexpr lc::extent_t width = 8, tokens = 30;
  auto layer = std::make_unique<lone_attention<recipe, width, tokens>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of = static_cast<float>(lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (auto& of : layer->x.data) of = static_cast<float>(lc::random_normal(9, 1, drawn++));
  layer->forward(0, tokens);
  const auto before = layer->y;
  for (lc::extent_t c = 0; c < width; ++c) layer->x[(tokens - 1) * width + c] *= 4;
  layer->forward(0, tokens);
  for (lc::extent_t i = 0; i < (tokens - 1) * width; ++i) REQUIRE(layer->y[i] == before[i]);
  CHECK(layer->y[(tokens - 1) * width] != before[(tokens - 1) * width]);
  // Nor does anything overflow.
  for (auto& of : layer->x.data) of *= 1000;
  layer->forward(0, tokens);
  for (lc::extent_t i = 0; i < tokens * width; ++i) REQUIRE(std::isfinite(layer->y[i]));
}

TEST_CASE("a row whose features hardly meet the keys' gives 0, no infinity") {
  // One direction each, far apart: products of e^-45 and e^-45 are below what f32 can divide by.
  struct {
    lc::scan_state<float, 1, 2, 1> state;
    float sums[2], totals[2], scale[1];
  } of{};
  of.state = {of.sums, of.totals, of.scale};
  of.totals[1] = of.sums[1] = 1;
  of.totals[0] = of.sums[0] = std::exp(-45.0f);
  struct {
    float apply(const float*, float* phi) const {
      phi[0] = 1, phi[1] = 0;
      return 0;
    }
  } weak;
  float out = 7, phi[2], query = 0;
  CHECK(lc::operation::scan_loops::read_row(of.state, 0, weak, &query, &out, phi) > 0);
  CHECK(out == doctest::Approx(1).epsilon(1e-6));
  of.totals[0] = of.sums[0] = 1e-40f;
  lc::operation::scan_loops::read_row(of.state, 0, weak, &query, &out, phi);
  CHECK(out == 0);
}

TEST_CASE("where the features of all keys vanish, a row is 0 on both schedules") {
  const auto mixed_of_huge_inputs = [](auto layer) {
    std::uint64_t drawn = 0;
    lc::visit_tensors(
        [&](auto& weight) {
          for (auto& of : weight.data) of = static_cast<float>(lc::random_normal(9, 0, drawn++));
        },
        layer->parameters);
    for (auto& of : layer->x.data) of = 3e19f;
    layer->forward(0, 20);
    return layer->y;
  };
  using scanned = lc::attention<lc::heads<2>, lc::causal, lc::favor<10>>;
  using in_pairs = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<1000>>, lc::favor<10>>;
  for (const float of : mixed_of_huge_inputs(std::make_unique<lone_attention<scanned, 8, 20>>()).data) CHECK(of == 0);
  for (const float of : mixed_of_huge_inputs(std::make_unique<lone_attention<in_pairs, 8, 20>>()).data) CHECK(of == 0);
  // So their backward reads features that are 0, not NaN.
  const float none = -std::numeric_limits<float>::infinity();
  CHECK(lc::operation::scan_loops::relative(none, none) == 0);
  CHECK(lc::operation::scan_loops::relative(none, 1.0f) == 0);
  CHECK(lc::operation::scan_loops::relative(0.5f, 0.5f) == 1);
}

TEST_CASE("directions are orthogonal in blocks and as long as normal vectors; errors fall as 1 / sqrt(features)") {
  constexpr lc::extent_t width = 8, count = 20;
  std::vector<double> drawn(count * width);
  lc::favor<count, lc::feature_seed{5}>::draw(drawn.data(), width);
  for (lc::extent_t a = 0; a < count; ++a)
    for (lc::extent_t b = a / width * width; b < a; ++b) {
      double along = 0;
      for (lc::extent_t d = 0; d < width; ++d) along += drawn[a * width + d] * drawn[b * width + d];
      REQUIRE(std::abs(along) < 1e-13);
    }
  std::vector<float> single(count * width);
  lc::favor<count, lc::feature_seed{5}>::draw(single.data(), width);
  for (lc::extent_t i = 0; i < count * width; ++i)
    REQUIRE(single[i] == doctest::Approx(drawn[i]).epsilon(1e-5).scale(1));
  std::vector<double> many(400 * width);
  lc::favor<400>::draw(many.data(), width);
  double squares = 0, mean = 0;
  for (double of : many) squares += of * of, mean += of;
  CHECK(squares / static_cast<double>(many.size()) == doctest::Approx(1).epsilon(0.1));
  CHECK(std::abs(mean / static_cast<double>(many.size())) < 0.05);
  // Only for short vectors: at unit variance the estimate's tail is heavy.
  const double at_16 = kernel_error<16>(0.25), at_256 = kernel_error<256>(0.25), at_1024 = kernel_error<1024>(0.25);
  const double slope = std::log(at_1024 / at_16) / std::log(64.0);
  CAPTURE(at_16);
  CAPTURE(at_256);
  CAPTURE(at_1024);
  CHECK(slope < -0.35);
  CHECK(slope > -0.65);
  CHECK(at_1024 < 0.04);
}

TEST_CASE("features against an independent implementation") {
  auto cases = read_cases("performer");
  const one_case &first = cases["performer_21"], &second = cases["performer_28"];
  given_favor<16>::given = first.tensor("features").of;
  given_favor<32>::given = second.tensor("features").of;
  check_case<lc::zoo::performer_attention<3, lc::full, given_favor<16>>, 24, 21>(first, "y");
  check_case<lc::zoo::performer_attention<3, lc::causal, given_favor<16>>, 24, 21>(first, "y.causal");
  check_case<lc::zoo::performer_attention<3, lc::full, lc::relu_features>, 24, 21>(first, "y.relu");
  check_case<lc::zoo::performer_attention<3, lc::causal, lc::relu_features>, 24, 21>(first, "y.relu_causal");
  check_case<lc::zoo::performer_attention<2, lc::full, given_favor<32>>, 16, 28>(second, "y");
  check_case<lc::zoo::performer_attention<2, lc::causal, given_favor<32>>, 16, 28>(second, "y.causal");
  check_case<lc::zoo::performer_attention<2, lc::full, lc::relu_features>, 16, 28>(second, "y.relu");
  check_case<lc::zoo::performer_attention<2, lc::causal, lc::relu_features>, 16, 28>(second, "y.relu_causal");
}
