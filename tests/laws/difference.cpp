// Features with the route's keys corrected: limits, sums over pairs, streams, what is gained, an independent
// implementation.
#include "support/pieces.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

struct no_keys {
  using slot = lc::slots::route;
  static constexpr lc::spans<1> spans(lc::extent_t, lc::extent_t) { return {}; }
};
/// Every third key; nothing for every fifth row.
struct every_third {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("every_third");
  static constexpr lc::spans<30> spans(lc::extent_t query, lc::extent_t keys) {
    lc::spans<30> seen;
    if (query % 5 != 4)
      for (lc::extent_t k = query % 3; k < keys; k += 3) seen.add(k, k + 1);
    return seen;
  }
};
/// The keys that a table lists for each row.
template <lc::extent_t Tokens, lc::extent_t Count>
struct listed_keys {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("listed_keys");
  static constexpr bool sees_ahead = true;
  static inline lc::extent_t of[Tokens][Count];
  static lc::spans<Count> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<Count> seen;
    for (const lc::extent_t key : of[query]) seen.add(key, key + 1);
    return seen;
  }
};

constexpr lc::extent_t tokens = 37, width = 16;
template <class Value>
using numerics_of = std::conditional_t<lc::same<Value, double>, lc::f64, lc::f32>;

template <class Value, class... Policies>
auto random_layer(double spread = 0.5) {
  using recipe = lc::attention<lc::heads<2>, Policies...>;
  auto layer = std::make_unique<lone_attention<recipe, width, tokens, numerics_of<Value>>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of = static_cast<Value>(spread * lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (auto& of : layer->x.data) of = static_cast<Value>(lc::random_normal(9, 1, drawn++));
  return layer;
}
template <class Value, class... Policies>
auto output_of() {
  auto layer = random_layer<Value, Policies...>();
  layer->forward(0, tokens);
  return layer->y;
}
template <class Tensor>
double apart(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (lc::extent_t i = 0; i < Tensor::size; ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = std::max(most, std::isnan(difference) ? 1e9 : difference);
  }
  return most;
}

/// One head whose queries and keys are the first half of x, and whose values are the second half.
template <lc::extent_t Width, lc::extent_t Tokens, class... Policies>
struct halves_attention {
  using recipe = lc::attention<lc::heads<1>, lc::head_width<Width>, Policies...>;
  std::unique_ptr<lone_attention<recipe, 2 * Width, Tokens, lc::f64>> layer =
      std::make_unique<lone_attention<recipe, 2 * Width, Tokens, lc::f64>>();

  halves_attention() {
    auto& p = layer->parameters;
    for (lc::extent_t i = 0; i < Width; ++i) {
      p.query.weight[i * 2 * Width + i] = p.key.weight[i * 2 * Width + i] = 1;
      p.value.weight[i * 2 * Width + Width + i] = 1;
      p.output.weight[i * Width + i] = 1;
    }
  }
  double& vector(lc::extent_t t, lc::extent_t d) { return layer->x[t * 2 * Width + d]; }
  double& value(lc::extent_t t, lc::extent_t d) { return layer->x[t * 2 * Width + Width + d]; }
  double mixed(lc::extent_t t, lc::extent_t d) const { return layer->y[t * 2 * Width + d]; }
};

/// e^s, and what the features say of it.
template <class Features, lc::extent_t Width>
struct weights_of_pairs {
  std::vector<double> drawn = std::vector<double>(Features::projections(Width) * Width);
  weights_of_pairs() { Features::draw(drawn.data(), Width); }
  static double exact(const double* q, const double* k) {
    double s = 0;
    for (lc::extent_t d = 0; d < Width; ++d) s += q[d] * k[d];
    return std::exp(s / std::sqrt(static_cast<double>(Width)));
  }
  double estimate(const double* q, const double* k) const {
    constexpr lc::extent_t count = Features::count(Width);
    const auto map = Features::template map<double, Width>(drawn.data());
    double of_query[count], of_key[count], sum = 0;
    const double scale = map.apply(q, of_query) + map.apply(k, of_key);
    for (lc::extent_t r = 0; r < count; ++r) sum += of_query[r] * of_key[r];
    return sum * std::exp(scale) / count;
  }
};

template <class Features, class Route, class Cover, bool Causal>
void check_against_pairs() {
  constexpr lc::extent_t columns = 6, rows = 25;
  halves_attention<columns, rows, Route, lc::difference<Features, Cover>> of;
  for (lc::extent_t i = 0; i < of.layer->x.size; ++i) of.layer->x[i] = lc::random_normal(6, 0, i);
  of.layer->forward(0, rows);
  const weights_of_pairs<Features, columns> weights;
  for (lc::extent_t t = 0; t < rows; ++t) {
    double sum = 0, mixed[columns]{};
    for (lc::extent_t j = 0; j < (Causal ? t + 1 : rows); ++j) {
      const double* q = &of.vector(t, 0);
      const double* k = &of.vector(j, 0);
      const double weight = lc::allows<Route>(t, j, rows) ? weights.exact(q, k) : weights.estimate(q, k);
      sum += weight;
      for (lc::extent_t d = 0; d < columns; ++d) mixed[d] += weight * of.value(j, d);
    }
    for (lc::extent_t d = 0; d < columns; ++d)
      REQUIRE(of.mixed(t, d) == doctest::Approx(mixed[d] / sum).epsilon(1e-11).scale(1));
  }
}

/// Directions of the reference file in the place of drawn ones.
template <class Features>
struct given : Features {
  static inline std::vector<double> directions;
  template <class Value>
  static void draw(Value* to, lc::extent_t) {
    for (std::size_t i = 0; i < directions.size(); ++i) to[i] = static_cast<Value>(directions[i]);
  }
};

template <lc::extent_t Context, class... Policies>
using model_of = lc::decoder<
    lc::vocabulary<11>, lc::width<16>, lc::context<Context>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, Policies...>>>>;
using near = lc::both<lc::causal, lc::window<5>>;

}  // namespace

