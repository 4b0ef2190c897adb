// sentence: lacuna::attention_row_counter: it watches no head (write attention_row_counter<layers, heads>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
bool complete(const lc::attention_row_counter<2, 4>& of) { return of.complete(); }
#else
bool complete(const lc::attention_row_counter<2, 0>& of) { return of.complete(); }
#endif
