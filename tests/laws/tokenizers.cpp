// Tokenizers: characters of UTF-8, and llama2.c's vocabulary against its merge loop, written down slowly.
#include "support/data.hpp"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <initializer_list>
#include <lacuna/io/llama2c.hpp>
#include <lacuna/lacuna.hpp>
#include <lacuna/token/bytes.hpp>
#include <lacuna/token/characters.hpp>
#include <map>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
using tokens_of = std::vector<lc::token_t>;

static_assert(lc::Tokenizer<lc::characters> && lc::Tokenizer<lc::llama2c_vocabulary> && lc::Tokenizer<lc::byte_tokens>);
static_assert(!lc::Tokenizer<std::string>);

void check_message(const lc::error& why, lc::error_kind kind, std::initializer_list<const char*> parts) {
  const std::string message = why.message.c_str();
  CAPTURE(message);
  CHECK(why.kind == kind);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}

template <class Vocabulary>
std::string text_of(const Vocabulary& vocabulary, const tokens_of& tokens, bool begins) {
  std::string text;
  for (std::size_t i = begins ? 1 : 0; i < tokens.size(); ++i)
    text += vocabulary.try_decode(i == 0 ? lc::no_token : tokens[i - 1], tokens[i]).take();
  return text;
}

struct piece {
  float score;
  std::string text;
};
/// The special tokens and bytes that every llama2.c vocabulary begins with.
std::vector<piece> first_pieces() {
  std::vector<piece> pieces{{0, "<unk>"}, {0, "\n<s>\n"}, {0, "\n</s>\n"}};
  constexpr char digits[] = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte)
    pieces.push_back({0, std::string("<0x") + digits[byte / 16] + digits[byte % 16] + '>'});
  return pieces;
}
lc::file_bytes file_of(const std::vector<piece>& pieces) {
  lc::file_bytes bytes{6, 0, 0, 0};
  for (const auto& of : pieces) {
    const auto length = static_cast<std::int32_t>(of.text.size());
    unsigned char head[8];
    std::memcpy(head, &of.score, 4);
    std::memcpy(head + 4, &length, 4);
    bytes.insert(bytes.end(), head, head + 8);
    bytes.insert(bytes.end(), of.text.begin(), of.text.end());
  }
  return bytes;
}
lc::outcome<lc::llama2c_vocabulary> read(const lc::file_bytes& bytes, std::size_t vocabulary) {
  const auto path = (std::filesystem::temp_directory_path() / "lacuna_tokenizers.bin").string();
  REQUIRE(lc::try_write_file(path, bytes).ok());
  auto made = lc::try_read_llama2c_tokenizer(path, vocabulary);
  std::filesystem::remove(path);
  return made;
}
lc::llama2c_vocabulary vocabulary_of(std::vector<piece> more) {
  auto pieces = first_pieces();
  pieces.insert(pieces.end(), more.begin(), more.end());
  auto made = read(file_of(pieces), pieces.size());
  REQUIRE_MESSAGE(made.ok(), std::string(made.why().message.c_str()));
  return *made;
}

/// llama2.c's encoder: look at all neighbours, merge the best, and again. It reads the file by itself.
struct slow_vocabulary {
  std::vector<piece> pieces;
  std::map<std::string, lc::token_t> numbers;

  explicit slow_vocabulary(const lc::file_bytes& bytes) {
    for (std::size_t at = 4; at < bytes.size();) {
      piece of;
      std::int32_t length = 0;
      std::memcpy(&of.score, bytes.data() + at, 4);
      std::memcpy(&length, bytes.data() + at + 4, 4);
      of.text.assign(reinterpret_cast<const char*>(bytes.data()) + at + 8, static_cast<std::size_t>(length));
      at += 8 + static_cast<std::size_t>(length);
      numbers.insert({of.text, static_cast<lc::token_t>(pieces.size())});
      pieces.push_back(of);
    }
  }
  tokens_of encode(const std::string& text) const {
    tokens_of tokens{1};
    if (!text.empty()) tokens.push_back(numbers.at(" "));
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
      end = at + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      const auto found = numbers.find(text.substr(at, end - at));
      if (found != numbers.end()) tokens.push_back(found->second);
      else
        for (std::size_t i = at; i < end; ++i) tokens.push_back(3 + static_cast<unsigned char>(text[i]));
    }
    for (;;) {
      float best_score = -1e10f;
      std::size_t best = tokens.size();
      lc::token_t merged = 0;
      for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        const auto found = numbers.find(pieces[tokens[i]].text + pieces[tokens[i + 1]].text);
        if (found == numbers.end() || !(pieces[found->second].score > best_score)) continue;
        best_score = pieces[found->second].score, best = i, merged = found->second;
      }
      if (best == tokens.size()) return tokens;
      tokens[best] = merged;
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  }
};

