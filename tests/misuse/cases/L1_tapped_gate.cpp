// sentence: lacuna::tapped_activation: what gates is tapped inside its gate (write gated<tapped_activation<relu>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using gate = lc::gated<lc::tapped_activation<lc::silu>>;
#else
using gate = lc::tapped_activation<lc::gated<lc::silu>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, gate>>>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