TEST_CASE("corrected everywhere it is the dense attention, nowhere that of the features") {
  using lc::causal, lc::full;
  CHECK(apart(output_of<double, causal, lc::difference<lc::favor<12>>>(), output_of<double, causal>()) < 1e-10);
  CHECK(apart(output_of<double, full, lc::difference<lc::hyperbolic_favor<12>>>(), output_of<double, full>()) < 1e-10);
  CHECK(apart(output_of<float, causal, lc::difference<lc::favor<12>>>(), output_of<float, causal>()) < 1e-5);
  CHECK(apart(output_of<double, no_keys, lc::difference<lc::favor<12>>>(), output_of<double, causal, lc::favor<12>>()) <
        1e-12);
  CHECK(apart(output_of<double, no_keys, lc::difference<lc::hyperbolic_favor<12>, full>>(),
              output_of<double, full, lc::hyperbolic_favor<12>>()) < 1e-12);
  // Neither is anything in between.
  const auto between = output_of<double, near, lc::difference<lc::favor<12>>>();
  CHECK(apart(between, output_of<double, causal>()) > 1e-3);
  CHECK(apart(between, output_of<double, causal, lc::favor<12>>()) > 1e-3);
  CHECK(apart(between, output_of<double, near>()) > 1e-3);
}

TEST_CASE("a corrected scan is the sum over pairs, in all but one of which the estimate cancels") {
  using lc::derived_cover;
  check_against_pairs<lc::favor<10>, near, derived_cover, true>();
  check_against_pairs<lc::favor<10>, near, lc::full, false>();
  check_against_pairs<lc::hyperbolic_favor<8>, lc::window<4>, derived_cover, false>();
  check_against_pairs<lc::hyperbolic_favor<8>, every_third, derived_cover, false>();
  check_against_pairs<lc::favor<10>, lc::both<lc::causal, every_third>, lc::causal, true>();
  check_against_pairs<lc::favor<10>, lc::except<lc::full, lc::columns<lc::listed<11>>>, derived_cover, false>();
}

