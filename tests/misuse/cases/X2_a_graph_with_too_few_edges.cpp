// sentence: lacuna::task::graph_search: no such graph has so few edges (choose 4 to 128 edges, more than twice the lookahead, and for stars lookahead > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::graph_search<task::search_options{.edges = 9, .lookahead = 4}>;
#else
using wanted = task::graph_search<task::search_options{.edges = 8, .lookahead = 4}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
