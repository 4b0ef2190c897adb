// Keys and values that are not tokens: mixed rows, learned ones, summarised spans. Identities, what rows see, streams,
// counts, independent implementations (tests/reference/attention).
#include "support/reference_cases.hpp"

#include <bit>
#include <limits>

namespace {
namespace lc = lacuna;
using namespace reference_cases;

template <class Recipe, lc::extent_t Width, lc::extent_t Context, class Numerics = lc::f64>
struct random_layer : lone_attention<Recipe, Width, Context, Numerics> {
  using base = lone_attention<Recipe, Width, Context, Numerics>;
  using element = typename base::value;

  explicit random_layer(double spread = 0.5) {
    std::uint64_t drawn = 0;
    lc::visit_tensors(
        [&](auto& weight) {
          for (auto& of : weight.data) of = static_cast<element>(spread * lc::random_normal(9, 0, drawn++));
        },
        this->parameters);
    for (lc::extent_t i = 0; i < Width * Context; ++i) this->x[i] = static_cast<element>(lc::random_normal(9, 1, i));
  }
  void fill_row(lc::extent_t t, double number) {
    for (lc::extent_t c = 0; c < Width; ++c) this->x[t * Width + c] = static_cast<element>(number);
  }
};
/// The largest difference of the first `count` numbers; infinite where one is none.
template <class Tensor>
double apart(const Tensor& a, const Tensor& b, lc::extent_t count = Tensor::size) {
  double most = 0;
  for (lc::extent_t i = 0; i < count; ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = std::isnan(difference) ? HUGE_VAL : std::max(most, difference);
  }
  return most;
}
/// Copies the parameters that two layers have both.
template <class From, class To>
void copy_projections(const From& from, To& to) {
  to.query = from.query, to.key = from.key, to.value = from.value, to.output = from.output;
}

template <class... Policies>
using two_heads = lc::attention<lc::heads<2>, Policies...>;
constexpr lc::extent_t width = 16, context = 40;

/// Under causal routes: cut anywhere, a stream gives the bits of the whole, also after another one that was no number;
/// what comes later changes nothing before.
template <class Source, class... Policies>
void check_streams() {
  using layer_type = random_layer<two_heads<Source, Policies...>, width, context>;
  auto whole = std::make_unique<layer_type>(), cut = std::make_unique<layer_type>();
  whole->forward(0, context);
  auto clean = cut->x;
  for (auto& of : cut->x.data) of = std::numeric_limits<double>::quiet_NaN();
  cut->forward(0, context);
  cut->x = clean;
  for (lc::extent_t first = 0; first < context;) {
    const lc::extent_t count = std::min<lc::extent_t>(context - first, 1 + first % 9);
    cut->forward(first, count);
    first += count;
  }
  REQUIRE(apart(whole->y, cut->y) == 0);
  const auto before = whole->y;
  for (const lc::extent_t changed : {39u, 31u, 20u}) {
    whole->fill_row(changed, std::numeric_limits<double>::quiet_NaN());
    whole->forward(0, context);
    REQUIRE(apart(whole->y, before, changed * width) == 0);
    REQUIRE(std::isnan(whole->y[changed * width]));
  }
}

/// What a watched model counts for a stream in pieces, and the formula.
template <class... Policies>
void check_count(lc::extent_t piece = context) {
  using recipe = lc::decoder<lc::vocabulary<11>, lc::width<width>, lc::context<context>,
                             lc::pre_norm<lc::rms_norm<>, two_heads<Policies...>>>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<context>>>();
  std::uint32_t tokens[context];
  for (lc::extent_t t = 0; t < context; ++t) tokens[t] = static_cast<std::uint32_t>(t * 7 % 11);
  for (lc::extent_t first = 0; first < context; first += piece) {
    const lc::extent_t count = std::min(piece, context - first);
    lc::work_counter counter;
    REQUIRE(model
                ->try_forward_watched(lc::watched{model->backend(), counter}, {tokens + first, count},
                                      [](lc::extent_t, auto) {})
                .ok());
    REQUIRE(counter.multiply_adds == recipe::bound::multiply_adds(first, count, count));
  }
}

/// One head, values that are unit vectors: outputs are the weights of tokens, `(tokens, tokens)`.
template <class Partition>
auto weights_of_tokens() {
  constexpr lc::extent_t tokens = 21, asking = 8;
  using recipe = lc::attention<lc::heads<1>, lc::head_width<tokens>, lc::causal, lc::summarised<Partition>>;
  auto layer = std::make_unique<lone_attention<recipe, tokens + asking, tokens, lc::f64>>();
  auto& p = layer->parameters;
  for (lc::extent_t t = 0; t < tokens; ++t) {
    p.value.weight[t * (tokens + asking) + t] = p.output.weight[t * tokens + t] = 1;
    layer->x[t * (tokens + asking) + t] = 1;
    for (lc::extent_t c = 0; c < asking; ++c) {
      layer->x[t * (tokens + asking) + tokens + c] = lc::random_normal(3, t, c);
      p.query.weight[t * (tokens + asking) + tokens + c] = lc::random_normal(4, t, c);
      p.key.weight[t * (tokens + asking) + tokens + c] = lc::random_normal(5, t, c);
    }
  }
  layer->forward(0, tokens);
  std::vector<std::vector<double>> weights(tokens, std::vector<double>(tokens));
  for (lc::extent_t t = 0; t < tokens; ++t)
    for (lc::extent_t j = 0; j < tokens; ++j) weights[t][j] = layer->y[t * (tokens + asking) + j];
  return weights;
}

/// Every token once: those that a row of a partition sees itself, and those in its spans.
template <class Partition, lc::extent_t Context>
void check_partition() {
  using sight = typename lc::summarised<Partition>::template sight<lc::causal, Context>;
  using rule = lc::summary_rule<Partition, Context, float>;
  std::vector<lc::span> span_of(sight::atoms);
  std::uint64_t summarised = 0;
  for (lc::extent_t end = 1; end < Context; ++end)
    for (lc::extent_t level = 0; level < Partition::levels(Context); ++level)
      if (rule::ends(level, end)) {
        REQUIRE(Partition::number(end) < sight::atoms);
        REQUIRE(span_of[Partition::number(end)].end == 0);
        span_of[Partition::number(end)] = {end - Partition::length(level), end};
        summarised += Partition::length(level);
      }
  REQUIRE(summarised == rule::summarised(0, Context));
  for (lc::extent_t query = 0; query < Context; ++query) {
    std::vector<int> seen(Context);
    const auto count = [&](const lc::span& of) {
      for (lc::extent_t t = of.begin; t < of.end; ++t) ++seen[t];
    };
    const auto tokens = sight::tokens(query, query + 1);
    for (lc::extent_t i = 0; i < tokens.count; ++i) count(tokens.items[i]);
    const auto atoms = sight::visible(query);
    for (lc::extent_t i = 0; i < atoms.count; ++i)
      for (lc::extent_t atom = atoms.items[i].begin; atom < atoms.items[i].end; ++atom) count(span_of[atom]);
    for (lc::extent_t t = 0; t < Context; ++t) REQUIRE(seen[t] == (t <= query ? 1 : 0));
  }
}

}  // namespace

