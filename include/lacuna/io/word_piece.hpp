#pragma once
/// The vocabulary file of a BERT: `vocab.txt`, one piece a line.

#include <lacuna/io/file.hpp>
#include <lacuna/token/word_piece.hpp>

LACUNA_BEGIN

/// Reads a vocabulary. Errors name the file: what `word_piece::try_make` refuses, or another number of pieces than the
/// `vocabulary` of the model.
template <UnicodeProperties Unicode>
outcome<word_piece<Unicode>> try_read_word_piece(const std::string& path, extent_t vocabulary, Unicode unicode = {}) {
  const auto read = try_read_file(path);
  if (!read.ok()) return read.why();
  const auto wrong = [&](error_kind kind) { return detail::file_error(kind, "lacuna::word_piece", path); };
  auto made = word_piece<Unicode>::try_make({reinterpret_cast<const char*>(read->data()), read->size()}, unicode);
  if (!made.ok())
    return wrong(made.why().kind) << made.why().message.c_str() + std::string_view("lacuna::word_piece: ").size();
  if (made->size() != vocabulary)
    return wrong(error_kind::token) << "expected " << static_cast<std::uint64_t>(vocabulary) << " pieces, found "
                                    << static_cast<std::uint64_t>(made->size())
                                    << " (it belongs to another model, or is not whole)";
  return made;
}

LACUNA_END
