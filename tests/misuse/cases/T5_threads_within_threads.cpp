// sentence: lacuna::trainer: parts on threads and a backend with threads would wait for one another (train on lacuna::simd, or with parts<1> and no executor)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

/// An executor of a program's own, and a backend that refers to it.
struct team {
  template <class Task>
  void for_each(std::size_t count, Task&& task) {
    for (std::size_t i = 0; i < count; ++i) task(i);
  }
};
#if defined(CORRECTED)
struct backend : lc::reference {};
#else
struct backend : lc::reference {
  team* executor = nullptr;
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
using taught = lc::model<tiny, backend>;

int main() {
  static taught model;
  static team threads;
  static lc::trainer<taught, lc::adam_w, lc::parts<2>, team> teacher(model, {}, {}, threads);
  const std::uint32_t tokens[]{1, 2, 3};
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
  return report.ok() ? 0 : 1;
}
