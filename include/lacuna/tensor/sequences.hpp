#pragma once
/// Several sequences one behind the other in one stream: how many there may be, how long each is, where it lies.

#include <lacuna/core/error.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

template <extent_t Most>
struct sequences;

namespace slots {
/// `sequences<16>`.
struct sequences {
  using stand_in = lacuna::sequences<1>;
  template <class Policy>
  static constexpr bool accepts = requires { Policy::value; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>, "lacuna::sequences: this is no number of sequences (write sequences<N>)");
  };
};
}  // namespace slots

namespace rules {
template <extent_t Most>
struct sequences_are_not_none {
  static_assert(Most > 0, "lacuna::sequences: there is room for none (choose sequences<N> with N > 0)");
};
}  // namespace rules

/// The most sequences that one pass takes.
template <extent_t Most>
struct sequences {
  static_assert(__is_base_of(nothing, rules::sequences_are_not_none<Most>) || true);
  using slot = slots::sequences;
  static constexpr extent_t value = Most == 0 ? 1 : Most;
  static constexpr auto name = fixed_string("sequences<") + decimal<Most>() + ">";
};

/// Lengths of sequences that follow one another, as they come at run time: none stands for one sequence of whatever
/// tokens there are.
struct sequence_lengths {
  const std::uint32_t* data = nullptr;
  extent_t count = 0;
};

/// Where each sequence of a stream lies. What is shared by the parts of a model that must tell sequences apart.
template <extent_t Most, extent_t Context>
struct sequence_table {
  std::uint32_t begin[Most + 1]{};  ///< first token of each sequence, and the end of the last
  extent_t given = 0;               ///< sequences; 0: one, however long

  /// Errors: more sequences than there is room for, one without tokens, more tokens than the context.
  constexpr status check(const sequence_lengths& of) const {
    if (of.count > Most)
      return error(error_kind::length, "lacuna::sequences: expected at most ")
             << std::uint64_t{Most} << ", found " << std::uint64_t{of.count}
             << " (take them in several passes, or give the recipe more: sequences<N>)";
    std::uint64_t tokens = 0;
    for (extent_t i = 0; i < of.count; ++i) {
      if (of.data[i] == 0)
        return error(error_kind::length, "lacuna::sequences: sequence ")
               << std::uint64_t{i} << ": expected at least one token, found none (leave it out)";
      tokens += of.data[i];
    }
    if (tokens > Context)
      return error(error_kind::length, "lacuna::sequences: expected at most ")
             << std::uint64_t{Context} << " tokens in all (the context), found " << tokens
             << " (take them in several passes: see pack_sequences)";
    return nothing{};
  }
  constexpr void assign(const sequence_lengths& of) {
    given = of.count;
    begin[0] = 0;
    for (extent_t i = 0; i < given; ++i) begin[i + 1] = begin[i] + of.data[i];
  }
  /// A stream that is taken as a whole holds the sequences that were given; one that may be cut has fewer tokens so far,
  /// or more, which belong to the last sequence.
  constexpr status fits(extent_t tokens, bool whole) const {
    if (given != 0 && whole && tokens != begin[given])
      return error(error_kind::length, "lacuna::forward: expected ")
             << std::uint64_t{begin[given]} << " tokens, those of the sequences that were given, found "
             << std::uint64_t{tokens} << " (give the sequence_lengths of these tokens, or none)";
    return nothing{};
  }

  /// Sequences of the stream.
  LACUNA_HD constexpr extent_t count() const noexcept { return given == 0 ? 1 : given; }
  /// Tokens [start(i), end(i, tokens)) of a stream of so many are those of sequence i.
  LACUNA_HD constexpr extent_t start(extent_t i) const noexcept { return begin[i]; }
  LACUNA_HD constexpr extent_t end(extent_t i, extent_t tokens) const noexcept {
    return i + 1 >= given || begin[i + 1] > tokens ? tokens : begin[i + 1];
  }
  /// Calls `f(first, count, start)` for the parts of tokens [first, first + tokens) that lie in one sequence each,
  /// which begins at `start`.
  LACUNA_ANY_CALLEE
  template <class Function>
  LACUNA_HD constexpr void for_each_part(extent_t first, extent_t tokens, Function&& f) const {
    const extent_t last = first + tokens;
    for (extent_t i = 0; i < count(); ++i) {
      const extent_t from = start(i) < first ? first : start(i), to = end(i, last);
      if (from < to) f(from, to - from, start(i));
    }
  }
};

LACUNA_END
