// Masked weights alone: gradients that are no derivatives, by their closed form, and what decaying masks multiply.
#include <doctest/doctest.h>

#include <cmath>
#include <lacuna/lacuna.hpp>
#include <string>

#include "support/format_rig.hpp"
#include "support/same_bits.hpp"

namespace {
namespace lc = lacuna;
using lc::extent_t;

/// Forward and backward of one weight whose left-out entries are multiplied by a share, against the formulas.
template <class Gradient>
void check_decaying(double share) {
  using pattern = lc::n_m<2, 4>;
  formats::rig<lc::masked<pattern, lc::decaying<Gradient>>, 12, 8> slow(5);
  formats::rig<lc::masked<pattern, Gradient>, 12, 8> hard(5);
  formats::rig<lc::dense, 12, 8> plain(5);
  slow.parts->parameters.left_in[0] = static_cast<std::uint32_t>(share * (1 << 24));
  for (extent_t i = 0; i < 96; ++i) {
    const double weight = slow.parts->parameters.weight[i];
    plain.parts->parameters.weight[i] = slow.parts->parameters.mask[i] != 0 || share > 0 ? weight : 0;
    if (slow.parts->parameters.mask[i] == 0 && share > 0) plain.parts->parameters.weight[i] = weight * share;
  }
  plain.parts->x = hard.parts->x = slow.parts->x, plain.parts->dy = hard.parts->dy = slow.parts->dy;
  const auto run = [](auto& of) { of.refresh(), of.forward(), of.backward(); };
  run(slow), run(hard), run(plain);
  CHECK(same_bits(slow.parts->y, plain.parts->y));
  CHECK(same_bits(slow.parts->dx, plain.parts->dx));
  if (share == 0) {
    CHECK(same_bits(slow.parts->y, hard.parts->y));
    CHECK(same_bits(slow.parts->dx, hard.parts->dx));
    CHECK(same_bits(slow.parts->gradients.weight, hard.parts->gradients.weight));
  }
  for (extent_t i = 0; i < 96; ++i) {
    const double whole = plain.parts->gradients.weight[i];
    const bool kept = slow.parts->parameters.mask[i] != 0;
    const double expected = kept ? whole
                            : Gradient::straight
                                ? whole + Gradient::shrinks * (1 - share) * slow.parts->parameters.weight[i]
                                : share * whole;
    CHECK(slow.parts->gradients.weight[i] == doctest::Approx(expected).epsilon(1e-12));
    if (share == 1) CHECK(slow.parts->gradients.weight[i] == whole);
  }
  // Gradients accumulate.
  const auto once = slow.parts->gradients.weight;
  slow.backward();
  for (extent_t i = 0; i < 96; ++i)
    CHECK(slow.parts->gradients.weight[i] == doctest::Approx(2 * once[i]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("SR-STE adds a share of what the mask leaves out to the dense gradient, and 0 adds nothing") {
  using pattern = lc::n_m<2, 4>;
  formats::rig<lc::masked<pattern, lc::straight_through>, 12, 8> straight(5);
  formats::rig<lc::masked<pattern, lc::sr_ste<lc::shrinkage{0}>>, 12, 8> nothing(5);
  formats::rig<lc::masked<pattern, lc::sr_ste<lc::shrinkage{0.01}>>, 12, 8> shrinking(5);
  CHECK(std::string(lc::masked<pattern, lc::sr_ste<>>::name.c_str()) == "masked<n_m<2:4>, sr_ste<0.0002>>");
  straight.forward(), nothing.forward(), shrinking.forward();
  straight.backward(), nothing.backward(), shrinking.backward();
  extent_t left_out = 0;
  for (extent_t i = 0; i < 96; ++i) {
    const double gradient = straight.parts->gradients.weight[i];
    CHECK(nothing.parts->gradients.weight[i] == gradient);
    const bool kept = shrinking.parts->parameters.mask[i] != 0;
    left_out += kept ? 0 : 1;
    if (kept)
      CHECK(shrinking.parts->gradients.weight[i] == gradient);
    else
      CHECK(shrinking.parts->gradients.weight[i] ==
            doctest::Approx(gradient + 0.01 * shrinking.parts->parameters.weight[i]).epsilon(1e-12));
  }
  CHECK(left_out > 10);
  CHECK(left_out < 86);
  CHECK(same_bits(straight.parts->dx, shrinking.parts->dx));
}

TEST_CASE("without another gradient, what the mask leaves out shrinks geometrically, and the rest stays") {
  formats::rig<lc::masked<lc::n_m<2, 4>, lc::sr_ste<lc::shrinkage{0.25}>>, 8, 8> of(7);
  auto& parts = *of.parts;
  for (auto& each : parts.dy.data) each = 0;
  const auto before = parts.parameters.weight;
  for (int i = 0; i < 10; ++i) {
    for (auto& each : parts.gradients.weight.data) each = 0;
    of.refresh(), of.forward(), of.backward();
    for (extent_t j = 0; j < 64; ++j) parts.parameters.weight[j] -= parts.gradients.weight[j];
  }
  for (extent_t i = 0; i < 64; ++i)
    CHECK(parts.parameters.weight[i] ==
          doctest::Approx(before[i] * (parts.parameters.mask[i] != 0 ? 1 : std::pow(0.75, 10))).epsilon(1e-12));
}

TEST_CASE("decaying masks: 1 is the dense weight bit for bit, 0 the hard mask, and shares between") {
  for (const double share : {1.0, 0.375, 0.0}) {
    check_decaying<lc::kept_entries>(share);
    check_decaying<lc::straight_through>(share);
    check_decaying<lc::sr_ste<lc::shrinkage{0.01}>>(share);
  }
  CHECK(std::string(lc::masked<lc::n_m<2, 4>, lc::decaying<lc::straight_through>>::name.c_str()) ==
        "masked<n_m<2:4>, straight_through, decaying>");
  CHECK(lc::exponential_schedule{}(0) == 1);
  CHECK(lc::exponential_schedule{.from = 2, .speed = 3}(0.5) == doctest::Approx(2 * std::exp(-1.5)).epsilon(1e-12));
}
