// The tokenizer of BERT, rule by rule: a vocabulary of a few pieces, and the few properties of Unicode that it needs.
#include <doctest/doctest.h>
#include <filesystem>
#include <initializer_list>
#include <lacuna/io/word_piece.hpp>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
using tokens_of = std::vector<lc::token_t>;

/// What the texts below need to know.
struct few_properties {
  bool is_control(char32_t c) const { return c == 0x200D || c == 0xE000 || c == 0x85; }
  bool is_space(char32_t c) const { return c == 0xA0 || c == 0x3000; }
  bool is_punctuation(char32_t c) const { return c == 0x2019 || c == 0x3002; }
  bool is_mark(char32_t c) const { return (c >= 0x300 && c <= 0x36F) || c == 0x941; }
  char32_t lower(char32_t c) const { return c == 0x416 ? 0x436 : c; }  // Ж
  unsigned combining_class(char32_t c) const {
    return (c == 0x16FF0 || c == 0x16FF1) ? 6
           : c == 0x327                   ? 202
           : c == 0x302E                  ? 224
           : c == 0x302F                  ? 225
           : (c >= 0x300 && c <= 0x36F)   ? 230
                                          : 0;
  }
  lc::extent_t decompose(char32_t c, char32_t (&out)[lc::longest_decomposition]) const {
    const auto put = [&](std::initializer_list<char32_t> parts) {
      lc::extent_t count = 0;
      for (const char32_t part : parts) out[count++] = part;
      return count;
    };
    if (c == 0xC9) return put({'E', 0x301});
    if (c == 0xE9) return put({'e', 0x301});
    if (c == 0x1EBF) return put({'e', 0x302, 0x301});
    if (c == 0x37E) return put({';'});      // the Greek question mark
    if (c == 0xF900) return put({0x8C48});  // a compatibility ideograph
    return put({c});
  }
};
static_assert(lc::UnicodeProperties<few_properties> && !lc::UnicodeProperties<std::string>);
using vocabulary = lc::word_piece<few_properties>;
static_assert(lc::Tokenizer<vocabulary>);

const char* const specials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
constexpr lc::token_t pad = 0, unknown = 1, begin = 2, end = 3, mask = 4;

/// A vocabulary of the special tokens and more pieces, from number 5 on.
vocabulary with(const std::string& more) {
  auto made = vocabulary::try_make(specials + more);
  REQUIRE_MESSAGE(made.ok(), std::string(made.why().message.c_str()));
  return *made;
}
/// The tokens between [CLS] and [SEP].
tokens_of inside(const vocabulary& of, const std::string& text) {
  const auto tokens = of.try_encode(text);
  CAPTURE(text);
  REQUIRE(tokens.ok());
  REQUIRE(tokens->size() >= 2);
  CHECK(tokens->front() == begin);
  CHECK(tokens->back() == end);
  return {tokens->begin() + 1, tokens->end() - 1};
}
/// The words that a text is cut into, each with a bar behind it.
std::string words(const std::string& text) {
  lc::bert_words<few_properties> cutter{{}};
  std::string all;
  std::size_t letters = 0, counted = 0;
  const auto take = [&](std::string_view word, lc::extent_t length) {
    all += word;
    all += '|';
    letters += length;
    for (const char byte : word) counted += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  };
  REQUIRE(cutter.try_cut(text, 0, text.size(), take).ok());
  CHECK(letters == counted);
  return all;
}
void check_message(const lc::error& why, lc::error_kind kind, std::initializer_list<const char*> parts) {
  const std::string message = why.message.c_str();
  CAPTURE(message);
  CHECK(why.kind == kind);
  CHECK(message.find("lacuna::word_piece: ") == 0);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}

}  // namespace

