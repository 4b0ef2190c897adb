#pragma once
/// What tells a model's vocabulary from any other, without its pieces.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// The vocabulary that a model was trained with: tokens are line numbers, so that the same pieces in another order, or
/// another vocabulary of the same size, would turn texts into nonsense. See `word_piece::digest` and
/// `try_read_word_piece`.
struct known_vocabulary {
  const char* name;       ///< as people call it
  extent_t size;          ///< pieces
  std::uint64_t digest;   ///< of the pieces in their order, by `word_piece::digest`
  std::uint32_t unknown;  ///< the number of `[UNK]`
  std::uint32_t begin;    ///< of `[CLS]`
  std::uint32_t end;      ///< of `[SEP]`
};

LACUNA_END
