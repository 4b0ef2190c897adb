// sentence: lacuna::local_enhancement: there are fewer value heads than heads, and each head is enhanced by its own values (leave kv_heads out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::full, lc::local_enhancement<>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::full, lc::local_enhancement<>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
