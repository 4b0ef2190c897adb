// sentence: lacuna::lsh: the hashing has no rounds, an empty chunk, or an odd number of buckets (write hashing{.rounds = 2, .buckets = 16, .chunk = 32})
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 4}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::lsh<lc::hashing{.rounds = 2, .buckets = 5, .chunk = 4}>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::allow_selection_leak, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
