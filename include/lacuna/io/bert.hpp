#pragma once
/// Checkpoints of the BERT family, as Hugging Face's transformers writes them.

#include <algorithm>
#include <lacuna/io/open.hpp>

LACUNA_BEGIN

namespace detail {

/// A piece of a name of theirs, and ours.
struct bert_name {
  std::string_view theirs, ours;
};
inline constexpr bert_name bert_names_of_the_embedding[]{
    {"embeddings.word_embeddings.", "embedding."},
    {"embeddings.position_embeddings.", "position."},
    {"embeddings.token_type_embeddings.", "token_type."},
    {"embeddings.LayerNorm.", "embedding_norm."},
};
inline constexpr bert_name bert_names_of_a_layer[]{
    {"attention.self.query.", "attention.query."},
    {"attention.self.key.", "attention.key."},
    {"attention.self.value.", "attention.value."},
    {"attention.output.dense.", "attention.output."},
    {"attention.output.LayerNorm.", "attention_norm."},
    {"intermediate.dense.", "ffn.up."},
    {"output.dense.", "ffn.down."},
    {"output.LayerNorm.", "ffn_norm."},
};

template <std::size_t Count>
bool rename_front(std::string& name, extent_t at, const bert_name (&names)[Count]) {
  for (const auto& [theirs, ours] : names) {
    if (name.compare(at, theirs.size(), theirs) != 0) continue;
    const bool is_norm = ours.ends_with("norm.");
    std::string last = name.substr(at + theirs.size());
    if (is_norm && (last == "weight" || last == "gamma")) last = "gain";
    if (is_norm && (last == "bias" || last == "beta")) last = "shift";
    name.replace(at, std::string::npos, std::string(ours) + last);
    return true;
  }
  return false;
}

/// The path of a tensor of theirs; what is none of an encoder stays as it is.
inline std::string path_of_bert(std::string name) {
  if (name.starts_with("bert.")) name.erase(0, 5);
  constexpr std::string_view layer = "encoder.layer.";
  if (name.starts_with(layer)) {
    const extent_t dot = name.find('.', layer.size());
    if (dot == std::string::npos) return name;
    std::string ours = "blocks." + name.substr(layer.size(), dot + 1 - layer.size());
    const extent_t at = ours.size();
    ours += name.substr(dot + 1);
    return rename_front(ours, at, bert_names_of_a_layer) ? ours : name;
  }
  rename_front(name, 0, bert_names_of_the_embedding);
  return name;
}

}  // namespace detail

/// Reads a checkpoint of a BERT encoder under lacuna's paths: `embeddings.word_embeddings.weight` is
/// `embedding.weight`, `encoder.layer.0.attention.self.query.weight` is `blocks.0.attention.query.weight`. Numbers of
/// positions (`embeddings.position_ids`) and heads of other tasks (`pooler.`, `cls.`) are left out, since no part of
/// `zoo::bert_encoder` reads them. Errors: those of the file's format.
inline outcome<directory> try_open_bert(const std::string& path) {
  auto opened = try_open_checkpoint(path);
  if (!opened.ok()) return opened.why();
  auto& entries = opened->entries;
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [](const tensor_entry& entry) {
                                 const std::string_view name =
                                     std::string_view(entry.name).substr(entry.name.starts_with("bert.") ? 5 : 0);
                                 return name == "embeddings.position_ids" || name.starts_with("pooler.") ||
                                        name.starts_with("cls.");
                               }),
                entries.end());
  for (auto& entry : entries) entry.name = detail::path_of_bert(entry.name);
  return opened;
}

LACUNA_END
