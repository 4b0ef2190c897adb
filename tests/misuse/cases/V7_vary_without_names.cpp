// sentence: lacuna::vary: a choice has no name (give the policy a static constexpr auto name, or write called<text, policy>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;

/// An activation that forgot its name.
struct mine {
  using slot = lc::slots::activation;
  static constexpr bool preserves_zero = false;
  template <class Value>
  static constexpr Value value(Value x) {
    return x + 1;
  }
  template <class Value>
  static constexpr Value derivative(Value) {
    return 1;
  }
};
#if defined(CORRECTED)
using space = lc::design_space<tiny, lc::vary<lc::relu, lc::relu, lc::called<"mine", mine>>>;
#else
using space = lc::design_space<tiny, lc::vary<lc::relu, lc::relu, mine>>;
#endif

int main() {
  lc::extent_t count = 0;
  lc::for_each_variant<space>([&](auto variant) { count += variant.name.size() > 0 ? 1 : 0; });
  return count == space::size ? 0 : 1;
}