TEST_CASE("words: spaces, case, control characters, and every ASCII character that is none of them") {
  CHECK(words("") == "");
  CHECK(words(" \t\r\n ") == "");
  CHECK(words("Hello  WORLD9\tx") == "hello|world9|x|");
  CHECK(words("don't stop.") == "don|'|t|stop|.|");
  std::string all, expected;
  for (char c = 1; c != 0x7F; ++c) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    all = std::string("a") + c + "b";
    expected = c < ' ' && !space ? "ab|" : space ? "a|b|" : letter ? "" : std::string("a|") + c + "|b|";
    if (!expected.empty()) CHECK(words(all) == expected);
  }
  CHECK(words(std::string("a\0b\x7f", 4) + "c") == "abc|");
  CHECK(words("a\u0085b\u200dc\ue000d\ufffd!") == "abcd|!|");  // control characters, private use, the replacement
  CHECK(words("a\u00a0b\u3000c") == "a|b|c|");
  for (const char* edge : {"\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010FFFF"})
    CHECK(words(edge) == std::string(edge) + '|');
  CHECK(words("it\u2019s\u3002") == "it|\u2019|s|\u3002|");
}

TEST_CASE("words: accents go, in whatever form they come, and other marks stay in canonical order") {
  CHECK(words("\u00c9t\u00e9 e\u0301t\u1ebf") == "ete|ete|");
  CHECK(words("c\u0327\u0301\u0327") == "c|");
  CHECK(words("\u0416\u0436") == "\u0436\u0436|");
  CHECK(words("\u0301") == "");
  CHECK(words("a \u0301 b") == "a|b|");
  CHECK(words("\u0928\u0941\u0928") == "\u0928\u0928|");  // a vowel sign of class 0 is a mark, too
  // Marks that are no accents (class 224 before 225), whatever stands between them and is left out.
  for (const char* text : {"x\u302e\u302f", "x\u302f\u302e", "x\u302f\u0327\u302e", "x\u302f\x01\u302e",
                           "x\u302f\u200d\u302e", "x\u302f\u0301\u302e"})
    CHECK(words(text) == "x\u302e\u302f|");
  CHECK(words("x\u302fy\u302e") == "x\u302fy\u302e|");
  CHECK(words("x\u302f\u302e\u302f\u302e") == "x\u302e\u302e\u302f\u302f|");
  for (const char* text : {"x\U00016FF0\U00016FF1", "x\U00016FF1\U00016FF0", "x\U00016FF1\U00016FF1\U00016FF0"})
    CHECK(words(text) == std::string(text) + '|');  // of one class: as they come
  CHECK(words("x\u302e\U00016FF1\U00016FF0") == "x\U00016FF1\U00016FF0\u302e|");
  CHECK(words("x\u302f!\u302e") == "x\u302f|!|\u302e|");
  CHECK(words("x\u302f \u302e") == "x\u302f|\u302e|");
  CHECK(words("a\u037eb") == "a|;|b|");  // what a decomposition brings to light is treated as what it is
}

TEST_CASE("words: ideographs are words of their own, to the edges of their blocks") {
  CHECK(words("ab\u65e5\u672cc") == "ab|\u65e5|\u672c|c|");
  CHECK(words("a\uf900b") == "a|\u8c48|b|");
  CHECK(words("\u304b\u306a") == "\u304b\u306a|");
  struct block {
    const char *before, *first, *last, *behind;
  };
  for (const block& of :
       {block{"\u33ff", "\u3400", "\u4dbf", "\u4dc0"}, block{"\u4dff", "\u4e00", "\u9fff", "\ua000"},
        block{"\uf8ff", "\uf900", "\ufaff", "\ufb00"}, block{"\U0001ffff", "\U00020000", "\U0002a6df", "\U0002a6e0"},
        block{"\U0002a6ff", "\U0002a700", "\U0002b81f", "\U0002b820"},
        block{"\U0002b91f", "\U0002b920", "\U0002ceaf", "\U0002ceb0"},
        block{"\U0002f7ff", "\U0002f800", "\U0002fa1f", "\U0002fa20"}}) {
    for (const char* in : {of.first, of.last}) CHECK(words(std::string("a") + in + "b").find("a|") == 0);
    for (const char* out : {of.before, of.behind}) CHECK(words(std::string("a") + out + "b").find("a|") != 0);
  }
}

