// sentence: lacuna::width: it is missing in a whole recipe (add lacuna::width<N>, the columns of the residual stream)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, block>;
#else
using tiny = lc::decoder<lc::vocabulary<32>, lc::context<16>, block>;
#endif

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
