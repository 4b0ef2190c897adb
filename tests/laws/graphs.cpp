// Graphs that come at run time: which rows listen to which, what is refused, an independent implementation.
#include "support/reference_cases.hpp"
#include "support/worse.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

/// The edges that a case of the reference lists row by row, the last first.
std::vector<lc::edge> edges_of(const one_case& from) {
  const auto& offsets = from.tensor("offsets").of;
  const auto& neighbours = from.tensor("neighbours").of;
  std::vector<lc::edge> edges;
  for (std::size_t row = 0; row + 1 < offsets.size(); ++row)
    for (auto i = static_cast<std::size_t>(offsets[row]); i < static_cast<std::size_t>(offsets[row + 1]); ++i)
      edges.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(neighbours[i])});
  std::reverse(edges.begin(), edges.end());
  return edges;
}
lc::graph<> graph_of(lc::extent_t nodes, const std::vector<lc::edge>& edges) {
  return {nodes, edges.data(), edges.size(), nullptr};
}
/// Each ordered pair with a probability, in an order of its own.
std::vector<lc::edge> random_edges(std::uint64_t seed, std::uint32_t nodes, double density) {
  std::vector<std::pair<double, lc::edge>> drawn;
  for (std::uint32_t i = 0; i < nodes; ++i)
    for (std::uint32_t j = 0; j < nodes; ++j)
      if (lc::random_uniform(seed, 1, i * nodes + j) < density)
        drawn.push_back({lc::random_uniform(seed, 2, i * nodes + j), {i, j}});
  std::sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<lc::edge> edges;
  for (const auto& of : drawn) edges.push_back(of.second);
  return edges;
}
std::vector<lc::edge> complete(std::uint32_t nodes) { return random_edges(0, nodes, 2); }
bool listens(const std::vector<lc::edge>& edges, lc::extent_t target, lc::extent_t source) {
  return std::find(edges.begin(), edges.end(),
                   lc::edge{static_cast<std::uint32_t>(target), static_cast<std::uint32_t>(source)}) != edges.end();
}

inline constexpr lc::extent_t nodes = 37, width = 16;
template <class Recipe>
using layer_of = lone_attention<Recipe, width, nodes, lc::f64>;
template <class Recipe>
auto random_layer() {
  auto layer = std::make_unique<layer_of<Recipe>>();
  std::uint64_t drawn = 0;
  const auto draw = [&](auto& tensor) {
    for (auto& of : tensor.data) of = 0.5 * lc::random_normal(9, 0, drawn++);
  };
  lc::visit_tensors(draw, layer->parameters);
  draw(layer->x);
  layer_of<Recipe>::bound::refresh(layer->parameters, layer->derived);
  return layer;
}
template <class Layer>
auto output_of(Layer& layer, const std::vector<lc::edge>& edges) {
  REQUIRE(layer.shared.try_assign(graph_of(nodes, edges)).ok());
  layer.forward(0, nodes);
  return layer.y;
}
using graph_at_compile_time = lc::graph_plan<5, 6>;
using plain = lc::attention<lc::heads<2>, lc::neighbours<nodes * nodes>>;

template <class Route, lc::extent_t Layers = 1>
using model_recipe = lc::decoder<lc::vocabulary<64>, lc::width<width>, lc::context<40>,
                                 lc::repeat<Layers, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, Route>>>>;
template <class Model>
void randomise(Model& model) {
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of += static_cast<float>(lc::random_normal(4, 1, drawn++));
      },
      model.parameters_to_write());
  model.update();
}

template <lc::extent_t Heads, lc::extent_t Width, lc::extent_t Tokens>
void check_nodes(const one_case& from) {
  using recipe = lc::zoo::graph_attention<150, Heads>;
  check_case<recipe, Width, Tokens>(from, "y", settings_in_f64, [](auto& layer, const one_case& of) {
    layer.load(of);
    const auto edges = edges_of(of);
    REQUIRE(layer.shared.try_assign(graph_of(Tokens, edges)).ok());
  });
}

