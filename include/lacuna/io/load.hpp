#pragma once
/// Models from files and into files.

#include <lacuna/io/open.hpp>
#include <lacuna/model/model.hpp>

LACUNA_BEGIN

/// The version of lacuna's own files, in their metadata as `lacuna.format`.
inline constexpr const char* file_version = "1";

/// The sizes of a recipe that a checkpoint can be compared with; sizes that differ from layer to layer are left out.
template <class Recipe>
struct recipe_attributes {
  static constexpr extent_t most = 16;
  attribute list[most]{};
  extent_t count = 0;

  constexpr recipe_attributes() {
    bool uniform[most]{};
    Recipe::bound::facts([&](const char* name, extent_t value) {
      for (extent_t i = 0; i < count; ++i)
        if (detail::same_text(list[i].name, name)) {
          uniform[i] = uniform[i] && list[i].value == value;
          return;
        }
      if (count == most) return;
      uniform[count] = true;
      list[count++] = attribute{name, value};
    });
    extent_t kept = 0;
    for (extent_t i = 0; i < count; ++i)
      if (uniform[i]) list[kept++] = list[i];
    count = kept;
  }
};

/// Whether a file is of a version of lacuna's that is read here, or of somebody else.
inline status try_check_version(const directory& from) {
  if (const auto version = find_metadata(from, "lacuna.format"); version && *version != file_version) {
    error wrong = detail::file_error(error_kind::file, "lacuna::load", from.path);
    wrong << "expected version " << file_version << " of lacuna's files, found ";
    wrong.message.append(version->c_str(), version->size() < 24 ? version->size() : 24);
    return wrong << " (use a newer lacuna)";
  }
  return nothing{};
}

/// Fills a model from an opened checkpoint. Every tensor is checked by name and shape, and every size that both sides
/// know, before anything is written: after an error the model is as it was.
template <class Model>
status try_load_into(Model& to, const directory& from) {
  constexpr recipe_attributes<typename Model::recipe_type> sizes;
  if (auto version = try_check_version(from); !version.ok()) return version;
  if (auto fits = try_check_attributes(from, sizes.list, sizes.count); !fits.ok()) return fits;
  if (!to.ready()) return error(error_kind::memory, "lacuna::load: the allocator had no memory for the model");
  if (auto filled = try_fill(from, to.parameters_to_write()); !filled.ok()) return filled;
  to.update();
  to.reset();
  return nothing{};
}
/// The same from a file: safetensors or llama2.c, told by its content.
template <class Model>
status try_load_into(Model& to, const std::string& path) {
  const auto opened = try_open_checkpoint(path);
  if (!opened.ok()) return opened.why();
  return try_load_into(to, *opened);
}

namespace rules {
template <bool Heap>
struct loaded_model_is_on_the_heap {
  static_assert(
      Heap,
      "lacuna::load: only a heap model can be returned (declare the in_place model static and use try_load_into)");
};
}  // namespace rules

/// A model from a file: `try_load<model<stories>>("stories260K.bin")`.
template <class Model>
outcome<Model> try_load(const std::string& path) {
  constexpr bool on_the_heap = is_on_the_heap<typename Model::storage_type>;
  static_assert(__is_base_of(nothing, rules::loaded_model_is_on_the_heap<on_the_heap>) || true);
  Model loaded;
  if (const auto filled = try_load_into(loaded, path); !filled.ok()) return filled.why();
  return static_cast<Model&&>(loaded);
}
/// `try_load`, throwing `failure` with the same message.
template <class Model>
Model load(const std::string& path) {
  return try_load<Model>(path).take();
}

/// Writes a model as safetensors, with its sizes as metadata, so that loading can compare them. `extra` are metadata
/// of the caller's, such as the characters of its vocabulary.
template <class Model>
status try_save(const Model& from, const std::string& path,
                std::vector<std::pair<std::string, std::string>> extra = {}) {
  constexpr recipe_attributes<typename Model::recipe_type> sizes;
  extra.insert(extra.begin(), {"lacuna.format", file_version});
  for (extent_t i = 0; i < sizes.count; ++i)
    extra.emplace_back(std::string("lacuna.") + sizes.list[i].name, std::to_string(sizes.list[i].value));
  return try_write_safetensors(path, from.parameters(), extra);
}

LACUNA_END
