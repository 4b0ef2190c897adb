#pragma once
/// Generation: a range of tokens, sampled one by one, without allocating.

#include <lacuna/core/random.hpp>
#include <lacuna/model/model.hpp>

LACUNA_BEGIN

/// How to sample. Aggregate: `{.temperature = 0.f, .tokens = 256}`.
struct generate_options {
  float temperature = 1.0f;  ///< 0 takes the likeliest token; lowest number on a tie
  extent_t top_k = 0;        ///< only the k likeliest tokens; 0 for all
  float top_p = 1.0f;        ///< only the likeliest tokens that together reach p (Holtzman et al. 2019, 1904.09751)
  std::uint64_t seed = 0;    ///< same seed, same text, on any machine with the same logits
  extent_t tokens = 0;       ///< tokens to generate; 0 for as many as the context takes
  std::uint32_t stop = no_token;  ///< the generation ends before this token
  bool restart = true;            ///< start a new stream; false continues the model's, whose last token was not run yet
};

namespace detail {

/// Whether token a comes before token b: larger logit, then lower number.
template <class Value>
LACUNA_HD constexpr bool likelier(const Value* logits, std::uint32_t a, std::uint32_t b) {
  return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/// Restores the heap property (likeliest on top) below `at`.
template <class Value>
LACUNA_HD constexpr void sift_down(const Value* logits, std::uint32_t* heap, extent_t size, extent_t at) {
  for (extent_t child = 2 * at + 1; child < size; at = child, child = 2 * at + 1) {
    if (child + 1 < size && likelier(logits, heap[child + 1], heap[child])) ++child;
    if (!likelier(logits, heap[child], heap[at])) return;
    const std::uint32_t moved = heap[child];
    heap[child] = heap[at];
    heap[at] = moved;
  }
}

/// Moves the `wanted` likeliest tokens, or those that reach `mass`, to the end of `order`, likeliest last.
/// Returns how many; `weights` are unnormalised probabilities of sum `total`.
template <class Value>
constexpr extent_t select_likeliest(const Value* weights, double total, std::uint32_t* order, extent_t size,
                                    extent_t wanted, double mass) {
  for (extent_t i = 0; i < size; ++i) order[i] = static_cast<std::uint32_t>(i);
  for (extent_t i = size / 2; i-- > 0;) sift_down(weights, order, size, i);
  extent_t taken = 0;
  for (double reached = 0; taken < wanted && (taken == 0 || reached < mass * total); ++taken) {
    const std::uint32_t best = order[0];
    order[0] = order[size - 1 - taken];
    order[size - 1 - taken] = best;
    sift_down(weights, order, size - 1 - taken, 0);
    reached += static_cast<double>(weights[best]);
  }
  return taken;
}

}  // namespace detail

/// The token to emit for `logits` `(vocabulary)`, which become unnormalised weights. `draw` counts the tokens of a
/// generation; `order` has room for `size` numbers. O(size), O(size + k log size) with top_k or top_p.
/// Errors: options out of range; a logit that is NaN or +infinity, or all of them -infinity.
template <class Value>
constexpr outcome<std::uint32_t> try_sample(Value* logits, std::uint32_t* order, extent_t size,
                                            const generate_options& options, std::uint64_t draw) {
  if (!(options.temperature >= 0.0f) || !(options.top_p > 0.0f && options.top_p <= 1.0f))
    return error(error_kind::value,
                 "lacuna::generate: expected temperature >= 0 and top_p in (0, 1], found another value "
                 "(0 takes the likeliest token; 1 keeps all)");
  std::uint32_t best = 0;
  for (extent_t i = 0; i < size; ++i) {
    if (maths::is_nan(logits[i]) || logits[i] == maths::infinity<Value>())
      return error(error_kind::value, "lacuna::generate: logit ")
             << static_cast<std::uint64_t>(i) << ": expected a finite number, found "
             << (maths::is_nan(logits[i]) ? "NaN" : "infinity") << " (check the weights)";
    if (logits[i] > logits[best]) best = static_cast<std::uint32_t>(i);
  }
  if (!maths::is_finite(logits[best]))
    return error(error_kind::value,
                 "lacuna::generate: expected a finite logit, found all at -infinity (check the weights)");
  if (!(options.temperature > 0.0f)) return best;

  const Value largest = logits[best];
  double total = 0;
  for (extent_t i = 0; i < size; ++i) {
    logits[i] = maths::exp((logits[i] - largest) / static_cast<Value>(options.temperature));
    total += static_cast<double>(logits[i]);
  }
  const double uniform = random_uniform(options.seed, 0, draw);
  const bool narrowed = (options.top_k > 0 && options.top_k < size) || options.top_p < 1.0f;
  if (!narrowed) {
    double rest = uniform * total;
    for (extent_t i = 0; i < size; ++i)
      if ((rest -= static_cast<double>(logits[i])) < 0) return static_cast<std::uint32_t>(i);
    return best;
  }
  const extent_t wanted = options.top_k > 0 && options.top_k < size ? options.top_k : size;
  const extent_t taken =
      detail::select_likeliest(logits, total, order, size, wanted, static_cast<double>(options.top_p));
  double kept = 0;
  for (extent_t i = 0; i < taken; ++i) kept += static_cast<double>(logits[order[size - 1 - i]]);
  double rest = uniform * kept;
  for (extent_t i = 0; i < taken; ++i)
    if ((rest -= static_cast<double>(logits[order[size - 1 - i]])) < 0) return order[size - 1 - i];
  return best;
}

/// The tokens that follow a prompt. A single-pass range; the model must outlive it.
template <class Model>
class generation {
 public:
  generation(Model& of, token_view prompt, const generate_options& options) : model_(&of), options_(options) {
    if (options.restart) of.reset();
    if (const auto logits = of.try_forward(prompt); !logits.ok())
      fail(logits.why());
    else
      sample();
  }