TEST_CASE("where the route looks, weights are exact: unnormalised they are e^s") {
  constexpr lc::extent_t columns = 20;
  using features = lc::hyperbolic_favor<16>;
  halves_attention<columns, columns, lc::window<3>, lc::difference<features>> of;
  for (lc::extent_t t = 0; t < columns; ++t) {
    for (lc::extent_t d = 0; d < columns; ++d) of.vector(t, d) = 0.7 * lc::random_normal(3, t, d);
    of.value(t, t) = 1;  // the mixed row is then the row of weights
  }
  of.layer->forward(0, columns);
  const weights_of_pairs<features, columns> weights;
  for (lc::extent_t t = 0; t < columns; ++t) {
    const double sum = std::exp(of.layer->memory.schedule_memory.log_scale[t]);
    for (lc::extent_t j = 0; j < columns; ++j) {
      const double* q = &of.vector(t, 0);
      const double* k = &of.vector(j, 0);
      const bool seen = lc::allows<lc::window<3>>(t, j, columns);
      REQUIRE(of.mixed(t, j) * sum ==
              doctest::Approx(seen ? weights.exact(q, k) : weights.estimate(q, k)).epsilon(1e-12));
    }
  }
}

TEST_CASE("for short vectors both together err less than either; the features alone err most for long ones") {
  constexpr lc::extent_t count = 64, shown = 8, short_columns = 16;
  using features = lc::hyperbolic_favor<64, lc::feature_seed{2}>;
  using route = listed_keys<count, shown>;
  const auto errors = [&](double inverse_temperature) {
    halves_attention<count, count, route, lc::difference<features>> of;
    // Vectors of 16 columns in rows of 64: scores are divided by 8 in place of 4.
    const double spread = std::sqrt(2 * inverse_temperature);
    std::vector<double> queries(count * count), exact(count * count);
    for (lc::extent_t t = 0; t < count; ++t)
      for (lc::extent_t d = 0; d < short_columns; ++d) of.vector(t, d) = spread * lc::random_normal(21, t, d);
    for (lc::extent_t t = 0; t < count; ++t) {
      of.value(t, t) = 1;
      std::vector<lc::extent_t> order(count);
      for (lc::extent_t j = 0; j < count; ++j) {
        order[j] = j;
        exact[t * count + j] = weights_of_pairs<features, count>::exact(&of.vector(t, 0), &of.vector(j, 0));
      }
      std::sort(order.begin(), order.end(),
                [&](auto a, auto b) { return exact[t * count + a] > exact[t * count + b]; });
      std::sort(order.begin(), order.begin() + shown);
      std::copy(order.begin(), order.begin() + shown, route::of[t]);
    }
    of.layer->forward(0, count);
    const weights_of_pairs<features, count> weights;
    double of_features = 0, of_route = 0, of_both = 0, all = 0;
    for (lc::extent_t t = 0; t < count; ++t)
      for (lc::extent_t j = 0; j < count; ++j) {
        const double e = exact[t * count + j], seen = lc::allows<route>(t, j, count) ? e : 0;
        const double corrected = of.mixed(t, j) * std::exp(of.layer->memory.schedule_memory.log_scale[t]);
        const double estimate = weights.estimate(&of.vector(t, 0), &of.vector(j, 0));
        of_features += (estimate - e) * (estimate - e);
        of_route += (seen - e) * (seen - e);
        of_both += (corrected - e) * (corrected - e);
        all += e * e;
      }
    struct {
      double features, route, both;
    } found{std::sqrt(of_features / all), std::sqrt(of_route / all), std::sqrt(of_both / all)};
    return found;
  };
  const auto flat = errors(0.25), sharp = errors(1);
  CAPTURE(flat.features);
  CAPTURE(flat.route);
  CAPTURE(flat.both);
  CHECK(flat.both < flat.features);
  CHECK(flat.both < flat.route);
  CAPTURE(sharp.features);
  CAPTURE(sharp.route);
  CAPTURE(sharp.both);
  CHECK(sharp.both < sharp.features);
  CHECK(sharp.route < sharp.features);
}

