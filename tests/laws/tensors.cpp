// Views, expressions, broadcasting, reductions, storage types.
#include <lacuna/lacuna.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
}

TEST_CASE("expressions broadcast vectors over tokens and columns over columns") {
  lc::tensor<float, 3, 4> x, y;
  lc::tensor<float, 4> gain;
  lc::tensor<float, 3, 1> scale;
  for (std::size_t i = 0; i < 12; ++i) x[i] = static_cast<float>(i) - 5.5f;
  for (std::size_t i = 0; i < 4; ++i) gain[i] = static_cast<float>(i + 1);
  for (std::size_t i = 0; i < 3; ++i) scale[i] = 0.5f * static_cast<float>(i + 1);
  lc::op::evaluate(y.view(), 2 * x.view() * gain - scale.view() / 4 + 1, lc::reference{});
  for (std::size_t t = 0; t < 3; ++t)
    for (std::size_t c = 0; c < 4; ++c) CHECK(y[4 * t + c] == 2 * x[4 * t + c] * gain[c] - scale[t] / 4 + 1);

  lc::op::evaluate(y.view(), x.view() * lc::inverse_root(lc::row_mean(x.view() * x.view()) + 1e-5f), lc::reference{});
  for (std::size_t t = 0; t < 3; ++t) {
    float mean = 0;
    for (std::size_t c = 0; c < 4; ++c) mean += x[4 * t + c] * x[4 * t + c];
    const float inverse = 1 / std::sqrt(mean / 4 + 1e-5f);
    for (std::size_t c = 0; c < 4; ++c) CHECK(y[4 * t + c] == x[4 * t + c] * inverse);
  }
  lc::op::evaluate(scale.view(), lc::row_maximum(-x.view()), lc::reference{});
  CHECK(scale[0] == 5.5f);
  CHECK(scale[2] == -2.5f);
  lc::op::evaluate(scale.view(), lc::row_sum(x.view()), lc::reference{});
  CHECK(scale[1] == -1.5f - 0.5f + 0.5f + 1.5f);
}

TEST_CASE("operands of one width are one long row; whatever ends with a row is not, and comes to the same") {
  using of_seven = lc::rows<float, 7>;
  const auto one_run = []<lc::extent_t Columns>(lc::rows<float, Columns>, const auto& of) {
    return lc::detail::one_run<std::remove_const_t<decltype(lc::lazy(of))>, Columns>::exists;
  };
  lc::tensor<float, 3, 7> x, z, together, apart;
  lc::tensor<float, 3, 1> column;
  lc::tensor<float, 7> zeros;
  for (std::size_t i = 0; i < 21; ++i) x[i] = static_cast<float>(i) - 9.3f, z[i] = 1 / static_cast<float>(i + 1);
  const auto mixed = lc::map<lc::silu>(x.view()) * z.view() - 2 * z.view();
  CHECK(one_run(of_seven{}, x.view()));
  CHECK(one_run(of_seven{}, mixed));
  CHECK(one_run(column.view(), -column.view()));
  CHECK_FALSE(one_run(of_seven{}, mixed + zeros));
  CHECK_FALSE(one_run(of_seven{}, mixed + column.view()));
  CHECK_FALSE(one_run(of_seven{}, column.view()));
  CHECK_FALSE(one_run(of_seven{}, mixed + lc::row_sum(x.view())));
  // Two of three rows: the third stays as it is.
  together[14] = apart[14] = 77;
  lc::op::evaluate(together.first(2), mixed, lc::reference{});
  lc::op::evaluate(apart.first(2), mixed + zeros, lc::reference{});
  for (std::size_t i = 0; i < 21; ++i) CHECK(together[i] == apart[i]);
  CHECK(together[13] != 0);
  CHECK(together[14] == 77);
  lc::op::evaluate(together.first(0), mixed, lc::reference{});
  CHECK(together[0] == apart[0]);
  for (std::size_t i = 0; i < 3; ++i) column[i] = static_cast<float>(i) + 0.5f;
  lc::op::evaluate(column.first(2), -2 * column.view(), lc::reference{});
  CHECK(column[0] == -1);
  CHECK(column[1] == -3);
  CHECK(column[2] == 2.5f);
}

TEST_CASE("a node is its operands side by side, without holes that would be copied through memory") {
  lc::tensor<float, 3, 4> x;
  const auto leaf = x.view() + x.view();
  static_assert(sizeof(leaf) == 2 * sizeof(x.view()));
  static_assert(sizeof(leaf * leaf) == 2 * sizeof(leaf) && sizeof(-leaf) == sizeof(leaf));
  static_assert(sizeof(lc::row_mean(leaf)) == sizeof(leaf));
  CHECK(lc::Expression<decltype(leaf)>);
  CHECK_FALSE(lc::Expression<decltype(x)>);
  CHECK_FALSE(lc::Expression<float>);
}

