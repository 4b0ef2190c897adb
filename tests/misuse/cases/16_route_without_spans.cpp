// sentence: lacuna::route: the policy has no spans(query, keys) (write static constexpr lacuna::spans<1> spans(lacuna::extent_t query, lacuna::extent_t keys))
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct even_past {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("even_past");
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t) { return {0, query / 2 * 2}; }
};
#else
struct even_past {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("even_past");
  static constexpr bool allows(lc::extent_t query, lc::extent_t key) { return key < query / 2 * 2; }
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, even_past>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
