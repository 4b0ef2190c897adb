// sentence: lacuna::learn: only a regressor forecasts windows, in its own element type (use try_learn_tokens for a decoder, and rows of the model's value)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::post_norm<lc::layer_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>;
using taught = lc::model<lc::regressor<lc::variates<3>, lc::lookback<4>, lc::horizon<2>, lc::width<16>, block>>;
#if defined(CORRECTED)
using number = float;
#else
using number = double;
#endif

int main() {
  static taught model;
  static lc::trainer<taught> teacher(model);
  static float past[12];
  static number future[6];
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_window(by, lc::rows<const float, 3>(past, 4), lc::rows<const number, 3>(future, 2));
  });
  return report.ok() ? 0 : 1;
}
