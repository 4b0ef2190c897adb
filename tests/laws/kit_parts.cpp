// The universal checks (support/attention_kit.hpp) on attentions with parts that bring schedules, weights or parameters
// of their own.
#include "support/attention_kit.hpp"

namespace {
namespace lc = lacuna;
using namespace attention_kit;
constexpr bool decided_by_tokens = false;

/// Whether a row of the graph below listens to a key: to itself, unless it is deaf, and to one key in eight.
bool listens(lc::extent_t row, lc::extent_t key, lc::extent_t) {
  return row % 11 != 5 && (row == key || lc::random_uniform(6, row, key) < 0.125);
}
/// The graph between the tokens, with three features an edge where `Features` says so.
template <lc::extent_t Features>
struct graph_between_them {
  template <class Value, class Shared>
  void assign(Shared& shared, std::size_t rows) const {
    std::vector<lc::edge> edges;
    std::vector<Value> features;
    for (std::uint32_t row = 0; row < rows; ++row)
      for (std::uint32_t key = 0; key < rows; ++key) {
        if (!listens(row, key, rows)) continue;
        edges.push_back({row, key});
        for (lc::extent_t i = 0; i < Features; ++i)
          features.push_back(static_cast<Value>(static_cast<float>(lc::random_normal(7, row * 64 + key, i))));
      }
    const lc::graph<Features, Value> graph{rows, edges.data(), edges.size(), features.data()};
    REQUIRE(shared.try_assign(graph).ok());
  }
};
using edges_of_a_graph = lc::neighbours<600>;

}  // namespace

TEST_CASE("graphs") {
  check<over<edges_of_a_graph>, fast, graph_between_them<0>>("neighbours", {.causal = false, .sees = listens}, false);
  check<over<edges_of_a_graph, lc::edge_modulated<3>>, fast, graph_between_them<3>>(
      "edge_modulated", {.causal = false, .sees = listens}, false);
}
TEST_CASE("caches in which keys lie otherwise") {
  check<over<lc::causal, lc::rope<>, lc::paged_cache<64>>, fast>("paged", {.sees = lc::allows<lc::causal>});
  using local = lc::both<lc::causal, lc::window<9>>;
  check<over<local, lc::rope<>, lc::ring_cache<9>>, fast>("ring", {.learns = false, .sees = lc::allows<local>});
}

TEST_CASE("clusters") {
  check<over<lc::k_means<3>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>, fast>(
      "k_means", {}, decided_by_tokens);
}
TEST_CASE("features, corrected") {
  using near = lc::both<lc::causal, lc::window<7>>;
  check<over<near, lc::difference<lc::hyperbolic_favor<12>>>, fast>("difference, causal",
                                                                    {.sees = lc::allows<lc::causal>});
  check<over<lc::window<5>, lc::difference<lc::favor<12>>>, fast>("difference, all", {.causal = false});
}
TEST_CASE("values of near tokens") {
  check<over<lc::full, lc::local_enhancement<3>>, fast>("enhanced", {.causal = false, .weights = sum::anything});
}
TEST_CASE("maps made of tokens") {
  check<over<lc::causal, lc::parameter_tokens<10>>, fast>("parameter_tokens", {.sees = lc::allows<lc::causal>});
}
TEST_CASE("clusters of equally many") {
  check<
      over<lc::balanced_k_means<5, lc::members{12}>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>,
      fast>("balanced_k_means", {.causal = false, .weights = sum::less}, decided_by_tokens);
}
TEST_CASE("rows of two kinds") {
  using set = lc::listed<0, 21>;
  using near = lc::either<lc::window<7>, lc::columns<set>>;
  check<over<near, lc::class_projections<set>>, fast>(
      "two kinds",
      {.causal = false, .weights = sum::anything, .sees = lc::allows<lc::either<lc::global<set>, lc::window<7>>>});
  using near_past = lc::both<lc::causal, near>;
  using past = lc::both<lc::causal, lc::either<lc::global<set>, lc::window<7>>>;
  check<over<near_past, lc::class_projections<set>>, fast>("two kinds, of the past alone",
                                                           {.weights = sum::anything, .sees = lc::allows<past>});
}
