#pragma once
// Text files as passages with their tokens: lines or paragraphs, none longer than a model's context.

#include <lacuna/io/file.hpp>
#include <lacuna/token/token.hpp>
#include <lacuna/token/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace examples {
namespace lc = lacuna;

/// One passage of a file: its text as it stands there, and its tokens.
struct passage {
  std::size_t line = 0;  // the number of its first line, from 1
  std::string text;
  std::vector<lc::token_t> tokens;
};

enum class passages_are {
  lines,
  paragraphs,  // lines up to an empty one
};

/// What a reader of a file is told beside its passages; nothing is changed or left out in silence.
struct passage_note {
  enum { cut, without_tokens } what;
  std::size_t line, tokens, pieces;
  std::size_t left_out;  // pieces besides, of which the tokenizer leaves nothing
};

namespace detail {

inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Where to cut a text in two: at the blank nearest to its middle, or at a code point where it has none.
inline std::size_t place_of_cut(std::string_view text) {
  const std::size_t middle = text.size() / 2;
  for (std::size_t step = 0; step <= middle; ++step) {
    if (middle + step < text.size() && is_blank(text[middle + step])) return middle + step;
    if (is_blank(text[middle - step])) return middle - step;
  }
  const auto goes_on = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u; };
  std::size_t at = middle;
  while (at > 0 && goes_on(at)) --at;
  if (at > 0) return at;
  at = middle;
  while (at < text.size() && goes_on(at)) ++at;
  return at;
}

/// Tokens that say something: a text without any has what every text has, a begin and an end.
template <lc::Tokenizer Tokenizer>
lc::outcome<std::size_t> tokens_of_nothing(const Tokenizer& tokenizer) {
  const auto tokens = tokenizer.try_encode("");
  if (!tokens.ok()) return tokens.why();
  return tokens->size();
}

}  // namespace detail

/// Reads a file of UTF-8 text and cuts it into passages of at most `most_tokens` tokens (at least 8). A longer one is
/// cut into pieces, at blanks where it has any, and `note(passage_note)` says so, as it does of a line or piece whose
/// characters are all left out by the tokenizer. Errors name the file: it cannot be read, is empty or blank, is not
/// UTF-8 or holds a zero byte (the byte is named); or what the tokenizer refuses.
template <lc::Tokenizer Tokenizer, class Note>
lc::outcome<std::vector<passage>> try_read_passages(const std::string& path, const Tokenizer& tokenizer,
                                                    std::size_t most_tokens, passages_are kind, Note&& note) {
  const auto wrong = [&] { return lc::detail::file_error(lc::error_kind::file, "passages", path); };
  const auto read = lc::try_read_file(path);
  if (!read.ok()) return read.why();
  std::string_view whole(reinterpret_cast<const char*>(read->data()), read->size());
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t bytes = lc::code_point_bytes(whole.substr(at, 4));
    if (whole[at] == '\0')
      return wrong() << "byte " << static_cast<std::uint64_t>(at)
                     << ": expected text, found 0x00 (is it a binary file?)";
    if (bytes == 0) {
      const auto why = lc::not_utf8("", whole, at);  // ": byte 7: expected UTF-8, ..."
      return wrong() << why.message.c_str() + 2;
    }
    at += bytes;
  }
  const bool marked = whole.substr(0, 3) == "\xEF\xBB\xBF";  // a byte order mark is no text
  if (marked) whole.remove_prefix(3);
  if (detail::trimmed(whole).empty())
    return wrong() << "expected text, found " << (whole.empty() ? "an empty file" : "blank lines only");

  const auto none = detail::tokens_of_nothing(tokenizer);
  if (!none.ok()) return none.why();
  std::vector<passage> made;
  // Cuts in two until a piece fits; pieces come in the order of the text.
  const auto add = [&](std::size_t line, std::string_view text, auto&& again) -> lc::status {
    const std::string_view kept = detail::trimmed(text);
    for (const char c : text.substr(0, static_cast<std::size_t>(kept.empty() ? 0 : kept.data() - text.data())))
      line += c == '\n';
    if (kept.empty()) return lc::nothing{};
    auto tokens = tokenizer.try_encode(kept);
    if (!tokens.ok()) return wrong() << "line " << static_cast<std::uint64_t>(line) << ": " << tokens.why().message;
    const std::size_t at = tokens->size() > most_tokens ? detail::place_of_cut(kept) : kept.size();
    if (at == 0 || at == kept.size()) {
      made.push_back({line, std::string(kept), *tokens});
      return lc::nothing{};
    }
    const auto first = again(line, kept.substr(0, at), again);
    if (!first.ok()) return first;
    for (const char c : kept.substr(0, at)) line += c == '\n';
    return again(line, kept.substr(at), again);
  };
  const auto add_whole = [&](std::size_t line, std::string_view text) -> lc::status {
    const std::size_t before = made.size();
    const auto added = add(line, text, add);
    if (!added.ok() || made.size() == before) return added;
    const std::size_t begins = made[before].line, pieces = made.size() - before;
    std::size_t tokens = *none;
    for (std::size_t i = before; i < made.size();) {
      const std::size_t here = made[i].tokens.size() - *none;
      tokens += here;
      if (here == 0)
        made.erase(made.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    }
    const std::size_t kept = made.size() - before;
    if (kept == 0)
      note(passage_note{passage_note::without_tokens, begins, 0, 0, pieces});
    else if (pieces > 1)
      note(passage_note{passage_note::cut, begins, tokens, kept, pieces - kept});
    return lc::nothing{};
  };

  std::size_t line = 1, first_line = 1, first = 0;
  for (std::size_t at = 0; at < whole.size(); ++line) {
    const std::string_view text = whole.substr(at, whole.substr(at).find('\n'));
    at += text.size() + 1;
    const bool last = at >= whole.size();
    if (kind == passages_are::paragraphs && !last && !detail::trimmed(text).empty()) continue;
    const auto added = add_whole(first_line, whole.substr(first, (last ? whole.size() : at) - first));
    if (!added.ok()) return added.why();
    first = at, first_line = line + 1;
  }
  if (made.empty()) return wrong() << "expected words, found characters only that the tokenizer leaves out";
  return made;
}