TEST_CASE("however a stream is cut, and with a ring in place of all keys, its logits are the same") {
  using recipe = model_of<90, near, lc::difference<lc::favor<12>>>;
  using ring = model_of<1'000'000, near, lc::difference<lc::favor<12>>, lc::ring_cache<5>>;
  const auto expected = logits_in_pieces<recipe>(90, 90);
  for (const lc::extent_t piece : {1u, 7u, 16u, 50u}) CHECK((logits_in_pieces<recipe>(90, piece) == expected));
  for (const lc::extent_t piece : {1u, 13u, 90u}) CHECK((logits_in_pieces<ring>(90, piece) == expected));
  using endless = model_of<1'000'000'000, near, lc::difference<lc::favor<12>>, lc::ring_cache<5>>;
  static_assert(lc::state_bytes<ring, lc::f32> == lc::state_bytes<endless, lc::f32>);
  static_assert(lc::decode_multiply_adds<endless>(99) == lc::decode_multiply_adds<endless>(999'999'999));
}

TEST_CASE("what features cover follows the route, or is said") {
  const auto ahead = []<class... Policies>(lc::type_list<Policies...>) {
    return lc::attention<lc::heads<2>, Policies...>::template bound<lc::place<16, 32>>::sees_ahead;
  };
  using features = lc::favor<8>;
  CHECK(!ahead(lc::type_list<near, lc::difference<features>>{}));
  CHECK(!ahead(lc::type_list<near, lc::difference<features, lc::causal>>{}));
  CHECK(ahead(lc::type_list<near, lc::difference<features, lc::full>>{}));
  CHECK(ahead(lc::type_list<lc::window<5>, lc::difference<features>>{}));
}

TEST_CASE("the future does not leak into the past, whatever it is; nothing overflows") {
  auto layer = random_layer<float, near, lc::difference<lc::favor<12>>>(0.7);
  layer->forward(0, tokens);
  const auto before = layer->y;
  for (const float later : {7.0f, std::nanf(""), HUGE_VALF}) {
    for (lc::extent_t c = 0; c < width; ++c) layer->x[(tokens - 1) * width + c] = later;
    layer->forward(0, tokens);
    bool same = true;
    for (lc::extent_t i = 0; i < (tokens - 1) * width; ++i) same = same && layer->y[i] == before[i];
    CHECK(same);
    CHECK(!(layer->y[(tokens - 1) * width] == before[(tokens - 1) * width]));
  }
  layer = random_layer<float, near, lc::difference<lc::favor<12>>>(0.7);
  for (auto& of : layer->x.data) of *= 1000;
  layer->forward(0, tokens);
  for (lc::extent_t i = 0; i < tokens * width; ++i) REQUIRE(std::isfinite(layer->y[i]));
}

TEST_CASE("estimates that rounding has lost are left out, and counted") {
  const auto clamped = [](const auto& layer) { return layer.state.clamped[0]; };
  // All keys but one, which is far away from the rest: its estimate is nothing beside theirs, even for its own row.
  using route = lc::except<lc::full, lc::columns<lc::listed<3>>>;
  constexpr lc::extent_t columns = 4, count = 9;
  halves_attention<columns, count, route, lc::difference<lc::favor<6>>> of;
  for (lc::extent_t t = 0; t < count; ++t)
    for (lc::extent_t d = 0; d < columns; ++d) {
      of.vector(t, d) = (d == 0 ? (t == 3 ? -20 : 2) : 0) + 0.3 * lc::random_normal(2, t, d);
      of.value(t, d) = lc::random_normal(3, t, d);
    }
  of.layer->forward(0, count);
  CHECK(clamped(*of.layer) == count);
  halves_attention<columns, count, route> exact;
  exact.layer->x = of.layer->x;
  exact.layer->forward(0, count);
  for (lc::extent_t t = 0; t < count; ++t)
    for (lc::extent_t d = 0; d < columns; ++d)
      REQUIRE(of.mixed(t, d) == doctest::Approx(exact.mixed(t, d)).epsilon(1e-12).scale(1));
  // Keys opposite to all queries: beside the scales of their features, exact weights are nothing, and so are products
  // of features. The row is then that of the route.
  halves_attention<columns, count, lc::window<2>, lc::difference<lc::favor<6>>> opposite;
  for (lc::extent_t d = 0; d < columns; ++d) opposite.layer->parameters.key.weight[d * 2 * columns + d] = -1;
  for (lc::extent_t t = 0; t < count; ++t) {
    opposite.vector(t, 0) = 1000;
    opposite.value(t, 0) = static_cast<double>(t);
  }
  opposite.layer->forward(0, count);
  CHECK(clamped(*opposite.layer) == count);
  CHECK(opposite.mixed(0, 0) == doctest::Approx(0.5));
  CHECK(opposite.mixed(5, 0) == doctest::Approx(5));
  // Ordinary rows are not concerned, nor are rows that are shown all there is.
  auto ordinary = random_layer<double, near, lc::difference<lc::favor<12>>>();
  ordinary->forward(0, tokens);
  CHECK(clamped(*ordinary) == 0);
  auto shown = random_layer<float, lc::causal, lc::difference<lc::favor<12>>>();
  shown->forward(0, tokens);
  CHECK(clamped(*shown) == 0);
}

