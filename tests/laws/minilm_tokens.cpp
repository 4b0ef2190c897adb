// Token ids of 200 sentences by the vocabulary of all-MiniLM-L6-v2 and ICU: those of Hugging Face's `tokenizers`.
#if LACUNA_TESTS_HAVE_ICU && __has_include(<nlohmann/json.hpp>)
#include "../examples/support/unicode.hpp"
#include "support/data.hpp"
#include "support/minilm.hpp"

#include <doctest/doctest.h>
#include <lacuna/io/word_piece.hpp>

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
  const auto made = lc::try_read_word_piece<examples::unicode>(path, minilm::vocabulary).take();
  CHECK(made.begin_token() == lc::token_t{101});
  CHECK(made.end_token() == 102);
  CHECK(made.unknown_token() == 100);
  check_ids([&](const std::string& sentence) { return made.try_encode(sentence).take(); });
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

TEST_CASE("ICU: properties are those of the versions that are followed, whatever version is installed") {
  const examples::unicode unicode;
  CHECK(unicode.is_control(0xAD));
  CHECK(!unicode.is_control(0x8E2));  // Cf since 9.0
  CHECK(!unicode.is_control(0x378));  // not assigned
  CHECK(unicode.is_punctuation(0x2E42));
  CHECK(!unicode.is_punctuation(0x2E43));  // Po since 9.0
  CHECK(unicode.is_punctuation(0x166D));   // So since 12.0
  CHECK(unicode.is_mark(0x1734));          // Mc since 14.0
  CHECK(!unicode.is_mark(0x1885));         // Mn since 9.0
  CHECK(!unicode.is_mark(0x111C9));
  CHECK(!unicode.is_mark(0xA9BD));
  char32_t parts[lc::longest_decomposition];
  CHECK(unicode.decompose(0x1F82, parts) == 4);
  CHECK((parts[0] == 0x3B1 && parts[1] == 0x313 && parts[2] == 0x300 && parts[3] == 0x345));
  CHECK(unicode.decompose(0x11938, parts) == 1);  // decomposes since 13.0
  CHECK(parts[0] == 0x11938);
  CHECK(unicode.decompose(0xD55C, parts) == 3);
}
#endif
