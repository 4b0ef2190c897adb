#pragma once
/// What a model refuses to read, in one sentence each.

#include <lacuna/core/error.hpp>
#include <lacuna/op/embed.hpp>

LACUNA_BEGIN

namespace detail {

constexpr error no_such_stream(const char* what, extent_t stream, extent_t streams) {
  return error(error_kind::value, what)
         << ": expected a stream below " << static_cast<std::uint64_t>(streams) << ", found "
         << static_cast<std::uint64_t>(stream) << " (give paged_cache more streams)";
}

/// Whether all tokens are numbers of the vocabulary.
constexpr status check_range(token_view tokens, extent_t vocabulary) {
  for (extent_t t = 0; t < tokens.count; ++t)
    if (tokens.data[t] >= vocabulary)
      return error(error_kind::token, "lacuna::forward: token ")
             << static_cast<std::uint64_t>(t) << ": expected a number below " << static_cast<std::uint64_t>(vocabulary)
             << ", found " << static_cast<std::uint64_t>(tokens.data[t]) << " (encode with the model's own tokenizer)";
  return nothing{};
}

/// Where a stream stands that takes tokens: `room` of them, by the context or by free pages.
struct stream_place {
  extent_t position, context, room, vocabulary;
  bool sees_ahead;
};

/// Whether a stream can take these tokens.
constexpr status check_tokens(token_view tokens, const stream_place& at) {
  if (tokens.count == 0)
    return error(error_kind::length,
                 "lacuna::forward: expected at least one token, found none (a model without a begin "
                 "token needs a prompt)");
  if (tokens.count > at.context - at.position)
    return error(error_kind::length, "lacuna::forward: expected at most ")
           << static_cast<std::uint64_t>(at.context - at.position) << " more tokens (context "
           << static_cast<std::uint64_t>(at.context) << ", position " << static_cast<std::uint64_t>(at.position)
           << "), found " << static_cast<std::uint64_t>(tokens.count) << " (shorten the prompt, or reset() the stream)";
  if (tokens.count > at.room)
    return error(error_kind::memory, "lacuna::forward: expected at most ")
           << static_cast<std::uint64_t>(at.room) << " more tokens, for which the pool has pages (position "
           << static_cast<std::uint64_t>(at.position) << "), found " << static_cast<std::uint64_t>(tokens.count)
           << " (reset() a stream, or give paged_cache more positions)";
  if (at.sees_ahead && at.position > 0)
    return error(error_kind::length,
                 "lacuna::forward: expected the whole stream in one call, since a route of this "
                 "model sees ahead, found it at position ")
           << static_cast<std::uint64_t>(at.position) << " (reset() it, or see the past only with both<causal, ...>)";
  return check_range(tokens, at.vocabulary);
}

}  // namespace detail

LACUNA_END
