// sentence: lacuna::conditionals_of: the model has no token that begins a sequence, or no room for one (give it vocabulary<symbols + 1> and context<length>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using words = lc::vocabulary<5>;
#else
using words = lc::vocabulary<4>;
#endif
using tiny = lc::decoder<words, lc::width<16>, lc::context<6>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;

int main() {
  const auto source = lc::task::markov_source<>::drawn(1);
  lc::model<tiny> model;
  return lc::try_report_entropy(source, lc::conditionals_of<4, 6>(model)).ok() ? 0 : 1;
}
