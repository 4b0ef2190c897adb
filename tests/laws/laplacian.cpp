// Positions of a graph's nodes: eigenvectors of its Laplacian, and what a model makes of them.
#include "support/reference_cases.hpp"
#include "support/worse.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

template <lc::extent_t Context, class... Position>
using model_recipe = lc::decoder<lc::vocabulary<24>, lc::width<16>, lc::context<Context>,
                                 lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::neighbours<80>>>,
                                 lc::linear_head<>, Position...>;
template <class Recipe>
using model_of = lc::model<Recipe, lc::f64, lc::chunk<24>>;

template <class Model>
void randomise(Model& model) {
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of += lc::random_normal(4, 1, drawn++);
      },
      model.parameters_to_write());
  model.update();
}
std::vector<lc::edge> ring_of(std::uint32_t nodes) {
  std::vector<lc::edge> edges;
  for (std::uint32_t i = 0; i < nodes; ++i)
    edges.push_back({i, (i + 1) % nodes}), edges.push_back({(i + 1) % nodes, i});
  return edges;
}
lc::graph<> graph_of(lc::extent_t nodes, const std::vector<lc::edge>& edges) {
  return {nodes, edges.data(), edges.size(), nullptr};
}
template <class Model>
std::vector<double> logits_of(Model& model, const std::vector<std::uint32_t>& tokens) {
  std::vector<double> all;
  model.reset();
  REQUIRE(model
              .try_forward({tokens.data(), tokens.size()},
                           [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 24); })
              .ok());
  return all;
}

}  // namespace

TEST_CASE("a position is a learned map of a node's numbers") {
  constexpr lc::extent_t nodes = 20;
  using recipe = model_recipe<24, lc::laplacian_position<3>>;
  auto model = std::make_unique<model_of<recipe>>();
  auto plain = std::make_unique<model_of<model_recipe<24>>>();
  randomise(*model);
  const auto edges = ring_of(nodes);
  REQUIRE(model->try_assign(graph_of(nodes, edges)).ok());
  REQUIRE(plain->try_assign(graph_of(nodes, edges)).ok());
  lc::tensor<float, nodes, 3> positions;
  for (lc::extent_t i = 0; i < positions.size; ++i) positions[i] = static_cast<float>(lc::random_normal(5, 0, i));
  REQUIRE(model->try_assign(lc::node_positions<3>(positions.view())).ok());
  // The same model without positions, with a token for each node that has them in its embedding.
  const auto& from = model->parameters();
  auto& to = plain->parameters_to_write();
  to.body_part = from.body_part, to.norm_part = from.norm_part, to.head_part = from.head_part;
  std::vector<std::uint32_t> tokens, own;
  for (std::uint32_t t = 0; t < nodes; ++t) {
    tokens.push_back(t * 5 % 7), own.push_back(t);
    for (lc::extent_t c = 0; c < 16; ++c) {
      double sum = from.embedding.weight[tokens[t] * 16 + c] + from.position_part.bias[c];
      for (lc::extent_t i = 0; i < 3; ++i)
        sum += static_cast<double>(positions[t * 3 + i]) * from.position_part.weight[i * 16 + c];
      to.embedding.weight[t * 16 + c] = sum;
    }
  }
  plain->update();
  const auto is = logits_of(*model, tokens), expected = logits_of(*plain, own);
  for (lc::extent_t i = 0; i < is.size(); ++i) REQUIRE(is[i] == doctest::Approx(expected[i]).epsilon(1e-12).scale(1));
  // Work, and what is refused.
  lc::work_counter counter;
  model->reset();
  REQUIRE(model
              ->try_forward_watched(lc::watched{model->backend(), counter}, {tokens.data(), nodes},
                                    [](lc::extent_t, auto) {})
              .ok());
  CHECK(counter.multiply_adds + 2 * 16 * (80 - edges.size()) == recipe::bound::multiply_adds(0, nodes, nodes));
  const std::vector<float> many(25 * 3);
  CHECK(
      std::string(
          model->try_assign(lc::node_positions<3>(lc::rows<const float, 3>(many.data(), 25))).why().message.c_str()) ==
      "lacuna::node_positions: expected at most 24 nodes (the context), found 25 (give the recipe a longer context)");
  CHECK(logits_of(*model, tokens) == is);
  REQUIRE(model->try_assign(graph_of(8, {})).ok());
  CHECK(std::string(model->try_forward({tokens.data(), 8}).why().message.c_str()) ==
        "lacuna::forward: expected 20 tokens, one for each node with a position, found 8 (assign the node_positions of "
        "these tokens first)");
}