/// The tokens of a query. Errors: what the tokenizer refuses, no word in it, more tokens than `most_tokens`.
template <lc::Tokenizer Tokenizer>
lc::outcome<std::vector<lc::token_t>> try_encode_query(std::string_view text, const Tokenizer& tokenizer,
                                                       std::size_t most_tokens) {
  const auto none = detail::tokens_of_nothing(tokenizer);
  if (!none.ok()) return none.why();
  auto tokens = tokenizer.try_encode(text);
  if (!tokens.ok()) return tokens;
  if (tokens->size() <= *none)
    return lc::error(lc::error_kind::length, "query: expected at least one word, found none (say what to look for)");
  if (tokens->size() > most_tokens)
    return lc::error(lc::error_kind::length, "query: expected at most ")
           << static_cast<std::uint64_t>(most_tokens) << " tokens, found " << static_cast<std::uint64_t>(tokens->size())
           << " (shorten it)";
  return tokens;
}

/// A text on one line of a terminal: blanks in a row are one, control characters are left out, and what is longer than
/// `most` code points ends in dots.
inline std::string one_line(std::string_view text, std::size_t most) {
  std::string made;
  std::size_t letters = 0;
  bool gap = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = lc::code_point_bytes(text.substr(at, 4));
    const std::string_view part = text.substr(at, bytes == 0 ? 1 : bytes);
    const char32_t c = bytes == 0 ? U'?' : lc::code_point(part);
    at += part.size();
    if (c <= 0x20) {
      gap = gap || detail::is_blank(static_cast<char>(c));
      continue;
    }
    if ((c >= 0x7F && c < 0xA0) || bytes == 0) continue;
    if (letters + (gap && !made.empty()) >= most) return made + "...";
    if (gap && !made.empty()) made += ' ', ++letters;
    gap = false;
    made += part;
    ++letters;
  }
  return made;
}

}  // namespace examples
