// sentence: lacuna::mixture_log_loss: it mixes nothing (write mixture_log_loss<members>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
double loss(const lc::mixture_log_loss<2>& of) { return of.loss(); }
#else
double loss(const lc::mixture_log_loss<0>& of) { return of.loss(); }
#endif
