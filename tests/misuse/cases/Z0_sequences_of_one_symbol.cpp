// sentence: lacuna::task: sequences of such sizes are all alike (choose symbols > 1 and length > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using source = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 2, .length = 4}>;
#else
using source = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 1, .length = 4}>;
#endif

int main() { return source::drawn(1).entropy() > 0 ? 0 : 1; }
