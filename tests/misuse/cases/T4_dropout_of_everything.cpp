// sentence: lacuna::dropout: the probability is not from 0 to below 1 (write probability{0.1})
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using sometimes = lc::dropout<lc::ffn<lc::hidden<32>, lc::relu>, lc::probability{0.5}>;
#else
using sometimes = lc::dropout<lc::ffn<lc::hidden<32>, lc::relu>, lc::probability{1}>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, sometimes>>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