/// The features of the edges in the order of `edges_of`.
std::vector<double> features_of(const one_case& from) {
  const auto& of = from.tensor("edges");
  std::vector<double> features;
  for (lc::extent_t e = of.extents[0]; e-- > 0;)
    features.insert(features.end(), of.of.begin() + static_cast<long>(e * of.extents[1]),
                    of.of.begin() + static_cast<long>((e + 1) * of.extents[1]));
  return features;
}
template <lc::extent_t Heads, lc::extent_t EdgeWidth, lc::extent_t Width, lc::extent_t Tokens>
void check_edges(const one_case& from) {
  using recipe = lc::zoo::graph_edge_attention<150, EdgeWidth, Heads>;
  const auto edges = edges_of(from);
  const auto features = features_of(from);
  REQUIRE(features.size() == edges.size() * EdgeWidth);
  const lc::graph<EdgeWidth, double> graph{Tokens, edges.data(), edges.size(), features.data()};
  const auto load = [&](auto& layer, const one_case& of) {
    layer.load(of);
    REQUIRE(layer.shared.try_assign(graph).ok());
  };
  check_case<recipe, Width, Tokens>(from, "y", settings_in_f64, load);
  // What an edge hands on is in the order in which edges were given: here the file's, reversed.
  auto layer = std::make_unique<lone_attention<recipe, Width, Tokens, lc::f64>>();
  load(*layer, from);
  layer->forward(0, Tokens);
  const auto& terms = from.tensor("edge_terms").of;
  REQUIRE(terms.size() == edges.size() * Width);
  for (lc::extent_t e = 0; e < edges.size(); ++e)
    for (lc::extent_t c = 0; c < Width; ++c)
      REQUIRE(layer->memory.schedule_memory.terms[e * Width + c] ==
              doctest::Approx(terms[(edges.size() - 1 - e) * Width + c]).epsilon(1e-8).scale(1));
}
using edged = lc::attention<lc::heads<2>, lc::neighbours<nodes * nodes>, lc::edge_modulated<3>>;

/// Recomputes the terms of every edge that a run shows.
struct term_reader {
  lc::extent_t layers = 0, edges = 0;
  double most = 0;
  template <class Backend, class LogScale, class Inputs, class Rule>
  void after(lc::operation::attend_edges, lc::ran_on<Backend>, const lc::rows<double, width>&, const LogScale&,
             const lc::rows<double, width>& terms, const Inputs& in, const Rule& rule) {
    ++layers;
    edges = terms.count;
    for (lc::extent_t row = 0; row < in.lists.rows; ++row)
      for (auto i = in.lists.begin[row]; i < in.lists.begin[row + 1]; ++i)
        for (lc::extent_t c = 0; c < width; ++c) {
          const double is = terms(in.lists.edges[i], c);
          const double expected =
              rule.scale * in.query(row, c) * in.key(in.lists.keys[i], c) * in.modulation(in.lists.edges[i], c);
          most = worse(most, std::abs(is - expected));
        }
  }
  template <class Operation, class Backend, class... Arguments>
  void after(Operation, lc::ran_on<Backend>, const Arguments&...) {}
};

}  // namespace

TEST_CASE("neighbours against an independent implementation") {
  auto cases = read_cases("graph");
  check_nodes<3, 24, 21>(cases["graph_nodes_21"]);
  check_nodes<2, 16, 26>(cases["graph_nodes_26"]);
}

