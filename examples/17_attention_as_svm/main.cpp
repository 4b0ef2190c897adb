// What one attention learns in the end: the direction of a support vector machine (Tarzanagh, Li, Thrampoulidis and
// Oymak 2023, arXiv 2308.16898). Three sequences of four tokens x, a query z each, labels Y, and a fixed readout v:
//   f = v . mixed(softmax over tokens of x . W z),   loss = mean ln(1 + e^(-Y f)),
// by normalised gradient descent in f64, from W = 0. W grows without end; its direction tends to the W of the least
// norm with (x_best - x) . W z >= 1 for every other x. With W = K Q^T and steps on K and Q, it is the least nuclear
// norm.
//   17_attention_as_svm     exits with 1 if a cosine is 0.995 or less at 1600 steps, or if K and Q have no smaller
//   nuclear norm
#include <lacuna/compress.hpp>
#include <lacuna/lacuna.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t sequences = 3, tokens = 4, width = 6;
// W = K Q^T grows as the square of the way that K and Q go: all stop where gradients become too small for doubles.
constexpr double rate = 0.1, rate_of_factors = 0.01, least_gradient = 1e-150;
constexpr int most_steps = 4000;
using square = lc::tensor<double, width, width>;

struct block_of_sequence {
  constexpr lc::extent_t operator()(lc::extent_t block) const { return block; }
};
template <class Element>
using cache = lc::cache_view<Element, 1, width, block_of_sequence>;
/// A sequence is a block of the cache, of which its query sees the first four keys.
constexpr std::uint32_t begin[]{0, 1};
constexpr lc::block_run runs[]{{.first = 0, .count = sequences, .mask = 0, .step = lc::group_rows}};
constexpr auto masks = [] {
  std::array<std::uint16_t, sequences * lc::group_rows> made{};
  for (lc::extent_t s = 0; s < sequences; ++s) made[s * lc::group_rows + s] = (1u << tokens) - 1;
  return made;
}();

/// The data of one seed, and attention over it.
struct problem {
  lc::tensor<double, sequences, width> query;
  lc::tensor<double, sequences * lc::block_keys, width> token;
  double label[sequences], readout[width];
  lc::tensor<double, sequences * lc::block_keys, width> keys{}, values{};  // as the kernels hold them

  explicit problem(std::uint64_t seed) {
    // Unit vectors of random directions.
    std::uint64_t drawn = 0;
    const auto draw = [&](double* to) {
      double length = 0;
      for (lc::extent_t i = 0; i < width; ++i) to[i] = lc::random_normal(seed, 0, drawn++), length += to[i] * to[i];
      for (lc::extent_t i = 0; i < width; ++i) to[i] /= std::sqrt(length);
    };
    draw(readout);
    for (lc::extent_t s = 0; s < sequences; ++s) draw(query.data + s * width);
    for (lc::extent_t t = 0; t < sequences * lc::block_keys; ++t) draw(token.data + t * width);
    for (lc::extent_t s = 0; s < sequences; ++s) label[s] = lc::random_uniform(seed, 2, s) < 0.5 ? -1 : 1;
    lc::op::append(cache<double>{keys.data, values.data, {}}, token.view(), token.view(), 0, lc::reference{});
  }
  const double* token_of(lc::extent_t sequence, lc::extent_t t) const {
    return token.data + (sequence * lc::block_keys + t) * width;
  }
  lc::block_plan_view plan() const { return {begin, runs, masks.data(), sequences, sequences * tokens, 0}; }

  /// dL/d(W z) of every sequence, from W z.
  lc::tensor<double, sequences, width> gradient(lc::tensor<double, sequences, width>& turned) const {
    lc::tensor<double, sequences, width> mixed{}, dmixed{}, found{};
    lc::tensor<double, sequences, 1> log_scale{};
    lc::tensor<double, sequences * lc::block_keys, width> unused_keys{}, unused_values{};
    const lc::score_rule<lc::softmax, lc::no_score_bias, double> rule{1, {}};
    const cache<const double> held{keys.data, values.data, {}};
    lc::op::attend(mixed.view(), log_scale.view(), turned.view(), held, plan(), rule, lc::reference{});
    for (lc::extent_t s = 0; s < sequences; ++s) {
      double f = 0;
      for (lc::extent_t i = 0; i < width; ++i) f += readout[i] * mixed[s * width + i];
      const double slope = -label[s] / (1 + std::exp(label[s] * f)) / sequences;
      for (lc::extent_t i = 0; i < width; ++i) dmixed[s * width + i] = slope * readout[i];
    }
    lc::op::attend_backward(found.view(), cache<double>{unused_keys.data, unused_values.data, {}}, dmixed.view(),
                            log_scale.view(), turned.view(), held, plan(), rule, lc::reference{});
    return found;
  }

