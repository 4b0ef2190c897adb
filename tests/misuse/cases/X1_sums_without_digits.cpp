// sentence: lacuna::task::addition: the summands have no digits (choose digits > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::addition<task::addends{.digits = 1}>;
#else
using wanted = task::addition<task::addends{.digits = 0}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
