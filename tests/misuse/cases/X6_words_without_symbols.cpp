// sentence: lacuna::task::regular_language: there are no words (choose 0 < shortest <= longest)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::regular_language<task::language::parity, task::word_sizes{.shortest = 1}>;
#else
using wanted = task::regular_language<task::language::parity, task::word_sizes{.shortest = 0}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
