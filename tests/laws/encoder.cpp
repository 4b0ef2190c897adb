// Several sequences in one pass: each is what it would be alone, whatever stands beside it. Encoders and prompts.
#include "support/compiled_tiles.hpp"
#include "support/minilm.hpp"
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include "support/data.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/io.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <string>

namespace {
namespace lc = lacuna;

constexpr std::uint32_t lengths[]{17, 1, 5, 24, 8};
constexpr lc::extent_t total = 55;
std::vector<std::uint32_t> stream() {
  std::vector<std::uint32_t> tokens(total);
  for (lc::extent_t t = 0; t < total; ++t)
    tokens[t] = static_cast<std::uint32_t>(lc::random_bits(3, 0, t).word[0] % 11);
  return tokens;
}

/// Attention with grouped heads and a feed-forward.
template <class Norms, class... Parts>
using block = typename Norms::template of<lc::attention<lc::heads<2>, Parts...>, lc::ffn<lc::hidden<12>, lc::gelu>>;
struct before {
  template <class... Sublayers>
  using of = lc::pre_norm<lc::rms_norm<>, Sublayers...>;
};
struct after {
  template <class... Sublayers>
  using of = lc::post_norm<lc::layer_norm<>, Sublayers...>;
};
template <class... Parts>
using small_decoder = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<64>, Parts...>;
template <class... Parts>
using small_encoder = lc::encoder<lc::vocabulary<11>, lc::width<16>, lc::context<64>, Parts...>;

/// Logits of the last token of each sequence: all at once, and one after the other.
template <class Recipe, class... Options>
void prompts_are_as_if_alone(double tolerance) {
  using sequences = lc::sequences<6>;
  auto packed = std::make_unique<lc::model<lc::packed<Recipe, sequences>, Options...>>();
  auto alone = std::make_unique<lc::model<Recipe, Options...>>();
  recipes::randomise(*packed, 5, 0.4), recipes::randomise(*alone, 5, 0.4);
  const auto tokens = stream();
  lc::extent_t calls = 0, from = 0;
  double worst = 0;
  const auto compare = [&](lc::extent_t sequence, const auto& logits) {
    REQUIRE(sequence == calls++);
    alone->reset();
    const auto expected = *alone->try_forward({tokens.data() + from, lengths[sequence]});
    from += lengths[sequence];
    for (lc::extent_t c = 0; c < 11; ++c) worst = worse(worst, std::fabs(logits(0, c) - expected(0, c)));
  };
  REQUIRE(packed->try_forward_sequences({tokens.data(), total}, {lengths, 5}, compare).ok());
  CHECK(calls == 5);
  CHECK(from == total);
  CHECK(worst <= tolerance);
  // Once more, with others: nothing of the first remains.
  calls = from = 0, worst = 0;
  packed->reset();
  REQUIRE(packed->try_forward_sequences({tokens.data(), 18}, {lengths, 2}, compare).ok());
  CHECK(calls == 2);
  CHECK(worst <= tolerance);
}

/// The same for the rows of an encoder, and of one that takes a sequence at a time, in which nothing is wrapped.
template <class Recipe, class... Options>
void sentences_are_as_if_alone(double tolerance) {
  auto packed = std::make_unique<lc::model<Recipe, Options...>>();
  auto single =
      std::make_unique<lc::model<lc::substitute<Recipe, lc::slots::sequences, lc::sequences<1>>, Options...>>();
  recipes::randomise(*packed, 5, 0.4), recipes::randomise(*single, 5, 0.4);
  const auto tokens = stream();
  const auto rows = packed->try_encode({tokens.data(), total}, {lengths, 5}).take();
  REQUIRE(rows.count == 5);
  std::vector<double> together(rows.data, rows.data + 5 * rows.columns);
  lc::extent_t from = 0;
  double worst = 0;
  for (lc::extent_t s = 0; s < 5; ++s) {
    const auto alone = single->try_encode({tokens.data() + from, lengths[s]}).take();
    REQUIRE(alone.count == 1);
    for (lc::extent_t c = 0; c < alone.columns; ++c)
      worst = worse(worst, std::fabs(together[s * alone.columns + c] - static_cast<double>(alone(0, c))));
    from += lengths[s];
  }
  CHECK(worst <= tolerance);
}

/// Gradients of all sequences at once, and the sum of what each gives alone.
template <class Recipe>
void gradients_are_as_if_alone() {
  using sequences = lc::sequences<6>;
  auto packed = std::make_unique<lc::model<lc::packed<Recipe, sequences>, lc::f64, lc::training>>();
  auto alone = std::make_unique<lc::model<Recipe, lc::f64, lc::training>>();
  recipes::randomise(*packed, 5, 0.4), recipes::randomise(*alone, 5, 0.4);
  const auto tokens = stream();
  std::vector<double> adjoint(total * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = lc::random_normal(6, 0, i);
  REQUIRE(packed->try_assign(lc::sequence_lengths{lengths, 5}).ok());
  REQUIRE(packed->try_forward_to_learn({tokens.data(), total}).ok());
  packed->clear_gradients(), alone->clear_gradients();
  REQUIRE(packed->try_backward({tokens.data(), total}, {adjoint.data(), total}).ok());
  lc::extent_t from = 0;
  for (const auto length : lengths) {
    REQUIRE(alone->try_forward_to_learn({tokens.data() + from, length}).ok());
    REQUIRE(alone->try_backward({tokens.data() + from, length}, {adjoint.data() + 11 * from, length}).ok());
    from += length;
  }
  lc::visit_named(
      [](const char* path, auto& together, auto& apart) {
        double largest = 0, worst = 0;
        for (std::size_t i = 0; i < std::size(together.data); ++i) {
          largest = std::max(largest, std::fabs(apart.data[i]));
          worst = worse(worst, std::fabs(together.data[i] - apart.data[i]));
        }
        INFO(path);
        CHECK(largest > 0);
        CHECK(worst <= 1e-12 * largest);
      },
      packed->gradients_to_write(), alone->gradients_to_write());
}

template <class Refused>
std::string why(const Refused& refused) {
  REQUIRE(!refused.ok());
  return refused.why().message.c_str();
}

using rotary = small_decoder<block<before, lc::causal, lc::rope<>, lc::kv_heads<1>>>;
using absolute = small_decoder<lc::learned_position, block<before, lc::both<lc::causal, lc::window<6>>>>;
using waves = small_decoder<lc::sinusoidal<>, block<before, lc::causal, lc::alibi>, block<before, lc::full>>;
using in_pages = small_decoder<block<before, lc::causal, lc::rope<>, lc::shared_query_key<>, lc::paged_cache<64>,
                                     lc::softmax1, lc::sigmoid_gate<>>>;
template <class Pooling>
using sentences = small_encoder<lc::learned_position, lc::token_types<2>, lc::embedding_norm<lc::layer_norm<>>,
                                lc::repeat<2, block<after, lc::full, lc::bias>>, lc::sequences<5>, Pooling>;

}  // namespace

TEST_CASE("prompts in one pass are as if alone") {
  prompts_are_as_if_alone<rotary>(1e-5);
  prompts_are_as_if_alone<rotary, lc::f64>(1e-13);
  prompts_are_as_if_alone<rotary, lc::simd, lc::chunk<7>>(1e-5);
  prompts_are_as_if_alone<absolute, lc::f64>(1e-13);
  prompts_are_as_if_alone<absolute, lc::simd>(1e-5);
  prompts_are_as_if_alone<waves, lc::simd, lc::chunk<64>>(1e-5);
  prompts_are_as_if_alone<in_pages, lc::f64>(1e-13);
}
TEST_CASE("gradients of prompts in one pass are those of each alone") {
  gradients_are_as_if_alone<rotary>();
  gradients_are_as_if_alone<absolute>();
}
TEST_CASE("sentences in one pass are as if alone") {
  sentences_are_as_if_alone<sentences<lc::mean_pooling>, lc::f64>(1e-13);
  sentences_are_as_if_alone<sentences<lc::first_token>, lc::simd>(1e-5);
  sentences_are_as_if_alone<sentences<lc::sequence_pooling>, lc::simd>(1e-5);
}
TEST_CASE("a packed recipe has the parameters of the recipe, under the same paths") {
  static_assert(lc::same_tensors<lc::packed<rotary, lc::sequences<6>>, rotary>);
  static_assert(lc::same_tensors<lc::packed<absolute, lc::sequences<6>>, absolute>);
  CHECK(lc::parameter_count<sentences<lc::mean_pooling>> ==
        11 * 16 + 64 * 16 + 2 * 16 + 2 * 16 + 2 * (4 * (16 * 16 + 16) + 2 * 16 * 12 + 4 * 16));
}

TEST_CASE("poolings: a mean, a first row, and a mean again where nothing was learned") {
  auto mean = std::make_unique<lc::model<sentences<lc::mean_pooling>, lc::f64>>();
  auto first = std::make_unique<lc::model<sentences<lc::first_token>, lc::f64>>();
  auto learned = std::make_unique<lc::model<sentences<lc::sequence_pooling>, lc::f64>>();
  recipes::randomise(*mean, 5, 0.4), recipes::randomise(*first, 5, 0.4), recipes::randomise(*learned, 5, 0.4);
  const auto tokens = stream();
  const auto whole = mean->try_encode({tokens.data(), 20}).take();
  for (double& of : learned->parameters_to_write().pooling_part.weight.data) of = 0;
  const auto level = learned->try_encode({tokens.data(), 20}).take();
  for (lc::extent_t c = 0; c < 16; ++c) CHECK(std::fabs(whole(0, c) - level(0, c)) <= 1e-13);
  // The first of one token is the mean of it.
  const auto one = first->try_encode({tokens.data(), 1}).take();
  const auto alone = mean->try_encode({tokens.data(), 1}).take();
  for (lc::extent_t c = 0; c < 16; ++c) CHECK(one(0, c) == alone(0, c));
}

TEST_CASE("kinds of tokens count, and are forgotten where none are given") {
  auto model = std::make_unique<lc::model<sentences<lc::mean_pooling>, lc::f64>>();
  recipes::randomise(*model, 5, 0.4);
  const auto tokens = stream();
  const auto copy = [](const auto& rows) { return std::vector<double>(rows.data, rows.data + rows.columns); };
  const auto plain = copy(model->try_encode({tokens.data(), 4}).take());
  const std::uint32_t kinds[]{0, 0, 1, 1}, same[]{0, 0, 0, 0};
  REQUIRE(model->try_assign(lc::token_type_view{kinds, 4}).ok());
  CHECK(copy(model->try_encode({tokens.data(), 4}).take()) != plain);
  CHECK(why(model->try_encode({tokens.data(), 3})) ==
        "lacuna::forward: expected 4 tokens, those of the token_type_view that was assigned, found 3 (assign the kinds "
        "of these tokens, or none)");
  REQUIRE(model->try_assign(lc::token_type_view{same, 4}).ok());
  CHECK(copy(model->try_encode({tokens.data(), 4}).take()) == plain);
  REQUIRE(model->try_assign(lc::token_type_view{}).ok());
  CHECK(copy(model->try_encode({tokens.data(), 4}, {}, {kinds, 4}).take()) != plain);
  CHECK(copy(model->try_encode({tokens.data(), 4}).take()) == plain);
  const std::uint32_t third[]{0, 2};
  CHECK(why(model->try_assign(lc::token_type_view{third, 2})) ==
        "lacuna::token_types: token 1: expected a kind below 2, found 2 (number the kinds from 0)");
}

TEST_CASE("sequences that do not fit are refused, and nothing changes") {
  auto model = std::make_unique<lc::model<sentences<lc::mean_pooling>>>();
  const auto tokens = stream();
  const std::uint32_t six[]{1, 1, 1, 1, 1, 1}, empty[]{3, 0}, long_ones[]{40, 25};
  CHECK(why(model->try_encode({tokens.data(), 6}, {six, 6})) ==
        "lacuna::sequences: expected at most 5, found 6 (take them in several passes, or give the recipe more: "
        "sequences<N>)");
  CHECK(why(model->try_encode({tokens.data(), 3}, {empty, 2})) ==
        "lacuna::sequences: sequence 1: expected at least one token, found none (leave it out)");
  CHECK(
      why(model->try_assign(lc::sequence_lengths{long_ones, 2})) ==
      "lacuna::sequences: expected at most 64 tokens in all (the context), found 65 (take them in several passes: see "
      "pack_sequences)");
  CHECK(why(model->try_encode({tokens.data(), 54}, {lengths, 5})) ==
        "lacuna::sequences: expected as many tokens as the lengths say, 55, found 54 (give the tokens of all sequences "
        "at once)");
  const std::uint32_t strange[]{1, 11};
  CHECK(why(model->try_encode({strange, 2})) ==
        "lacuna::forward: token 1: expected a number below 11, found 11 (encode with the model's own tokenizer)");
  CHECK(why(model->try_encode({strange, 0})).substr(0, 38) == "lacuna::forward: expected at least one");
  // After all that: whole texts are one sequence still.
  const auto before = model->try_encode({tokens.data(), 20}).take();
  CHECK(before.count == 1);
  const std::vector<float> row(before.data, before.data + before.columns);
  CHECK(!model->try_encode({strange, 2}, {six, 2}).ok());
  CHECK(!model->try_encode({tokens.data(), 19}, {lengths, 2}).ok());
  const auto after = model->try_forward({tokens.data(), 20}).take();
  CHECK(std::vector<float>(after.data, after.data + after.columns) == row);
  auto prompts = std::make_unique<lc::model<lc::packed<rotary, lc::sequences<2>>>>();
  CHECK(why(prompts->try_forward_sequences({tokens.data(), 0}, {}, [](lc::extent_t, const auto&) {})) ==
        "lacuna::sequences: expected at least one sequence, found none");
}

TEST_CASE("sequences belong to the stream that they came with") {
  auto packed = std::make_unique<lc::model<lc::packed<rotary, lc::sequences<6>>, lc::f64, lc::training>>();
  auto alone = std::make_unique<lc::model<rotary, lc::f64, lc::training>>();
  recipes::randomise(*packed, 5, 0.4), recipes::randomise(*alone, 5, 0.4);
  const auto tokens = stream();
  const auto nothing = [](lc::extent_t, const auto&) {};
  const auto same = [](const auto& a, const auto& b) {
    double worst = 0;
    for (lc::extent_t i = 0; i < a.count * a.columns; ++i) worst = worse(worst, std::fabs(a.data[i] - b.data[i]));
    return a.count == b.count && worst <= 1e-13;
  };
  // What follows belongs to the last one.
  REQUIRE(packed->try_forward_sequences({tokens.data(), 23}, {lengths, 3}, nothing).ok());
  CHECK(why(packed->try_forward_sequences({tokens.data(), 18}, {lengths, 2}, nothing)) ==
        "lacuna::sequences: expected an empty stream, found it at position 23 (reset() it)");
  const auto next = packed->try_forward({tokens.data() + 23, 2}).take();
  CHECK(same(next, alone->try_forward({tokens.data() + 18, 7}).take()));
  // Another stream knows nothing of them.
  packed->reset(), alone->reset();
  const auto one = packed->try_forward({tokens.data(), 30}).take();
  CHECK(same(one, alone->try_forward({tokens.data(), 30}).take()));
  packed->reset();
  REQUIRE(packed->try_forward_sequences({tokens.data(), 23}, {lengths, 3}, nothing).ok());
  CHECK(same(packed->try_forward_to_learn({tokens.data(), 30}).take(),
             alone->try_forward_to_learn({tokens.data(), 30}).take()));
  // Unless they were assigned: those hold until the next ones.
  REQUIRE(packed->try_assign(lc::sequence_lengths{lengths, 2}).ok());
  alone->reset();
  const auto last = packed->try_forward({tokens.data(), 30}).take();
  CHECK(same(last, alone->try_forward({tokens.data() + 17, 13}).take()));
  packed->reset();
  CHECK(same(packed->try_forward({tokens.data(), 30}).take(), last));
}

TEST_CASE("a sequence without numbers leaves its neighbours alone") {
  auto model = std::make_unique<lc::model<sentences<lc::mean_pooling>, lc::simd>>();
  recipes::randomise(*model, 5, 0.4);
  auto tokens = stream();
  for (auto& token : tokens) token %= 10;
  const auto rows = model->try_encode({tokens.data(), total}, {lengths, 5}).take();
  const std::vector<float> clean(rows.data, rows.data + 5 * rows.columns);
  for (lc::extent_t c = 0; c < 16; ++c) model->parameters_to_write().embedding.weight[10 * 16 + c] = NAN;
  tokens[17] = 10;  // the only token of the second
  const auto others = model->try_encode({tokens.data(), total}, {lengths, 5}).take();
  for (lc::extent_t s = 0; s < 5; ++s)
    for (lc::extent_t c = 0; c < others.columns; ++c) {
      if (s == 1) CHECK(std::isnan(others(s, c)));
      if (s != 1) CHECK(others(s, c) == doctest::Approx(clean[s * others.columns + c]).epsilon(2e-6).scale(1));
    }
}

TEST_CASE("sequences are put together into few passes, each within its limits") {
  std::uint32_t many[100], passes[100], room[200];
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < 100; ++i) sum += many[i] = 1 + lc::random_bits(9, 1, i).word[0] % 60;
  const auto count = lc::try_pack_sequences({many, 100}, 64, 4, passes, room).take();
  std::uint32_t tokens[100]{}, held[100]{};
  for (int i = 0; i < 100; ++i) tokens[passes[i]] += many[i], ++held[passes[i]];
  for (lc::extent_t pass = 0; pass < 100; ++pass) {
    CHECK((tokens[pass] > 0) == (pass < count));
    CHECK(tokens[pass] <= 64);
    CHECK(held[pass] <= 4);
  }
  const std::uint64_t least = (sum + 63) / 64;
  CHECK(count >= least);
  CHECK(9 * count <= 11 * least + 9);
  CHECK(lc::try_pack_sequences({many, 100}, 64, 1, passes, room).take() == 100);
  CHECK(lc::try_pack_sequences({many, 0}, 64, 4, passes, room).take() == 0);
  const std::uint32_t wrong[]{3, 65};
  CHECK(why(lc::try_pack_sequences({wrong, 2}, 64, 4, passes, room)) ==
        "lacuna::pack_sequences: sequence 1: expected 1 to 64 tokens, found 65 (cut it, or give the recipe a longer "
        "context)");
}

