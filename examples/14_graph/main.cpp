// A graph at run time: two cliques and a bridge, nodes that all look the same. Which clique is a node in? A graph
// Transformer learns it with an eigenvector of the Laplacian as position, and cannot without. Then each node's
// neighbours are printed, and how much it listens to each (last layer, mean over heads). On a PC:
//   g++ -std=c++20 -O2 -Iinclude -I/usr/include/eigen3 examples/14_graph/main.cpp -o graph
#include <lacuna/lacuna.hpp>
#if __has_include(<Eigen/Core>)
#include <lacuna/with_eigen.hpp>
#endif
#include <cmath>
#include <cstdio>
#include <iterator>
namespace lc = lacuna;

namespace {

constexpr lc::extent_t nodes = 8, kept = 1;
constexpr lc::edge edges[]{{0, 1}, {1, 0}, {0, 2}, {2, 0}, {0, 3}, {3, 0}, {1, 2}, {2, 1}, {1, 3},
                           {3, 1}, {2, 3}, {3, 2}, {4, 5}, {5, 4}, {4, 6}, {6, 4}, {4, 7}, {7, 4},
                           {5, 6}, {6, 5}, {5, 7}, {7, 5}, {6, 7}, {7, 6}, {3, 4}, {4, 3}};
constexpr lc::graph<> cliques{nodes, edges, std::size(edges), nullptr};
constexpr std::uint32_t alike[nodes]{}, clique[nodes]{0, 0, 0, 0, 1, 1, 1, 1};

// 2 kinds, 8 nodes, room for 32 edges; 2 layers of width 16 with 2 heads, 1 position.
using model = lc::model<lc::zoo::graph_transformer<2, nodes, 32, 2, 16, 2, kept>, lc::training>;

/// What a watched run shows of attention: the weights of the last layer.
struct listening {
  double weight[nodes][nodes]{};

  template <class Backend, class Mixed, class Scale, class Query, class Cache, class Rule>
  void after(lc::operation::attend, lc::ran_on<Backend>, const Mixed&, const Scale&, const Query& query,
             const Cache& cache, const lc::block_plan_view& plan, const Rule& rule) {
    for (auto& row : weight)
      for (double& of : row) of = 0;
    lc::visit_attention_weights(query, cache, plan, rule, [&](lc::extent_t row, lc::extent_t, lc::extent_t key, double of) {
      weight[row][key] += of / Cache::kv_heads;
    });
  }
  template <class Operation, class Backend, class... Arguments>
  void after(Operation, lc::ran_on<Backend>, const Arguments&...) {}
};

bool learn(model& of) {
  std::uint64_t counter = 0;
  lc::visit_tensors([&](auto& tensor) {
    for (auto& weight : tensor.data) weight += static_cast<float>(0.3 * lc::random_normal(2026, 0, counter++));
  }, of.parameters_to_write());
  of.update();
  static lc::tensor<float, nodes, 2> adjoint;
  for (int step = 0; step < 300; ++step) {
    const auto logits = of.try_forward_to_learn({alike, nodes});
    if (!logits.ok()) return false;
    lc::mean_cross_entropy(*logits, {clique, nodes}, adjoint.view());
    of.clear_gradients();
    if (!of.try_backward({alike, nodes}, adjoint.view()).ok()) return false;
    lc::visit_tensors([](auto& weight, const auto& gradient) {
      for (lc::extent_t i = 0; i < gradient.size; ++i) weight[i] -= 0.1f * gradient[i];
    }, of.parameters_to_write(), of.gradients_to_write());
    of.update();
  }
  return true;
}

bool report(model& of, const char* title) {
  listening seen;
  char answer[nodes]{};
  int right = 0;
  of.reset();
  if (!of.try_forward_watched(lc::watched{of.backend(), seen}, {alike, nodes}, [&](lc::extent_t node, auto logits) {
        const float b_over_a = logits(0, 1) - logits(0, 0);  // a hundredth is no answer
        answer[node] = std::fabs(b_over_a) < 0.01f ? '?' : b_over_a < 0 ? 'A' : 'B';
        right += answer[node] == (clique[node] == 0 ? 'A' : 'B') ? 1 : 0;
      }).ok())
    return false;
  std::printf("%s: %d of %d nodes know their clique\n", title, right, static_cast<int>(nodes));
  for (lc::extent_t node = 0; node < nodes; ++node) {
    std::printf("  node %d says %c, listens to", static_cast<int>(node), answer[node]);
    for (lc::extent_t key = 0; key < nodes; ++key)
      if (seen.weight[node][key] > 0) std::printf("  %d: %2.0f%%", static_cast<int>(key), 100 * seen.weight[node][key]);
    std::printf("\n");
  }
  return true;
}

}  // namespace

int main() {
  static model without, with;
  if (!without.ready() || !with.ready()) return 1;
  if (!without.try_assign(cliques).ok() || !learn(without) || !report(without, "without positions")) return 1;
#if __has_include(<Eigen/Core>)
  static lc::tensor<float, nodes, kept> positions;
  if (!lc::try_laplacian_positions(cliques, positions.view()).ok()) return 1;
  if (!with.try_assign(cliques).ok() || !with.try_assign(lc::node_positions<kept>(positions.view())).ok()) return 1;
  if (!learn(with) || !report(with, "with positions of the Laplacian")) return 1;
#else
  std::puts("with positions of the Laplacian: built without Eigen");
#endif
  return 0;
}
