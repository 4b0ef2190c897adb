// sentence: lacuna::mixture: an auxiliary loss does not offer weight, name, value and add_gradient (write static functions value(routing) and add_gradient(routing, scale, dscore), and both constants)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

/// The mean entropy of the router would stand here.
struct entropy {
  using slot = lc::slots::auxiliary_loss;
  static constexpr auto name = lc::fixed_string("entropy");
  static constexpr float weight = 0.1f;
  template <class Routing>
  static constexpr double value(const Routing&) {
    return 0;
  }
#if defined(CORRECTED)
  template <class Routing, class Rows>
  static constexpr void add_gradient(const Routing&, double, Rows) {}
#endif
};
using neurons = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, entropy, lc::hidden<8>, lc::relu>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, neurons>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
