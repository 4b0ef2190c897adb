#pragma once
/// Code points of UTF-8 text.

#include <lacuna/core/error.hpp>
#include <string_view>

LACUNA_BEGIN

/// Bytes of the well-formed code point that `text` begins with; 0 where it begins with none (truncated, overlong,
/// a surrogate, beyond U+10FFFF, or empty).
constexpr extent_t code_point_bytes(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](extent_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](extent_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80u) return 1;
  if (first >= 0xC2u && first <= 0xDFu) return tail(1) ? 2 : 0;
  if (first >= 0xE0u && first <= 0xEFu) {
    if (first == 0xE0u && byte(1) < 0xA0u) return 0;
    if (first == 0xEDu && byte(1) > 0x9Fu) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0u && first <= 0xF4u) {
    if (first == 0xF0u && byte(1) < 0x90u) return 0;
    if (first == 0xF4u && byte(1) > 0x8Fu) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

/// The code point whose well-formed bytes are `text`, all of them.
constexpr char32_t code_point(std::string_view text) {
  const auto byte = [&](extent_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  if (text.size() == 1) return byte(0);
  char32_t made = byte(0) & (0x7Fu >> text.size());
  for (extent_t i = 1; i < text.size(); ++i) made = made << 6 | (byte(i) & 0x3Fu);
  return made;
}

/// Appends the UTF-8 of a code point.
template <class Text>
constexpr void append_code_point(Text& to, char32_t c) {
  const auto put = [&](char32_t byte) { to += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12);
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

/// The error for text that is not UTF-8 at byte `at`.
inline error not_utf8(const char* what, std::string_view text, extent_t at) {
  const unsigned byte = at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
  constexpr char digits[] = "0123456789ABCDEF";
  return error(error_kind::token, what) << ": byte " << static_cast<std::uint64_t>(at) << ": expected UTF-8, found 0x"
                                        << digits[byte / 16] << digits[byte % 16] << " (convert the text to UTF-8)";
}

LACUNA_END