const char* const sample_texts[]{"",
                                 " ",
                                 "  ",
                                 "a",
                                 " a",
                                 "Once upon a time",
                                 "Lily's mom said, \"Hello!\"\n\n\tYes.",
                                 "na\u00efve caf\u00e9",
                                 "\u65e5\u672c\u8a9e",
                                 "\U0001F600\U0001F680 up",
                                 "<0x41>",
                                 "<s>",
                                 "\x01\x7f",
                                 "\u0080\u07ff\u0800\uffff\U00010000\U0010FFFF"};

}  // namespace

TEST_CASE("characters: an alphabet of code points of every length") {
  const std::string alphabet = "a\u00e9\u65e5\U0001F600\n ";
  const auto made = lc::characters::try_make(alphabet).take();
  CHECK(made.size() == 6);
  CHECK(!made.begin_token());
  const std::string text = "\U0001F600a \u65e5\n\u00e9\u00e9";
  const auto tokens = made.try_encode(text).take();
  CHECK(tokens == tokens_of{3, 0, 5, 2, 4, 1, 1});
  CHECK(text_of(made, tokens, false) == text);
  CHECK(made.try_encode("").take().empty());
  const auto copy = made;  // pieces point into the copy, not into what was copied
  CHECK(copy.try_decode(0, 3).take() == "\U0001F600");
}

TEST_CASE("characters: what is refused, and where") {
  const auto made = lc::characters::try_make("ab\u00e9").take();
  check_message(made.try_encode("ab\u00e9c").why(), lc::error_kind::token,
                {"lacuna::characters: byte 4", "expected one of the 3 characters", "found 'c'"});
  check_message(made.try_encode("a\u65e5").why(), lc::error_kind::token, {"byte 1", "found '\u65e5'"});
  check_message(made.try_encode("a\n").why(), lc::error_kind::token, {"byte 1", "found '0x0A'"});  // one line, always
  check_message(made.try_decode(0, 3).why(), lc::error_kind::token, {"expected a token below 3, found 3"});
  CHECK(!made.try_decode(0, lc::no_token).ok());
  check_message(lc::characters::try_make("").why(), lc::error_kind::token,
                {"expected an alphabet, found an empty text"});
  check_message(lc::characters::try_make("ab\u00e9b").why(), lc::error_kind::token,
                {"each character once", "found 'b' twice"});
  check_message(lc::characters::try_make("\u00e9a\u00e9").why(), lc::error_kind::token, {"found '\u00e9' twice"});
}

TEST_CASE("characters: the alphabet of a text") {
  const auto made = lc::characters::try_make_for("ba\nab \u20acz\u00e9b").take();
  CHECK(made.alphabet() == "\n abz\u00e9\u20ac");
  CHECK(made.size() == 7);
  CHECK(made.try_encode("ab\u20ac").take() == tokens_of{2, 3, 6});
  CHECK(lc::characters::try_make(made.alphabet()).take().try_encode("z").take() == tokens_of{4});
  check_message(lc::characters::try_make_for("ab\xff").why(), lc::error_kind::token, {"byte 2: expected UTF-8, found 0xFF"});
  check_message(lc::characters::try_make_for("").why(), lc::error_kind::token, {"expected an alphabet"});
}

TEST_CASE("bytes: all of them, and back") {
  const lc::byte_tokens tokenizer;
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(static_cast<unsigned char>(255 - i));
  const auto tokens = tokenizer.try_encode(text).take();
  REQUIRE(tokens.size() == 256);
  for (lc::token_t i = 0; i < 256; ++i) CHECK(tokens[i] == 255 - i);
  CHECK(text_of(tokenizer, tokens, false) == text);
  CHECK(!tokenizer.begin_token());
  check_message(tokenizer.try_decode(0, 256).why(), lc::error_kind::token, {"expected a token below 256, found 256"});
}