TEST_CASE("a stream that may be cut has as many tokens as nodes, all pieces together") {
  using recipe = lc::decoder<lc::vocabulary<24>, lc::width<8>, lc::context<24>, lc::laplacian_position<2>,
                             lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;
  auto model = std::make_unique<lc::model<recipe>>();
  const std::vector<float> positions(10 * 2, 0.5f);
  REQUIRE(model->try_assign(lc::node_positions<2>(lc::rows<const float, 2>(positions.data(), 10))).ok());
  const std::uint32_t tokens[10]{};
  CHECK(model->try_forward({tokens, 5}).ok());
  CHECK(model->try_forward({tokens, 5}).ok());
  CHECK(std::string(model->try_forward({tokens, 1}).why().message.c_str()) ==
        "lacuna::forward: expected 10 or fewer tokens, one for each node with a position, found 11 (assign the "
        "node_positions of these tokens first)");
  CHECK(model->position() == 10);
}

TEST_CASE("signs are flipped by column, the same for the same batch") {
  int flipped = 0;
  for (std::uint64_t batch = 0; batch < 500; ++batch) {
    lc::tensor<double, 3, 4> once, again;
    for (lc::extent_t i = 0; i < once.size; ++i) once[i] = again[i] = static_cast<double>(i + 1);
    lc::flip_signs(once.view(), 7, batch);
    lc::flip_signs(again.view(), 7, batch);
    for (lc::extent_t i = 0; i < once.size; ++i) {
      REQUIRE(once[i] == again[i]);
      REQUIRE(std::abs(once[i]) == static_cast<double>(i + 1));
      REQUIRE((once[i] < 0) == (once[i % 4] < 0));
    }
    for (lc::extent_t c = 0; c < 4; ++c) flipped += once[c] < 0;
  }
  CHECK(flipped > 900);
  CHECK(flipped < 1100);
}

#if __has_include(<Eigen/Core>)
#include <lacuna/with_eigen.hpp>

namespace {

template <lc::extent_t Kept>
void check_case_of_laplacian(const one_case& from) {
  const auto nodes = static_cast<lc::extent_t>(from.setting("nodes"));
  REQUIRE(from.setting("kept") == Kept);
  const auto& offsets = from.tensor("offsets").of;
  const auto& neighbours = from.tensor("neighbours").of;
  std::vector<lc::edge> edges;
  for (std::uint32_t row = 0; row < nodes; ++row)
    for (auto i = static_cast<std::size_t>(offsets[row]); i < static_cast<std::size_t>(offsets[row + 1]); ++i)
      edges.push_back({row, static_cast<std::uint32_t>(neighbours[i])});
  std::vector<double> found(nodes * Kept), eigenvalues(nodes);
  const lc::rows<double, Kept> to{found.data(), nodes};
  REQUIRE(lc::try_laplacian_positions(graph_of(nodes, edges), to, eigenvalues.data()).ok());
  for (lc::extent_t i = 0; i < nodes; ++i) {
    CHECK(eigenvalues[i] == doctest::Approx(from.tensor("eigenvalues").of[i]).epsilon(1e-8).scale(1));
    for (lc::extent_t j = 0; j < nodes; ++j) {
      double product = 0;
      for (lc::extent_t c = 0; c < Kept; ++c) product += to(i, c) * to(j, c);
      REQUIRE(product == doctest::Approx(from.tensor("projector").of[i * nodes + j]).epsilon(1e-8).scale(1));
    }
  }
}

}  // namespace

TEST_CASE("Laplacian positions against an independent implementation") {
  auto cases = read_cases("laplacian");
  check_case_of_laplacian<4>(cases["laplacian_ring"]);
  check_case_of_laplacian<5>(cases["laplacian_random"]);
}

