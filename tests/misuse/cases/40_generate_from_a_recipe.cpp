// sentence: lacuna::generate: its first argument is not a named model (write lacuna::model<Recipe> model; generate(model, prompt))
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
#if defined(CORRECTED)
  lc::model<tiny> model;
#else
  tiny model;
#endif
  const std::uint32_t prompt[]{1, 2};
  std::uint32_t last = 0;
  for (auto token : lc::generate(model, lc::token_view{prompt, 2}, {.tokens = 4})) last = token;
  return last == 0 ? 0 : 1;
}
