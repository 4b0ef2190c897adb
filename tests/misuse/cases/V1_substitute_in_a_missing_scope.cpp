// sentence: lacuna::substitute: the scope does not occur in the recipe (name a recipe_name, a slot, a type or a block_number that it holds, the outermost first)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using variant = lc::substitute<tiny, lc::no_bias, lc::bias, lc::in<lc::block_number<1>>>;
#else
using variant = lc::substitute<tiny, lc::no_bias, lc::bias, lc::in<lc::block_number<2>>>;
#endif

int main() {
  lc::model<variant> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
