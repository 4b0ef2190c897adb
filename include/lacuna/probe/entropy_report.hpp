#pragma once
/// Entropies and divergences of a model whose source is known, over whole sequences.
///
/// Source: Ren and Liu (2025), arXiv 2504.18929, whose quantities these are: does a model have less entropy than what
/// it learns from? Exact by enumeration where sequences are few; else estimated, with a standard error.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/op/embed.hpp>
#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct model_knows_a_beginning {
  static_assert(Fine,
                "lacuna::conditionals_of: the model has no token that begins a sequence, or no room for one (give it "
                "vocabulary<symbols + 1> and context<length>)");
};
template <bool Fine>
struct source_and_model_have_one_size {
  static_assert(Fine,
                "lacuna::report_entropy: the sequences of the source and of the model have other sizes (write "
                "conditionals_of<symbols, length>(model) with those of the source)");
};
}  // namespace rules

/// Conditional distributions of a decoder over the first `Symbols` tokens of its vocabulary, of which the next one,
/// number `Symbols`, begins a sequence: logits of other tokens are left out, and the rest is normalised. Refers to the
/// model, and resets it for every sequence.
template <class Model, extent_t Symbols, extent_t Length>
struct model_conditionals {
  static constexpr bool fine = Symbols < Model::vocabulary && Length <= Model::context;
  static_assert(__is_base_of(nothing, rules::model_knows_a_beginning<fine>) || true);
  static constexpr extent_t symbols = Symbols, length = Length;
  Model& model;

  /// `to[t][v]` = ln q(v | the t symbols before), `(length, symbols)`; `sequence` has `length` symbols, of which the
  /// last is not read. Errors: those of `model::try_forward`, and a logit that is not finite.
  constexpr status try_conditionals(const std::uint32_t* sequence, rows<double, Symbols> to) {
    std::uint32_t tokens[Length]{static_cast<std::uint32_t>(Symbols)};
    for (extent_t t = 1; t < Length; ++t) tokens[t] = sequence[t - 1];
    model.reset();
    bool finite = true;
    const auto last = model.try_forward(token_view{tokens, Length}, [&](extent_t at, auto logits) {
      double largest = 0, sum = 0;
      for (extent_t v = 0; v < Symbols; ++v) {
        const auto logit = static_cast<double>(logits.data[v]);
        finite = finite && maths::is_finite(logit);
        largest = v == 0 || logit > largest ? logit : largest;
      }
      for (extent_t v = 0; v < Symbols; ++v) sum += maths::exp(static_cast<double>(logits.data[v]) - largest);
      const double shift = largest + maths::log(sum);
      for (extent_t v = 0; v < Symbols; ++v) to.data[at * Symbols + v] = static_cast<double>(logits.data[v]) - shift;
    });
    if (!last.ok()) return last.why();
    if (!finite)
      return error(
          error_kind::value,
          "lacuna::report_entropy: expected finite logits, found NaN or infinity (look at the weights of the model)");
    return nothing{};
  }
};
/// `conditionals_of<4, 6>(model)`: see `model_conditionals`.
template <extent_t Symbols, extent_t Length, class Model>
constexpr model_conditionals<Model, Symbols, Length> conditionals_of(Model& model) {
  return {model};
}

/// A model q beside its source p, in nats per sequence, exactly.
struct entropy_report {
  double source_entropy = 0;      ///< H(p)
  double model_entropy = 0;       ///< H(q)
  double cross_entropy = 0;       ///< -sum p ln q
  double divergence = 0;          ///< KL(p || q)
  double reverse_divergence = 0;  ///< KL(q || p); infinite where the model writes what the source never does
  double total = 0;               ///< the sum of q, 1 but for rounding
  double chain_entropy = 0;       ///< H(q) again, from the entropies of its conditional distributions
};

/// All sequences of a source go through a model: `try_report_entropy(source, conditionals_of<4, 6>(model))`. Costs
/// symbols^length forwards of `length` tokens. Error: the model's, or a logit that is not finite.
template <class Source, class Conditionals>
constexpr outcome<entropy_report> try_report_entropy(const Source& source, Conditionals&& of) {
  using conditionals = std::remove_cvref_t<Conditionals>;
  constexpr extent_t symbols = conditionals::symbols, length = conditionals::length;
  constexpr bool fine = Source::sizes.symbols == symbols && Source::sizes.length == length;
  static_assert(__is_base_of(nothing, rules::source_and_model_have_one_size<fine>) || true);
  std::uint32_t sequence[length]{};
  double table[length * symbols];
  entropy_report report;
  for (;;) {
    if (const status done = of.try_conditionals(sequence, {table, length}); !done.ok()) return done.why();
    const double log_p = source.log_probability(sequence);
    double log_q = 0;
    // A prefix is met first with zeros behind it.
    extent_t zeros_from = length;
    while (zeros_from > 0 && sequence[zeros_from - 1] == 0) --zeros_from;
    for (extent_t t = 0; t < length; ++t) {
      const double* const row = table + t * symbols;
      if (t >= zeros_from)
        for (extent_t v = 0; v < symbols; ++v)
          if (const double q = maths::exp(row[v]); q > 0) report.chain_entropy -= maths::exp(log_q) * q * row[v];
      log_q += row[sequence[t]];
    }
    const double p = maths::exp(log_p), q = maths::exp(log_q);
    if (p > 0) {
      report.source_entropy -= p * log_p;
      report.cross_entropy -= p * log_q;
      report.divergence += p * (log_p - log_q);
    }
    if (q > 0) {
      report.model_entropy -= q * log_q;
      report.reverse_divergence += q * (log_q - log_p);
    }
    report.total += q;
    extent_t t = length;
    while (t > 0 && ++sequence[t - 1] == symbols) sequence[--t] = 0;
    if (t == 0) return report;
  }
}

