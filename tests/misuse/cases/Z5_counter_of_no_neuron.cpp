// sentence: lacuna::neuron_counter: it watches no neuron (write neuron_counter<layers, hidden width>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using watcher = lc::neuron_counter<2, 8>;
#else
using watcher = lc::neuron_counter<2, 0>;
#endif

int main() { return watcher{}.complete() ? 1 : 0; }