TEST_CASE("the plan of a graph shows its edges, whatever their order") {
  static lc::graph_plan<nodes * nodes, 40> plan;
  for (const double density : {0.0, 0.02, 0.2, 0.9, 2.0})
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const auto edges = random_edges(seed, nodes, density);
      REQUIRE(plan.check(graph_of(nodes, edges)).ok());
      plan.assign(graph_of(nodes, edges));
      plan.prepare(0, nodes);
      const auto view = plan.view();
      REQUIRE(view.pairs == edges.size());
      for (lc::extent_t row = 0; row < nodes; ++row) {
        std::uint64_t seen[3]{};
        view.for_each_block(row, [&](lc::extent_t block, std::uint32_t mask) { seen[block] = mask; });
        for (lc::extent_t key = 0; key < 48; ++key)
          REQUIRE((seen[key / 16] >> key % 16 & 1u) == listens(edges, row, key));
      }
      const auto lists = plan.lc::graph_lists<nodes * nodes, 40>::view(nodes);
      REQUIRE(lists.count() == edges.size());
      for (lc::extent_t row = 0; row < nodes; ++row)
        for (auto i = lists.begin[row]; i < lists.begin[row + 1]; ++i) {
          REQUIRE(edges[lists.edges[i]] == lc::edge{static_cast<std::uint32_t>(row), lists.keys[i]});
          REQUIRE((i == lists.begin[row] || lists.keys[i - 1] < lists.keys[i]));
        }
    }
  // As many edges as there is room for, each in a block of its own.
  static lc::graph_plan<9, 400> sparse;
  std::vector<lc::edge> edges;
  for (std::uint32_t i = 0; i < 9; ++i) edges.push_back({i * 40, 399 - i * 17});
  REQUIRE(sparse.check(graph_of(400, edges)).ok());
  sparse.assign(graph_of(400, edges));
  sparse.prepare(0, 400);
  CHECK(sparse.view().pairs == 9);
}

TEST_CASE("a plan of a graph at compile time") {
  const auto pairs_of = [](std::uint32_t last) {
    graph_at_compile_time of;
    const lc::edge edges[]{{2, 0}, {0, 1}, {2, 2}, {2, last}};
    const lc::graph<> graph{4, edges, 4, nullptr};
    if (!of.check(graph).ok()) return std::uint64_t{0};
    of.assign(graph);
    of.prepare(0, 4);
    return of.view().pairs;
  };
  static_assert(pairs_of(3) == 4);
  static_assert(pairs_of(2) == 0 && pairs_of(4) == 0);  // twice; out of range
}

TEST_CASE("the complete graph is full attention, bit for bit") {
  auto layer = random_layer<plain>();
  auto full = random_layer<lc::attention<lc::heads<2>, lc::full>>();
  const auto y = output_of(*layer, complete(nodes));
  full->forward(0, nodes);
  for (lc::extent_t i = 0; i < y.size; ++i) REQUIRE(y[i] == full->y[i]);
}

TEST_CASE("nodes may be numbered otherwise") {
  const auto edges = random_edges(3, nodes, 0.15);
  auto layer = random_layer<plain>(), other = random_layer<plain>();
  const auto place = [](std::uint32_t node) { return node * 10 % static_cast<std::uint32_t>(nodes); };
  std::vector<lc::edge> moved;
  for (const auto& of : edges) moved.push_back({place(of.target), place(of.source)});
  for (std::uint32_t i = 0; i < nodes; ++i)
    for (lc::extent_t c = 0; c < width; ++c) other->x[place(i) * width + c] = layer->x[i * width + c];
  const auto before = output_of(*layer, edges), after = output_of(*other, moved);
  for (std::uint32_t i = 0; i < nodes; ++i)
    for (lc::extent_t c = 0; c < width; ++c)
      REQUIRE(after[place(i) * width + c] == doctest::Approx(before[i * width + c]).epsilon(1e-12).scale(1));
}

