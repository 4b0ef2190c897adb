// sentence: lacuna::task::boolean_functions: the points do not become tokens (choose points > 0 and 1 to 16 bits, or point_form::bit_tokens)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::boolean_functions<task::boolean::parity,
                                       task::boolean_sizes{.bits = 28, .form = task::point_form::bit_tokens}>;
#else
using wanted = task::boolean_functions<task::boolean::parity, task::boolean_sizes{.bits = 28}>;
#endif

int main() {
  task::token_example<wanted::length> example;
  wanted::sample(1, 0, example);
  return example.counted() > 0 ? 0 : 1;
}
