#pragma once
/// What a normaliser tells the attention kernels, and how a dot product becomes its score.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// Scores depend on positions through queries and keys alone.
struct no_score_bias {
  static constexpr bool present = false;
  template <class Value>
  LACUNA_HD constexpr Value operator()(extent_t, Value) const noexcept {
    return Value(0);
  }
};

/// A bias, and less for a token's own key.
template <class Bias, int Penalty>
struct own_key_penalised {
  static constexpr bool present = true;
  LACUNA_NO_ADDRESS Bias bias{};
  template <class Value>
  LACUNA_HD LACUNA_INLINE constexpr Value operator()(extent_t head, Value distance) const noexcept {
    return bias(head, distance) - maths::where(maths::less(distance, Value(0.5)), Value(Penalty), Value(0));
  }
};

/// Base of normalisers that take scores as they are; one that bends them redefines both functions.
struct scores_as_they_are {
  /// Applied to a score before the mask and the exponential.
  template <class Value>
  LACUNA_HD static constexpr Value map(Value score) noexcept {
    return score;
  }
  template <class Value>
  LACUNA_HD static constexpr Value map_derivative(Value) noexcept {
    return Value(1);
  }
};
namespace detail {
/// A function as a type: sanitizers make comparisons of addresses no constants.
template <float (*Function)(float) noexcept>
struct function_type;
}  // namespace detail

/// Whether a normaliser has kept that map.
template <class Normaliser>
inline constexpr bool keeps_scores = requires {
  requires same<detail::function_type<&Normaliser::template map<float>>,
                detail::function_type<&scores_as_they_are::template map<float>>>;
};

/// How a row's scores s become weights, with s mapped already.
enum class normalisation : std::uint8_t {
  one_pass,   ///< e^s / sum e^s: blocks of keys fold in any order
  reweighed,  ///< reweigh(e^s / sum e^s): a second pass once the sum is known
  summed      ///< weight(s, sum of term(s), number of keys): the same, without an exponential
};

/// The kind of a normaliser, from what it offers.
template <class Normaliser>
inline constexpr normalisation normalisation_of = [] {
  if constexpr (requires { Normaliser::term(1.0f); })
    return normalisation::summed;
  else if constexpr (requires { Normaliser::reweigh(1.0f); })
    return normalisation::reweighed;
  else
    return normalisation::one_pass;
}();

/// Whether every row sees, besides its keys, one with score 0 and value 0; it says `static constexpr bool null_key`.
template <class Normaliser>
inline constexpr bool has_null_key = requires { requires Normaliser::null_key; };

/// How a dot product becomes a logarithmic weight: map(scale q.k + bias(head, |query - key|)).
template <class Normaliser, class Bias, class Value>
struct score_rule {
  using normaliser = Normaliser;
  using bias_type = Bias;
  static constexpr normalisation kind = normalisation_of<Normaliser>;
  Value scale;
  LACUNA_NO_ADDRESS Bias bias{};

  /// Before the normaliser's map.
  LACUNA_HD constexpr Value raw(Value dot, extent_t head, extent_t query, extent_t key) const noexcept {
    if constexpr (Bias::present)
      return dot * scale + bias(head, static_cast<Value>(query < key ? key - query : query - key));
    else
      return dot * scale;
  }
};

/// What a row's keys add up to, one by one.
template <class Normaliser, class Value>
struct row_statistic {
  static constexpr normalisation kind = normalisation_of<Normaliser>;
  Value largest = has_null_key<Normaliser> ? Value(0) : -maths::infinity<Value>();
  Value sum = has_null_key<Normaliser> ? Value(1) : Value(0);
  Value keys = 0;

  /// Counts a key with this score, mapped already.
  LACUNA_HD constexpr void add(Value score) noexcept {
    keys += Value(1);
    if constexpr (kind == normalisation::summed) {
      sum += Normaliser::term(score);
    } else {
      const Value top = maths::larger(largest, score);
      if (top == -maths::infinity<Value>()) {
        if (maths::is_nan(score)) sum = score;
        return;
      }
      sum = sum * maths::exp(largest - top) + maths::exp(score - top);
      largest = top;
    }
  }
  /// The share of a key with this score, mapped already, of the sum of exponentials. From the largest score and the
  /// sum, since beside a score in the thousands `kept` has no digits left for the logarithm of the sum.
  LACUNA_HD constexpr Value share(Value score) const noexcept {
    return sum == Value(0) ? Value(0) : maths::exp(score - largest) / sum;
  }
  /// What backward keeps of a row: the logarithm of the sum of exponentials, or the sum of terms.
  LACUNA_HD constexpr Value kept() const noexcept {
    if constexpr (kind == normalisation::summed)
      return sum;
    else
      return sum == Value(0) ? largest : largest + static_cast<Value>(maths::log(sum));
  }
};

LACUNA_END