TEST_CASE("whom a row does not listen to leaves it as it is, and it listens ahead") {
  auto edges = random_edges(5, nodes, 0.1);
  edges.erase(std::remove_if(edges.begin(), edges.end(), [](const auto& of) { return of.target == 7; }), edges.end());
  auto layer = random_layer<plain>();
  const auto before = output_of(*layer, edges);
  for (lc::extent_t c = 0; c < width; ++c) CHECK(before[7 * width + c] == 0);  // nobody to listen to
  const std::uint32_t silenced = 30;
  for (lc::extent_t c = 0; c < width; ++c) layer->x[silenced * width + c] = std::nan("");
  const auto after = output_of(*layer, edges);
  int earlier = 0;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    if (i == silenced) continue;
    const bool heard = listens(edges, i, silenced);
    earlier += heard && i < silenced;
    for (lc::extent_t c = 0; c < width; ++c) {
      const double was = before[i * width + c], is = after[i * width + c];
      REQUIRE((heard ? std::isnan(is) : was == is));
    }
  }
  CHECK(earlier > 0);
  // Before there is a graph, and in an empty one, nobody listens.
  const auto alone = output_of(*layer, {});
  for (lc::extent_t i = 0; i < alone.size; ++i) REQUIRE(alone[i] == 0);
}

TEST_CASE("through k layers a node hears what is k steps away, and no further") {
  constexpr lc::extent_t layers = 3;
  using recipe = model_recipe<lc::neighbours<80>, layers>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<40>>>();
  randomise(*model);
  std::vector<lc::edge> path;
  for (std::uint32_t i = 0; i + 1 < 20; ++i) path.push_back({i, i + 1}), path.push_back({i + 1, i});
  REQUIRE(model->try_assign(graph_of(20, path)).ok());
  std::vector<std::uint32_t> tokens(20);
  for (std::uint32_t i = 0; i < 20; ++i) tokens[i] = i;
  const auto run = [&] {
    std::vector<float> all;
    model->reset();
    REQUIRE(model
                ->try_forward({tokens.data(), 20},
                              [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 64); })
                .ok());
    return all;
  };
  const auto before = run();
  const std::uint32_t changed = 9;
  tokens[changed] = 50;
  const auto after = run();
  for (std::uint32_t i = 0; i < 20; ++i) {
    const auto steps = i < changed ? changed - i : i - changed;
    const bool same = std::equal(before.begin() + i * 64, before.begin() + (i + 1) * 64, after.begin() + i * 64);
    CHECK(same == (steps > layers));
  }
}

TEST_CASE("work is counted by edges") {
  const auto edges = random_edges(6, 40, 0.1);
  const auto count = [&]<class Recipe>(Recipe) {
    auto model = std::make_unique<lc::model<Recipe, lc::chunk<40>>>();
    REQUIRE(model->try_assign(graph_of(40, edges)).ok());
    const std::uint32_t tokens[40]{};
    lc::work_counter counter;
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {tokens, 40}, [](lc::extent_t, auto) {})
                .ok());
    return counter.multiply_adds;
  };
  using roomy = model_recipe<lc::neighbours<400>>;
  const std::uint64_t spare = 400 - edges.size();
  CHECK(count(roomy{}) + 2 * width * spare == roomy::bound::multiply_adds(0, 40, 40));
  CHECK(lc::pairs<lc::neighbours<400>>(0, 40, 40) == 400);
  CHECK(lc::pairs<lc::neighbours<400>>(0, 5, 5) == 25);
}

TEST_CASE("edges with features against an independent implementation") {
  auto cases = read_cases("graph");
  check_edges<2, 6, 16, 21>(cases["graph_edges_21"]);
  check_edges<3, 4, 24, 26>(cases["graph_edges_26"]);
}

