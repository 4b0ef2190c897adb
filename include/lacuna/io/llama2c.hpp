#pragma once
/// The files of llama2.c: its first checkpoint format ("version 0") and its tokenizers.
///
/// A checkpoint is seven little-endian int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len) and
/// f32 arrays: embedding; per kind, all layers: rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3; rms_final; two tables of
/// rotation angles, which are not read; and a head of its own when vocab_size is negative.

#include <lacuna/io/directory.hpp>
#include <lacuna/token/llama2c_vocabulary.hpp>

LACUNA_BEGIN

namespace detail {

inline std::int32_t little_int32(const unsigned char* at) {
  return static_cast<std::int32_t>(std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 |
                                   std::uint32_t{at[3]} << 24);
}

/// Lays tensors out one after the other.
struct llama2c_layout {
  directory& to;
  std::uint64_t at;
  void add(std::string name, std::vector<std::uint64_t> shape) {
    std::uint64_t bytes = 4;
    for (const std::uint64_t extent : shape) bytes *= extent;
    to.entries.push_back({std::move(name), stored_type::f32, "F32", std::move(shape), at, at + bytes});
    at += bytes;
  }
  void add_layers(std::uint64_t layers, const char* name, const std::vector<std::uint64_t>& shape) {
    for (std::uint64_t layer = 0; layer < layers; ++layer) add("blocks." + std::to_string(layer) + "." + name, shape);
  }
};

}  // namespace detail

/// A llama2.c checkpoint under lacuna's names (`blocks.0.ffn.gate.weight` is w1, `up` w3, `down` w2), with its sizes as
/// metadata. Errors: sizes that no model has, or a length that is not what the sizes say.
inline outcome<directory> try_parse_llama2c(const std::string& path, file_bytes bytes) {
  const auto wrong = [&] { return detail::file_error(error_kind::file, "lacuna::load", path); };
  constexpr extent_t header = 28;
  if (bytes.size() < header)
    return wrong() << "expected a llama2.c header of 28 bytes, found " << static_cast<std::uint64_t>(bytes.size())
                   << " (is the file whole?)";
  static constexpr const char* names[]{"dim",        "hidden_dim", "n_layers", "n_heads",
                                       "n_kv_heads", "vocab_size", "seq_len"};
  std::int64_t sizes[7]{};
  for (extent_t i = 0; i < 7; ++i) sizes[i] = detail::little_int32(bytes.data() + 4 * i);
  const bool tied = sizes[5] > 0;
  sizes[5] = sizes[5] < 0 ? -sizes[5] : sizes[5];
  // With every size below 2^21 and at most 4096 layers no product below can reach 2^64.
  for (extent_t i = 0; i < 7; ++i)
    if (sizes[i] < 1 || sizes[i] > (i == 2 ? 4096 : 1 << 21))
      return wrong() << "expected a llama2.c model, found " << names[i] << ' ' << sizes[i]
                     << " in its header (is it a model?)";
  if (sizes[0] % sizes[3] != 0 || sizes[3] % sizes[4] != 0)
    return wrong() << "expected heads that divide the width and kv_heads that divide heads, found dim " << sizes[0]
                   << ", n_heads " << sizes[3] << ", n_kv_heads " << sizes[4] << " (is it a model?)";
  const auto size = [&](extent_t i) { return static_cast<std::uint64_t>(sizes[i]); };
  const std::uint64_t dim = size(0), hidden = size(1), layers = size(2), vocabulary = size(5);
  const std::uint64_t kv_dim = dim / size(3) * size(4);
  // Angles: two tables of seq_len * head size / 2.
  const std::uint64_t angles = size(6) * (dim / size(3) / 2) * 2;
  const std::uint64_t elements = vocabulary * dim +
                                 layers * (2 * dim + 2 * dim * dim + 2 * kv_dim * dim + 3 * hidden * dim) + dim +
                                 angles + (tied ? 0 : vocabulary * dim);
  if (bytes.size() != header + 4 * elements)
    return wrong() << "expected " << header + 4 * elements << " bytes for dim " << dim << ", hidden_dim " << hidden
                   << ", n_layers " << layers << ", vocab_size " << vocabulary << ", found "
                   << static_cast<std::uint64_t>(bytes.size()) << " (is the file whole, and a llama2.c model?)";
  directory made;
  made.path = path;
  detail::llama2c_layout layout{made, header};
  layout.add("embedding.weight", {vocabulary, dim});
  layout.add_layers(layers, "attention_norm.gain", {dim});
  layout.add_layers(layers, "attention.query.weight", {dim, dim});
  layout.add_layers(layers, "attention.key.weight", {kv_dim, dim});
  layout.add_layers(layers, "attention.value.weight", {kv_dim, dim});
  layout.add_layers(layers, "attention.output.weight", {dim, dim});
  layout.add_layers(layers, "ffn_norm.gain", {dim});
  layout.add_layers(layers, "ffn.gate.weight", {hidden, dim});
  layout.add_layers(layers, "ffn.down.weight", {dim, hidden});
  layout.add_layers(layers, "ffn.up.weight", {hidden, dim});
  layout.add("final_norm.gain", {dim});
  layout.at += 4 * angles;
  if (!tied) layout.add("head.weight", {vocabulary, dim});
  static constexpr const char* keys[]{"width", "hidden", "layers", "heads", "kv_heads", "vocabulary", "context"};
  for (extent_t i = 0; i < 7; ++i)
    made.metadata.emplace_back(std::string("lacuna.") + keys[i], std::to_string(sizes[i]));
  made.bytes = std::move(bytes);
  return made;
}

