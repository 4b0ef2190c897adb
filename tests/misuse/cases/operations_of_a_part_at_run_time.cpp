// sentence: lacuna::served: what the model calls is not known at compile time (make forward and backward of your own parts constexpr, or allow more steps: -fconstexpr-ops-limit for g++, -fconstexpr-steps for clang++)
#include <cstdlib>
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

/// A sublayer that ends the program where a value is too large.
struct guard : lc::skip {
  static constexpr auto name = lc::fixed_string("guard");
  template <class At>
  struct bound : lc::skip::bound<At> {
    template <class Values, class Value, class Run>
#if defined(CORRECTED)
    static constexpr
#else
    static
#endif
        void
        forward(Values, lc::rows<Value, At::width> x, lc::rows<Value, At::width> y, const Run&) {
      if (x(0, 0) > 100) std::abort();
      y.fill(0);
    }
  };
};
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, guard>>;
static_assert(lc::served<lc::model<tiny>>.fall_backs == 0);

int main() { return 0; }