TEST_CASE("mixed rows: all rows kept as they are is full attention") {
  using plain = random_layer<two_heads<lc::full, lc::rope<>, lc::kv_heads<1>>, width, context>;
  using mixed = random_layer<two_heads<lc::full, lc::rope<>, lc::kv_heads<1>, lc::low_rank<context>>, width, context>;
  auto expected = std::make_unique<plain>();
  auto found = std::make_unique<mixed>();
  copy_projections(expected->parameters, found->parameters);
  const auto drawn = found->parameters.schedule_part;
  for (lc::extent_t i = 0; i < context * context; ++i) {
    const double same = i % context == i / context ? 1 : 0;
    found->parameters.schedule_part.key_mix.weight[i] = found->parameters.schedule_part.value_mix.weight[i] = same;
  }
  expected->forward(0, context);
  found->forward(0, context);
  CHECK(apart(expected->y, found->y) < 1e-12);
  // Of a shorter stream the other mixed rows are zero, and seen like sinks.
  expected->forward(0, 23);
  found->forward(0, 23);
  CHECK(apart(expected->y, found->y, 23 * width) > 1e-2);
  found->parameters.schedule_part = drawn;
  found->forward(0, context);
  expected->forward(0, context);
  CHECK(apart(expected->y, found->y) > 1e-2);
}

