// sentence: lacuna::residual_counter: it watches no sublayer (write residual_counter<2 * layers>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using watcher = lc::residual_counter<2>;
#else
using watcher = lc::residual_counter<0>;
#endif

int main() { return watcher{}.complete() ? 1 : 0; }
