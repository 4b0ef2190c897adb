#pragma once
/// Opening a checkpoint of either kind.

#include <lacuna/io/llama2c.hpp>
#include <lacuna/io/safetensors.hpp>

LACUNA_BEGIN

/// Reads a checkpoint: safetensors where a '{' follows the first eight bytes, llama2.c otherwise. Errors: those of the
/// formats; where the file is neither, both are named.
inline outcome<directory> try_open_checkpoint(const std::string& path) {
  auto read = try_read_file(path);
  if (!read.ok()) return read.why();
  // Byte 8 of a llama2.c model of 123 or 379 layers is a '{', too; two zero bytes follow it then, and never in JSON.
  const bool layers = read->size() > 11 && (*read)[10] == 0 && (*read)[11] == 0;
  if (read->size() > 8 && (*read)[8] == '{' && !layers) return try_parse_safetensors(path, std::move(*read));
  auto parsed = try_parse_llama2c(path, std::move(*read));
  if (parsed.ok()) return parsed;
  error neither = parsed.why();
  return neither << "; nor is it safetensors (byte 8 is not '{')";
}

LACUNA_END