  /// What ended the generation early, if anything did (thrown in its place where exceptions are on).
  const error& why() const noexcept { return why_; }
  bool done() const noexcept { return done_; }

  struct sentinel {};
  class iterator {
   public:
    using value_type = std::uint32_t;
    using difference_type = std::ptrdiff_t;
    explicit iterator(generation& of) : of_(&of) {}
    std::uint32_t operator*() const noexcept { return of_->token_; }
    iterator& operator++() {
      of_->advance();
      return *this;
    }
    void operator++(int) { of_->advance(); }
    bool operator==(sentinel) const noexcept { return of_->done_; }

   private:
    generation* of_;
  };
  iterator begin() { return iterator(*this); }
  sentinel end() const noexcept { return {}; }

 private:
  void sample() {
    const auto logits = model_->last_logits();
    const auto next = try_sample(logits.data, model_->sampling_order(), Model::vocabulary, options_, count_);
    if (!next.ok()) return fail(next.why());
    token_ = *next;
    ++count_;
    done_ = token_ == options_.stop;
  }
  void advance() {
    if (done_) return;
    if ((options_.tokens != 0 && count_ >= options_.tokens) || model_->room() == 0) {
      done_ = true;
      return;
    }
    if (const auto logits = model_->try_forward(token_view{&token_, 1}); !logits.ok())
      fail(logits.why());
    else
      sample();
  }
  void fail(const error& why) {
    why_ = why;
    done_ = true;
#if LACUNA_EXCEPTIONS
    throw failure(why);
#endif
  }

  Model* model_;
  generate_options options_;
  std::uint32_t token_ = no_token;
  std::uint64_t count_ = 0;
  bool done_ = false;
  error why_{};
};

namespace detail {

template <class Model>
concept NamedModel =
    std::is_lvalue_reference_v<Model> && requires(Model of, token_view tokens) { of.try_forward(tokens).ok(); };
/// One that makes logits; what is no model was complained of already.
template <class Model>
inline constexpr bool makes_logits = [] {
  if constexpr (NamedModel<Model>)
    return !std::remove_reference_t<Model>::encodes && !std::remove_reference_t<Model>::regresses;
  else
    return true;
}();
/// What follows a complaint: no token.
struct no_generation {
  const std::uint32_t* begin() const noexcept { return nullptr; }
  const std::uint32_t* end() const noexcept { return nullptr; }
  bool done() const noexcept { return true; }
  error why() const { return {}; }
};

}  // namespace detail

namespace rules {
template <class Model>
struct generate_takes_a_model {
  static_assert(detail::NamedModel<Model>,
                "lacuna::generate: its first argument is not a named model (write lacuna::model<Recipe> model; "
                "generate(model, prompt))");
};
template <bool Fine>
struct generate_takes_a_decoder {
  static_assert(
      Fine,
      "lacuna::generate: an encoder or regressor makes no logits to draw tokens from (call try_encode or try_predict)");
};
}  // namespace rules

/// The tokens that follow `prompt`: `for (auto token : generate(model, prompt, {.temperature = 0.f}))`.
/// Errors: an empty prompt, a token out of range, a prompt longer than the context or the pool's pages hold, logits
/// that are not finite.
template <class Model>
auto generate(Model&& of, token_view prompt, const generate_options& options = {}) {
  static_assert(__is_base_of(nothing, rules::generate_takes_a_model<Model>) || true);
  static_assert(__is_base_of(nothing, rules::generate_takes_a_decoder<detail::makes_logits<Model>>) || true);
  if constexpr (detail::NamedModel<Model> && detail::makes_logits<Model>)
    return generation<std::remove_reference_t<Model>>(of, prompt, options);
  else
    return detail::no_generation{};
}
/// The same for anything with `data()` and `size()`, such as std::vector<std::uint32_t>.
template <class Model, class Tokens>
  requires requires(const Tokens& tokens) { token_view{tokens.data(), tokens.size()}; }
auto generate(Model&& of, const Tokens& prompt, const generate_options& options = {}) {
  return generate(static_cast<Model&&>(of), token_view{prompt.data(), prompt.size()}, options);
}

LACUNA_END
