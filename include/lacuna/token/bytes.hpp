#pragma once
/// One token per byte.

#include <lacuna/token/token.hpp>

LACUNA_BEGIN

/// A tokenizer over all 256 bytes: token i is byte i. Any text or data has tokens; nothing can go wrong in encoding. No
/// begin token.
class byte_tokens {
 public:
  byte_tokens() {
    for (extent_t i = 0; i < 256; ++i) text_[i] = static_cast<char>(static_cast<unsigned char>(i));
  }

  static constexpr extent_t size() noexcept { return 256; }
  std::optional<token_t> begin_token() const noexcept { return std::nullopt; }
  outcome<std::vector<token_t>> try_encode(std::string_view text) const {
    std::vector<token_t> tokens;
    tokens.reserve(text.size());
    for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
    return tokens;
  }
  /// One byte, which need not be a whole character. Error: a token out of range.
  outcome<std::string_view> try_decode(token_t, token_t token) const {
    if (token >= size())
      return error(error_kind::token, "lacuna::byte_tokens: expected a token below 256, found ")
             << token << " (the model has another vocabulary)";
    return std::string_view(text_ + token, 1);
  }

 private:
  char text_[256];
};

LACUNA_END
