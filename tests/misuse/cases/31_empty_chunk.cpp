// sentence: lacuna::model: a chunk of 0 tokens makes no progress (choose chunk<1> or more)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
#if defined(CORRECTED)
  lc::model<tiny, lc::chunk<4>> model;
#else
  lc::model<tiny, lc::chunk<0>> model;
#endif
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
