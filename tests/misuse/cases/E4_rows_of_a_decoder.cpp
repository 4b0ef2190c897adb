// sentence: lacuna::model: a decoder makes logits, and no rows of sequences (call try_forward or try_forward_sequences, or give the model an encoder<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using parts = lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;
#if defined(CORRECTED)
using tiny = lc::encoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, parts>;
#else
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, parts>;
#endif

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2};
  return model.try_encode({tokens, 2}).ok() ? 0 : 1;
}