TEST_CASE("mixed rows: one set of shares is two equal ones; a short stream reads its first rows of them alone") {
  using together = random_layer<two_heads<lc::full, lc::low_rank<5, lc::mixing::together>>, width, context>;
  using separate = random_layer<two_heads<lc::full, lc::low_rank<5>>, width, context>;
  auto one = std::make_unique<together>();
  auto two = std::make_unique<separate>();
  copy_projections(one->parameters, two->parameters);
  two->parameters.schedule_part.key_mix.weight = one->parameters.schedule_part.key_mix.weight;
  two->parameters.schedule_part.value_mix.weight = one->parameters.schedule_part.key_mix.weight;
  one->forward(0, 29);
  two->forward(0, 29);
  CHECK(apart(one->y, two->y, 29 * width) == 0);
  auto& unread = two->parameters.schedule_part;
  for (lc::extent_t i = 29 * 5; i < context * 5; ++i)
    unread.key_mix.weight[i] = unread.value_mix.weight[i] = std::numeric_limits<double>::quiet_NaN();
  two->forward(0, 29);
  CHECK(apart(one->y, two->y, 29 * width) == 0);
  // The last token reaches the first row.
  one->fill_row(28, 3);
  one->forward(0, 29);
  CHECK(apart(one->y, two->y, width) > 1e-3);
  // Shares are drawn at first, each for itself.
  lone_attention<two_heads<lc::full, lc::low_rank<5>>, width, context> fresh;
  const auto &keys = fresh.parameters.schedule_part.key_mix.weight,
             &values = fresh.parameters.schedule_part.value_mix.weight;
  double squares = 0;
  for (lc::extent_t i = 0; i < keys.size; ++i) squares += static_cast<double>(keys[i]) * keys[i];
  CHECK(squares / static_cast<double>(keys.size) == doctest::Approx(1.0 / 5).epsilon(0.25));
  CHECK(apart(keys, values) > 0.1);
}

TEST_CASE("mixed rows: the state is theirs alone, whatever the context") {
  using short_one = lc::attention<lc::heads<2>, lc::full, lc::low_rank<20>>::bound<lc::place<width, 100>>;
  using long_one = lc::attention<lc::heads<2>, lc::full, lc::low_rank<20>>::bound<lc::place<width, 10'000>>;
  static_assert(lc::count_bytes<short_one::state<lc::shapes<float>>>() == 2 * 32 * 16 * sizeof(float));
  static_assert(lc::count_bytes<long_one::state<lc::shapes<float>>>() == 2 * 32 * 16 * sizeof(float));
  static_assert(short_one::sees_ahead);
}

TEST_CASE("sinks: one that is zero is softmax1; others are not") {
  const auto check = []<class... Policies>(lc::type_list<Policies...>) {
    auto expected = std::make_unique<random_layer<two_heads<lc::softmax1, Policies...>, width, context>>();
    auto found = std::make_unique<random_layer<two_heads<lc::learned_sinks<>, Policies...>, width, context>>();
    copy_projections(expected->parameters, found->parameters);
    expected->forward(0, context);
    found->forward(0, context);
    CHECK(apart(expected->y, found->y) > 1e-3);
    found->parameters.schedule_part = {};
    found->forward(0, context);
    CHECK(apart(expected->y, found->y) < 1e-12);
  };
  check(lc::type_list<lc::causal, lc::rope<>, lc::kv_heads<1>>{});
  check(lc::type_list<lc::window<5>>{});
}