TEST_CASE("text that is not UTF-8 is refused at its byte, wherever it is") {
  struct bad {
    const char *bytes, *found;
  };
  // A tail alone, overlong forms, a surrogate, beyond U+10FFFF, cut forms, bytes that never occur.
  static constexpr bad wrong[]{{"\x80", "0x80"},
                               {"\xc0\x80", "0xC0"},
                               {"\xc1\xbf", "0xC1"},
                               {"\xe0\x9f\xbf", "0xE0"},
                               {"\xf0\x8f\xbf\xbf", "0xF0"},
                               {"\xed\xa0\x80", "0xED"},
                               {"\xf4\x90\x80\x80", "0xF4"},
                               {"\xc3", "0xC3"},
                               {"\xe6\x97", "0xE6"},
                               {"\xf0\x9f\x98", "0xF0"},
                               {"\xf5\x80\x80\x80", "0xF5"},
                               {"\xfe", "0xFE"},
                               {"\xff", "0xFF"},
                               {"\xe6\x97\x41", "0xE6"}};
  const auto letters = lc::characters::try_make("aA").take();
  const auto pieces = vocabulary_of({{-1, " "}, {-2, "a"}});
  for (const auto& of : wrong)
    for (std::size_t before = 0; before < 4; ++before)
      for (std::size_t behind = 0; behind < 2; ++behind) {
        const std::string text = std::string(before, 'a') + of.bytes + std::string(behind, 'a');
        const std::string at = "byte " + std::to_string(before) + ": expected UTF-8, found " + of.found;
        check_message(letters.try_encode(text).why(), lc::error_kind::token, {"lacuna::characters: text", at.c_str()});
        check_message(pieces.try_encode(text).why(), lc::error_kind::token, {"lacuna::tokenizer: text", at.c_str()});
        check_message(lc::characters::try_make("bcd" + text.substr(before)).why(), lc::error_kind::token,
                      {"alphabet: byte 3: expected UTF-8, found "});
      }
}

TEST_CASE("llama2.c vocabulary: the real one encodes as llama2.c does, and decodes to the same text") {
  const auto path = test_data("models/tok512.bin");
  if (path.empty()) return;
  const auto made = lc::try_read_llama2c_tokenizer(path, 512).take();
  const slow_vocabulary slow(lc::try_read_file(path).take());
  CHECK(made.size() == 512);
  CHECK(made.begin_token() == lc::token_t{1});
  const auto check = [&](const std::string& text) {
    const auto tokens = made.try_encode(text);
    CAPTURE(text);
    REQUIRE(tokens.ok());
    CHECK(*tokens == slow.encode(text));
    CHECK(text_of(made, *tokens, true) == text);
  };
  for (const char* text : sample_texts) check(text);
  check(std::string("zero\0byte", 9));
  check(std::string(3000, 'a'));
  // Random texts of letters, common words, and code points of every length.
  static constexpr const char* parts[]{"a", "e",      "t",      "h",          "n",   "s",  "l",  " ",
                                       " ", "the",    " and",   " Lily",      "ing", ".",  "\n", "Once",
                                       "!", "\u00e9", "\u65e5", "\U0001F600", "er",  "aa", "Z",  "0"};
  std::uint64_t counter = 0;
  const auto below = [&](std::size_t most) {
    return static_cast<std::size_t>(lc::random_uniform(11, 0, counter++) * static_cast<double>(most));
  };
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (std::size_t left = below(60); left > 0; --left) text += parts[below(std::size(parts))];
    check(text);
  }
}

