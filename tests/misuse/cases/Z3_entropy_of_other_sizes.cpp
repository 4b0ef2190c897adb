// sentence: lacuna::report_entropy: the sequences of the source and of the model have other sizes (write conditionals_of<symbols, length>(model) with those of the source)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<5>, lc::width<16>, lc::context<6>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;

int main() {
  const auto source = lc::task::markov_source<>::drawn(1);
  lc::model<tiny> model;
#if defined(CORRECTED)
  return lc::try_report_entropy(source, lc::conditionals_of<4, 6>(model)).ok() ? 0 : 1;
#else
  return lc::try_report_entropy(source, lc::conditionals_of<4, 5>(model)).ok() ? 0 : 1;
#endif
}
