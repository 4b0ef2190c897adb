// sentence: lacuna::tapped: only a block can be tapped (wrap sublayers in pre_norm<...>, and tap what activations put out with tapped_activation<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using seen = lc::tapped<lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>;
#else
using seen = lc::tapped<lc::ffn<lc::hidden<32>, lc::relu>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, seen>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