TEST_CASE("the network for nodes has the parameters of the paper's layers") {
  using network = lc::zoo::graph_transformer<28, 38, 128>;
  constexpr lc::extent_t w = 64, attention = 4 * w * w, ffn = 2 * w * (2 * w) + 2 * w + w, norms = 2 * 2 * w;
  CHECK(lc::parameter_count<network> == 28 * w + (8 * w + w) + 10 * (attention + ffn + norms) + 28 * w + 28);
  // An edge costs a product with its numbers, three products per column, and nothing else.
  using edged_network = lc::substitute<network, lc::zoo::graph_attention<128>, lc::zoo::graph_edge_attention<128, 4>>;
  CHECK(lc::parameter_count<edged_network> == lc::parameter_count<network> + 10 * w * 4);
  CHECK(lc::prefill_multiply_adds<edged_network>(38) ==
        lc::prefill_multiply_adds<network>(38) + 10 * 128 * w * (4 + 3 - 2));
}

TEST_CASE("edges that bend nothing are a dot product; features follow their edges") {
  auto edges = random_edges(8, nodes, 0.2);
  edges.erase(std::remove_if(edges.begin(), edges.end(), [](const auto& of) { return of.target == 7; }), edges.end());
  const auto listed = [&](const std::vector<double>& features) {
    return lc::graph<3, double>{nodes, edges.data(), edges.size(), features.data()};
  };
  auto layer = random_layer<edged>();
  auto dot = random_layer<plain>();
  lc::visit_tensors([](auto& to, const auto& from) { to = from; }, dot->parameters.query.weight,
                    layer->parameters.query.weight);
  dot->parameters.key = layer->parameters.key, dot->parameters.value = layer->parameters.value;
  dot->parameters.output = layer->parameters.output;
  dot->x = layer->x;
  const auto drawn = layer->parameters.schedule_part.edge.weight;
  for (lc::extent_t c = 0; c < width; ++c)
    for (lc::extent_t i = 0; i < 3; ++i) layer->parameters.schedule_part.edge.weight[c * 3 + i] = i == 0 ? 1 : 0;
  std::vector<double> features(3 * edges.size());
  for (lc::extent_t i = 0; i < features.size(); ++i) features[i] = i % 3 == 0 ? 1 : lc::random_normal(3, 3, i);
  REQUIRE(layer->shared.try_assign(listed(features)).ok());
  layer->forward(0, nodes);
  const auto expected = output_of(*dot, edges);
  for (lc::extent_t i = 0; i < expected.size; ++i)
    REQUIRE(layer->y[i] == doctest::Approx(expected[i]).epsilon(1e-12).scale(1));
  // With features at work: another order of the edges, another row of features.
  layer->parameters.schedule_part.edge.weight = drawn;
  layer->forward(0, nodes);
  const auto before = layer->y;
  CHECK(std::abs(before[0] - expected[0]) > 1e-6);
  for (lc::extent_t c = 0; c < width; ++c) CHECK(before[7 * width + c] == 0);
  std::rotate(edges.begin(), edges.begin() + 5, edges.end());
  std::rotate(features.begin(), features.begin() + 15, features.end());
  REQUIRE(layer->shared.try_assign(listed(features)).ok());
  layer->forward(0, nodes);
  for (lc::extent_t i = 0; i < before.size; ++i) REQUIRE(layer->y[i] == before[i]);
  features[3 * 4 + 1] += 1;
  REQUIRE(layer->shared.try_assign(listed(features)).ok());
  layer->forward(0, nodes);
  for (lc::extent_t row = 0; row < nodes; ++row)
    for (lc::extent_t c = 0; c < width; ++c)
      REQUIRE((layer->y[row * width + c] == before[row * width + c]) == (row != edges[4].target));
}

