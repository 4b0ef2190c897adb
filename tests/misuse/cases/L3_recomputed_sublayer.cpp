// sentence: lacuna::recomputed: only a block is recomputed (wrap sublayers in pre_norm<...>, and several blocks in repeat<...> or stack<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using anew = lc::recomputed<lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>;
#else
using anew = lc::recomputed<lc::ffn<lc::hidden<32>, lc::relu>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, anew>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
