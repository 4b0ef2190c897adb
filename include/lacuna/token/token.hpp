#pragma once
/// What a tokenizer is.

#include <concepts>
#include <lacuna/core/error.hpp>
#include <optional>
#include <string_view>
#include <vector>

LACUNA_BEGIN

/// A token: a row of the embedding.
using token_t = std::uint32_t;

/// Text to tokens and back. Nothing is skipped in silence: what has no token is an error.
/// `begin_token()` is the token that starts a text, where the vocabulary has one; it ends one, too, unless there is an
/// `end_token()`.
/// `try_decode(previous, token)` is the text that `token` adds behind `previous`.
template <class Type>
concept Tokenizer = requires(const Type& tokenizer, std::string_view text, token_t token) {
  { tokenizer.size() } -> std::convertible_to<extent_t>;
  { tokenizer.begin_token() } -> std::same_as<std::optional<token_t>>;
  { tokenizer.try_encode(text) } -> std::same_as<outcome<std::vector<token_t>>>;
  { tokenizer.try_decode(token, token) } -> std::same_as<outcome<std::string_view>>;
};

LACUNA_END
