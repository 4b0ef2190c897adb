// sentence: lacuna::chain: a block or sublayer changes the width (end it with a projection back to the width of its input)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>;
struct widening : block {
  template <class At>
  struct bound : block::bound<At> {
#if defined(CORRECTED)
    using out = At;
#else
    using out = lc::place<2 * At::width, At::context>;
#endif
  };
};
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, widening>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
