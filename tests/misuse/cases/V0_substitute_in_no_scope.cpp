// sentence: lacuna::substitute: its last argument is no scope (write in<recipe_name::attention>, in<slots::route>, in<block_number<0>>, or nothing)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using variant = lc::substitute<tiny, lc::no_bias, lc::bias, lc::in<lc::recipe_name::ffn>>;
#else
using variant = lc::substitute<tiny, lc::no_bias, lc::bias, lc::recipe_name::ffn>;
#endif

int main() {
  lc::model<variant> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
