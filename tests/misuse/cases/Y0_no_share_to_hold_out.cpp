// sentence: lacuna::task: there is no share to hold out (choose one_of{2} or more)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::held_out<task::copy<>, task::one_of{2}>;
#else
using wanted = task::held_out<task::copy<>, task::one_of{1}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted{}.sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
