// sentence: lacuna::series_tokens: a regressor forecasts each series from the token of its own (make one token for each series, in order)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

/// Tokens that two series share.
struct pairs : lc::inverted_tokens<> {
  template <lc::extent_t Series, lc::extent_t Lookback, lc::extent_t Width>
  struct bound : lc::inverted_tokens<>::bound<Series, Lookback, Width> {
    static constexpr lc::extent_t tokens = Series / 2;
  };
};
#if defined(CORRECTED)
using tokens = lc::inverted_tokens<>;
#else
using tokens = pairs;
#endif
using block = lc::post_norm<lc::layer_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::regressor<lc::variates<4>, lc::lookback<4>, lc::horizon<2>, lc::width<16>, block, tokens>;

int main() {
  static lc::model<tiny> model;
  static float past[16];
  return model.try_predict(lc::rows<const float, 4>(past, 4)).ok() ? 0 : 1;
}