TEST_CASE("products as the cost formula counts them") {
  const auto check = []<class... Policies>(lc::type_list<Policies...>) {
    using recipe = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<40>,
                               lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, Policies...>>>;
    auto model = std::make_unique<lc::model<recipe, lc::chunk<40>>>();
    std::uint32_t stream[40];
    for (lc::extent_t t = 0; t < 40; ++t) stream[t] = static_cast<std::uint32_t>(t * 7 % 11);
    lc::work_counter counter;
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {stream, 40}, [](lc::extent_t, auto) {})
                .ok());
    CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, 40, 40));
  };
  check(lc::type_list<near, lc::difference<lc::favor<12>>, lc::kv_heads<1>>{});
  check(lc::type_list<lc::window<5>, lc::difference<lc::hyperbolic_favor<8>>>{});
}

TEST_CASE("corrected features against an independent implementation") {
  auto cases = read_cases("scatterbrain");
  const one_case &first = cases["scatterbrain_21"], &second = cases["scatterbrain_28"];
  using positive_16 = given<lc::favor<16>>;
  using both_signs_16 = given<lc::hyperbolic_favor<32>>;
  using positive_24 = given<lc::favor<24>>;
  using both_signs_24 = given<lc::hyperbolic_favor<48>>;
  positive_16::directions = both_signs_16::directions = first.tensor("features").of;
  positive_24::directions = both_signs_24::directions = second.tensor("features").of;
  REQUIRE(first.setting("window_each_side") == 2);
  REQUIRE(second.setting("window_each_side") == 4);
  using of_2 = lc::window<3>;
  using of_4 = lc::window<5>;
  using past_2 = lc::both<lc::causal, of_2>;
  using past_4 = lc::both<lc::causal, of_4>;
  check_case<lc::zoo::scatterbrain_attention<3, of_2, positive_16>, 24, 21>(first, "y");
  check_case<lc::zoo::scatterbrain_attention<3, past_2, positive_16>, 24, 21>(first, "y.causal");
  check_case<lc::zoo::scatterbrain_attention<3, of_2, both_signs_16>, 24, 21>(first, "y.hyperbolic");
  check_case<lc::zoo::scatterbrain_attention<3, past_2, both_signs_16>, 24, 21>(first, "y.hyperbolic_causal");
  check_case<lc::zoo::scatterbrain_attention<2, of_4, positive_24>, 16, 28>(second, "y");
  check_case<lc::zoo::scatterbrain_attention<2, past_4, positive_24>, 16, 28>(second, "y.causal");
  check_case<lc::zoo::scatterbrain_attention<2, of_4, both_signs_24>, 16, 28>(second, "y.hyperbolic");
  check_case<lc::zoo::scatterbrain_attention<2, past_4, both_signs_24>, 16, 28>(second, "y.hyperbolic_causal");
}
