// sentence: lacuna::predicted: the activation looks at the whole row, and only some of its neurons are computed (use an elementwise one, such as lacuna::relu, or leave predicted out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using thinker = lc::ffn<lc::hidden<32>, lc::gated<lc::relu>, lc::predicted<lc::rank<4>>>;
#else
using thinker = lc::ffn<lc::hidden<32>, lc::top_k_activation<4, lc::gated<lc::relu>>, lc::predicted<lc::rank<4>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, thinker>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
