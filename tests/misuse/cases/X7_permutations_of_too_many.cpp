// sentence: lacuna::task::permutations: no group of a size to learn (choose 1 to 6 items)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::regular_language<task::language::permutations<6>>;
#else
using wanted = task::regular_language<task::language::permutations<8>>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