/// A llama2.c tokenizer file: int32 longest piece, then for each token f32 score, int32 length, bytes.
/// Errors: another number of tokens than `vocabulary`, lengths beyond the file, scores that are no numbers.
inline outcome<llama2c_vocabulary> try_read_llama2c_tokenizer(const std::string& path, extent_t vocabulary) {
  auto read = try_read_file(path);
  if (!read.ok()) return read.why();
  const file_bytes& bytes = *read;
  const auto wrong = [&] { return detail::file_error(error_kind::file, "lacuna::tokenizer", path); };
  if (bytes.size() < 4)
    return wrong() << "expected a llama2.c tokenizer, found " << static_cast<std::uint64_t>(bytes.size()) << " bytes";
  std::vector<std::string> pieces;
  std::vector<float> scores;
  for (extent_t at = 4; at < bytes.size();) {
    if (pieces.size() == vocabulary)
      return wrong() << "expected " << static_cast<std::uint64_t>(vocabulary)
                     << " tokens, found more (it belongs to another model)";
    float score = 0;
    if (bytes.size() - at < 8)
      return wrong() << "token " << static_cast<std::uint64_t>(pieces.size())
                     << ": expected a score and a length, found " << static_cast<std::uint64_t>(bytes.size() - at)
                     << " bytes (is the file whole, and a tokenizer?)";
    std::memcpy(&score, bytes.data() + at, 4);
    const std::int32_t length = detail::little_int32(bytes.data() + at + 4);
    at += 8;
    if (length < 0 || static_cast<std::uint64_t>(length) > bytes.size() - at)
      return wrong() << "token " << static_cast<std::uint64_t>(pieces.size()) << ": expected a length of at most "
                     << static_cast<std::uint64_t>(bytes.size() - at) << ", found " << length
                     << " (is the file whole, and a tokenizer?)";
    if (!maths::is_finite(score))
      return wrong() << "token " << static_cast<std::uint64_t>(pieces.size())
                     << ": expected a finite score, found none";
    pieces.emplace_back(reinterpret_cast<const char*>(bytes.data()) + at, static_cast<std::size_t>(length));
    scores.push_back(score);
    at += static_cast<extent_t>(length);
  }
  if (pieces.size() != vocabulary)
    return wrong() << "expected " << static_cast<std::uint64_t>(vocabulary) << " tokens, found "
                   << static_cast<std::uint64_t>(pieces.size()) << " (it belongs to another model, or is not whole)";
  return llama2c_vocabulary::try_make(std::move(pieces), std::move(scores));
}

LACUNA_END
