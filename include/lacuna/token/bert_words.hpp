#pragma once
/// Text cut into words as BERT cuts it, by properties of Unicode that a policy brings.

#include <algorithm>
#include <concepts>
#include <lacuna/token/utf8.hpp>
#include <string>
#include <vector>

LACUNA_BEGIN

/// The most code points that one becomes by canonical decomposition, whatever the version of Unicode.
inline constexpr extent_t longest_decomposition = 4;

/// What Unicode says of a code point beyond ASCII (of ASCII nothing is asked). The library itself holds no tables: a
/// program brings them, over a library of its choice. Which version of Unicode is right is a matter of the tokenizer
/// that is followed.
///  - `is_control`: general category Cc, Cf or Co; it is left out.
///  - `is_space`: it ends a word and is left out.
///  - `is_punctuation`: general category P; it is a word of its own.
///  - `is_mark`: general category Mn; it is left out behind the decomposition.
///  - `lower`: its lower case where that is one code point, or itself.
///  - `combining_class`: the canonical one.
///  - `decompose(c, out)` writes the full canonical decomposition (itself where there is none), returns its length.
template <class Type>
concept UnicodeProperties = requires(const Type& unicode, char32_t c, char32_t (&out)[longest_decomposition]) {
  { unicode.is_control(c) } -> std::same_as<bool>;
  { unicode.is_space(c) } -> std::same_as<bool>;
  { unicode.is_punctuation(c) } -> std::same_as<bool>;
  { unicode.is_mark(c) } -> std::same_as<bool>;
  { unicode.lower(c) } -> std::same_as<char32_t>;
  { unicode.combining_class(c) } -> std::convertible_to<unsigned>;
  { unicode.decompose(c, out) } -> std::same_as<extent_t>;
};

/// Cuts text into words in one pass: control characters are left out, CJK ideographs become words of their own, text is
/// decomposed canonically (in canonical order), accents are left out, the rest is put in lower case, and words end at
/// spaces and at punctuation, of which every character is a word. In ASCII all that is no letter, digit, space or
/// control character counts as punctuation.
///
/// Linear in the text, but for runs of combining marks, which are sorted. Source: Devlin et al. (2018), arXiv
/// 1810.04805; released code differs in its properties: we follow Hugging Face's `tokenizers`, where unassigned code
/// points are kept and U+2B820 to U+2B91F are no ideographs.
template <UnicodeProperties Unicode>
class bert_words {
 public:
  explicit bert_words(const Unicode& unicode) : unicode_(unicode) {}

  /// Calls `take(word, code points)` for every word of bytes `at` to `end` of `text`; a word is UTF-8 and lives for the
  /// call. No word goes on across calls. Error: not UTF-8, naming the byte in `text`.
  template <class Take>
  status try_cut(std::string_view text, extent_t at, extent_t end, Take&& take) {
    while (at < end) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80u) {
        const bool left_out = (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7Fu;
        if (!left_out) {
          if (!marks_.empty()) order_marks(take);
          add_ascii(static_cast<char>(byte), take);
        }
        ++at;
        continue;
      }
      const extent_t bytes = code_point_bytes(text.substr(at, end - at));
      if (bytes == 0) {
        word_.clear(), letters_ = 0, marks_.clear();
        return not_utf8("lacuna::word_piece: text", text, at);
      }
      add(code_point(text.substr(at, bytes)), take);
      at += bytes;
    }
    finish(take);
    return nothing{};
  }

 private:
  struct mark {
    unsigned combining_class;
    extent_t at;
    char32_t code;
  };

  static constexpr bool is_ideograph(char32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x2F800 && c <= 0x2FA1F);
  }

  template <class Take>
  void add(char32_t c, Take& take) {
    constexpr char32_t replacement = 0xFFFD;
    if (c == replacement || unicode_.is_control(c)) return;
    if (unicode_.is_space(c)) return finish(take);
    const bool alone = is_ideograph(c);
    if (alone) finish(take);
    char32_t parts[longest_decomposition];
    const extent_t count = unicode_.decompose(c, parts);
    for (extent_t i = 0; i < count; ++i) {
      const auto order = static_cast<unsigned>(unicode_.combining_class(parts[i]));
      if (order != 0) {
        marks_.push_back({order, marks_.size(), parts[i]});
        continue;
      }
      if (!marks_.empty()) order_marks(take);
      add_part(parts[i], take);
    }
    if (alone) finish(take);
  }

  /// Marks that follow one another change places by their classes; those of one class keep their order.
  template <class Take>
  void order_marks(Take& take) {
    std::sort(marks_.begin(), marks_.end(), [](const mark& a, const mark& b) {
      return a.combining_class < b.combining_class || (a.combining_class == b.combining_class && a.at < b.at);
    });
    for (const mark& of : marks_) add_part(of.code, take);
    marks_.clear();
  }

  template <class Take>
  void add_part(char32_t c, Take& take) {
    if (c < 0x80) return add_ascii(static_cast<char>(c), take);
    if (unicode_.is_mark(c)) return;
    c = unicode_.lower(c);
    const bool alone = unicode_.is_punctuation(c);
    if (alone) finish_word(take);
    append_code_point(word_, c);
    ++letters_;
    if (alone) finish_word(take);
  }

  template <class Take>
  void add_ascii(char c, Take& take) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word_ += c, ++letters_;
    } else if (c >= 'A' && c <= 'Z') {
      word_ += static_cast<char>(c - 'A' + 'a'), ++letters_;
    } else {
      finish_word(take);
      if (c > ' ') take(std::string_view(&c, 1), extent_t{1});
    }
  }

  template <class Take>
  void finish(Take& take) {
    if (!marks_.empty()) order_marks(take);
    finish_word(take);
  }
  template <class Take>
  void finish_word(Take& take) {
    if (letters_ != 0) take(std::string_view(word_), letters_);
    word_.clear(), letters_ = 0;
  }

  Unicode unicode_;
  std::string word_;
  extent_t letters_ = 0;
  std::vector<mark> marks_;
};

LACUNA_END
