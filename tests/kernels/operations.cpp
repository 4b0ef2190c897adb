// The reference loops against independent dense formulas in f64, forward and backward, over many lengths.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

std::uint64_t drawn = 0;
template <class Tensor>
void fill(Tensor& tensor) {
  for (auto& of : tensor.data)
    of = static_cast<std::remove_reference_t<decltype(of)>>(lc::random_normal(17, 0, drawn++));
}

/// Attention over a dense mask, as the definition has it: no blocks, no online sums.
template <class Route, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
struct attention_case {
  static constexpr lc::extent_t context = 80, tokens = 40;
  using cache_type = lc::cache_view<double, KvHeads, HeadWidth, lc::linear_cache::address>;
  using readable = lc::cache_view<const double, KvHeads, HeadWidth, lc::linear_cache::address>;
  using rule = lc::score_rule<lc::softmax, lc::no_score_bias, double>;
  static constexpr lc::extent_t blocks = lc::blocks_of(context);

  lc::tensor<double, tokens, Heads * HeadWidth> query, mixed, dmixed, dquery;
  lc::tensor<double, context, KvHeads * HeadWidth> key, value, dkey, dvalue;
  lc::tensor<double, tokens, Heads> log_scale;
  lc::tensor<double, blocks, KvHeads, HeadWidth, lc::block_keys> keys, dkeys;
  lc::tensor<double, blocks, KvHeads, lc::block_keys, HeadWidth> values, dvalues;
  lc::shared_plan<Route, tokens, context> plan;

  double dense(lc::extent_t first, lc::extent_t count, lc::extent_t t, lc::extent_t column) const {
    const lc::extent_t h = column / HeadWidth, d = column % HeadWidth, kv = h * KvHeads / Heads;
    double sum = 0, total = 0, largest = -1e300;
    std::vector<double> scores(first + count);
    for (lc::extent_t k = 0; k < first + count; ++k) {
      scores[k] = 0;
      for (lc::extent_t i = 0; i < HeadWidth; ++i)
        scores[k] +=
            query[t * Heads * HeadWidth + h * HeadWidth + i] * key[k * KvHeads * HeadWidth + kv * HeadWidth + i];
      scores[k] /= std::sqrt(static_cast<double>(HeadWidth));
      if (lc::allows<Route>(first + t, k, first + count)) largest = std::max(largest, scores[k]);
    }
    for (lc::extent_t k = 0; k < first + count; ++k) {
      if (!lc::allows<Route>(first + t, k, first + count)) continue;
      const double weight = std::exp(scores[k] - largest);
      total += weight;
      sum += weight * value[k * KvHeads * HeadWidth + kv * HeadWidth + d];
    }
    return total > 0 ? sum / total : 0;
  }
  void run(lc::extent_t first, lc::extent_t count) {
    const lc::reference backend;
    const double scale = lc::dot::scale(HeadWidth);
    plan.prepare(first, count);
    lc::op::append(cache_type{keys.data, values.data, {}}, key.first(first + count), value.first(first + count), 0,
                   backend);
    lc::op::attend(mixed.first(count), log_scale.first(count), query.first(count), readable{keys.data, values.data, {}},
                   plan.view(), rule{scale}, backend);
  }
  void check(lc::extent_t first, lc::extent_t count) {
    fill(query), fill(key), fill(value);
    // Whatever lies behind the last position must not be read.
    for (auto* store : {keys.data, values.data})
      for (std::size_t i = 0; i < std::size(keys.data); ++i) store[i] = std::nan("");
    run(first, count);
    for (lc::extent_t t = 0; t < count; ++t)
      for (lc::extent_t c = 0; c < Heads * HeadWidth; ++c)
        REQUIRE(mixed[t * Heads * HeadWidth + c] == doctest::Approx(dense(first, count, t, c)).epsilon(1e-12));
  }
  /// Adjoints of a random functional of the output against central differences of it.
  void check_backward(lc::extent_t first, lc::extent_t count) {
    fill(query), fill(key), fill(value), fill(dmixed);
    run(first, count);
    for (auto& of : dquery.data) of = 0;
    for (auto& of : dkeys.data) of = 0;
    for (auto& of : dvalues.data) of = 0;
    for (auto& of : dkey.data) of = 0;
    for (auto& of : dvalue.data) of = 0;
    const lc::reference backend;
    lc::op::attend_backward(dquery.first(count), cache_type{dkeys.data, dvalues.data, {}}, dmixed.first(count),
                            log_scale.first(count), query.first(count), readable{keys.data, values.data, {}},
                            plan.view(), rule{lc::dot::scale(HeadWidth)}, backend);
    lc::op::append_backward(readable{dkeys.data, dvalues.data, {}}, dkey.first(first + count),
                            dvalue.first(first + count), 0, backend);
    const auto functional = [&] {
      run(first, count);
      double sum = 0;
      for (std::size_t i = 0; i < count * Heads * HeadWidth; ++i) sum += mixed[i] * dmixed[i];
      return sum;
    };
    const auto differences = [&](auto& of, const auto& adjoint, std::size_t used) {
      for (std::size_t i = 0; i < used; i += 3) {
        const double kept = of[i];
        of[i] = kept + 1e-5;
        const double above = functional();
        of[i] = kept - 1e-5;
        const double below = functional();
        of[i] = kept;
        REQUIRE((above - below) / 2e-5 == doctest::Approx(adjoint[i]).epsilon(1e-7).scale(1));
      }
    };
    differences(query, dquery, count * Heads * HeadWidth);
    differences(key, dkey, (first + count) * KvHeads * HeadWidth);
    differences(value, dvalue, (first + count) * KvHeads * HeadWidth);
  }
};

