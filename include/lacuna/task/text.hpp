#pragma once
/// Text as a task: windows of a long sequence of tokens, drawn for training, in order for evaluation.

#include <lacuna/core/error.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// Kinds of tokens, and tokens of a window: the vocabulary and the context of the model.
struct text_sizes {
  extent_t vocabulary = 256;
  extent_t window = 64;
  constexpr bool fit() const noexcept { return vocabulary > 0 && vocabulary <= 0xffffffffu && window > 0; }
};

/// The first nine tenths of a text (rounded down) and the rest.
struct text_parts {
  token_view training;
  token_view validation;
};
constexpr text_parts split_text(token_view whole) noexcept {
  const extent_t first = whole.count / 10 * 9 + whole.count % 10 * 9 / 10;
  return {{whole.data, first}, {whole.data + first, whole.count - first}};
}

}  // namespace task

namespace rules {
template <bool Fit>
struct text_sizes_fit {
  static_assert(Fit, "lacuna::task::text: there is nothing to predict (choose vocabulary > 0 and window > 0)");
};
}  // namespace rules

namespace task {

/// Windows of a text, which stays with its owner: a token's target is the next one.
///
/// Training: `sample(seed, number, into)` is a window that starts anywhere, each start alike; number = step * batch +
/// index. Evaluation: `read(window, into)` for window = 0 to `windows()` - 1; these lie end to end, so that every
/// target of the text counts in just one of them: all tokens but the first, which nothing precedes. The last window is
/// filled up with token 0, which does not count, and `targets_of` says how many do. (A causal model may be given just
/// those; for one that sees ahead they are the end of its stream.) The mean over a text is the sum over the counted
/// targets of all windows, divided by `targets()`. Source of the split, the starts and the loss that is reported:
/// nanoGPT (Karpathy, 2022); it estimates the loss from random windows, here all are read.
template <text_sizes Sizes = text_sizes{}>
struct text {
  static_assert(__is_base_of(nothing, rules::text_sizes_fit<Sizes.fit()>) || true);
  static constexpr text_sizes sizes = Sizes.fit() ? Sizes : text_sizes{};
  static constexpr extent_t vocabulary = sizes.vocabulary;
  static constexpr extent_t length = sizes.window;

  text() = default;
  /// Over the tokens of a text. Errors: fewer than a window and its last target, or a token that is not below
  /// `vocabulary`.
  static constexpr outcome<text> try_make(token_view tokens) {
    if (tokens.count <= length)
      return error(error_kind::length, "lacuna::task::text: expected at least ")
             << static_cast<std::uint64_t>(length + 1) << " tokens for windows of "
             << static_cast<std::uint64_t>(length) << ", found " << static_cast<std::uint64_t>(tokens.count)
             << " (bring a longer text, or choose a shorter window)";
    for (extent_t i = 0; i < tokens.count; ++i)
      if (tokens.data[i] >= vocabulary)
        return error(error_kind::token, "lacuna::task::text: token ")
               << static_cast<std::uint64_t>(i) << ": expected a token below " << static_cast<std::uint64_t>(vocabulary)
               << ", found " << tokens.data[i] << " (the tokenizer has another vocabulary)";
    text made;
    made.tokens_ = tokens;
    return made;
  }

  constexpr token_view tokens() const noexcept { return tokens_; }
  /// Where a window that is drawn may start.
  constexpr extent_t starts() const noexcept { return tokens_.count - length; }
  constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) const noexcept {
    random_numbers random(seed, number);
    copy_from(static_cast<extent_t>(random.below(starts())), length, into);
  }

  /// Windows of one evaluation.
  constexpr extent_t windows() const noexcept { return (targets() + length - 1) / length; }
  /// Targets of one evaluation.
  constexpr extent_t targets() const noexcept { return tokens_.count - 1; }
  constexpr extent_t targets_of(extent_t window) const noexcept {
    const extent_t rest = targets() - window * length;
    return rest < length ? rest : length;
  }
  constexpr void read(extent_t window, token_example<length>& into) const noexcept {
    copy_from(window * length, targets_of(window), into);
  }

 private:
  constexpr void copy_from(extent_t start, extent_t count, token_example<length>& into) const noexcept {
    into = {};
    for (extent_t i = 0; i < count; ++i) {
      into.tokens[i] = tokens_.data[start + i];
      into.targets[i] = tokens_.data[start + i + 1];
      into.counts[i] = 1;
    }
  }
  token_view tokens_;
};

}  // namespace task

LACUNA_END