TEST_CASE("llama2.c vocabulary: best score first, then leftmost, and a merge opens new ones") {
  const auto made = vocabulary_of({{-9, " "}, {-9, "a"}, {-9, "b"}, {-2, "aa"}, {-1, "ab"}, {-3, "aab"}, {-2, "aaaa"}});
  const lc::token_t space = 259, a = 260, aa = 262, ab = 263, aab = 264, aaaa = 265;
  CHECK(*made.try_encode("aaa") == tokens_of{1, space, aa, a});
  CHECK(*made.try_encode("aaab") == tokens_of{1, space, aa, ab});
  CHECK(*made.try_encode("aab") == tokens_of{1, space, aab});
  CHECK(*made.try_encode("aaaa") == tokens_of{1, space, aaaa});
  CHECK(*made.try_encode("") == tokens_of{1});
  CHECK(*made.try_encode("c") == tokens_of{1, space, 3 + 'c'});
}

TEST_CASE("llama2.c vocabulary: decoding") {
  const auto made = vocabulary_of({{0, " "}, {0, "  x"}, {0, "<0xZZ>"}, {0, "<0x4>"}, {0, ""}, {0, "\u00e9"}});
  CHECK(made.try_decode(1, 260).take() == " x");  // one space, and only behind the begin token
  CHECK(made.try_decode(2, 260).take() == "  x");
  CHECK(made.try_decode(1, 259).take() == "");
  CHECK(made.try_decode(1, 3 + ' ').take() == " ");
  for (unsigned byte = 0; byte < 256; ++byte)
    CHECK(made.try_decode(0, 3 + byte).take() == std::string(1, static_cast<char>(byte)));
  CHECK(made.try_decode(0, 261).take() == "<0xZZ>");
  CHECK(made.try_decode(0, 262).take() == "<0x4>");
  CHECK(made.try_decode(1, 263).take() == "");
  CHECK(*made.try_encode("\u00e9") == tokens_of{1, 259, 264});
  check_message(made.try_decode(0, 265).why(), lc::error_kind::token, {"expected a token below 265, found 265"});
  // Without a piece for the space nothing is put in front, and nothing is taken away.
  const auto plain = vocabulary_of({{0, "a"}});
  for (const char* text : {"a", " a", "  "}) CHECK(text_of(plain, *plain.try_encode(text), true) == text);
}

TEST_CASE("llama2.c tokenizer files that are wrong") {
  auto pieces = first_pieces();
  pieces.push_back({-1, " "});
  const auto whole = file_of(pieces);
  CHECK(read(whole, 260).ok());
  const auto refused = [](const lc::file_bytes& bytes, std::size_t count, std::initializer_list<const char*> parts) {
    const auto made = read(bytes, count);
    REQUIRE(!made.ok());
    check_message(made.why(), lc::error_kind::file, parts);
    check_message(made.why(), lc::error_kind::file, {"lacuna::tokenizer: '", "lacuna_tokenizers.bin'"});
  };
  for (std::size_t length = 0; length < whole.size(); length += length < 300 ? 1 : 97)
    refused({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, 260, {"expected ", "found "});
  refused(whole, 259, {"expected 259 tokens, found more", "another model"});
  refused(whole, 512, {"expected 512 tokens, found 260"});
  refused({}, 260, {"expected a llama2.c tokenizer, found 0 bytes"});
  auto trailing = whole;
  trailing.push_back(0);
  refused(trailing, 261, {"token 260", "expected a score and a length, found 1 bytes"});

  const auto with = [&](std::size_t at, std::int32_t number) {
    auto bytes = whole;
    std::memcpy(bytes.data() + at, &number, 4);
    return bytes;
  };
  refused(with(8, -1), 260, {"token 0", "expected a length of at most", "found -1"});
  refused(with(8, 0x7fffffff), 260, {"token 0", "found 2147483647"});
  refused(with(8, -0x7fffffff - 1), 260, {"token 0", "found -2147483648"});
  refused(with(4, 0x7fc00000), 260, {"token 0", "expected a finite score"});
  refused(with(4, 0x7f800000), 260, {"token 0", "expected a finite score"});

  const auto missing = lc::try_read_llama2c_tokenizer("no/such/tokenizer.bin", 260);
  check_message(missing.why(), lc::error_kind::file, {"no/such/tokenizer.bin", "found none"});
  pieces.resize(258);
  check_message(read(file_of(pieces), 258).why(), lc::error_kind::token, {"at least 259 pieces", "found 258"});
  check_message(lc::llama2c_vocabulary::try_make(std::vector<std::string>(259), {1}).why(), lc::error_kind::token,
                {"with a score each, found 259 and 1"});
}
