// sentence: lacuna::recomputed: a tap inside keeps rows of one layer only, as all its layers have one room (tap the block from outside, tapped<recomputed<...>>, or do not recompute it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
using anew = lc::tapped<lc::recomputed<block>>;
#else
using anew = lc::recomputed<lc::tapped<block>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, anew>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