  double score(const square& w, lc::extent_t sequence, lc::extent_t t) const {
    double sum = 0;
    for (lc::extent_t i = 0; i < width; ++i)
      for (lc::extent_t j = 0; j < width; ++j)
        sum += token_of(sequence, t)[i] * w[i * width + j] * query[sequence * width + j];
    return sum;
  }
  /// Which token each sequence looks at.
  std::array<lc::extent_t, sequences> chosen(const square& w) const {
    std::array<lc::extent_t, sequences> most{};
    for (lc::extent_t s = 0; s < sequences; ++s)
      for (lc::extent_t t = 1; t < tokens; ++t)
        if (score(w, s, t) > score(w, s, most[s])) most[s] = t;
    return most;
  }
  /// Which it should: the one whose value is best for the label.
  std::array<lc::extent_t, sequences> best() const {
    std::array<lc::extent_t, sequences> most{};
    const auto worth = [&](lc::extent_t s, lc::extent_t t) {
      double sum = 0;
      for (lc::extent_t i = 0; i < width; ++i) sum += label[s] * readout[i] * token_of(s, t)[i];
      return sum;
    };
    for (lc::extent_t s = 0; s < sequences; ++s)
      for (lc::extent_t t = 1; t < tokens; ++t)
        if (worth(s, t) > worth(s, most[s])) most[s] = t;
    return most;
  }
  /// By how much the chosen token is ahead of the next one: the least of all sequences.
  double margin(const square& w, const std::array<lc::extent_t, sequences>& choice) const {
    double least = HUGE_VAL;
    for (lc::extent_t s = 0; s < sequences; ++s)
      for (lc::extent_t t = 0; t < tokens; ++t)
        if (t != choice[s]) least = std::min(least, score(w, s, choice[s]) - score(w, s, t));
    return least;
  }
};

/// The W of the least Frobenius norm with every margin of a choice at least 1, by coordinate ascent on the dual: W is
/// the sum of a_c A_c over constraints c, A_c = (x_best - x) z^T, a_c >= 0.
square support_vectors(const problem& of, const std::array<lc::extent_t, sequences>& choice) {
  std::vector<square> constraints;
  for (lc::extent_t s = 0; s < sequences; ++s)
    for (lc::extent_t t = 0; t < tokens; ++t) {
      if (t == choice[s]) continue;
      square& a = constraints.emplace_back();
      for (lc::extent_t i = 0; i < width; ++i)
        for (lc::extent_t j = 0; j < width; ++j)
          a[i * width + j] = (of.token_of(s, choice[s])[i] - of.token_of(s, t)[i]) * of.query[s * width + j];
    }
  const auto product = [](const square& a, const square& b) {
    double sum = 0;
    for (lc::extent_t i = 0; i < a.size; ++i) sum += a[i] * b[i];
    return sum;
  };
  std::vector<double> weight(constraints.size());
  square w{};
  for (int round = 0; round < 20000; ++round)
    for (std::size_t c = 0; c < constraints.size(); ++c) {
      const square& a = constraints[c];
      const double next = std::max(0.0, weight[c] + (1 - product(a, w)) / product(a, a));
      for (lc::extent_t i = 0; i < w.size; ++i) w[i] += (next - weight[c]) * a[i];
      weight[c] = next;
    }
  return w;
}

double cosine(const square& a, const square& b) {
  double product = 0, of_a = 0, of_b = 0;
  for (lc::extent_t i = 0; i < a.size; ++i) product += a[i] * b[i], of_a += a[i] * a[i], of_b += b[i] * b[i];
  return product / std::sqrt(of_a * of_b);
}
/// Moves by a gradient times `rate`, downwards.
void step(double rate_here, const square& gradient, square& of) {
  for (lc::extent_t i = 0; i < of.size; ++i) of[i] -= rate_here * gradient[i];
}
double squares(const square& of) {
  double sum = 0;
  for (const double each : of.data) sum += each * each;
  return sum;
}