TEST_CASE("an expression may read its destination") {
  lc::tensor<double, 2, 3> x;
  for (std::size_t i = 0; i < 6; ++i) x[i] = static_cast<double>(i);
  lc::op::evaluate(x.view(), lc::map<lc::squared_relu>(x.view()) + x.view(), lc::reference{});
  for (std::size_t i = 0; i < 6; ++i) CHECK(x[i] == static_cast<double>(i * i + i));
}

TEST_CASE("sums over tokens accumulate") {
  lc::tensor<float, 5, 3> x;
  lc::tensor<float, 3> sum;
  for (std::size_t i = 0; i < 15; ++i) x[i] = static_cast<float>(i);
  sum[0] = 100;
  lc::op::sum_over_tokens(sum, x.view() * 2, 4, lc::reference{});
  CHECK(sum[0] == 100 + 2 * (0 + 3 + 6 + 9));
  CHECK(sum[2] == 2 * (2 + 5 + 8 + 11));
}

TEST_CASE("expressions are constant expressions") {
  constexpr float value = [] {
    lc::tensor<float, 2, 2> x;
    for (std::size_t i = 0; i < 4; ++i) x[i] = static_cast<float>(i);
    lc::op::evaluate(x.view(), lc::map<lc::relu>(x.view() - 1) * 3, lc::reference{});
    return x[3];
  }();
  static_assert(value == 6);
}

TEST_CASE("bf16 rounds to nearest even") {
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    lc::bfloat16 stored;
    stored.bits = static_cast<std::uint16_t>(high);
    const auto wide = static_cast<float>(stored);
    if (std::isnan(wide)) {
      CHECK(std::isnan(static_cast<float>(lc::bfloat16(wide))));
      continue;
    }
    REQUIRE(lc::bfloat16(wide).bits == stored.bits);
  }
  const auto of = [](std::uint32_t bits) { return lc::bfloat16(__builtin_bit_cast(float, bits)).bits; };
  CHECK(of(0x3f808000u) == 0x3f80u);  // a tie goes to the even neighbour below
  CHECK(of(0x3f818000u) == 0x3f82u);  // and above
  CHECK(of(0x3f808001u) == 0x3f81u);
  CHECK(of(0x7f7fffffu) == 0x7f80u);  // the largest f32 rounds to infinity
}

TEST_CASE("the walk names, zips and counts every tensor") {
  using bound = lc::zoo::stories260k::bound;
  static bound::parameters<lc::weights<float>> one;
  static bound::parameters<lc::gradients<lc::bfloat16>> two;
  std::size_t tensors = 0, elements = 0;
  std::string first, last;
  lc::visit_named([&](const char* path, auto& a, auto& b) {
    static_assert(lc::same<std::remove_reference_t<decltype(b.data[0])>, float>);
    REQUIRE(std::size(a.data) == std::size(b.data));
    ++tensors, elements += std::size(a.data);
    if (first.empty()) first = path;
    last = path;
    if (std::strcmp(path, "blocks.3.attention.key.weight") == 0) CHECK(std::size(a.data) == 32 * 64);
  }, one, two);
  CHECK(tensors == 2 + 5 * 9);
  CHECK(elements == 260'032);
  CHECK(first == "embedding.weight");
  CHECK(last == "final_norm.gain");
}

TEST_CASE("blocks are numbered on through nested containers; equal sublayers get ordinals") {
  using namespace lc;
  using ff = ffn<hidden<3>, relu>;
  using nested = decoder<vocabulary<4>, width<2>, context<4>, pre_norm<rms_norm<>, ff>,
                         stack<repeat<2, stack<pre_norm<rms_norm<>, ff, ff>, pre_norm<rms_norm<>, ff>>>,
                               pre_norm<rms_norm<>, ff>>>;
  static nested::bound::parameters<weights<float>> parameters;
  std::vector<std::string> paths;
  visit_named([&](const char* path, auto&) { paths.emplace_back(path); }, parameters);
  const auto has = [&](const char* path) { return std::find(paths.begin(), paths.end(), path) != paths.end(); };
  for (const char* path : {"blocks.0.ffn.up.weight", "blocks.1.ffn_2.up.weight", "blocks.1.ffn_2_norm.gain",
                           "blocks.2.ffn.down.weight", "blocks.3.ffn.up.weight", "blocks.4.ffn_norm.gain",
                           "blocks.5.ffn.up.weight"})
    CHECK_MESSAGE(has(path), path);
  CHECK(!has("blocks.6.ffn.up.weight"));
  CHECK(nested::bound::body::layers == 6);
}
