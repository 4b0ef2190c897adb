#pragma once
/// The vocabulary file of a BERT: `vocab.txt`, one piece a line.

#include <lacuna/io/file.hpp>
#include <lacuna/token/known_vocabulary.hpp>
#include <lacuna/token/word_piece.hpp>

LACUNA_BEGIN

/// Reads a vocabulary. Errors name the file: what `word_piece::try_make` refuses, or another number of pieces than the
/// `vocabulary` of the model. Whether they are the model's pieces in its order only a `known_vocabulary` tells.
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
/// Reads the vocabulary that a model was trained with, and no other: `zoo::bert_uncased`. Errors, beside those above:
/// a special token on another line, other pieces, or the same ones in another order.
template <UnicodeProperties Unicode>
outcome<word_piece<Unicode>> try_read_word_piece(const std::string& path, const known_vocabulary& expected,
                                                 Unicode unicode = {}) {
  auto made = try_read_word_piece<Unicode>(path, expected.size, unicode);
  if (!made.ok()) return made;
  const auto wrong = [&] { return detail::file_error(error_kind::token, "lacuna::word_piece", path); };
  const struct {
    const char* piece;
    token_t expected, found;
  } specials[]{{"[UNK]", expected.unknown, made->unknown_token()},
               {"[CLS]", expected.begin, *made->begin_token()},
               {"[SEP]", expected.end, made->end_token()}};
  for (const auto& of : specials)
    if (of.found != of.expected)
      return wrong() << "expected " << of.piece << " on line " << std::uint64_t{of.expected} + 1 << ", as in "
                     << expected.name << ", found it on line " << std::uint64_t{of.found} + 1
                     << " (it belongs to another model, or its lines were moved: take the file that came with the "
                        "model)";
  if (const std::uint64_t found = made->digest(); found != expected.digest)
    return wrong() << "expected the pieces of " << expected.name << " in their order, digest " << expected.digest
                   << ", found digest " << found
                   << " (it belongs to another model, or its lines were moved: take the file that came with the model)";
  return made;
}

LACUNA_END
