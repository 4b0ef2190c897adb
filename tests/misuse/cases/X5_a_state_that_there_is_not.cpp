// sentence: lacuna::task: a transition leads to a state that there is not (number states from 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
struct language : task::by_table<language, 2, 2> {
  static constexpr task::transition_table<2, 2> table{{{0, 1}, {1, 0}}, {true, false}};
};
#else
struct language : task::by_table<language, 2, 2> {
  static constexpr task::transition_table<2, 2> table{{{1, 2}, {2, 1}}, {true, false}};
};
#endif

int main() {
  using wanted = task::regular_language<language>;
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
