// Files cut into passages (examples/support/passages.hpp): where they begin, what is cut, what is refused.
#include "../examples/support/passages.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <initializer_list>

namespace {
namespace lc = lacuna;
using examples::passages_are;

/// A token per code point that is no blank and no '~', between a begin and an end; refuses '!'.
struct letters {
  std::size_t size() const { return 0x110000; }
  std::optional<lc::token_t> begin_token() const { return 1; }
  lc::outcome<std::vector<lc::token_t>> try_encode(std::string_view text) const {
    std::vector<lc::token_t> tokens{1};
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t bytes = lc::code_point_bytes(text.substr(at));
      if (bytes == 0) return lc::not_utf8("letters", text, at);
      const char32_t c = lc::code_point(text.substr(at, bytes));
      if (c == '!') return lc::error(lc::error_kind::token, "letters: found '!'");
      if (c > ' ' && c != '~') tokens.push_back(static_cast<lc::token_t>(c));
      at += bytes;
    }
    tokens.push_back(2);
    return tokens;
  }
  lc::outcome<std::string_view> try_decode(lc::token_t, lc::token_t) const { return std::string_view(); }
};
static_assert(lc::Tokenizer<letters>);

struct result {
  lc::outcome<std::vector<examples::passage>> passages;
  std::vector<examples::passage_note> notes;
};
result read(const std::string& text, passages_are kind, std::size_t most = 20) {
  const auto path = (std::filesystem::temp_directory_path() / "lacuna_passages.txt").string();
  REQUIRE(lc::try_write_file(path, {text.begin(), text.end()}).ok());
  std::vector<examples::passage_note> notes;
  auto passages = examples::try_read_passages(path, letters{}, most, kind,
                                              [&](const examples::passage_note& of) { notes.push_back(of); });
  std::filesystem::remove(path);
  return {passages, notes};
}
/// `1:text|3:text|`
std::string listed(const result& of) {
  REQUIRE_MESSAGE(of.passages.ok(), std::string(of.passages.why().message.c_str()));
  std::string all;
  for (const auto& each : *of.passages) {
    all += std::to_string(each.line) + ':' + each.text + '|';
    CHECK(each.tokens == letters{}.try_encode(each.text).take());
  }
  return all;
}
void check_refused(const result& of, std::initializer_list<const char*> parts) {
  REQUIRE(!of.passages.ok());
  const std::string message = of.passages.why().message.c_str();
  CAPTURE(message);
  CHECK(message.find("passages: '") == 0);
  CHECK(message.find("lacuna_passages.txt': ") != std::string::npos);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}

}  // namespace

TEST_CASE("passages: lines and paragraphs, with the number of the line they begin on") {
  const std::string text = "one two\n  three\t\n\n \t\nfour\r\nfive\n\nsix";
  CHECK(listed(read(text, passages_are::lines)) == "1:one two|2:three|5:four|6:five|8:six|");
  CHECK(listed(read(text, passages_are::paragraphs)) == "1:one two\n  three|5:four\r\nfive|8:six|");
  for (const char* end : {"", "\n", "\n\n", "\r\n", "\n \n"}) {
    CHECK(listed(read(std::string("a\nb") + end, passages_are::lines)) == "1:a|2:b|");
    CHECK(listed(read(std::string("\n\na\nb") + end, passages_are::paragraphs)) == "3:a\nb|");
  }
  CHECK(listed(read("\xEF\xBB\xBFmarked\n", passages_are::lines)) == "1:marked|");
  CHECK(read(text, passages_are::lines).notes.empty());
}

TEST_CASE("passages: what is longer than the context is cut, at blanks, and that is said") {
  const auto fits = read("abc def\n" + std::string(18, 'x') + "\n", passages_are::lines);
  CHECK(listed(fits) == "1:abc def|2:" + std::string(18, 'x') + "|");
  CHECK(fits.notes.empty());
  const auto cut = read("short\nabcdefghi jklmnopqrs tuvwxyz 0123456789\nlast\n", passages_are::lines);
  CHECK(listed(cut) == "1:short|2:abcdefghi|2:jklmnopqrs|2:tuvwxyz 0123456789|3:last|");
  REQUIRE(cut.notes.size() == 1);
  CHECK(cut.notes[0].what == examples::passage_note::cut);
  CHECK(cut.notes[0].line == 2);
  CHECK(cut.notes[0].tokens == 38);
  CHECK(cut.notes[0].pieces == 3);
  CHECK(cut.notes[0].left_out == 0);
  // Pieces of a paragraph know their lines.
  CHECK(listed(read("\nabcdefghij\nklmnopqrst\nuvw\n", passages_are::paragraphs)) == "2:abcdefghij|3:klmnopqrst\nuvw|");
  // Without blanks it is cut between code points; nothing is lost, whatever the length.
  for (const std::string letter : {"x", "\u00e9", "\u65e5", "\U0001F600"})
    for (std::size_t count : {19u, 20u, 37u, 500u}) {
      std::string line;
      for (std::size_t i = 0; i < count; ++i) line += letter;
      const auto of = read(line, passages_are::lines);
      REQUIRE(of.passages.ok());
      std::string joined;
      for (const auto& each : *of.passages) {
        joined += each.text;
        CHECK(each.tokens.size() <= 20);
      }
      CHECK(joined == line);
      CHECK(of.notes.size() == 1);
      CHECK(of.notes[0].pieces == of.passages->size());
      CHECK(of.notes[0].tokens == count + 2);
    }
}

