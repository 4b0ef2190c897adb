// sentence: lacuna::activation: the policy does not offer value, derivative and preserves_zero (write static functions value(x) and derivative(x) for float and double, and a constant preserves_zero)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

struct absolute {
  using slot = lc::slots::activation;
  static constexpr auto name = lc::fixed_string("absolute");
  static constexpr bool preserves_zero = true;
  template <class Value>
  static constexpr Value value(Value x) {
    return x < 0 ? -x : x;
  }
#if defined(CORRECTED)
  template <class Value>
  static constexpr Value derivative(Value x) {
    return x < 0 ? Value(-1) : Value(1);
  }
#endif
};
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, absolute>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
