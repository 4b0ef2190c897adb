// Sources of keys and values on the SIMD backend against the reference: logits and gradients of a model that has all.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t tokens = std::size(recipes::stream);

struct result {
  std::vector<double> logits, gradients;
};
template <class Backend>
result learn(bool after_another) {
  using model_type = lc::model<recipes::sources, lc::training, Backend>;
  auto model = std::make_unique<model_type>();
  if (after_another) {  // a stream that is no number leaves nothing behind
    for (auto& of : model->parameters_to_write().embedding.weight.data) of = std::numeric_limits<float>::quiet_NaN();
    model->update();
    REQUIRE(model->try_forward_to_learn({recipes::stream, tokens}).ok());
    for (auto& of : model->parameters_to_write().embedding.weight.data) of = 0;
  }
  recipes::randomise(*model, 71, 0.4);
  std::vector<float> adjoint(tokens * model_type::vocabulary);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
  const auto logits = *model->try_forward_to_learn({recipes::stream, tokens});
  result all;
  all.logits.assign(logits.data, logits.data + adjoint.size());
  REQUIRE(model->try_backward({recipes::stream, tokens}, {adjoint.data(), tokens}).ok());
  lc::visit_tensors([&](auto& of) { all.gradients.insert(all.gradients.end(), of.data, of.data + of.size); },
                    model->gradients_to_write());
  return all;
}
/// The largest difference, relative to the largest number.
double apart(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::isnan(a[i] - b[i]) ? HUGE_VAL : std::max(most, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return most / largest;
}

/// Rows mixed on a backend, forward and backward; adjoints and gradients start from something.
template <lc::extent_t Columns, lc::extent_t Mixed, class Backend>
std::vector<double> mix(lc::extent_t count) {
  std::uint64_t drawn = 0;
  const auto draw = [&](std::size_t size) {
    std::vector<float> all(size);
    for (float& of : all) of = static_cast<float>(lc::random_normal(73, Columns, drawn++));
    return all;
  };
  std::vector<float> x = draw(count * Columns), share = draw(count * Mixed), y = draw(Mixed * Columns + 1),
                     dy = draw(Mixed * Columns), dx = draw(count * Columns + 1), dshare = draw(count * Mixed + 1);
  const lc::rows<const float, Mixed> shares(share.data(), count);
  const lc::rows<float, Columns> rows(x.data(), count);
  const auto ran = lc::op::mix_rows(lc::rows<float, Columns>(y.data(), Mixed), rows, shares, Backend{});
  const auto ran_back = lc::op::mix_rows_backward(lc::rows<float, Columns>(dx.data(), count),
                                                  lc::rows<float, Mixed>(dshare.data(), count),
                                                  lc::rows<float, Columns>(dy.data(), Mixed), rows, shares, Backend{});
  static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
  static_assert(lc::same<decltype(ran_back), const lc::ran_on<Backend>>);
  std::vector<double> all(y.begin(), y.end());
  all.insert(all.end(), dx.begin(), dx.end());
  all.insert(all.end(), dshare.begin(), dshare.end());
  return all;
}
template <lc::extent_t Columns, lc::extent_t Mixed>
void check_mixing() {
  for (lc::extent_t count = 0; count <= 40; ++count)
    REQUIRE(apart(mix<Columns, Mixed, lc::simd>(count), mix<Columns, Mixed, lc::reference>(count)) < 1e-5);
}

/// A stream of keys and its atoms, cut into pieces, on a backend: the cache in which they are.
template <class Partition, lc::extent_t HeadWidth, class Backend>
std::vector<double> summaries(lc::extent_t piece) {
  constexpr lc::extent_t context = 100, heads = 2, columns = heads * HeadWidth, blocks = 12, first_atom = 112;
  using address = lc::linear_cache::address;
  using sight = typename lc::summarised<Partition>::template sight<lc::causal, context>;
  static lc::tensor<float, blocks, heads, HeadWidth, lc::block_keys> keys, values;
  static lc::tensor<float, context, columns> query, key, value;
  static lc::tensor<float, Partition::levels(context), columns> largest;
  for (auto& of : keys.data) of = std::numeric_limits<float>::quiet_NaN();  // left by another stream
  values = keys;
  for (lc::extent_t i = 0; i < context * columns; ++i) {
    query[i] = static_cast<float>(lc::random_normal(79, 0, i)),
    key[i] = static_cast<float>(lc::random_normal(79, 1, i));
    value[i] = static_cast<float>(lc::random_normal(79, 2, i));
  }
  const lc::cache_view<float, heads, HeadWidth, address> cache{keys.data, values.data, {}};
  const lc::summary_rule<Partition, context, float> rule{first_atom, 0.5f};
  for (lc::extent_t first = 0; first < context; first += piece) {
    const lc::extent_t count = std::min(piece, context - first);
    const auto rows = [&](auto& of) { return of.first(first + count).slice(first, count); };
    lc::op::append(cache, rows(key), rows(value), first, Backend{});
    const auto ran = lc::op::summarise(cache, largest.view(), rows(query), first, rule, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
  }
  std::vector<double> all;
  for (lc::extent_t atom = first_atom; atom < first_atom + sight::atoms; ++atom)
    for (lc::extent_t h = 0; h < heads; ++h)
      for (lc::extent_t d = 0; d < HeadWidth; ++d) {
        all.push_back(cache.key_block(atom / lc::block_keys, h)[d * lc::block_keys + atom % lc::block_keys]);
        all.push_back(cache.value_block(atom / lc::block_keys, h)[cache.value_at(atom % lc::block_keys, d)]);
      }
  return all;
}
template <class Partition, lc::extent_t HeadWidth>
void check_summaries() {
  const auto expected = summaries<Partition, HeadWidth, lc::reference>(100),
             found = summaries<Partition, HeadWidth, lc::simd>(100);
  REQUIRE(!expected.empty());
  CHECK(apart(found, expected) < 1e-5);
  CHECK((summaries<Partition, HeadWidth, lc::simd>(7) == found));
  CHECK((summaries<Partition, HeadWidth, lc::simd>(1) == found));
}

/// Adjoints of the keys, values and queries of a stream's first tokens, from those of its atoms, on a backend. Numbers
/// come from a coarse grid where several are to be largest; `broken` is a token whose key is no number.
template <class Partition, lc::extent_t HeadWidth, class Backend>
std::vector<double> summary_adjoints(lc::extent_t tokens_of, bool coarse, lc::extent_t broken) {
  constexpr lc::extent_t context = 100, heads = 2, columns = heads * HeadWidth, blocks = 12, first_atom = 112;
  using address = lc::linear_cache::address;
  static lc::tensor<float, blocks, heads, HeadWidth, lc::block_keys> keys, values, dkeys, dvalues;
  static lc::tensor<float, context, columns> query, key, value, dquery;
  static lc::tensor<float, Partition::levels(context), columns> largest;
  keys = {}, values = {};
  std::uint64_t drawn = 0;
  const auto draw = [&](auto& all, float grid) {
    for (float& of : all.data) {
      of = static_cast<float>(lc::random_normal(81, HeadWidth, drawn++));
      if (grid > 0) of = grid * std::round(of / grid);
    }
  };
  draw(query, coarse ? 0.5f : 0.0f), draw(key, coarse ? 0.5f : 0.0f), draw(value, 0);
  draw(dkeys, 0), draw(dvalues, 0), draw(dquery, 0);
  if (broken < tokens_of) key[broken * columns + columns - 1] = std::numeric_limits<float>::quiet_NaN();
  const lc::cache_view<float, heads, HeadWidth, address> cache{keys.data, values.data, {}};
  const lc::summary_rule<Partition, context, float> rule{first_atom, 0.5f};
  lc::op::append(cache, key.first(tokens_of), value.first(tokens_of), 0, lc::reference{});
  lc::op::summarise(cache, largest.view(), query.first(tokens_of), 0, rule, lc::reference{});
  const auto ran = lc::op::summarise_backward(
      lc::cache_view<float, heads, HeadWidth, address>{dkeys.data, dvalues.data, {}}, dquery.first(tokens_of),
      readable(cache), query.first(tokens_of), rule, Backend{});
  static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
  std::vector<double> all(dkeys.data, dkeys.data + dkeys.size);
  all.insert(all.end(), dvalues.data, dvalues.data + dvalues.size);
  all.insert(all.end(), dquery.data, dquery.data + dquery.size);
  return all;
}
template <class Partition, lc::extent_t HeadWidth>
void check_summary_adjoints() {
  const auto both = [](lc::extent_t count, bool coarse, lc::extent_t broken) {
    return std::pair{summary_adjoints<Partition, HeadWidth, lc::reference>(count, coarse, broken),
                     summary_adjoints<Partition, HeadWidth, lc::simd>(count, coarse, broken)};
  };
  for (lc::extent_t count = 0; count <= 100; count += count < 40 ? 1 : 15) {
    const auto [expected, found] = both(count, count % 2 == 1, count);
    REQUIRE(apart(found, expected) < 1e-5);
  }
  // What is no number reaches what the reference says, and nothing else.
  auto [expected, found] = both(90, false, 37);
  lc::extent_t broken = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(std::isnan(expected[i]) == std::isnan(found[i]));
    if (std::isnan(expected[i])) expected[i] = found[i] = 0, ++broken;
  }
  CHECK(broken > 0);
  CHECK(apart(found, expected) < 1e-5);
}

}  // namespace

