// sentence: lacuna::model: its first argument is not a whole recipe (write model<decoder<...>>, options after it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
#if defined(CORRECTED)
  lc::model<tiny> model;
#else
  lc::model<block> model;
#endif
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
