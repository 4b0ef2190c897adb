// Attention within clusters: an independent implementation, limits, streams, what the future may change, counters.
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

using one_projection = lc::shared_query_key<lc::shared_form::normalised>;
template <lc::extent_t Heads, class... Policies>
using routed = lc::attention<lc::heads<Heads>, one_projection, lc::plain_dot, Policies...>;

/// One layer of 2 heads of 8 columns; centroids as they are drawn.
template <class Recipe, lc::extent_t Tokens, class Numerics = lc::f32>
auto random_layer() {
  auto layer = std::make_unique<lone_attention<Recipe, 16, Tokens, Numerics>>();
  std::uint64_t drawn = 0;
  lc::visit_named(
      [&](const char* path, auto& weight) {
        if (std::strcmp(path, "centroids") == 0) return;
        for (auto& of : weight.data) of = static_cast<float>(0.5 * lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (auto& of : layer->x.data) of = static_cast<float>(lc::random_normal(9, 1, drawn++));
  return layer;
}
template <class Recipe, lc::extent_t Tokens>
auto output_of() {
  auto layer = random_layer<Recipe, Tokens>();
  layer->forward(0, Tokens);
  return layer->y;
}
template <class Tensor>
double apart(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (lc::extent_t i = 0; i < Tensor::size; ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    most = std::isnan(difference) ? HUGE_VAL : std::max(most, difference);
  }
  return most;
}
/// A forward that is watched.
template <class Layer, class Watcher>
void watch(Layer& layer, lc::extent_t tokens, Watcher& watcher) {
  layer.shared.prepare(0, tokens);
  const lc::reference backend{};
  const lc::watched on{backend, watcher};
  const lc::run<std::remove_const_t<decltype(on)>, decltype(layer.shared)> run{0, on, layer.shared};
  Layer::bound::forward(lc::values{layer.parameters, layer.state, layer.memory, layer.derived}, layer.x.first(tokens),
                        layer.y.first(tokens), run);
}
/// Multiply-adds of the operations that a forward calls.
template <class Layer>
std::uint64_t counted(Layer& layer, lc::extent_t tokens) {
  lc::work_counter counter;
  watch(layer, tokens, counter);
  return counter.multiply_adds;
}

using by_argmax = routed<2, lc::k_means<5>, lc::rope<>>;
template <lc::extent_t Clusters, lc::extent_t Members, class Candidates = lc::causal>
using balanced = routed<2, lc::balanced_k_means<Clusters, lc::members{Members}, Candidates>, lc::rope<>>;

/// A case with the members that it lists.
template <lc::extent_t Heads, lc::extent_t Clusters, lc::extent_t Members, lc::extent_t Width, lc::extent_t Tokens>
void check_balanced(const one_case& from) {
  using seen_by_all = routed<Heads, lc::balanced_k_means<Clusters, lc::members{Members}, lc::full>>;
  using masked = lc::zoo::routing_attention<Heads, Clusters, lc::members{Members}>;
  check_case<seen_by_all, Width, Tokens>(from, "y.balanced");
  check_case<masked, Width, Tokens>(from, "y.balanced_causal");
  auto layer = std::make_unique<lone_attention<masked, Width, Tokens>>();
  layer->load(from);
  layer->forward(0, Tokens);
  const auto& listed = from.tensor("members").of;
  const auto& found = layer->memory.schedule_memory.members;
  REQUIRE(listed.size() == std::size(found));
  for (std::size_t i = 0; i < listed.size(); ++i) CHECK(found[i] == listed[i]);
}

}  // namespace

TEST_CASE("clusters by the largest product, against an independent implementation") {
  auto cases = read_cases("routing");
  check_case<lc::zoo::streaming_routing_attention<3, 3>, 24, 21>(cases["routing_21"], "y.argmax_causal");
  check_case<lc::zoo::streaming_routing_attention<2, 5>, 16, 40>(cases["routing_40"], "y.argmax_causal");
}

TEST_CASE("one cluster is every candidate, and so are equal centroids; several are not") {
  CHECK(apart(output_of<routed<2, lc::k_means<1>>, 37>(), output_of<routed<2, lc::causal>, 37>()) < 1e-6);
  using local = lc::both<lc::causal, lc::window<6>>;
  CHECK(apart(output_of<routed<2, lc::k_means<1, local>>, 37>(), output_of<routed<2, local>, 37>()) < 1e-6);
  CHECK(apart(output_of<routed<2, lc::k_means<5>>, 37>(), output_of<routed<2, lc::causal>, 37>()) > 1e-2);
  auto layer = random_layer<routed<2, lc::k_means<3, lc::full>>, 37>();
  for (auto& of : layer->parameters.schedule_part.centroids.data) of = 0.25f;
  layer->forward(0, 37);
  CHECK(apart(layer->y, output_of<routed<2, lc::full>, 37>()) < 1e-6);
  for (const float of : layer->state.route_part.cluster.data) CHECK(of == 0);
}

TEST_CASE("centroids are drawn like queries, by their seed") {
  const auto check = []<class Numerics>(Numerics, double tolerance) {
    auto layer = std::make_unique<lone_attention<by_argmax, 16, 8, Numerics>>();
    const auto& centroids = layer->parameters.schedule_part.centroids;
    for (lc::extent_t i = 0; i < 2 * 5; ++i) {
      double mean = 0, square = 0;
      for (lc::extent_t d = 0; d < 8; ++d) {
        const double of = lc::widen(centroids[i * 8 + d]);
        mean += of / 8, square += of * of / 8;
      }
      CHECK(std::abs(mean) < tolerance);
      CHECK(std::abs(square - 1) < tolerance);
    }
  };
  check(lc::f64{}, 1e-5);
  check(lc::bf16{}, 1e-2);
  auto one = std::make_unique<lone_attention<by_argmax, 16, 8>>();
  using other_seed = routed<2, lc::k_means<5, lc::causal, lc::centroid_seed{1}>>;
  auto other = std::make_unique<lone_attention<other_seed, 16, 8>>();
  CHECK(apart(one->parameters.schedule_part.centroids, other->parameters.schedule_part.centroids) > 0.1);
}

TEST_CASE("a cluster of the past does not see the future, and streams like a whole") {
  auto whole = random_layer<by_argmax, 40>(), cut = random_layer<by_argmax, 40>();
  whole->forward(0, 40);
  for (lc::extent_t first = 0; first < 40;) {
    const lc::extent_t count = std::min<lc::extent_t>(40 - first, 1 + first % 9);
    cut->forward(first, count);
    first += count;
  }
  for (lc::extent_t i = 0; i < 40 * 16; ++i) REQUIRE(whole->y[i] == cut->y[i]);
  // What only runs, with one plan for all heads, gives the same bits.
  auto running = std::make_unique<lone_attention<by_argmax, 16, 40, lc::f32, lc::reference, false>>();
  running->parameters = whole->parameters;
  running->x = whole->x;
  running->forward(0, 40);
  for (lc::extent_t i = 0; i < 40 * 16; ++i) REQUIRE(whole->y[i] == running->y[i]);

  const auto before = whole->y;
  for (lc::extent_t c = 0; c < 16; ++c) whole->x[39 * 16 + c] *= -5;
  whole->forward(0, 40);
  for (lc::extent_t i = 0; i < 39 * 16; ++i) REQUIRE(whole->y[i] == before[i]);
  static_assert(!lc::sees_ahead<decltype(whole)::element_type::bound>);
}

TEST_CASE("a token that is no number shows in its own row and in its cluster alone") {
  auto layer = random_layer<by_argmax, 40>(), damaged = random_layer<by_argmax, 40>();
  layer->forward(0, 40);
  for (lc::extent_t c = 0; c < 16; ++c) damaged->x[10 * 16 + c] = std::nanf("");
  damaged->forward(0, 40);
  const auto &cluster = damaged->state.route_part.cluster, &before = layer->state.route_part.cluster;
  lc::extent_t shown = 0, kept = 0;
  for (lc::extent_t t = 0; t < 40; ++t) {
    // It is taken for one of the first cluster, and is missing in its own.
    bool shows = false, saw = false;
    for (lc::extent_t h = 0; h < 2; ++h) {
      shows = shows || (t >= 10 && cluster[h * 40 + t] == 0);
      saw = saw || (t >= 10 && before[h * 40 + t] == before[h * 40 + 10]);
    }
    CHECK(std::isnan(damaged->y[t * 16]) == shows);
    shown += shows;
    if (shows || saw) continue;
    for (lc::extent_t c = 0; c < 16; ++c) REQUIRE(damaged->y[t * 16 + c] == layer->y[t * 16 + c]);
    ++kept;
  }
  CHECK(std::isnan(damaged->y[10 * 16]));
  CHECK(shown > 1);
  CHECK(kept > 15);
}

TEST_CASE("what is kept of clusters is kept for one stream") {
  using paged = lc::decoder<
      lc::vocabulary<8>, lc::width<8>, lc::context<32>,
      lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::k_means<3>, lc::paged_cache<64, lc::streams{2}>>>>;
  using scored = lc::substitute<paged, lc::k_means<3>, lc::top_k<3>>;
  static_assert(lc::model<paged>::streams == 1 && lc::model<scored>::streams == 2);
}
TEST_CASE("what clusters cost is counted, at most what the formula says") {
  auto layer = random_layer<by_argmax, 40>();
  using bound = decltype(layer)::element_type::bound;
  const std::uint64_t found = counted(*layer, 40);
  const auto& cluster = layer->state.route_part.cluster;
  std::uint64_t pairs = 0;
  for (lc::extent_t h = 0; h < 2; ++h)
    for (lc::extent_t t = 0; t < 40; ++t)
      for (lc::extent_t key = 0; key <= t; ++key) pairs += cluster[h * 40 + t] == cluster[h * 40 + key];
  CHECK(pairs < 40 * 41);
  CHECK(found == 3 * 40 * 16 * 16 + 40 * 5 * 16 + 2 * pairs * 8);
  CHECK(found < bound::multiply_adds(0, 40));
  // The formula takes every candidate for seen: it is exact for one cluster.
  auto one = random_layer<routed<2, lc::k_means<1>>, 40>();
  CHECK(counted(*one, 40) == decltype(one)::element_type::bound::multiply_adds(0, 40));
}

TEST_CASE("balanced clusters against an independent implementation") {
  auto cases = read_cases("routing");
  check_balanced<3, 3, 7, 24, 21>(cases["routing_21"]);
  check_balanced<2, 5, 8, 16, 40>(cases["routing_40"]);
}

TEST_CASE("clusters of all tokens are dense attention, one or several, and a mean of equal ones changes nothing") {
  const auto causal = output_of<routed<2, lc::causal, lc::rope<>>, 37>();
  const auto full = output_of<routed<2, lc::full, lc::rope<>>, 37>();
  CHECK(apart(output_of<balanced<1, 37>, 37>(), causal) < 1e-6);
  CHECK(apart(output_of<balanced<2, 99>, 37>(), causal) < 1e-6);
  CHECK(apart(output_of<balanced<1, 37, lc::full>, 37>(), full) < 1e-6);
  CHECK(apart(output_of<balanced<5, 8, lc::full>, 37>(), full) > 1e-2);
  // Two passes, and a penalty on a token's own key, which is at distance 0 in every cluster.
  using two_passes = lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>;
  CHECK(apart(output_of<routed<2, lc::balanced_k_means<2, lc::members{37}>, two_passes>, 37>(),
              output_of<routed<2, lc::causal, two_passes>, 37>()) < 1e-6);
  using reformed = lc::attention<lc::heads<2>, lc::shared_query_key<>, lc::plain_dot_to_others,
                                 lc::balanced_k_means<2, lc::members{37}>>;
  CHECK(
      apart(output_of<reformed, 37>(),
            output_of<lc::attention<lc::heads<2>, lc::shared_query_key<>, lc::plain_dot_to_others, lc::causal>, 37>()) <
      1e-6);
  // Heads that share keys, and projections of their own for queries and keys.
  using grouped = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::balanced_k_means<2, lc::members{37}>>;
  CHECK(apart(output_of<grouped, 37>(), output_of<lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::causal>, 37>()) <
        1e-6);
  auto once = random_layer<balanced<1, 9>, 37>();
  auto twice = random_layer<balanced<2, 9>, 37>();
  const auto& centroids = once->parameters.schedule_part.centroids;
  for (lc::extent_t h = 0; h < 2; ++h)
    for (lc::extent_t c = 0; c < 2; ++c)
      for (lc::extent_t d = 0; d < 8; ++d)
        twice->parameters.schedule_part.centroids[(h * 2 + c) * 8 + d] = centroids[h * 8 + d];
  once->forward(0, 37);
  twice->forward(0, 37);
  CHECK(apart(once->y, twice->y) < 1e-6);
  // The release divides by a little more than the number of clusters.
  using released = routed<2, lc::balanced_k_means<1, lc::members{37}, lc::causal, lc::count_offset{0.01f}>, lc::rope<>>;
  auto shrunk = output_of<released, 37>();
  for (auto& of : shrunk.data) of *= 1.01f;
  CHECK(apart(shrunk, causal) < 1e-5);
}

TEST_CASE("every cluster takes as many, the earlier of equal ones; who is in none is 0") {
  auto layer = random_layer<balanced<4, 6>, 40>();
  layer->forward(0, 40);
  const auto& memory = layer->memory;
  lc::extent_t in_none = 0, in_several = 0;
  for (lc::extent_t h = 0; h < 2; ++h) {
    lc::extent_t held[40]{};
    for (lc::extent_t i = 0; i < 4 * 6; ++i) {
      const std::uint32_t* of = memory.schedule_memory.members + h * 4 * 6;
      REQUIRE(of[i] < 40);
      if (i % 6 > 0) REQUIRE(of[i] > of[i - 1]);
      ++held[of[i]];
    }
    for (lc::extent_t t = 0; t < 40; ++t) {
      double size = 0;
      for (lc::extent_t d = 0; d < 8; ++d) size += std::abs(memory.mixed[t * 16 + h * 8 + d]);
      CHECK((size == 0) == (held[t] == 0));
      in_none += held[t] == 0;
      in_several += held[t] > 1;
    }
  }
  CHECK(in_none > 10);
  CHECK(in_several > 0);
  for (lc::extent_t i = 0; i < 40 * 16; ++i) layer->x[i] = layer->x[i % 16];
  // The same token everywhere, without positions: all products are equal.
  auto equal = random_layer<routed<2, lc::balanced_k_means<4, lc::members{6}>>, 40>();
  equal->x = layer->x;
  equal->forward(0, 40);
  for (lc::extent_t i = 0; i < 2 * 4 * 6; ++i) CHECK(equal->memory.schedule_memory.members[i] == i % 6);
}

TEST_CASE("balanced clusters look ahead, masked or not") {
  static_assert(lc::sees_ahead<balanced<4, 6>::bound<lc::place<16, 40>>>);
  auto layer = random_layer<balanced<4, 6>, 40>();
  layer->forward(0, 40);
  const auto before = layer->y;
  for (lc::extent_t c = 0; c < 16; ++c) layer->x[39 * 16 + c] *= -3;
  layer->forward(0, 40);
  double moved = 0;
  for (lc::extent_t i = 0; i < 39 * 16; ++i)
    moved = std::max(moved, static_cast<double>(std::abs(layer->y[i] - before[i])));
  CHECK(moved > 1e-2);
  // A token that is no number is taken by every cluster, and shows in all that is later there.
  for (lc::extent_t c = 0; c < 16; ++c) layer->x[c] = std::nanf("");
  layer->forward(0, 40);
  const auto& memory = layer->memory;
  for (lc::extent_t i = 0; i < 2 * 4; ++i) CHECK(memory.schedule_memory.members[i * 6] == 0);
  for (lc::extent_t i = 0; i < 2 * 4 * 6; ++i) {
    const lc::extent_t head = i / (4 * 6), token = memory.schedule_memory.members[i];
    CHECK(std::isnan(memory.mixed[token * 16 + head * 8]));
  }
}

TEST_CASE("streams shorter than a cluster, and workspaces that held something else") {
  auto layer = random_layer<balanced<3, 20>, 40>();
  auto dense = random_layer<routed<2, lc::causal, lc::rope<>>, 40>();
  layer->forward(0, 40);
  layer->forward(0, 11);
  dense->forward(0, 11);
  for (lc::extent_t i = 0; i < 11 * 16; ++i)
    REQUIRE(layer->y[i] == doctest::Approx(dense->y[i]).epsilon(1e-5).scale(1));
  // Without room for backward, in memory that others have written to.
  layer->forward(0, 40);
  auto running = std::make_unique<lone_attention<balanced<3, 20>, 16, 40, lc::f32, lc::reference, false>>();
  std::memset(static_cast<void*>(&running->memory), 0xff, sizeof(running->memory));
  running->parameters = layer->parameters;
  running->x = layer->x;
  running->forward(0, 40);
  CHECK(apart(running->y, layer->y) == 0);
}

TEST_CASE("what balanced clusters cost is what the formula says") {
  using recipe = balanced<5, 8>;
  using bound = recipe::bound<lc::place<16, 40>>;
  auto layer = random_layer<recipe, 40>();
  CHECK(counted(*layer, 40) == bound::multiply_adds(0, 40));
  CHECK(counted(*layer, 6) == bound::multiply_adds(0, 6));
  CHECK(bound::multiply_adds(0, 40) == 3 * 40 * 16 * 16 + (40 * 5 + 2 * 5 * 36) * 16);
  auto twice = random_layer<balanced<5, 8, lc::full>, 40>();
  CHECK(counted(*twice, 40) == 3 * 40 * 16 * 16 + (40 * 5 + 2 * 5 * 64) * 16);
}

/// Two updates of centroids by a watched layer, against loops over the queries that it kept.
template <class Recipe, lc::extent_t Clusters>
void check_updates() {
  constexpr lc::extent_t tokens = 30, heads = 2, width = 8, size = heads * Clusters;
  auto layer = random_layer<Recipe, tokens, lc::f64>();
  auto& centroids = layer->parameters.schedule_part.centroids;
  lc::centroid_average average(centroids);
  std::vector<double> counts(size, 1.0), sums(std::begin(centroids.data), std::end(centroids.data));
  for (int step = 0; step < 2; ++step) {
    std::vector<double> seen(size), sum(size * width);
    // Two streams per step.
    for (int stream = 0; stream < 2; ++stream) {
      for (auto& of : layer->x.data) of = -0.75 * of + 0.125;
      watch(*layer, tokens, average);
      for (lc::extent_t h = 0; h < heads; ++h)
        for (lc::extent_t t = 0; t < tokens; ++t) {
          const double* query = layer->memory.query.data + t * heads * width + h * width;
          lc::extent_t best = 0;
          double most = -HUGE_VAL;
          for (lc::extent_t c = 0; c < Clusters; ++c) {
            double along = 0;
            for (lc::extent_t d = 0; d < width; ++d) along += query[d] * centroids[(h * Clusters + c) * width + d];
            if (along > most) most = along, best = c;
          }
          ++seen[h * Clusters + best];
          for (lc::extent_t d = 0; d < width; ++d) sum[(h * Clusters + best) * width + d] += query[d];
        }
    }
    lc::update_centroids(centroids, average, 0.9);
    for (lc::extent_t i = 0; i < size; ++i) counts[i] = 0.9 * counts[i] + 0.1 * seen[i];
    for (lc::extent_t i = 0; i < size * width; ++i) sums[i] = 0.9 * sums[i] + 0.1 * sum[i];
    for (lc::extent_t h = 0; h < heads; ++h) {
      double all = 0;
      for (lc::extent_t c = 0; c < Clusters; ++c) all += counts[h * Clusters + c];
      CHECK(all == doctest::Approx(step == 0 ? 0.9 * Clusters + 0.1 * 60 : 0.81 * Clusters + 0.19 * 60));
      for (lc::extent_t c = 0; c < Clusters; ++c) {
        const lc::extent_t at = h * Clusters + c;
        const double smoothed = (counts[at] + 1e-5) / (all + Clusters * 1e-5) * all;
        for (lc::extent_t d = 0; d < width; ++d)
          REQUIRE(centroids[at * width + d] == doctest::Approx(sums[at * width + d] / smoothed).epsilon(1e-12));
      }
    }
  }
  // Another attention's selections are not its own.
  const auto kept = average.new_counts[0];
  auto other = random_layer<Recipe, tokens, lc::f64>();
  watch(*other, tokens, average);
  CHECK(average.new_counts[0] == kept);
}
TEST_CASE("centroids follow the mean of their queries") {
  check_updates<by_argmax, 5>();
  check_updates<balanced<4, 6>, 4>();
  // A centroid that nobody is nearest to stays, but for the smoothing of counts.
  lc::tensor<float, 1, 2, 2> centroids{{1, 0, 0, 1}};
  lc::centroid_average average(centroids);
  // A query that is no number is left out.
  const float query[]{3, 1, std::nanf(""), 1};
  average.observe(0, lc::rows<const float, 2>(query, 2));
  lc::update_centroids(centroids, average, 0.5);
  CHECK(centroids[0] == doctest::Approx(2).epsilon(1e-4));
  CHECK(centroids[1] == doctest::Approx(0.5).epsilon(1e-4));
  CHECK(centroids[2] == 0);
  CHECK(centroids[3] == doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("centroids of a model: in checkpoints' paths, moved by watching a forward") {
  // Beside another attention whose heads are of another width.
  using recipe = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<24>, lc::allow_selection_leak,
                             lc::pre_norm<lc::rms_norm<>, by_argmax, routed<4, lc::k_means<3>>, balanced<4, 6>>>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<24>>>();
  std::uint64_t drawn = 0;
  int moved = 0;
  const std::uint32_t tokens[]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 10, 4};
  lc::visit_tensors(
      [&]<class Tensor>(Tensor& weight) {
        if constexpr (Tensor::rank < 3)
          for (auto& of : weight.data) of += static_cast<float>(0.3 * lc::random_normal(3, 0, drawn++));
      },
      model->parameters_to_write());
  model->update();
  lc::visit_named(
      [&]<class Tensor>(const char* path, Tensor& centroids) {
        if constexpr (Tensor::rank == 3) {
          INFO(path);
          CHECK(std::strstr(path, "attention") != nullptr);
          CHECK(std::strstr(path, ".centroids") != nullptr);
          const Tensor before = centroids;
          lc::centroid_average average(centroids);
          REQUIRE(model
                      ->try_forward_watched(lc::watched{model->backend(), average}, {tokens, std::size(tokens)},
                                            [](lc::extent_t, auto) {})
                      .ok());
          model->reset();
          double seen = 0;
          for (const double of : average.new_counts) seen += of;
          CHECK(seen == Tensor::extents[0] * std::size(tokens));
          lc::update_centroids(centroids, average, 0.5);
          CHECK(apart(before, centroids) > 1e-2);
          ++moved;
        }
      },
      model->parameters_to_write());
  CHECK(moved == 3);
}