struct nobody {
  using slot = lc::slots::route;
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t keys) {
    return query % 3 == 1 ? lc::spans<1>{} : lc::spans<1>{0, keys};
  }
};

template <class Route>
void attention_over_lengths() {
  auto grouped = std::make_unique<attention_case<Route, 4, 2, 3>>();
  auto single = std::make_unique<attention_case<Route, 2, 1, 5>>();
  for (lc::extent_t first : {0u, 1u, 15u, 16u, 31u})
    for (lc::extent_t count : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 33u, 40u}) {
      grouped->check(first, count);
      single->check(first, count);
    }
  grouped->check_backward(0, 19);
  single->check_backward(9, 8);
}

}  // namespace

TEST_CASE("attention is the definition, and its adjoints are its derivatives") {
  attention_over_lengths<lc::full>();
  attention_over_lengths<lc::causal>();
  attention_over_lengths<lc::window<4>>();
  attention_over_lengths<lc::both<lc::causal, lc::window<17>>>();
  attention_over_lengths<nobody>();  // rows that see nothing: output 0, gradient 0
}

TEST_CASE("scores far apart neither overflow nor make the gradient of the winner vanish in rounding") {
  auto of = std::make_unique<attention_case<lc::full, 1, 1, 1>>();
  for (auto& key : of->key.data) key = 0;
  of->query[0] = 1, of->key[0] = 900, of->key[1] = -900, of->value[0] = 3, of->value[1] = 5;
  of->run(0, 2);
  CHECK(of->mixed[0] == 3);
  CHECK(of->log_scale[0] == 900);
}

TEST_CASE("products and their transposes") {
  // More outputs and tokens than four, which are taken at once, and than twice four; sums are formed in order, exactly.
  constexpr lc::extent_t tokens = 10, outputs = 11;
  lc::tensor<double, tokens, 5> x, dx;
  lc::tensor<double, outputs, 5> weight, dweight;
  lc::tensor<double, tokens, outputs> y, dy;
  fill(x), fill(weight), fill(dy);
  const lc::reference backend;
  for (lc::extent_t count = 0; count <= tokens; ++count) {
    for (auto& of : y.data) of = 77;
    for (auto& of : dx.data) of = 1;
    for (auto& of : dweight.data) of = 2;
    lc::op::multiply(y.first(count), x.first(count), weight, lc::nothing{}, backend);
    lc::op::multiply_transposed(dx.first(count), dy.first(count), weight, backend);
    lc::op::accumulate_outer(dweight, dy.first(count), x.first(count), backend);
    for (lc::extent_t t = 0; t < tokens; ++t) {
      for (lc::extent_t o = 0; o < outputs; ++o) {
        double sum = 0;
        for (lc::extent_t i = 0; i < 5; ++i) sum += x[t * 5 + i] * weight[o * 5 + i];
        CHECK(y[t * outputs + o] == (t < count ? sum : 77));
      }
      for (lc::extent_t i = 0; i < 5; ++i) {
        double sum = 1;
        for (lc::extent_t o = 0; o < outputs && t < count; ++o) sum += dy[t * outputs + o] * weight[o * 5 + i];
        CHECK(dx[t * 5 + i] == sum);
      }
    }
    for (lc::extent_t o = 0; o < outputs; ++o)
      for (lc::extent_t i = 0; i < 5; ++i) {
        double sum = 2;
        for (lc::extent_t t = 0; t < count; ++t) sum += dy[t * outputs + o] * x[t * 5 + i];
        CHECK(dweight[o * 5 + i] == sum);
      }
  }
}

TEST_CASE("bf16 weights are widened, sums are f32") {
  lc::tensor<float, 1, 300> x;
  lc::tensor<lc::bfloat16, 2, 300> weight;
  lc::tensor<float, 1, 2> y;
  fill(x);
  for (std::size_t i = 0; i < 600; ++i) weight[i] = lc::bfloat16(static_cast<float>(lc::random_normal(5, 5, i)));
  lc::op::multiply(y.view(), x.view(), weight, lc::nothing{}, lc::reference{});
  for (std::size_t o = 0; o < 2; ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < 300; ++i)
      sum += static_cast<double>(x[i]) * static_cast<double>(static_cast<float>(weight[o * 300 + i]));
    CHECK(static_cast<double>(y[o]) == doctest::Approx(sum).epsilon(1e-5));
  }
}

