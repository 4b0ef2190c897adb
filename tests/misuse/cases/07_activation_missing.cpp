// sentence: lacuna::ffn: the activation is missing (add one, such as lacuna::relu, or lacuna::gated<lacuna::silu>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<32>, lc::relu>;
#else
using mlp = lc::ffn<lc::hidden<32>>;
#endif
using tiny = lc::decoder<
    lc::vocabulary<32>, lc::width<16>, lc::context<16>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, mlp>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