TEST_CASE("passages: lines of which the tokenizer leaves nothing are told, and files of them refused") {
  const auto some = read("a\n~~\nb\n", passages_are::lines);
  CHECK(listed(some) == "1:a|3:b|");
  REQUIRE(some.notes.size() == 1);
  CHECK(some.notes[0].what == examples::passage_note::without_tokens);
  CHECK(some.notes[0].line == 2);
  CHECK(some.notes[0].left_out == 1);
  // A piece of a line that is cut may have none; it is not among the pieces, and is counted beside them.
  const auto cut = read("abcdefghi abcdefghij ~~~~ ~~~~~ ~~~~~ ~~~~~ ~~~\n", passages_are::lines);
  CHECK(listed(cut) == "1:abcdefghi|1:abcdefghij ~~~~|");
  REQUIRE(cut.notes.size() == 1);
  CHECK(cut.notes[0].pieces == 2);
  CHECK(cut.notes[0].left_out == 1);
  CHECK(cut.notes[0].tokens == 21);
  const std::string nothing(40, '~'), words = "abcdefghij klmnopqrst uvwxyzabcd efghijklmn";
  const auto both_ends = read(nothing + ' ' + words + ' ' + nothing, passages_are::lines);
  CHECK(listed(both_ends) == "1:abcdefghij|1:klmnopqrst|1:uvwxyzabcd|1:efghijklmn|");
  REQUIRE(both_ends.notes.size() == 1);
  CHECK(both_ends.notes[0].pieces == 4);
  CHECK(both_ends.notes[0].left_out == 2);
  check_refused(read("~\n~\n", passages_are::lines), {"expected words"});
}

TEST_CASE("passages: files that are no text are refused by name and byte") {
  for (const auto kind : {passages_are::lines, passages_are::paragraphs}) {
    check_refused(read("", kind), {"expected text, found an empty file"});
    check_refused(read("\xEF\xBB\xBF", kind), {"found an empty file"});
    check_refused(read(" \n\t\r\n\n", kind), {"expected text, found blank lines only"});
    check_refused(read(std::string("ab\nc\0d", 6), kind), {"byte 4: expected text, found 0x00 (is it a binary file?)"});
    check_refused(read("ab\nc\xff\n", kind), {"byte 4: expected UTF-8, found 0xFF"});
    check_refused(read("\xEF\xBB\xBF"
                       "a\xc3",
                       kind),
                  {"byte 4: expected UTF-8, found 0xC3"});
    check_refused(read("\x7f"
                       "ELF\x02\x01\x01"
                       "\x80",
                       kind),
                  {"byte 7: expected UTF-8, found 0x80"});
    check_refused(read("\xff\xfe"
                       "a",
                       kind),
                  {"byte 0: expected UTF-8, found 0xFF"});
    check_refused(read("ok\nno!\n", kind), {kind == passages_are::lines ? "line 2: letters: found '!'" : "line 1: "});
  }
  const auto ignore = [](const examples::passage_note&) {};
  const auto missing = examples::try_read_passages("no/such/file", letters{}, 20, passages_are::lines, ignore);
  CHECK(std::string(missing.why().message.c_str()).find("'no/such/file': expected a file, found none") !=
        std::string::npos);
  const auto folder = examples::try_read_passages(std::filesystem::temp_directory_path().string(), letters{}, 20,
                                                  passages_are::lines, ignore);
  CHECK(std::string(folder.why().message.c_str()).find("found a directory") != std::string::npos);
}

TEST_CASE("queries: at least one word, at most the context") {
  const auto message = [](std::string_view text) {
    return std::string(examples::try_encode_query(text, letters{}, 10).why().message.c_str());
  };
  CHECK(examples::try_encode_query("ab c", letters{}, 10).take() == std::vector<lc::token_t>{1, 'a', 'b', 'c', 2});
  CHECK(examples::try_encode_query("abcdefgh", letters{}, 10).ok());
  CHECK(message("abcdefghi") == "query: expected at most 10 tokens, found 11 (shorten it)");
  for (const char* text : {"", "  ", "~"}) CHECK(message(text).find("query: expected at least one word") == 0);
  CHECK(message("a\xff").find("letters: byte 1: expected UTF-8") == 0);
}

TEST_CASE("texts are shown on one line, without what moves a terminal") {
  CHECK(examples::one_line("a  b\n\tc ", 20) == "a b c");
  CHECK(examples::one_line(" \x1b[31mred\x07\u0085!\x7f", 20) == "[31mred!");
  CHECK(examples::one_line("\u65e5\u672c\u8a9e", 2) == "\u65e5\u672c...");
  CHECK(examples::one_line("\u65e5\u672c\u8a9e", 3) == "\u65e5\u672c\u8a9e");
  CHECK(examples::one_line("ab cd", 3) == "ab...");
  CHECK(examples::one_line("ab cd", 5) == "ab cd");
  CHECK(examples::one_line("a\xff"
                           "b",
                           5) == "ab");
}
