// sentence: lacuna::model: an inference model has no gradients (write model<Recipe, lacuna::training>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
#if defined(CORRECTED)
  lc::model<tiny, lc::training> model;
#else
  lc::model<tiny> model;
#endif
  const std::uint32_t tokens[]{1, 2};
  const auto logits = model.try_forward_to_learn({tokens, 2});
  model.clear_gradients();
  return logits.ok() && model.try_backward({tokens, 2}, *logits).ok() ? 0 : 1;
}