TEST_CASE("the spectrum of a ring; nodes without edges; graphs with few nodes") {
  for (std::uint32_t nodes = 3; nodes < 40; ++nodes) {
    std::vector<double> found(nodes * 2), eigenvalues(nodes), expected;
    const lc::rows<double, 2> to{found.data(), nodes};
    REQUIRE(lc::try_laplacian_positions(graph_of(nodes, ring_of(nodes)), to, eigenvalues.data()).ok());
    for (std::uint32_t k = 0; k < nodes; ++k) expected.push_back(1 - std::cos(2 * lc::maths::pi * k / nodes));
    std::sort(expected.begin(), expected.end());
    for (std::uint32_t k = 0; k < nodes; ++k) REQUIRE(std::abs(eigenvalues[k] - expected[k]) < 1e-12);
  }
  // A degree of 0 counts as 1: the eigenvalue of a lone node is 1, and its vector is its own.
  lc::tensor<double, 3, 4> positions;
  for (auto& of : positions.data) of = 9;
  double eigenvalues[3];
  const std::vector<lc::edge> pair{{0, 2}, {2, 0}};
  REQUIRE(lc::try_laplacian_positions(graph_of(3, pair), positions.view(), eigenvalues).ok());
  CHECK(eigenvalues[0] == doctest::Approx(0).scale(1));
  CHECK(eigenvalues[1] == doctest::Approx(1));
  CHECK(eigenvalues[2] == doctest::Approx(2));
  CHECK(std::abs(positions[1 * 4]) == doctest::Approx(1));
  CHECK(std::abs(positions[0]) < 1e-12);
  for (lc::extent_t node = 0; node < 3; ++node)
    for (lc::extent_t c = 2; c < 4; ++c) CHECK(positions[node * 4 + c] == 0);
}

TEST_CASE("graphs without a Laplacian are refused with a sentence") {
  lc::tensor<float, 3, 2> positions;
  const auto refuses = [&](lc::extent_t nodes, std::vector<lc::edge> edges, const char* sentence) {
    const auto refused = lc::try_laplacian_positions(graph_of(nodes, edges), positions.view());
    CHECK(std::string(refused.why().message.c_str()) == sentence);
    for (const auto& of : positions.data) CHECK(of == 0);
  };
  refuses(4, {}, "lacuna::laplacian_positions: expected a graph with nodes and a row for each of 4, found 3 rows");
  refuses(3, {{0, 1}, {1, 0}, {1, 3}},
          "lacuna::laplacian_positions: edge 2: expected nodes of the graph, found target 1 and source 3 (number the "
          "nodes from 0)");
  refuses(
      3, {{0, 1}, {1, 0}, {0, 1}},
      "lacuna::laplacian_positions: edge 2: expected each edge once, found target 0 and source 1 again (leave one of "
      "them out)");
  refuses(3, {{0, 1}, {1, 0}, {1, 2}},
          "lacuna::laplacian_positions: edge 2: expected edges in both directions, found target 1 and source 2 without "
          "the other (add it)");
}

TEST_CASE("positions tell nodes apart that their neighbours cannot") {
  constexpr lc::extent_t nodes = 12;
  using recipe = model_recipe<24, lc::laplacian_position<2>>;
  auto model = std::make_unique<model_of<recipe>>();
  randomise(*model);
  const auto edges = ring_of(nodes);
  REQUIRE(model->try_assign(graph_of(nodes, edges)).ok());
  const std::vector<std::uint32_t> alike(nodes, 3);
  const auto same_rows = [&](const std::vector<double>& logits) {
    int same = 0;
    for (lc::extent_t i = 1; i < nodes; ++i) {
      double most = 0;
      for (lc::extent_t c = 0; c < 24; ++c) most = worse(most, std::abs(logits[i * 24 + c] - logits[c]));
      same += most < 1e-9;
    }
    return same;
  };
  CHECK(same_rows(logits_of(*model, alike)) == nodes - 1);
  lc::tensor<float, nodes, 2> positions;
  REQUIRE(lc::try_laplacian_positions(graph_of(nodes, edges), positions.view()).ok());
  REQUIRE(model->try_assign(lc::node_positions<2>(positions.view())).ok());
  CHECK(same_rows(logits_of(*model, alike)) == 0);
}
#endif