/// A mean over samples, and its standard error.
struct sampled_mean {
  double mean = 0, error = 0;
};

namespace detail {

/// Sums for a mean and its error.
struct sample_sums {
  double sum = 0, squares = 0, count = 0;
  constexpr void add(double value) noexcept { sum += value, squares += value * value, count += 1; }
  constexpr sampled_mean result() const noexcept {
    const double mean = sum / count, spread = (squares - sum * mean) / (count > 1 ? count - 1 : 1);
    return {mean, maths::sqrt((spread > 0 ? spread : 0) / count)};
  }
};
/// The entropy of a row of logarithms.
constexpr double row_entropy(const double* logs, extent_t count) noexcept {
  double sum = 0;
  for (extent_t v = 0; v < count; ++v)
    if (const double q = maths::exp(logs[v]); q > 0) sum -= q * logs[v];
  return sum;
}

}  // namespace detail

/// H(q), estimated where sequences are too many to enumerate: sequences are drawn from the model, and the entropies of
/// its conditional distributions along them averaged, which varies less than their logarithms would (Rao and
/// Blackwell). `length` forwards for each of `samples` sequences. Errors: no samples; those of `try_report_entropy`.
template <class Conditionals>
constexpr outcome<sampled_mean> try_estimate_entropy(Conditionals&& of, extent_t samples, std::uint64_t seed) {
  using conditionals = std::remove_cvref_t<Conditionals>;
  constexpr extent_t symbols = conditionals::symbols, length = conditionals::length;
  if (samples == 0)
    return error(error_kind::length, "lacuna::estimate_entropy: expected samples, found 0 (ask for one or more)");
  double table[length * symbols];
  detail::sample_sums sums;
  for (extent_t number = 0; number < samples; ++number) {
    std::uint32_t sequence[length]{};
    double entropy = 0;
    for (extent_t t = 0; t < length; ++t) {
      // Rows up to t depend on the symbols before t alone.
      if (const status done = of.try_conditionals(sequence, {table, length}); !done.ok()) return done.why();
      const double* const row = table + t * symbols;
      entropy += detail::row_entropy(row, symbols);
      double left = random_uniform(seed, number, t);
      for (sequence[t] = 0; sequence[t] + 1 < symbols; ++sequence[t]) {
        left -= maths::exp(row[sequence[t]]);
        if (left < 0) break;
      }
    }
    sums.add(entropy);
  }
  return sums.result();
}

/// What a model says of sequences that others wrote.
struct teacher_forced_report {
  sampled_mean cross_entropy;  ///< -ln q(x)
  sampled_mean entropy;        ///< of the model's conditional distributions along x: not H(q), whose x are its own
};
/// The same along samples of a task: examples 0 to `samples - 1` of a seed. Errors: as above.
template <class Task, class Conditionals>
constexpr outcome<teacher_forced_report> try_report_teacher_forced(const Task& task, Conditionals&& of,
                                                                   extent_t samples, std::uint64_t seed) {
  using conditionals = std::remove_cvref_t<Conditionals>;
  constexpr extent_t symbols = conditionals::symbols, length = conditionals::length;
  static_assert(__is_base_of(nothing, rules::source_and_model_have_one_size < Task::length == length >) || true);
  if (samples == 0)
    return error(error_kind::length, "lacuna::report_teacher_forced: expected samples, found 0 (ask for one or more)");
  double table[length * symbols];
  detail::sample_sums cross, entropies;
  for (extent_t number = 0; number < samples; ++number) {
    typename Task::example example;
    task.sample(seed, number, example);
    if (const status done = of.try_conditionals(example.targets, {table, length}); !done.ok()) return done.why();
    double log_q = 0, entropy = 0;
    for (extent_t t = 0; t < length; ++t) {
      log_q += table[t * symbols + example.targets[t]];
      entropy += detail::row_entropy(table + t * symbols, symbols);
    }
    cross.add(-log_q);
    entropies.add(entropy);
  }
  return teacher_forced_report{cross.result(), entropies.result()};
}

LACUNA_END
