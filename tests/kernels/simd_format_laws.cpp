// Every format of the list in format_rig.hpp on lanes against the reference: forward for many tokens and for one,
// backward, and the laws of products and adjoints by themselves.
#if __has_include(<xsimd/xsimd.hpp>)
#include <doctest/doctest.h>

#include <lacuna/with_simd.hpp>

#include "support/format_rig.hpp"
#include "support/worse.hpp"

namespace {
using namespace formats;

double largest_difference(const float* a, const float* b, extent_t count) {
  double most = 0, size = 0;
  for (extent_t i = 0; i < count; ++i) {
    most = worse(most, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    size = std::max(size, std::fabs(static_cast<double>(b[i])));
  }
  CHECK(size > 0);
  return most / size;
}
double product(const float* a, const float* b, extent_t count) {
  double sum = 0;
  for (extent_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

template <class Case>
void agrees() {
  INFO(std::string(Case::format::name.c_str()));
  typename Case::template rig_of<float> expected;
  typename Case::template rig_of<float, lc::simd> found;
  auto& mine = *found.parts;
  auto& other = *expected.parts;
  expected.forward(), found.forward();
  CHECK(largest_difference(mine.y.data, other.y.data, mine.y.size) <= 2e-6);
  expected.backward(), found.backward();
  CHECK(largest_difference(mine.dx.data, other.dx.data, mine.dx.size) <= 2e-6);
  lc::visit_tensors([&](const auto& a, const auto& b) { CHECK(largest_difference(a.data, b.data, a.size) <= 5e-6); },
                    mine.gradients, other.gradients);
  // L3 by lanes alone: <W x, dy> = <x, W^T dy>.
  const double size =
      std::sqrt(product(mine.y.data, mine.y.data, mine.y.size) * product(mine.dy.data, mine.dy.data, mine.dy.size));
  CHECK(std::fabs(product(mine.y.data, mine.dy.data, mine.y.size) - product(mine.x.data, mine.dx.data, mine.x.size)) <=
        2e-6 * size);
  // L1 for single tokens: other loops, against the dense weight by the format's definition.
  const table dense = found.dense();
  double apart = 0, largest = 0;
  for (extent_t t = 0; t < found.tokens; ++t) {
    found.forward(t, 1);
    for (extent_t o = 0; o < dense.outputs; ++o) {
      double sum = 0;
      for (extent_t i = 0; i < dense.inputs; ++i) sum += dense(o, i) * static_cast<double>(mine.x.view()(t, i));
      largest = std::max(largest, std::fabs(sum));
      apart = worse(apart, std::fabs(sum - static_cast<double>(mine.y.view()(t, o))));
    }
  }
  CHECK(apart <= 2e-6 * largest);
}

}  // namespace

TEST_CASE("atoms on lanes keep the laws of the reference") {
  for_every(atoms{}, [](auto of) { agrees<decltype(of)>(); });
}
TEST_CASE("compositions on lanes keep the laws of the reference") {
  for_every(compositions{}, [](auto of) { agrees<decltype(of)>(); });
}
#endif