TEST_CASE("sinks: a weight that nothing exceeds hides the tokens") {
  // Scores far above the others: every row is the sink's value, whatever the route.
  auto layer = std::make_unique<random_layer<two_heads<lc::full, lc::learned_sinks<2>, lc::bias>, width, context>>();
  auto& p = layer->parameters;
  for (auto& of : p.query.weight.data) of = 0;
  for (auto& of : p.query.bias.data) of = 1;
  for (lc::extent_t c = 0; c < width; ++c) {
    p.schedule_part.sink_keys[c] = 1000, p.schedule_part.sink_keys[width + c] = -1000;
    p.schedule_part.sink_values[width + c] = 1e6;
  }
  layer->forward(0, context);
  for (lc::extent_t c = 0; c < width; ++c) {
    double expected = p.output.bias[c];
    for (lc::extent_t i = 0; i < width; ++i)
      expected += p.output.weight[c * width + i] * p.schedule_part.sink_values[i];
    for (lc::extent_t t = 0; t < context; ++t)
      REQUIRE(layer->y[t * width + c] == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("spans: segments of one token, or one segment, are causal attention") {
  auto expected = std::make_unique<random_layer<two_heads<lc::causal, lc::rope<>>, width, context>>();
  expected->forward(0, context);
  const auto check = [&]<class Partition>(Partition) {
    auto found =
        std::make_unique<random_layer<two_heads<lc::causal, lc::rope<>, lc::summarised<Partition>>, width, context>>();
    found->forward(0, context);
    return apart(expected->y, found->y);
  };
  CHECK(check(lc::segments<1>{}) < 1e-12);
  CHECK(check(lc::segments<context>{}) < 1e-12);
  CHECK(check(lc::segments<6>{}) > 1e-3);
  CHECK(check(lc::doubling_blocks{}) > 1e-3);
}

TEST_CASE("spans: a partition of the past, one key per bit") {
  check_partition<lc::segments<5>, 64>();
  check_partition<lc::segments<7>, 21>();
  check_partition<lc::segments<64>, 64>();
  check_partition<lc::doubling_blocks, 64>();
  check_partition<lc::doubling_blocks, 65>();
  check_partition<lc::doubling_blocks, 23>();
  check_partition<lc::doubling_blocks, 1>();
  using sight = lc::summarised<lc::doubling_blocks>::sight<lc::causal, 256>;
  using whole = lc::route_with_atoms<sight, 256>;
  for (lc::extent_t query = 0; query < 256; ++query)
    REQUIRE(lc::pairs<whole>(query, 1, query + 1) == 1u + static_cast<unsigned>(std::popcount(query)));
}

TEST_CASE("spans: weights of all tokens up to the row are positive and add up to 1") {
  const auto check = [](const std::vector<std::vector<double>>& weights) {
    for (std::size_t t = 0; t < weights.size(); ++t) {
      double sum = 0;
      for (std::size_t j = 0; j < weights.size(); ++j) {
        REQUIRE((j <= t ? weights[t][j] > 0 : weights[t][j] == 0));
        sum += weights[t][j];
      }
      REQUIRE(sum == doctest::Approx(1).epsilon(1e-12));
    }
  };
  check(weights_of_tokens<lc::segments<5>>());
  check(weights_of_tokens<lc::doubling_blocks>());
}

TEST_CASE("sources stream like a whole, and later tokens change nothing before") {
  check_streams<lc::learned_sinks<3>, lc::causal, lc::kv_heads<1>, lc::rope<>>();
  check_streams<lc::learned_sinks<1>, lc::both<lc::causal, lc::window<6>>, lc::l2_gelu<>>();
  check_streams<lc::summarised<lc::segments<5>>, lc::causal, lc::rope<>>();
  check_streams<lc::summarised<lc::doubling_blocks>, lc::causal, lc::rope<>>();
}

TEST_CASE("sources cost what the formula says") {
  check_count<lc::full, lc::low_rank<6>, lc::kv_heads<1>>();
  check_count<lc::full, lc::low_rank<6>, lc::clipped_softmax<>>();
  check_count<lc::window<5>, lc::learned_sinks<3>>();
  check_count<lc::causal, lc::learned_sinks<3>, lc::clipped_softmax<>>(7);
  check_count<lc::causal, lc::summarised<lc::segments<6>>>(7);
  check_count<lc::causal, lc::summarised<lc::doubling_blocks>>(7);
}

TEST_CASE("layers share the plan of a source, whatever their heads") {
  const auto plans = []<class... Recipes>(lc::type_list<Recipes...>) {
    return lc::unique<lc::join<typename Recipes::template bound<lc::place<width, context>>::template shares<
        lc::keep<float, context>>...>>::size;
  };
  using spans = lc::summarised<lc::segments<5>>;
  static_assert(plans(lc::type_list<lc::attention<lc::heads<2>, lc::causal, spans>,
                                    lc::attention<lc::heads<4>, lc::causal, spans>>{}) == 1);
  static_assert(
      plans(lc::type_list<lc::attention<lc::heads<2>, lc::causal, spans>, lc::attention<lc::heads<2>, lc::causal>>{}) ==
      2);
}

TEST_CASE("sources against independent implementations") {
  // Fewer tokens than the context of the shares, and as many.
  const auto linformer = []<lc::extent_t Width, lc::extent_t Context, class Recipe, class Numerics>(
                             lc::place<Width, Context>, Recipe, Numerics, const one_case& from, lc::extent_t tokens,
                             double tolerance) {
    auto layer = std::make_unique<lone_attention<Recipe, Width, Context, Numerics>>();
    lc::visit_named([&](const char* path, auto& to) { layer->copy(from.tensor(path), to); }, layer->parameters);
    const numbers &x = from.tensor("x"), &y = from.tensor("y");
    REQUIRE(x.of.size() == tokens * Width);
    REQUIRE(y.of.size() == tokens * Width);
    using element = typename Numerics::value;
    for (std::size_t i = 0; i < x.of.size(); ++i) layer->x[i] = static_cast<element>(x.of[i]);
    layer->forward(0, tokens);
    CHECK(relative_difference(layer->y.data, y.of) < tolerance);
    if constexpr (lc::same<Numerics, lc::f64>) check_gradients(*layer, from, "y", tokens, tolerance);
  };
  auto cases = read_cases("linformer");
  using first = lc::zoo::linformer_attention<3, 6>;
  using second = lc::zoo::linformer_attention<2, 16>;
  linformer(lc::place<24, 24>{}, first{}, lc::f64{}, cases["linformer_21"], 21, settings_in_f64);
  linformer(lc::place<24, 24>{}, first{}, lc::f32{}, cases["linformer_21"], 21, 1e-5);
  linformer(lc::place<16, 40>{}, second{}, lc::f64{}, cases["linformer_40"], 40, settings_in_f64);
  linformer(lc::place<16, 40>{}, second{}, lc::f32{}, cases["linformer_40"], 40, 1e-5);

  cases = read_cases("combiner");
  check_case<lc::zoo::combiner_fixed_attention<3, 5>, 24, 21>(cases["combiner_21"], "y.fixed");
  check_case<lc::zoo::combiner_logsparse_attention<3>, 24, 21>(cases["combiner_21"], "y.logsparse");
  check_case<lc::zoo::combiner_fixed_attention<2, 8>, 16, 40>(cases["combiner_40"], "y.fixed");
  check_case<lc::zoo::combiner_logsparse_attention<2>, 16, 40>(cases["combiner_40"], "y.logsparse");

  cases = read_cases("sinks");
  const auto load = [](auto& attention, const one_case& from) {
    lc::visit_named(
        [&](const char* path, auto& to) {
          attention.copy(from.tensor(name_in_files(path)), to);
        },
        attention.parameters);
  };
  check_case<lc::zoo::learned_sinks_attention<3, 2>, 24, 21>(cases["sinks_21"], "y.learned", settings_in_f64, load);
  check_case<lc::zoo::learned_sinks_attention<2, 1, lc::kv_heads<1>>, 16, 33>(cases["sinks_33"], "y.learned",
                                                                              settings_in_f64, load);
}
