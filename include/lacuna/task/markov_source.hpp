#pragma once
/// Sequences of known entropy: a Markov chain whose conditional distributions are drawn once.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/task/sequences.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

namespace task {

namespace detail {

/// The logarithm of a gamma variate of shape `shape`, below 1 or above, with scale 1. Source: Marsaglia and Tsang
/// (2000), "A simple method for generating gamma variables", ACM Trans. Math. Softw. 26, for shape + 1 and their
/// section 6 for less.
constexpr double draw_log_gamma(double shape, std::uint64_t seed, std::uint64_t stream) noexcept {
  const double d = shape + 1 - 1.0 / 3, c = 1 / maths::sqrt(9 * d);
  std::uint64_t counter = 0;
  for (;;) {
    const double x = random_normal(seed, stream, counter++);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    // 1 - u is in (0, 1], of which the logarithm is finite.
    const double u = 1 - random_uniform(seed, stream, counter++);
    if (maths::log(u) < 0.5 * x * x + d - d * v + d * maths::log(v))
      return maths::log(d * v) + maths::log(1 - random_uniform(seed, stream, counter)) / shape;
  }
}

}  // namespace detail

/// Symbols below `Sizes.symbols`, each drawn by the `Order` before it, or by all before it where there are fewer; every
/// context has a distribution of its own. A task: sequences begin with a token of their own, `begin`, and all symbols
/// are targets.
///
/// Cost: (symbols^(Order + 1) - 1) / (symbols - 1) distributions, of `symbols` doubles.
template <sequence_sizes Sizes = sequence_sizes{}, extent_t Order = 2>
struct markov_source {
  static_assert(__is_base_of(nothing, rules::sequence_sizes_fit<Sizes.fit()>) || true);
  static constexpr sequence_sizes sizes = Sizes.fit() ? Sizes : sequence_sizes{};
  static constexpr extent_t symbols = sizes.symbols, order = Order;
  static constexpr extent_t vocabulary = symbols + 1, length = sizes.length;
  static constexpr std::uint32_t begin = static_cast<std::uint32_t>(symbols);
  using example = token_example<length>;

  /// Where the contexts of `known` symbols begin among the rows.
  static constexpr extent_t first_context(extent_t known) noexcept {
    extent_t first = 0, count = 1;
    for (extent_t k = 0; k < known; ++k, count *= symbols) first += count;
    return first;
  }
  static constexpr extent_t contexts = first_context(Order + 1);
  tensor<double, contexts, symbols> probabilities{};  ///< of the next symbol, in each context

  /// Each distribution from Dirichlet's with all parameters `concentration`: the smaller it is, the less entropy.
  static constexpr markov_source drawn(std::uint64_t seed, double concentration = 0.3) noexcept {
    markov_source made;
    for (extent_t row = 0; row < contexts; ++row) {
      double gammas[symbols]{}, largest = 0, sum = 0;
      for (extent_t v = 0; v < symbols; ++v) {
        gammas[v] = detail::draw_log_gamma(concentration, seed, row * symbols + v);
        largest = v == 0 || gammas[v] > largest ? gammas[v] : largest;
      }
      for (double& each : gammas) {
        each = maths::exp(each - largest);
        sum += each;
      }
      for (extent_t v = 0; v < symbols; ++v) made.probabilities[row * symbols + v] = gammas[v] / sum;
    }
    return made;
  }
  /// Whether every row is a distribution; for probabilities that a program writes itself.
  constexpr status try_check() const {
    for (extent_t row = 0; row < contexts; ++row) {
      double sum = 0;
      for (extent_t v = 0; v < symbols; ++v) {
        const double each = probabilities[row * symbols + v];
        if (!(each >= 0))
          return error(error_kind::value, "lacuna::task::markov_source: context ")
                 << std::uint64_t{row} << ": expected probabilities of at least 0, found " << each;
        sum += each;
      }
      if (!(sum > 1 - 1e-9 && sum < 1 + 1e-9))
        return error(error_kind::value, "lacuna::task::markov_source: context ")
               << std::uint64_t{row} << ": expected probabilities of sum 1, found " << sum;
    }
    return nothing{};
  }

  /// The row of what comes behind the first `known` symbols of a sequence.
  static constexpr extent_t context_of(const std::uint32_t* sequence, extent_t known) noexcept {
    const extent_t seen = known < Order ? known : Order;
    extent_t number = 0;
    for (extent_t t = known - seen; t < known; ++t) number = number * symbols + sequence[t];
    return first_context(seen) + number;
  }
  constexpr double probability(const std::uint32_t* sequence, extent_t at, std::uint32_t symbol) const noexcept {
    return probabilities[context_of(sequence, at) * symbols + symbol];
  }
  constexpr double log_probability(const std::uint32_t* sequence) const noexcept {
    double sum = 0;
    for (extent_t t = 0; t < length; ++t) sum += maths::log(probability(sequence, t, sequence[t]));
    return sum;
  }
  /// `to[t][v]` = ln P(v | the t symbols before), `(length, symbols)`.
  constexpr status try_conditionals(const std::uint32_t* sequence, rows<double, symbols> to) const noexcept {
    for (extent_t t = 0; t < length; ++t)
      for (std::uint32_t v = 0; v < symbols; ++v) to.data[t * symbols + v] = maths::log(probability(sequence, t, v));
    return nothing{};
  }
  constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) const noexcept {
    std::uint32_t sequence[length]{};
    for (extent_t t = 0; t < length; ++t) {
      double left = random_uniform(seed, number, t);
      std::uint32_t symbol = 0;
      for (; symbol + 1 < symbols; ++symbol) {
        left -= probability(sequence, t, symbol);
        if (left < 0) break;
      }
      sequence[t] = symbol;
    }
    teach_sequence<sizes>(sequence, into);
  }
  /// Of whole sequences, in nats, exactly: the distribution of contexts is carried from the first symbol on, and is
  /// not taken for the stationary one.
  constexpr double entropy() const noexcept {
    double sum = 0;
    tensor<double, contexts> reached{}, next{};
    reached[0] = 1;
    for (extent_t t = 0; t < length; ++t) {
      const extent_t seen = t < Order ? t : Order, then = t + 1 < Order ? t + 1 : Order;
      const extent_t from = first_context(seen), end = first_context(seen + 1), to = first_context(then);
      for (auto& each : next.data) each = 0;
      for (extent_t row = from; row < end; ++row)
        for (extent_t v = 0; v < symbols; ++v) {
          const double p = probabilities[row * symbols + v];
          if (p > 0) sum -= reached[row] * p * maths::log(p);
          next[to + ((row - from) * symbols + v) % (first_context(then + 1) - to)] += reached[row] * p;
        }
      reached = next;
    }
    return sum;
  }
};

}  // namespace task

LACUNA_END
