// Token ids of 200 sentences by the vocabulary of all-MiniLM-L6-v2 and ICU: those of Hugging Face's `tokenizers`.
#if LACUNA_TESTS_HAVE_ICU && __has_include(<nlohmann/json.hpp>)
#include "../examples/support/unicode.hpp"
#include "support/data.hpp"
#include "support/minilm.hpp"

#include <doctest/doctest.h>
#include <ios>
#include <lacuna/io/word_piece.hpp>
#include <lacuna/zoo/bert.hpp>
#include <map>

namespace {
namespace lc = lacuna;
using tokens_of = std::vector<lc::token_t>;
using tokenizer = lc::word_piece<examples::unicode>;

/// What `encode` says of each sentence is what the reference says.
template <class Encode>
void check_ids(Encode&& encode) {
  const auto sentences = minilm::sentences();
  const auto expected = minilm::ids();
  REQUIRE(sentences.size() == minilm::count);
  REQUIRE(expected.size() == minilm::count);
  std::size_t most = 0;
  for (std::size_t i = 0; i < minilm::count; ++i) {
    CAPTURE(sentences[i]);
    CHECK(encode(sentences[i]) == expected[i]);
    most = expected[i].size() > most ? expected[i].size() : most;
  }
  CHECK(most > 128);  // nothing was cut off
}

}  // namespace

TEST_CASE("MiniLM: the ids of 200 sentences, by the pieces that can occur in them") {
  // The vocabulary that is left has numbers of its own; `numbers` are those of the whole one.
  std::istringstream lines(minilm::text_of(minilm::reference("pieces.txt")));
  std::string vocabulary;
  tokens_of numbers;
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    numbers.push_back(static_cast<lc::token_t>(std::stoul(line.substr(0, space))));
    vocabulary += line.substr(space + 1) + '\n';
  }
  const auto made = tokenizer::try_make(vocabulary).take();
  REQUIRE(made.size() == numbers.size());
  check_ids([&](const std::string& sentence) {
    auto tokens = made.try_encode(sentence).take();
    for (auto& token : tokens) token = numbers[token];
    return tokens;
  });
}

TEST_CASE("MiniLM: the ids of 200 sentences, by the whole vocabulary") {
  const auto path = minilm_data("vocab.txt");
  if (path.empty()) return;
  const auto made = lc::try_read_word_piece<examples::unicode>(path, lc::zoo::bert_uncased).take();
  CHECK(made.size() == minilm::vocabulary);
  CHECK(made.begin_token() == lc::token_t{101});
  CHECK(made.end_token() == 102);
  CHECK(made.unknown_token() == 100);
  check_ids([&](const std::string& sentence) { return made.try_encode(sentence).take(); });
}

TEST_CASE("MiniLM: another vocabulary of as many pieces is refused, as is its own in another order") {
  const auto path = minilm_data("vocab.txt");
  if (path.empty()) return;
  std::vector<std::string> pieces;
  std::istringstream lines(minilm::text_of(path));
  for (std::string line; std::getline(lines, line);) pieces.push_back(line);
  REQUIRE(pieces.size() == minilm::vocabulary);
  const auto why = [&] {
    const auto changed = (std::filesystem::temp_directory_path() / "lacuna_other_vocabulary.txt").string();
    std::string text;
    for (const auto& piece : pieces) text += piece + "\r\n";
    REQUIRE(lc::try_write_file(changed, {text.begin(), text.end()}).ok());
    const auto read = lc::try_read_word_piece<examples::unicode>(changed, lc::zoo::bert_uncased);
    const bool by_size = lc::try_read_word_piece<examples::unicode>(changed, minilm::vocabulary).ok();
    std::filesystem::remove(changed);
    CHECK(by_size);
    return read.ok() ? std::string() : std::string(read.why().message.c_str());
  };
  CHECK(why() == "");  // lines that end as on Windows are the same pieces
  const std::string no_other = "(it belongs to another model, or its lines were moved: take the file that came";
  std::swap(pieces[2000], pieces[2001]);
  auto message = why();
  CHECK(message.find("expected the pieces of bert-base-uncased in their order, digest ") != std::string::npos);
  CHECK(message.find(no_other) != std::string::npos);
  std::swap(pieces[2000], pieces[2001]);
  pieces[30521] += "x";
  CHECK(why().find("expected the pieces of bert-base-uncased") != std::string::npos);
  pieces[30521].pop_back();
  std::swap(pieces[101], pieces[7]);
  message = why();
  CHECK(message.find("expected [CLS] on line 102, as in bert-base-uncased, found it on line 8 ") != std::string::npos);
  CHECK(message.find(no_other) != std::string::npos);
}

TEST_CASE("MiniLM: the stored embeddings have length 1 and tell sentences apart") {
  const auto rows = minilm::embeddings();
  REQUIRE(rows.size() == minilm::count * minilm::width);
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < minilm::width; ++i)
      sum += double{rows[a * minilm::width + i]} * double{rows[b * minilm::width + i]};
    return sum;
  };
  for (std::size_t i = 0; i < minilm::count; ++i) CHECK(dot(i, i) == doctest::Approx(1).epsilon(1e-3));
  CHECK(dot(0, 1) > 0.5);  // a cat on a mat, a cat on a rug
  CHECK(dot(0, 2) < 0.3);  // rain in a cellar
}

TEST_CASE("ICU: every code point has the properties that the reference has, whatever version is installed") {
  // `control AD 600-605 ...`; FFFD is left out by the tokenizer itself.
  std::map<std::string, std::vector<bool>> has;
  std::uint64_t expected_digest = 0;
  std::istringstream lines(minilm::text_of(minilm::reference("unicode.txt")));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    auto& codes = has[name];
    codes.resize(0x110000);
    for (std::string range; words >> range;) {
      std::size_t dash = 0;
      const auto first = std::stoull(range, &dash, 16);
      const auto last = dash < range.size() ? std::stoull(range.substr(dash + 1), nullptr, 16) : first;
      if (name == "digest")
        expected_digest = first;
      else
        for (auto code = first; code <= last; ++code) codes.at(code) = true;
    }
  }
  REQUIRE(has.size() == 6);
  const auto &control = has["control"], &space = has["space"], &punctuation = has["punctuation"], &mark = has["mark"],
             &decomposed = has["decomposes"];
  const examples::unicode unicode;
  std::uint64_t digest = 0xCBF29CE484222325u;
  std::size_t wrong = 0;
  for (char32_t c = 0x80; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char32_t parts[lc::longest_decomposition];
    const auto count = unicode.decompose(c, parts);
    const bool decomposes = count != 1 || parts[0] != c;
    const bool right = (unicode.is_control(c) || c == 0xFFFD) == control[c] && unicode.is_space(c) == space[c] &&
                       unicode.is_punctuation(c) == punctuation[c] && (decomposes || unicode.is_mark(c) == mark[c]) &&
                       decomposes == decomposed[c];
    if (!right && ++wrong < 10) FAIL_CHECK("U+" << std::hex << static_cast<unsigned>(c));
    for (lc::extent_t i = 0; decomposes && i < count; ++i) digest = (digest ^ parts[i]) * 0x100000001B3u;
  }
  CHECK(wrong == 0);
  CHECK(digest == expected_digest);
}
#endif