TEST_CASE("work along edges with features, and what an edge hands on") {
  const auto edges = random_edges(6, 40, 0.1);
  const std::vector<double> features(3 * edges.size(), 0.5);
  using recipe =
      lc::decoder<lc::vocabulary<64>, lc::width<width>, lc::context<40>,
                  lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
                                             lc::attention<lc::heads<2>, lc::neighbours<400>, lc::edge_modulated<3>>>>>;
  auto model = std::make_unique<lc::model<recipe, lc::f64, lc::chunk<40>>>();
  randomise(*model);
  REQUIRE(model->try_assign(lc::graph<3, double>{40, edges.data(), edges.size(), features.data()}).ok());
  const std::uint32_t tokens[40]{1, 2, 3};
  const auto none = [](lc::extent_t, auto) {};
  lc::work_counter counter;
  REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {tokens, 40}, none).ok());
  CHECK(counter.multiply_adds + 2 * (3 + 3) * width * (400 - edges.size()) == recipe::bound::multiply_adds(0, 40, 40));
  model->reset();
  term_reader reader;
  REQUIRE(model->try_forward_watched(lc::watched{model->backend(), reader}, {tokens, 40}, none).ok());
  CHECK(reader.layers == 2);
  CHECK(reader.edges == edges.size());
  CHECK(reader.most < 1e-12);
  // Without features the graph is refused, whatever it was before.
  CHECK(std::string(model->try_assign(lc::graph<3, double>{40, edges.data(), 2, nullptr}).why().message.c_str()) ==
        "lacuna::graph: expected 3 numbers for each of 2 edges, found none (set features)");
}

TEST_CASE("a wrong graph is refused with a sentence, and changes nothing") {
  using recipe = model_recipe<lc::neighbours<6>>;
  auto model = std::make_unique<lc::model<recipe, lc::f64, lc::training>>();
  randomise(*model);
  const std::vector<lc::edge> ring{{0, 1}, {1, 2}, {2, 3}, {3, 0}};
  const std::uint32_t tokens[]{1, 2, 3, 4, 5};
  // Before there is a graph any stream fits.
  REQUIRE(model->try_forward_to_learn({tokens, 5}).ok());
  REQUIRE(model->try_assign(graph_of(4, ring)).ok());
  const auto logits = [&] {
    const auto of = *model->try_forward_to_learn({tokens, 4});
    return std::vector<double>(of.data, of.data + 4 * 64);
  };
  const auto before = logits();
  const auto refuses = [&](lc::extent_t count, std::vector<lc::edge> edges, lc::error_kind kind, const char* sentence) {
    const auto refused = model->try_assign(graph_of(count, edges));
    CHECK(refused.why().kind == kind);
    CHECK(std::string(refused.why().message.c_str()) == sentence);
    CHECK(logits() == before);
  };
  refuses(41, ring, lc::error_kind::length,
          "lacuna::graph: expected at most 40 nodes (the context), found 41 (give the recipe a longer context)");
  refuses(4, complete(4), lc::error_kind::length,
          "lacuna::graph: expected at most 6 edges, found 16 (give the route more room: neighbours<N>)");
  refuses(4, {{0, 1}, {1, 4}}, lc::error_kind::value,
          "lacuna::graph: edge 1: expected nodes below 4, found target 1 and source 4 (number the nodes from 0)");
  refuses(4, {{5, 1}}, lc::error_kind::value,
          "lacuna::graph: edge 0: expected nodes below 4, found target 5 and source 1 (number the nodes from 0)");
  refuses(
      4, {{3, 1}, {0, 1}, {0, 2}, {2, 1}, {0, 1}}, lc::error_kind::value,
      "lacuna::graph: edge 4: expected each edge once, found target 0 and source 1 again, as in edge 1 (leave one of "
      "them out)");
  CHECK(std::string(model->try_forward_to_learn({tokens, 5}).why().message.c_str()) ==
        "lacuna::forward: expected 4 tokens, one for each node of the graph, found 5 (assign the graph of these tokens "
        "first)");
  // Backward belongs to the graph of its forward.
  logits();
  const std::vector<double> adjoint(4 * 64, 1);
  CHECK(model->try_backward({tokens, 4}, {adjoint.data(), 4}).ok());
  REQUIRE(model->try_assign(graph_of(4, {{0, 1}})).ok());
  CHECK(!model->try_backward({tokens, 4}, {adjoint.data(), 4}).ok());
  CHECK(logits() != before);
}