/// Calls `at(steps, W)` at 100, 400, 1600 and 4000 steps on W itself.
template <class At>
void descend(problem& of, At&& at) {
  square w{};
  for (int done = 1; done <= most_steps; ++done) {
    lc::tensor<double, sequences, width> turned{};
    square gradient{};
    lc::op::multiply(turned.view(), of.query.view(), w, lc::nothing{}, lc::reference{});
    auto dturned = of.gradient(turned);
    lc::op::accumulate_outer(gradient, dturned.view(), of.query.view(), lc::reference{});
    const double size = std::sqrt(squares(gradient));
    if (size >= least_gradient) step(rate / size, gradient, w);
    if (done == 100 || done == 400 || done == 1600 || done == most_steps) at(done, w);
  }
}
/// The W = K Q^T that steps on K and Q lead to, from small random ones.
square descend_factors(problem& of, std::uint64_t seed) {
  square k{}, q_transposed{};
  for (lc::extent_t i = 0; i < k.size; ++i) {
    k[i] = 0.01 * lc::random_normal(seed, 3, i);
    q_transposed[i] = 0.01 * lc::random_normal(seed, 4, i);
  }
  for (int done = 0; done < most_steps; ++done) {
    lc::tensor<double, sequences, width> inner{}, turned{}, dinner{};
    square dk{}, dq{};
    lc::op::multiply(inner.view(), of.query.view(), q_transposed, lc::nothing{}, lc::reference{});
    lc::op::multiply(turned.view(), inner.view(), k, lc::nothing{}, lc::reference{});
    auto dturned = of.gradient(turned);
    lc::op::accumulate_outer(dk, dturned.view(), inner.view(), lc::reference{});
    lc::op::multiply_transposed(dinner.view(), dturned.view(), k, lc::reference{});
    lc::op::accumulate_outer(dq, dinner.view(), of.query.view(), lc::reference{});
    const double size = std::sqrt(squares(dk) + squares(dq));
    if (size < least_gradient) break;
    step(rate_of_factors / size, dk, k), step(rate_of_factors / size, dq, q_transposed);
  }
  square w{};
  for (lc::extent_t i = 0; i < width; ++i)
    for (lc::extent_t j = 0; j < width; ++j)
      for (lc::extent_t r = 0; r < width; ++r) w[i * width + j] += k[i * width + r] * q_transposed[r * width + j];
  return w;
}

}  // namespace

int main() {
  std::printf(
      "cosine of W with the support vector machine's, by steps; norms where every margin is 1 or more\n\n"
      "seed    100     400    1600    4000  choice  |W|_*  |KQ^T|_*  ranks (effective)\n");
  bool good = true;
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    problem of(seed);
    std::vector<square> at;
    descend(of, [&](int, const square& w) { at.push_back(w); });
    const auto choice = of.chosen(at.back());
    const square machine = support_vectors(of, choice);
    std::printf("%4d ", static_cast<int>(seed));
    for (const square& w : at) std::printf(" %7.5f", cosine(w, machine));
    good = good && cosine(at[2], machine) > 0.995;

    square factored = descend_factors(of, seed);
    const auto of_w = lc::try_measure_spectrum(at.back().view()).take();
    const auto of_factors = lc::try_measure_spectrum(factored.view()).take();
    const double nuclear = of_w.nuclear_norm() / of.margin(at.back(), choice);
    const bool alike = of.chosen(factored) == choice;
    const double factored_nuclear = of_factors.nuclear_norm() / of.margin(factored, of.chosen(factored));
    std::printf("  %s  %6.3f  %8.3f  %.2f and %.2f%s\n", choice == of.best() ? "best  " : "local ", nuclear,
                factored_nuclear, of_w.effective_rank(), of_factors.effective_rank(),
                alike ? "" : ", of another choice");
    compared += alike ? 1 : 0;
    if (alike) good = good && factored_nuclear < nuclear && of_factors.effective_rank() < of_w.effective_rank();
  }
  good = good && compared > 0;
  std::printf("\n%s\n", good
                            ? "as the theorem says: cosines above 0.995 at 1600 steps, smaller nuclear norms by K and Q"
                            : "NOT as the theorem says");
  return good ? 0 : 1;
}
