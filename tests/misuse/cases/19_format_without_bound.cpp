// sentence: lacuna::format: the weight format has no bound<Outputs, Inputs> (derive it from an existing format, or follow docs/how_to/write_a_policy.md)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_format : lc::dense {};
#else
struct my_format {
  using slot = lc::slots::format;
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, my_format>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
