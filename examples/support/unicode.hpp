#pragma once
// What lc::word_piece asks about Unicode, answered by ICU (https://icu.unicode.org; Debian: libicu-dev).

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <lacuna/token/bert_words.hpp>

namespace examples {

/// The properties that Hugging Face's `tokenizers` has, whichever ICU is installed: its categories are those of Unicode
/// 8.0, its decompositions those of 9.0, and to both a code point that came later is unassigned. ICU knows in which
/// version each one came. Categories that Unicode has changed since are listed, as they were. Lower case is ICU's own:
/// letters that come with a new version are in no vocabulary that is older.
struct unicode {
  bool is_control(char32_t c) const {
    return came_until(c, 8, 0) && (masked(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
  }
  bool is_space(char32_t c) const { return (masked(c) & U_GC_Z_MASK) != 0; }
  bool is_punctuation(char32_t c) const {
    constexpr char32_t canadian_syllabics_chi_sign = 0x166D;
    if (c == canadian_syllabics_chi_sign || c == sharada_sandhi_mark) return true;
    return came_until(c, 8, 0) && (masked(c) & U_GC_P_MASK) != 0;
  }
  bool is_mark(char32_t c) const {
    constexpr char32_t hanunoo_pamudpod = 0x1734, mongolian_baluda = 0x1885, mongolian_three_baluda = 0x1886;
    constexpr char32_t javanese_keret = 0xA9BD;
    switch (c) {
      case hanunoo_pamudpod:
        return true;
      case sharada_sandhi_mark:
      case mongolian_baluda:
      case mongolian_three_baluda:
      case javanese_keret:
        return false;
      default:
        return came_until(c, 8, 0) && (masked(c) & U_GC_MN_MASK) != 0;
    }
  }
  char32_t lower(char32_t c) const { return static_cast<char32_t>(u_tolower(signed_of(c))); }
  unsigned combining_class(char32_t c) const { return came_until(c, 9, 0) ? u_getCombiningClass(signed_of(c)) : 0u; }
  lacuna::extent_t decompose(char32_t c, char32_t (&out)[lacuna::longest_decomposition]) const {
    UChar parts[2 * lacuna::longest_decomposition];
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2* const canonical = unorm2_getNFDInstance(&code);
    const int32_t units = came_until(c, 9, 0) ? unorm2_getDecomposition(canonical, signed_of(c), parts,
                                                                        2 * lacuna::longest_decomposition, &code)
                                              : -1;
    lacuna::extent_t count = 0;
    for (int32_t at = 0; at < units && U_SUCCESS(code);) {
      UChar32 part = 0;
      U16_NEXT(parts, at, units, part);
      out[count++] = static_cast<char32_t>(part);
    }
    if (count == 0) out[count++] = c;
    return count;
  }

 private:
  static constexpr char32_t sharada_sandhi_mark = 0x111C9;

  static UChar32 signed_of(char32_t c) { return static_cast<UChar32>(c); }
  static std::uint32_t masked(char32_t c) { return U_GET_GC_MASK(signed_of(c)); }
  static bool came_until(char32_t c, unsigned major, unsigned minor) {
    UVersionInfo version;
    u_charAge(signed_of(c), version);
    return version[0] != 0 && (version[0] < major || (version[0] == major && version[1] <= minor));
  }
};

}  // namespace examples
