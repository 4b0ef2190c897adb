// sentence: lacuna::task::copy: there is nothing to copy (choose symbols > 0 and 0 < shortest <= longest)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::copy<task::copy_sizes{.shortest = 4, .longest = 8}>;
#else
using wanted = task::copy<task::copy_sizes{.shortest = 8, .longest = 4}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