TEST_CASE("pieces: the longest first, the rest with ##, and unknown as a whole") {
  const auto made = with("un\n##aff\n##able\nunaff\n##a\naf\n##\u00df\n##x\u0436\n\u0436\n.\n#\n");
  const lc::token_t un = 5, aff = 6, able = 7, unaff = 8, a = 9, sharp = 11, xzh = 12, zh = 13, stop = 14, hash = 15;
  CHECK(made.size() == 16);
  CHECK(inside(made, "unaffable") == tokens_of{unaff, able});
  CHECK(inside(made, "unaff") == tokens_of{unaff});
  CHECK(inside(made, "unaffa") == tokens_of{unaff, a});
  CHECK(inside(made, "unaa") == tokens_of{un, a, a});
  CHECK(inside(made, "UN.") == tokens_of{un, stop});
  CHECK(inside(made, "ununaff") == tokens_of{unknown});         // unaff begins words only
  CHECK(inside(made, "a") == tokens_of{unknown});               // ##a goes on only
  CHECK(inside(made, "unaffab un") == tokens_of{unknown, un});  // a remainder without a piece takes all of its word
  CHECK(inside(made, "un\u00df") == tokens_of{un, sharp});
  CHECK(inside(made, "unx\u0416\u0436 \u0416") == tokens_of{unknown, zh});
  CHECK(inside(made, "unx\u0416") == tokens_of{un, xzh});
  CHECK(inside(made, "unx") == tokens_of{unknown});
  CHECK(inside(made, "##a") == tokens_of{hash, hash, unknown});
  CHECK(inside(made, "") == tokens_of{});
  CHECK(inside(made, "\u0301\u200d ") == tokens_of{});
  (void)aff;
  // No piece goes on: whole words only.
  CHECK(inside(with("ab\na\n"), "ab a abb") == tokens_of{5, 6, unknown});
}

TEST_CASE("pieces: a word of 100 code points is cut, a longer one is unknown") {
  const auto made = with("a\n##a\n##aa\n\u65e5\n\u0436\n##\u0436\n");
  for (std::size_t length : {99u, 100u, 101u, 1000u}) {
    const auto tokens = inside(made, std::string(length, 'a') + " a");
    CHECK(tokens.size() == (length > 100 ? 2 : 1 + length / 2 + 1));
    CHECK((tokens.front() == unknown) == (length > 100));
    // Counted in code points as they are after the accents went, and per word.
    std::string accented, cyrillic, ideographs;
    for (std::size_t i = 0; i < length; ++i) accented += "a\u0301", cyrillic += "\u0416", ideographs += "\u65e5";
    CHECK(inside(made, accented + " a") == tokens);
    CHECK(inside(made, cyrillic).size() == (length > 100 ? 1 : length));
    CHECK(inside(made, ideographs).size() == length);
  }
}

TEST_CASE("special tokens that the text names are those tokens, as it is written") {
  const auto made = with("a\n##b\n[\n]\nsep\n##x\n");
  const lc::token_t a = 5, b = 6, open = 7, close = 8, sep = 9, x = 10;
  CHECK(inside(made, "[SEP]") == tokens_of{end});
  CHECK(inside(made, "a[MASK]a[PAD][UNK][CLS]") == tokens_of{a, mask, a, pad, unknown, begin});
  CHECK(inside(made, "[[SEP]]") == tokens_of{open, end, close});
  CHECK(inside(made, "ab[SEP]ab") == tokens_of{a, b, end, a, b});
  CHECK(inside(made, "[sep] [ SEP] [SEP") == tokens_of{open, sep, close, open, sep, close, open, sep});
  CHECK(inside(made, "[SEP\u0301]") == tokens_of{open, sep, close});
  CHECK(inside(made, "a[") == tokens_of{a, open});
  CHECK(inside(made, "sep[SEPx") == tokens_of{sep, open, sep, x});
  CHECK(made.begin_token() == begin);
  CHECK(made.end_token() == end);
  CHECK(made.unknown_token() == unknown);
  // [MASK] and [PAD] are special where the vocabulary has them.
  const auto few = vocabulary::try_make("[UNK]\n[CLS]\n[SEP]\nmask\n[\n]\n").take();
  CHECK(few.try_encode("[MASK]").take() == tokens_of{1, 4, 3, 5, 2});
}

