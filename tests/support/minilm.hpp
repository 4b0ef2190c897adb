#pragma once
/// What other programs say about 200 sentences (tests/reference/minilm/README.md).

#include <fstream>
#include <iterator>
#include <lacuna/io/safetensors.hpp>
#include <lacuna/token/token.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace minilm {

inline constexpr std::size_t count = 200, width = 384, vocabulary = 30522;

/// A file of the folder as a text; empty where there is none.
inline std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
inline std::string reference(const char* name) {
  return std::string(LACUNA_REPOSITORY) + "/tests/reference/minilm/" + name;
}

inline std::vector<std::string> sentences() {
  std::vector<std::string> made;
  std::istringstream lines(text_of(reference("sentences.txt")));
  for (std::string line; std::getline(lines, line);) made.push_back(line);
  return made;
}

/// Their token ids by Hugging Face's `tokenizers`.
inline std::vector<std::vector<lacuna::token_t>> ids() {
  std::vector<std::vector<lacuna::token_t>> made;
  std::istringstream lines(text_of(reference("ids.txt")));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    made.emplace_back(std::istream_iterator<lacuna::token_t>(numbers), std::istream_iterator<lacuna::token_t>());
  }
  return made;
}

/// Their embeddings by ONNX Runtime, (count, width), f16 as they are stored. Cosines are exact to 3e-8.
inline std::vector<float> embeddings() {
  const auto path = reference("embeddings.safetensors");
  const auto read = lacuna::try_parse_safetensors(path, lacuna::try_read_file(path).take()).take();
  const auto& entry = read.entries.at(0);
  std::vector<float> made(
      entry.name == "embeddings" && entry.shape == std::vector<std::uint64_t>{count, width} ? count * width : 0);
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(lacuna::detail::stored_element(read.bytes.data() + entry.begin, entry.type, i));
  return made;
}

}  // namespace minilm