// Thousands of tokens through 22 million weights: without optimisation that takes many minutes.
#if defined(__OPTIMIZE__)
TEST_CASE("a model of sentences agrees with ONNX Runtime on 200 of them, alone and in full passes") {
  const std::string file = minilm_data("model.safetensors");
  if (file.empty()) return;
  auto model = std::make_unique<lc::model<lc::zoo::minilm, lc::simd>>();
  static_assert(lc::parameter_count<lc::zoo::minilm> == 22'565'376);
  const auto opened = lc::try_open_bert(file).take();
  REQUIRE(lc::try_load_into(*model, opened).ok());
  const auto ids = minilm::ids();
  const auto expected = minilm::embeddings();
  REQUIRE(ids.size() == minilm::count);
  REQUIRE(expected.size() == minilm::count * minilm::width);
  double worst = 1;
  const auto compare = [&](std::size_t sentence, const float* row) {
    double product = 0, found = 0, other = 0;
    for (std::size_t c = 0; c < minilm::width; ++c) {
      const double a = static_cast<double>(row[c]), b = static_cast<double>(expected[sentence * minilm::width + c]);
      product += a * b, found += a * a, other += b * b;
    }
    const double cosine = product / std::sqrt(found * other);
    worst = cosine >= worst ? worst : cosine;  // also where it is no number
  };
  std::vector<std::uint32_t> sizes, passes(minilm::count), room(2 * minilm::count);
  std::vector<std::vector<float>> alone;  // of every tenth
  double apart = 0;                       // largest difference between packed and alone
  for (std::size_t i = 0; i < minilm::count; ++i) {
    sizes.push_back(static_cast<std::uint32_t>(ids[i].size()));
    if (i % 10 != 0) continue;
    const float* const row = model->try_encode({ids[i].data(), ids[i].size()}).take().data;
    compare(i, row);
    alone.emplace_back(row, row + minilm::width);
  }
  const auto count = lc::try_pack_sequences({sizes.data(), sizes.size()}, 512, 32, passes.data(), room.data()).take();
  for (std::size_t pass = 0; pass < count; ++pass) {
    std::vector<std::uint32_t> tokens, here;
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < minilm::count; ++i) {
      if (passes[i] != pass) continue;
      tokens.insert(tokens.end(), ids[i].begin(), ids[i].end());
      here.push_back(sizes[i]), which.push_back(i);
    }
    const auto rows = model->try_encode({tokens.data(), tokens.size()}, {here.data(), here.size()}).take();
    REQUIRE(rows.count == which.size());
    for (std::size_t r = 0; r < which.size(); ++r) {
      compare(which[r], rows.data + r * minilm::width);
      if (which[r] % 10 != 0) continue;
      for (lc::extent_t c = 0; c < minilm::width; ++c)
        apart = worse(apart, std::fabs(static_cast<double>(rows(r, c)) - static_cast<double>(alone[which[r] / 10][c])));
    }
  }
  INFO("worst cosine: 1 - " << 1 - worst);
  CHECK(1 - worst <= 1e-6);
  CHECK(apart <= 1e-5);
  MESSAGE("all-MiniLM-L6-v2, full passes and alone: largest difference " << apart);
}