TEST_CASE("decoding: pieces with their spaces, and nothing out of range") {
  const auto made = with("un\n##able\n.\n##\n");
  const auto text_of = [&](const tokens_of& tokens) {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      text += made.try_decode(i == 0 ? 0xffffffffu : tokens[i - 1], tokens[i]).take();
    return text;
  };
  CHECK(text_of({begin, 5, 6, 5, 7, end}) == "[CLS]unable un . [SEP]");
  CHECK(text_of({5, 6}) == "unable");
  CHECK(made.try_decode(5, 8).take() == " ##");
  const auto copy = made;  // pieces are views of the copy
  CHECK(copy.try_decode(5, 5).take().data() != made.try_decode(5, 5).take().data());
  check_message(made.try_decode(5, 9).why(), lc::error_kind::token, {"expected a token below 9, found 9"});
}

TEST_CASE("text that is not UTF-8 is refused at its byte, behind special tokens, too") {
  const auto made = with("a\n##b\n");
  for (const char* bad : {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xe6\x97", "\xf4\x90\x80\x80", "\xff"})
    for (const char* before : {"", "a", "[SEP]", "\u65e5e\u0301", "[SEP"})
      for (const char* behind : {"", "b", "[SEP]"}) {
        const std::string at =
            "text: byte " + std::to_string(std::string(before).size()) + ": expected UTF-8, found 0x";
        check_message(made.try_encode(std::string(before) + bad + behind).why(), lc::error_kind::token, {at.c_str()});
      }
  CHECK(inside(made, "ab") == tokens_of{5, 6});
}

TEST_CASE("vocabularies that are refused, and why") {
  const auto refused = [](const std::string& text, std::initializer_list<const char*> parts) {
    const auto made = vocabulary::try_make(text);
    REQUIRE(!made.ok());
    check_message(made.why(), lc::error_kind::token, {"vocabulary: "});
    check_message(made.why(), lc::error_kind::token, parts);
  };
  refused("", {"expected a piece on each line, found an empty text"});
  refused("[UNK]\n[CLS]\n[SEP]\na\n\nb\n", {"line 5: expected a piece, found an empty line"});
  refused("[UNK]\n[CLS]\n[SEP]\na\nb\na", {"line 6: expected each piece once, found 'a' also on line 4"});
  refused("[UNK]\n[CLS]\n[SEP]\na\xff\n", {"byte 19: expected UTF-8, found 0xFF"});
  refused("\xEF\xBB\xBF[UNK]\n[CLS]\n[SEP]\n", {"found a byte order mark"});
  refused("[CLS]\n[SEP]\na\n", {"expected a line [UNK], found none among 3"});
  refused("[UNK]\n[SEP]\na\n", {"expected a line [CLS]"});
  refused("[UNK]\n[CLS]\n[sep]\n", {"expected a line [SEP]"});
  refused(std::string(std::size_t{1} << 24, 'a'), {"expected less than 16 MiB, found 16777216 bytes"});
  // Lines may end as on Windows, the last need not end; thousands of pieces find their places.
  const auto windows = vocabulary::try_make("[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n##b").take();
  CHECK(windows.try_encode("ab").take() == tokens_of{1, 3, 4, 2});
  std::string many = specials;
  for (int i = 0; i < 10000; ++i) many += std::to_string(i) + "\n##" + std::to_string(i) + '\n';
  const auto large = vocabulary::try_make(many).take();
  for (lc::token_t i = 0; i < 10000; i += 7) CHECK(inside(large, std::to_string(i)) == tokens_of{5 + 2 * i});
  CHECK(inside(large, "99999999") == tokens_of{5 + 2 * 9999, 6 + 2 * 9999});
}

TEST_CASE("a vocabulary's file is named in what is wrong with it") {
  const auto path = (std::filesystem::temp_directory_path() / "lacuna_word_piece.txt").string();
  const auto read = [&](const std::string& text, std::size_t size) {
    REQUIRE(lc::try_write_file(path, {text.begin(), text.end()}).ok());
    auto made = lc::try_read_word_piece<few_properties>(path, size);
    std::filesystem::remove(path);
    return made;
  };
  CHECK(read(std::string(specials) + "a\n", 6).take().try_encode("a").take() == tokens_of{begin, 5, end});
  check_message(read(specials, 6).why(), lc::error_kind::token,
                {"lacuna_word_piece.txt': expected 6 pieces, found 5", "belongs to another model"});
  check_message(read("", 6).why(), lc::error_kind::token, {"lacuna_word_piece.txt': vocabulary: expected a piece"});
  check_message(read("a\na\n", 2).why(), lc::error_kind::token, {"lacuna_word_piece.txt': vocabulary: line 2: "});
  CHECK(std::string(lc::try_read_word_piece<few_properties>("no/such/vocab.txt", 6).why().message.c_str())
            .find("'no/such/vocab.txt': expected a file, found none") != std::string::npos);
}

TEST_CASE("a known vocabulary is read by its pieces in their order, and nothing else is") {
  // FNV-1a by its definition, which gives what its authors list for two texts; each piece has a line feed behind it.
  const auto digest = [](const std::string& bytes) {
    std::uint64_t sum = 14695981039346656037u;
    for (const char byte : bytes) {
      sum ^= static_cast<unsigned char>(byte);
      sum *= 1099511628211u;
    }
    return sum;
  };
  REQUIRE(digest("a") == 0xaf63dc4c8601ec8cu);
  REQUIRE(digest("foobar") == 0x85944171f73967e8u);
  const std::string text = std::string(specials) + "a\n##b\nab\n";
  const auto made = with("a\n##b\nab\n");
  CHECK(made.digest() == digest(text));
  CHECK(vocabulary::try_make(text.substr(0, text.size() - 1)).take().digest() == digest(text));
  CHECK(with("a\r\n##b\r\nab\r\n").digest() == digest(text));
  for (const char* other : {"##b\na\nab\n", "ab\n##b\na\n", "a\n##ba\nb\n", "a\n##b\nac\n", "a\n##b\n"})
    CHECK(with(other).digest() != digest(text));

  const lc::known_vocabulary known{"a test", 8, digest(text), unknown, begin, end};
  const auto path = (std::filesystem::temp_directory_path() / "lacuna_known_word_piece.txt").string();
  const auto read = [&](const std::string& of) {
    REQUIRE(lc::try_write_file(path, {of.begin(), of.end()}).ok());
    auto taken = lc::try_read_word_piece<few_properties>(path, known);
    std::filesystem::remove(path);
    return taken;
  };
  CHECK(read(text).take().try_encode("ab").take() == tokens_of{begin, 7, end});
  check_message(read(std::string(specials) + "##b\na\nab\n").why(), lc::error_kind::token,
                {"lacuna_known_word_piece.txt': expected the pieces of a test in their order, digest ",
                 ", found digest ",
                 "(it belongs to another model, or its lines were moved: take the file that came with the model)"});
  check_message(read("[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nab\n").why(), lc::error_kind::token,
                {"expected [UNK] on line 2, as in a test, found it on line 1 (it belongs to another model"});
  check_message(read("[PAD]\n[UNK]\n[SEP]\n[CLS]\n[MASK]\na\n##b\nab\n").why(), lc::error_kind::token,
                {"expected [CLS] on line 3, as in a test, found it on line 4"});
  check_message(read("[PAD]\n[UNK]\n[CLS]\na\n[SEP]\n[MASK]\n##b\nab\n").why(), lc::error_kind::token,
                {"expected [SEP] on line 4, as in a test, found it on line 5"});
  check_message(read(specials).why(), lc::error_kind::token, {"expected 8 pieces, found 5"});
}