TEST_CASE("spans summarised on simd, however the stream is cut") {
  check_summaries<lc::segments<5>, 4>();
  check_summaries<lc::segments<40>, 20>();
  check_summaries<lc::doubling_blocks, 16>();
  check_summaries<lc::doubling_blocks, 1>();
}

TEST_CASE("adjoints of spans on simd, all lengths of streams") {
  check_summary_adjoints<lc::segments<5>, 4>();
  check_summary_adjoints<lc::segments<40>, 20>();
  check_summary_adjoints<lc::doubling_blocks, 16>();
  check_summary_adjoints<lc::doubling_blocks, 1>();
  check_summary_adjoints<lc::segments<3>, 33>();
}

TEST_CASE("rows mixed on simd, all lengths") {
  check_mixing<1, 1>();
  check_mixing<5, 17>();
  check_mixing<16, 8>();
  check_mixing<64, 3>();
  check_mixing<37, 33>();
}

TEST_CASE("sources on simd: logits and gradients of the reference, whatever came before") {
  const auto expected = learn<lc::reference>(false), found = learn<lc::simd>(false), again = learn<lc::simd>(true);
  REQUIRE(found.gradients.size() == expected.gradients.size());
  CHECK(apart(found.logits, expected.logits) < 1e-5);
  CHECK(apart(found.gradients, expected.gradients) < 1e-4);
  CHECK((again.logits == found.logits));
  CHECK((again.gradients == found.gradients));
}
#endif