TEST_CASE("a model of sentences gives each of a pass of mixed lengths what it gives it alone, in any order") {
  const std::string file = minilm_data("model.safetensors");
  if (file.empty()) return;
  auto model = std::make_unique<lc::model<lc::zoo::minilm, lc::simd>>();
  REQUIRE(lc::try_load_into(*model, lc::try_open_bert(file).take()).ok());
  const auto ids = minilm::ids();
  REQUIRE(ids.size() == minilm::count);
  // The longest sentence whole, and beginnings of all that follow one another, from one token on.
  std::vector<std::uint32_t> all;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < minilm::count; ++i) {
    all.insert(all.end(), ids[i].begin(), ids[i].end());
    if (ids[i].size() > ids[longest].size()) longest = i;
  }
  std::vector<std::vector<std::uint32_t>> texts;
  for (const std::ptrdiff_t length : {1, 2, 0, 17, 1, 8})
    texts.push_back(length == 0 ? ids[longest] : std::vector<std::uint32_t>(all.begin(), all.begin() + length));
  REQUIRE(texts[2].size() > 128);
  std::vector<std::vector<float>> alone;
  double largest = 0;
  for (const auto& text : texts) {
    const auto row = model->try_encode({text.data(), text.size()}).take();
    REQUIRE(row.count == 1);
    alone.emplace_back(row.data, row.data + minilm::width);
    for (const float of : alone.back()) largest = worse(largest, std::fabs(static_cast<double>(of)));
  }
  double worst = 0;
  for (const bool reversed : {false, true}) {
    std::vector<std::uint32_t> tokens, sizes;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < texts.size(); ++i) order.push_back(reversed ? texts.size() - 1 - i : i);
    for (const std::size_t i : order) {
      tokens.insert(tokens.end(), texts[i].begin(), texts[i].end());
      sizes.push_back(static_cast<std::uint32_t>(texts[i].size()));
    }
    const auto rows = model->try_encode({tokens.data(), tokens.size()}, {sizes.data(), sizes.size()}).take();
    REQUIRE(rows.count == texts.size());
    for (std::size_t r = 0; r < order.size(); ++r)
      for (lc::extent_t c = 0; c < minilm::width; ++c)
        worst = worse(worst, std::fabs(static_cast<double>(rows(r, c)) - static_cast<double>(alone[order[r]][c])));
  }
  CHECK(largest > 0.5);  // so that the bound below says something
  CHECK(worst <= 1e-5);
  MESSAGE("all-MiniLM-L6-v2, packed and alone: largest difference " << worst << ", largest number " << largest);
}
#endif
