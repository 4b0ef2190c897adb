// Gradients of losses on their own against central differences: exit code 0 when every one is right. Its argument is
// the number of a mutation that is woven into the headers; without one they are as they are.
#include "mutants/mutant.hpp"
// The headers below may be woven: they call what stands above.
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {
namespace lc = lacuna;
using table = lc::tensor<double, 5, 4>;

table drawn(std::uint64_t seed) {
  table made;
  for (lc::extent_t i = 0; i < made.size; ++i) made[i] = lc::random_normal(seed, 0, i);
  return made;
}
/// Rows that are distributions, but for their sums.
table positive(std::uint64_t seed) {
  table made = drawn(seed);
  for (double& each : made.data) each *= 0.3 * each;
  return made;
}

double worst = 0;
/// `loss(gradient)` reads `by`, adds its derivative, and returns itself.
template <class Loss>
void compare(table& by, const Loss& loss) {
  table gradient{}, ignored{};
  loss(gradient);
  for (lc::extent_t i = 0; i < by.size; ++i) {
    constexpr double step = 1e-5;
    const double before = by[i];
    by[i] = before + step;
    const double above = loss(ignored);
    by[i] = before - step;
    const double below = loss(ignored);
    by[i] = before;
    worst = worse(worst, std::fabs((above - below) / (2 * step) - gradient[i]));
  }
}
}  // namespace

int main(int count, char** arguments) {
  if (count > 1) lacuna_mutant::chosen = std::atoi(arguments[1]);
  table logits = drawn(1), teacher = drawn(2), probabilities = positive(3), partners = drawn(4), ignored{};
  compare(logits,
          [&](table& d) { return lc::soft_cross_entropy{1.7}(logits.view(), probabilities.view(), d.view(), 1); });
  compare(logits, [&](table& d) { return lc::kl_divergence{1.7}(logits.view(), teacher.view(), d.view(), 1); });
  lc::info_nce_workspace<5> workspace;
  const std::uint32_t documents[]{0, 1, 0, 2, 3};
  for (const bool cosine : {true, false}) {
    const lc::info_nce loss{0.6, cosine, {documents, 5}};
    compare(logits,
            [&](table& d) { return loss(logits.view(), partners.view(), d.view(), ignored.view(), workspace); });
    compare(partners,
            [&](table& d) { return loss(logits.view(), partners.view(), ignored.view(), d.view(), workspace); });
  }
  std::printf("losses: %.3g\n", worst);
  return worst <= 1e-7 ? 0 : 1;
}
