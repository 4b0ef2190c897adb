#pragma once
/// Words of an automaton, and where it ends: said at once, or after intermediate steps.

#include <lacuna/task/automata.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// Which states are written before the last one, which is the answer.
enum class steps : std::uint8_t {
  none,         ///< the answer alone
  logarithmic,  ///< about every n / log2(n)-th state: log2(n) of them
  every,        ///< the state after each symbol
};

/// Lengths of the words, uniform from `shortest` to `longest`, and the steps that are written.
struct word_sizes {
  extent_t shortest = 16;
  extent_t longest = 16;
  steps written = steps::every;
  constexpr bool fit() const noexcept { return shortest > 0 && shortest <= longest; }
};

}  // namespace task

namespace rules {
template <bool Fit>
struct word_sizes_fit {
  static_assert(Fit, "lacuna::task::regular_language: there are no words (choose 0 < shortest <= longest)");
};
}  // namespace rules

namespace task {

/// `w1 ... wn ? s ... s`: a word of uniform symbols, `question`, and states of the automaton, the last of which is the
/// one after the whole word; whether the word belongs to the language is a function of it (`accepts`). Targets are next
/// tokens, and the states count. Symbols have the ids 0 to symbols - 1, states follow, then `question` and `pad`, which
/// ends shorter examples. Length longest + the most states.
///
/// Steps: none; every ceil(n / log2(n))-th symbol's state; or each symbol's. A model that writes its steps is judged by
/// its last one: give it `example.prompt()`, let it write `states_of(n)` tokens, and ask `follows`.
/// Source: Merrill and Sabharwal (2023), "The expressive power of Transformers with chain of thought", arXiv
/// 2310.07923: linear steps recognise all regular languages, logarithmically many add little.
template <class Language, word_sizes Sizes = word_sizes{}>
struct regular_language {
  static_assert(__is_base_of(nothing, Language) || true);  // what an automaton complains of is said here, and first
  static_assert(Automaton<Language>,
                "lacuna::task::regular_language: the language is no automaton (derive it from "
                "lacuna::task::by_table<...>, or see lacuna::task::Automaton)");
  static_assert(__is_base_of(nothing, rules::word_sizes_fit<Sizes.fit()>) || true);
  static constexpr word_sizes sizes = Sizes.fit() ? Sizes : word_sizes{};

  /// Symbols from one written state to the next, in a word of n symbols.
  static constexpr extent_t stride(extent_t symbols) noexcept {
    if (sizes.written == steps::every) return 1;
    if (sizes.written == steps::none || symbols < 2) return symbols;
    const double width = static_cast<double>(symbols) * maths::ln2 / maths::log(static_cast<double>(symbols));
    const auto whole = static_cast<extent_t>(width);
    // log2 of a power of two is not exact: what is a hair above a whole number is that number.
    return width - static_cast<double>(whole) > 1e-9 ? whole + 1 : whole;
  }
  /// How many states are written for a word of n symbols.
  static constexpr extent_t states_of(extent_t symbols) noexcept {
    return (symbols + stride(symbols) - 1) / stride(symbols);
  }
  static constexpr extent_t most_states = [] {
    extent_t most = 0;
    for (extent_t n = sizes.shortest; n <= sizes.longest; ++n) most = most < states_of(n) ? states_of(n) : most;
    return most;
  }();

  static constexpr std::uint32_t first_state = static_cast<std::uint32_t>(Language::symbols);
  static constexpr std::uint32_t question = first_state + static_cast<std::uint32_t>(Language::states);
  static constexpr std::uint32_t pad = question + 1;
  static constexpr extent_t vocabulary = pad + 1;
  static constexpr extent_t length = sizes.longest + most_states;

  static constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) noexcept {
    random_numbers random(seed, number);
    into = {};
    for (std::uint32_t& token : into.tokens) token = pad;
    const auto symbols = static_cast<extent_t>(random.between(sizes.shortest, sizes.longest));
    const extent_t every = stride(symbols);
    std::uint32_t state = Language::start;
    extent_t written = 0;
    for (extent_t i = 0; i < symbols; ++i) {
      into.tokens[i] = static_cast<std::uint32_t>(random.below(Language::symbols));
      state = Language::next(state, into.tokens[i]);
      if ((i + 1) % every != 0 && i + 1 != symbols) continue;
      const extent_t at = symbols + written++;
      into.targets[at] = first_state + state;
      into.counts[at] = 1;
      if (i + 1 < symbols) into.tokens[at + 1] = first_state + state;
    }
    into.tokens[symbols] = question;
  }

  /// The state after the whole word of an example, by its symbols.
  static constexpr std::uint32_t answer(const token_example<length>& example) noexcept {
    std::uint32_t state = Language::start;
    for (extent_t i = 0; example.tokens[i] != question; ++i) state = Language::next(state, example.tokens[i]);
    return state;
  }
  /// Whether the tokens that a model wrote behind the question end in the right state.
  static constexpr bool follows(const token_example<length>& example, token_view written) noexcept {
    return written.count > 0 && written.data[written.count - 1] == first_state + answer(example);
  }
  /// Whether a state is one of words that belong to the language; `token` is an answer.
  static constexpr bool belongs(std::uint32_t token) noexcept {
    return token >= first_state && token < question && Language::accepts(token - first_state);
  }
};

}  // namespace task

LACUNA_END
