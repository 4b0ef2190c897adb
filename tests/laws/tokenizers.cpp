// Tokenizers: round trips, an independent merge loop, and text that a vocabulary does not hold.
#if __has_include(<nlohmann/json.hpp>)
#include "support/data.hpp"

#include <cstdio>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <lacuna/core/random.hpp>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
static_assert(lc::Tokenizer<lc::characters>);
static_assert(lc::Tokenizer<lc::llama2c_vocabulary>);

template <class Vocabulary>
std::string decoded(const Vocabulary& vocabulary, const std::vector<lc::token_t>& tokens, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < tokens.size(); ++i) {
    const auto piece = vocabulary.try_decode(i == 0 ? 0 : tokens[i - 1], tokens[i]);
    REQUIRE(piece.ok());
    text += *piece;
  }
  return text;
}
bool refused(const lc::error& why, const char* part) {
  const bool found = std::strstr(why.message.c_str(), part) != nullptr;
  if (!found) MESSAGE(why.message.c_str() << " lacks " << part);
  return found && why.kind != lc::error_kind::none;
}

/// A vocabulary file in memory: special tokens, bytes, then the given pieces; later pieces have lower scores.
std::vector<std::string> pieces_with(const std::vector<std::string>& more) {
  std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    pieces.emplace_back(name);
  }
  pieces.insert(pieces.end(), more.begin(), more.end());
  return pieces;
}
std::string file_of(const std::vector<std::string>& pieces) {
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const float score = -static_cast<float>(i);
    const auto length = static_cast<std::int32_t>(pieces[i].size());
    bytes.append(reinterpret_cast<const char*>(&score), 4).append(reinterpret_cast<const char*>(&length), 4) += pieces[i];
  }
  return bytes;
}
auto read_back(const std::string& bytes, std::size_t count) {
  const auto path = std::filesystem::temp_directory_path() / "lacuna_tokenizers.bin";
  std::ofstream(path, std::ios::binary) << bytes;
  auto vocabulary = lc::try_read_llama2c_tokenizer(path.string(), count);
  std::filesystem::remove(path);
  return vocabulary;
}

}  // namespace

TEST_CASE("characters") {
  const auto made = lc::characters::try_make("aé😀\n");
  REQUIRE(made.ok());
  CHECK(made->size() == 4);
  CHECK(!made->begin_token());
  const std::string text = "\né😀aa";
  const auto tokens = made->try_encode(text);
  REQUIRE(tokens.ok());
  CHECK(*tokens == std::vector<lc::token_t>{3, 1, 2, 0, 0});
  CHECK(decoded(*made, *tokens, 0) == text);
  CHECK(made->try_encode("")->empty());
  CHECK(refused(made->try_encode("aéb").why(), "byte 3: expected one of the 4 characters of the alphabet, found 'b'"));
  CHECK(refused(made->try_decode(0, 4).why(), "expected a token below 4, found 4"));
  CHECK(refused(lc::characters::try_make("").why(), "found an empty text"));
  CHECK(refused(lc::characters::try_make("aba").why(), "found 'a' twice"));
  // What is not UTF-8: a lone tail, an overlong form, a surrogate, beyond the last code point, cut short.
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    CHECK(refused(made->try_encode("a" + bad).why(), "byte 1: expected UTF-8, found 0x"));
    CHECK(refused(lc::characters::try_make("a" + bad).why(), "byte 1: expected UTF-8"));
  }
}