TEST_CASE("rotation: the angles of the paper, distances only, undone backward") {
  constexpr lc::extent_t width = 6, context = 50;
  auto angles = std::make_unique<lc::rotation_angles<double, width, context, lc::theta{}>>();
  angles->build();
  lc::tensor<double, 1, 2 * width> x, y;
  const lc::reference backend;
  const auto turned = [&](auto pairs, lc::extent_t position, const lc::tensor<double, 1, 2 * width>& from) {
    auto to = from;
    lc::op::rotate(to.view(), angles->view(), position, false, pairs, backend);
    return to;
  };
  const auto check = [&](auto pairs, lc::extent_t left, lc::extent_t right) {
    fill(x), fill(y);
    const auto at = turned(pairs, 7, x);
    const double angle = 7 * std::pow(10000.0, -2.0 / width);  // pair 1
    CHECK(at[left] == doctest::Approx(x[left] * std::cos(angle) - x[right] * std::sin(angle)).epsilon(1e-13));
    CHECK(at[right] == doctest::Approx(x[left] * std::sin(angle) + x[right] * std::cos(angle)).epsilon(1e-13));
    const auto score = [&](lc::extent_t p, lc::extent_t q) {
      const auto a = turned(pairs, p, x), b = turned(pairs, q, y);
      double sum = 0;
      for (lc::extent_t i = 0; i < width; ++i) sum += a[width + i] * b[width + i];  // the second head
      return sum;
    };
    CHECK(score(11, 4) == doctest::Approx(score(49, 42)).epsilon(1e-12));
    CHECK(score(11, 4) != doctest::Approx(score(11, 5)).epsilon(1e-6));
    auto back = at;
    lc::op::rotate(back.view(), angles->view(), 7, true, pairs, backend);
    for (lc::extent_t i = 0; i < 2 * width; ++i) CHECK(back[i] == doctest::Approx(x[i]).epsilon(1e-13));
  };
  check(lc::constant<lc::rotary_pairs, lc::rotary_pairs::neighbours>{}, 2, 3);
  check(lc::constant<lc::rotary_pairs, lc::rotary_pairs::halves>{}, 1, 4);
}

TEST_CASE("embedding gathers rows, its adjoint scatters and accumulates") {
  lc::tensor<float, 5, 3> table;
  lc::tensor<double, 5, 3> gradient;
  lc::tensor<float, 4, 3> y;
  lc::tensor<double, 4, 3> dy;
  fill(table), fill(dy);
  const std::uint32_t tokens[]{4, 0, 4, 2};
  lc::op::embed(y.view(), table, {tokens, 4}, lc::reference{});
  lc::op::embed_backward(gradient, dy.view(), {tokens, 4}, lc::reference{});
  for (lc::extent_t c = 0; c < 3; ++c) {
    CHECK(y[6 + c] == table[12 + c]);
    CHECK(y[3 + c] == table[c]);
    CHECK(gradient[12 + c] == dy[c] + dy[6 + c]);
    CHECK(gradient[3 + c] == 0);
  }
}

TEST_CASE("cross-entropy: the value, and the derivative of the mean") {
  lc::tensor<double, 3, 4> logits, adjoint;
  fill(logits);
  const std::uint32_t targets[]{2, 0, 3};
  const double mean = lc::mean_cross_entropy(lc::readable(logits.view()), {targets, 3}, adjoint.view());
  double expected = 0;
  for (lc::extent_t t = 0; t < 3; ++t) {
    double total = 0;
    for (lc::extent_t i = 0; i < 4; ++i) total += std::exp(logits[4 * t + i]);
    expected -= std::log(std::exp(logits[4 * t + targets[t]]) / total) / 3;
    CHECK(lc::cross_entropy(logits.data + 4 * t, 4, targets[t]) ==
          doctest::Approx(-std::log(std::exp(logits[4 * t + targets[t]]) / total)));
  }
  CHECK(mean == doctest::Approx(expected).epsilon(1e-13));
  for (lc::extent_t i = 0; i < 12; ++i) {
    auto moved = logits;
    lc::tensor<double, 3, 4> ignored;
    moved[i] += 1e-6;
    const double above = lc::mean_cross_entropy(lc::readable(moved.view()), {targets, 3}, ignored.view());
    moved[i] -= 2e-6;
    const double below = lc::mean_cross_entropy(lc::readable(moved.view()), {targets, 3}, ignored.view());
    CHECK(adjoint[i] == doctest::Approx((above - below) / 2e-6).epsilon(1e-6));
  }
  // Large logits do not overflow.
  const double large[]{1e4, -1e4};
  CHECK(lc::cross_entropy(large, 2, 1) == doctest::Approx(2e4));
}
