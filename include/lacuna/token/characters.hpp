#pragma once
/// One token per character.

#include <lacuna/token/token.hpp>
#include <lacuna/token/utf8.hpp>
#include <set>
#include <string>
#include <unordered_map>

LACUNA_BEGIN

/// A tokenizer over an alphabet: token i is its i-th code point. No begin token. Encoding is linear in the text.
class characters {
 public:
  characters() = default;
  /// From an alphabet in UTF-8. Errors: not UTF-8, empty, a character twice.
  static outcome<characters> try_make(std::string_view alphabet) {
    characters made;
    made.text_ = alphabet;
    for (extent_t at = 0; at < alphabet.size();) {
      const extent_t bytes = code_point_bytes(alphabet.substr(at));
      if (bytes == 0) return not_utf8("lacuna::characters: alphabet", alphabet, at);
      const auto character = alphabet.substr(at, bytes);
      const auto number = static_cast<token_t>(made.places_.size());
      if (!made.numbers_.emplace(std::string(character), number).second)
        return error(error_kind::token, "lacuna::characters: alphabet: expected each character once, found '")
               << text_buffer<8>().append(character.data(), bytes) << "' twice (leave one out)";
      made.places_.push_back({at, bytes});
      at += bytes;
    }
    if (made.places_.empty())
      return error(error_kind::token, "lacuna::characters: expected an alphabet, found an empty text");
    return made;
  }

  /// From the characters of a text, in the order of their code points: for a model that is trained on it. Errors: not
  /// UTF-8, empty.
  static outcome<characters> try_make_for(std::string_view text) {
    std::set<std::string_view> found;  // bytes of UTF-8 are in the order of code points
    for (extent_t at = 0; at < text.size();) {
      const extent_t bytes = code_point_bytes(text.substr(at));
      if (bytes == 0) return not_utf8("lacuna::characters: text", text, at);
      found.insert(text.substr(at, bytes));
      at += bytes;
    }
    std::string alphabet;
    for (const auto character : found) alphabet += character;
    return try_make(alphabet);
  }

  extent_t size() const noexcept { return places_.size(); }
  /// All characters, in the order of their tokens: what a checkpoint keeps.
  const std::string& alphabet() const noexcept { return text_; }
  std::optional<token_t> begin_token() const noexcept { return std::nullopt; }

  /// Errors: text that is not UTF-8, or a character that is not in the alphabet; both name the byte.
  outcome<std::vector<token_t>> try_encode(std::string_view text) const {
    std::vector<token_t> tokens;
    tokens.reserve(text.size());
    for (extent_t at = 0; at < text.size();) {
      const extent_t bytes = code_point_bytes(text.substr(at));
      if (bytes == 0) return not_utf8("lacuna::characters: text", text, at);
      const auto found = numbers_.find(std::string(text.substr(at, bytes)));
      if (found == numbers_.end())
        return error(error_kind::token, "lacuna::characters: byte ")
               << static_cast<std::uint64_t>(at) << ": expected one of the " << static_cast<std::uint64_t>(size())
               << " characters of the alphabet, found '" << text_buffer<8>().append(text.data() + at, bytes)
               << "' (leave it out or replace it)";
      tokens.push_back(found->second);
      at += bytes;
    }
    return tokens;
  }
  /// Error: a token out of range.
  outcome<std::string_view> try_decode(token_t, token_t token) const {
    if (token >= size())
      return error(error_kind::token, "lacuna::characters: expected a token below ")
             << static_cast<std::uint64_t>(size()) << ", found " << static_cast<std::uint64_t>(token)
             << " (the model has another vocabulary)";
    return std::string_view(text_).substr(places_[token].at, places_[token].bytes);
  }

 private:
  struct place {
    extent_t at, bytes;
  };
  std::string text_;
  std::vector<place> places_;
  std::unordered_map<std::string, token_t> numbers_;
};

LACUNA_END