TEST_CASE("the vocabulary of llama2.c: round trips and the merge loop") {
  const std::string path = test_data("models/tok512.bin");
  if (path.empty()) return;
  const auto vocabulary = lc::try_read_llama2c_tokenizer(path, 512);
  REQUIRE(vocabulary.ok());
  CHECK(*vocabulary->begin_token() == 1);
  CHECK(*vocabulary->try_encode("") == std::vector<lc::token_t>{1});
  for (const std::string text : {"Once upon a time, there was", " leading space", "line\nbreak\t", "naïve 😀 日本", "a"}) {
    const auto tokens = vocabulary->try_encode(text);
    REQUIRE(tokens.ok());
    CHECK(tokens->front() == 1);
    CHECK(decoded(*vocabulary, *tokens, 1) == text);
  }
  CHECK(refused(vocabulary->try_encode("ab\xC3").why(), "byte 2: expected UTF-8, found 0xC3"));
  CHECK(refused(vocabulary->try_decode(0, 512).why(), "expected a token below 512, found 512"));
  CHECK(refused(lc::try_read_llama2c_tokenizer(path, 511).why(), "expected 511 tokens, found more"));
  CHECK(refused(lc::try_read_llama2c_tokenizer(path, 513).why(), "expected 513 tokens, found 512"));

  // llama2.c's own loop, slowly: look at all neighbours, merge the pair of the best score, the leftmost of equals.
  std::vector<std::string> pieces(512);
  std::vector<float> scores(512);
  std::ifstream file(path, std::ios::binary);
  file.ignore(4);
  for (std::size_t i = 0; i < 512; ++i) {
    std::int32_t length = 0;
    file.read(reinterpret_cast<char*>(&scores[i]), 4).read(reinterpret_cast<char*>(&length), 4);
    pieces[i].resize(static_cast<std::size_t>(length));
    file.read(pieces[i].data(), length);
  }
  const auto find = [&](const std::string& piece) {
    for (std::size_t i = 0; i < 512; ++i)
      if (pieces[i] == piece) return static_cast<lc::token_t>(i);
    return lc::no_token;
  };
  for (std::uint64_t round = 0; round < 60; ++round) {
    std::string text;
    for (std::uint64_t i = 0; i < 40; ++i) {
      static constexpr char letters[] = "etaoinshrdlu  .,TLQ";
      text += letters[lc::random_bits(5, round, i).word[0] % (sizeof letters - 1)];
    }
    std::vector<lc::token_t> slow{1, find(" ")};
    for (char letter : text) {
      const auto token = find(std::string(1, letter));
      slow.push_back(token == lc::no_token ? static_cast<lc::token_t>(static_cast<unsigned char>(letter)) + 3 : token);
    }
    for (;;) {
      float best = -1e10f;
      std::size_t at = slow.size();
      lc::token_t merged = 0;
      for (std::size_t i = 0; i + 1 < slow.size(); ++i) {
        const auto token = find(pieces[slow[i]] + pieces[slow[i + 1]]);
        if (token != lc::no_token && scores[token] > best) best = scores[token], at = i, merged = token;
      }
      if (at == slow.size()) break;
      slow[at] = merged;
      slow.erase(slow.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    REQUIRE(*vocabulary->try_encode(text) == slow);
  }
}

TEST_CASE("a vocabulary file that is cut, damaged or another's is refused") {
  const auto pieces = pieces_with({" ", "a", "b", "ab"});
  const std::string whole = file_of(pieces);
  const auto vocabulary = read_back(whole, pieces.size());
  REQUIRE(vocabulary.ok());
  CHECK(*vocabulary->try_encode("ab") == std::vector<lc::token_t>{1, 259, 262});
  CHECK(decoded(*vocabulary, *vocabulary->try_encode("é"), 1) == "é");  // bytes, without the space in front
  for (std::size_t length = 0; length < 200; ++length) CHECK(!read_back(whole.substr(0, length), pieces.size()).ok());
  CHECK(!read_back(whole + "x", pieces.size()).ok());
  std::string negative = whole;
  negative[8] = negative[9] = negative[10] = negative[11] = static_cast<char>(0xff);
  CHECK(refused(read_back(negative, pieces.size()).why(), "token 0: expected a length of at most"));
  std::string nan = whole;
  nan[4] = nan[5] = nan[6] = nan[7] = static_cast<char>(0xff);
  CHECK(refused(read_back(nan, pieces.size()).why(), "token 0: expected a finite score"));
  CHECK(refused(read_back(file_of({"a", "b"}), 2).why(), "expected at least 259 pieces"));
}
#endif
