// How little a class that is far too large costs, if small members have their share of it. Bits come from a Markov
// chain; predictors are counts in the contexts of every order from 0 to 10, of which the largest have 2047 parameters,
// and their Bayesian mixture. Regret is what a predictor loses beside the source itself, in nats.
//   16_mixture_regret     exits with 1 if a mixture loses more than ln(members) beside its best member, on any sequence
#include <lacuna/lacuna.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t bits = 8000, sequences = 8;
constexpr lc::extent_t few = 11, many = 16;  // orders from 0 to 10, and to 15
constexpr lc::task::sequence_sizes sizes{.symbols = 2, .length = bits};
template <lc::extent_t Order>
using chain = lc::task::markov_source<sizes, Order>;

/// The predictor of Krichevsky and Trofimov (1981) in every context: (count + 1/2) / (all counts + 1).
template <lc::extent_t Order>
class context_counts {
 public:
  /// ln P of bit `at`, which is counted then.
  double add(const std::uint32_t* sequence, lc::extent_t at) {
    auto& counts = counts_[chain<Order>::context_of(sequence, at)];
    const double probability = (counts[sequence[at]] + 0.5) / (counts[0] + counts[1] + 1);
    ++counts[sequence[at]];
    return std::log(probability);
  }

 private:
  std::vector<std::array<double, 2>> counts_ = std::vector<std::array<double, 2>>(chain<Order>::contexts);
};

/// What sequences of one source cost, means in nats.
struct regrets {
  double mixture = 0, more_orders = 0, of_true_order = 0, of_order_10 = 0;
  double worst_beside_best = 0, worst_of_more = 0;  // the largest of any sequence
};

template <lc::extent_t Order>
void add_regrets(const chain<Order>& source, lc::extent_t number, regrets& to) {
  const auto example = std::make_unique<typename chain<Order>::example>();
  source.sample(1, number, *example);
  const std::uint32_t* const sequence = example->targets;
  std::vector<std::array<double, many>> logs(bits);
  lc::for_each_index<many>([&](auto order) {
    context_counts<decltype(order)::value> predictor;
    for (lc::extent_t t = 0; t < bits; ++t) logs[t][order] = predictor.add(sequence, t);
  });
  lc::mixture_log_loss<few> mixture;
  lc::mixture_log_loss<many> of_more;
  for (const auto& row : logs) {
    double first[few], all[many];
    std::copy_n(row.begin(), few, first);
    std::copy_n(row.begin(), many, all);
    mixture.add(first), of_more.add(all);
  }
  const double of_source = -source.log_probability(sequence);
  to.mixture += (mixture.loss() - of_source) / sequences;
  to.more_orders += (of_more.loss() - of_source) / sequences;
  to.of_true_order += (mixture.loss(Order) - of_source) / sequences;
  to.of_order_10 += (mixture.loss(10) - of_source) / sequences;
  to.worst_beside_best = std::max(to.worst_beside_best, mixture.loss() - mixture.loss(mixture.best()));
  to.worst_of_more = std::max(to.worst_of_more, of_more.loss() - mixture.loss());
}

/// One line of the table: false if a bound does not hold.
template <lc::extent_t Order>
bool report() {
  const auto source = std::make_unique<chain<Order>>(chain<Order>::drawn(7, 1));
  regrets of;
  for (lc::extent_t number = 0; number < sequences; ++number) add_regrets(*source, number, of);
  const double parameters = static_cast<double>(std::uint64_t{1} << Order);
  std::printf("%5zu %9.1f %11.1f %10.1f %14.1f %16.3f %18.3f\n", Order, of.mixture, of.of_true_order, of.of_order_10,
              parameters / 2 * std::log(double{bits}), of.worst_beside_best, of.worst_of_more);
  // Losses of thousands of nats have rounding errors of some 1e-12.
  constexpr double rounding = 1e-9;
  return of.worst_beside_best <= std::log(double{few}) + rounding &&
         of.worst_of_more <= std::log(double{many} / few) + rounding;
}

}  // namespace

int main() {
  std::printf("%zu bits, means of %zu sequences; regret in nats\n\n", bits, sequences);
  std::printf("order   mixture  true order   order 10   k/2 ln(bits)  beside its best   for orders to 15\n");
  bool good = report<0>();
  good = report<1>() && good, good = report<3>() && good, good = report<5>() && good;
  std::printf(
      "\nBeside its best member the mixture of 11 loses %.3f = ln 11 at most, and orders 11 to 15 cost it\n"
      "%.3f = ln(16/11) at most: %s, on every sequence.\n",
      std::log(double{few}), std::log(double{many} / few), good ? "so it was" : "NOT SO");
  return good ? 0 : 1;
}
