#pragma once
// A text file as tokens, one for each of its characters: what a model of characters learns from.
#include "stop.hpp"

#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <string>
#include <vector>

namespace examples {

inline std::string text_of(const std::string& path) {
  const auto bytes = unless_wrong(lc::try_read_file(path));
  return {bytes.begin(), bytes.end()};
}

/// A text's alphabet, and the text in its numbers.
struct characters_of {
  lc::characters alphabet;
  std::vector<lc::token_t> tokens;
};

/// Stops the program where the file is none, is not UTF-8, or has more kinds of characters than the recipe.
inline characters_of read_characters(const char* program, const std::string& path, lc::extent_t vocabulary) {
  const std::string whole = text_of(path);
  characters_of read{unless_wrong(lc::characters::try_make_for(whole)), {}};
  if (read.alphabet.size() > vocabulary)
    stop(std::string(program) + ": expected a text of at most " + std::to_string(vocabulary) +
         " different characters, found " + std::to_string(read.alphabet.size()) + " (change the recipe's vocabulary)");
  read.tokens = unless_wrong(read.alphabet.try_encode(whole));
  return read;
}

}  // namespace examples
