// sentence: lacuna::task::boolean: the family needs more variables than there are (choose more bits)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::boolean_functions<task::boolean::sparse_disjunction<8>>;
#else
using wanted = task::boolean_functions<task::boolean::sparse_disjunction<9>>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
