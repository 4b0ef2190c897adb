// sentence: lacuna::top_k_activation: its argument is neither elementwise nor gated (write top_k_activation<64, relu> or top_k_activation<64, gated<silu>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using neurons = lc::top_k_activation<8, lc::gated<lc::poly_norm<>>>;
#else
using neurons = lc::top_k_activation<8, lc::poly_norm<>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, neurons>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
