// sentence: lacuna::k_means: no clusters (write k_means<N> with N > 0, often the root of the context)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::k_means<4>;
#else
using route = lc::k_means<0>;
#endif
using mixer = lc::attention<lc::heads<2>, route, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>;
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
