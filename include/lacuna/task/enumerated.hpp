#pragma once
/// Distributions over all sequences, as tables: one that is given, and that of a sample.

#include <lacuna/core/maths.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/task/sequences.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

namespace task {

/// -p ln p, 0 for 0.
constexpr double entropy_term(double p) noexcept { return p > 0 ? -p * maths::log(p) : 0; }

/// The logarithm of the probability of every sequence, and the sums that samples are drawn by: 2 symbols^length
/// doubles. A task like `markov_source`; a sample costs length * log2(symbols) steps.
template <sequence_sizes Sizes = sequence_sizes{}>
struct enumerated {
  static_assert(__is_base_of(nothing, rules::sequence_sizes_fit<Sizes.fit()>) || true);
  static constexpr bool few = Sizes.count(most_sequences) <= most_sequences;
  static_assert(__is_base_of(nothing, rules::sequences_can_be_enumerated<few>) || true);
  static constexpr sequence_sizes sizes = Sizes.fit() && few ? Sizes : sequence_sizes{};
  static constexpr extent_t symbols = sizes.symbols, length = sizes.length, count = sizes.count(most_sequences);
  static constexpr extent_t vocabulary = symbols + 1;
  static constexpr std::uint32_t begin = static_cast<std::uint32_t>(symbols);
  using example = token_example<length>;

  tensor<double, count> log_probabilities{};  ///< by the number of a sequence
  tensor<double, count> up_to{};              ///< probabilities of this sequence and of all before it together

  /// Takes the distribution of a source, or any weights of sequences: whatever has `log_probability`.
  template <class Source>
  constexpr void assign(const Source& source) {
    std::uint32_t sequence[length]{};
    double sum = 0;
    for (extent_t number = 0; number < count; ++number) {
      write_sequence<sizes>(number, sequence);
      log_probabilities[number] = source.log_probability(sequence);
      sum += maths::exp(log_probabilities[number]);
      up_to[number] = sum;
    }
    for (double& each : log_probabilities.data) each -= maths::log(sum);
    for (double& each : up_to.data) each /= sum;
  }
  constexpr double log_probability(const std::uint32_t* sequence) const noexcept {
    return log_probabilities[number_of_sequence<sizes>(sequence)];
  }
  constexpr double entropy() const noexcept {
    double sum = 0;
    for (extent_t number = 0; number < count; ++number) sum += entropy_term(maths::exp(log_probabilities[number]));
    return sum;
  }
  constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) const noexcept {
    const double drawn = random_uniform(seed, number, 0);
    extent_t first = 0, last = count - 1;
    while (first < last) {
      const extent_t middle = first + (last - first) / 2;
      if (drawn < up_to[middle])
        last = middle;
      else
        first = middle + 1;
    }
    std::uint32_t sequence[length]{};
    write_sequence<sizes>(first, sequence);
    teach_sequence<sizes>(sequence, into);
  }
};

/// What a finite sample looks like: how often every sequence came. Its entropy is below that of the source, by about
/// (kinds - 1) / (2 samples) where there are many more samples than kinds (Miller, 1955, "Note on the bias of
/// information estimates"), and never above ln(samples).
template <sequence_sizes Sizes = sequence_sizes{}>
struct empirical {
  static_assert(__is_base_of(nothing, rules::sequence_sizes_fit<Sizes.fit()>) || true);
  static constexpr bool few = Sizes.count(most_sequences) <= most_sequences;
  static_assert(__is_base_of(nothing, rules::sequences_can_be_enumerated<few>) || true);
  static constexpr sequence_sizes sizes = Sizes.fit() && few ? Sizes : sequence_sizes{};
  static constexpr extent_t count = sizes.count(most_sequences);

  tensor<double, count> times{};
  double samples = 0;

  /// Examples `first` to `first + added - 1` of a task over such sequences.
  template <class Task>
  constexpr void add(const Task& of, std::uint64_t seed, std::uint64_t first, std::uint64_t added) {
    token_example<sizes.length> example;
    for (std::uint64_t number = first; number < first + added; ++number) {
      of.sample(seed, number, example);
      times[number_of_sequence<sizes>(example.targets)] += 1;
      samples += 1;
    }
  }
  constexpr double log_probability(const std::uint32_t* sequence) const noexcept {
    return maths::log(times[number_of_sequence<sizes>(sequence)] / samples);
  }
  constexpr double entropy() const noexcept {
    double sum = 0;
    for (const double each : times.data) sum += entropy_term(each / samples);
    return sum;
  }
};

}  // namespace task

LACUNA_END
