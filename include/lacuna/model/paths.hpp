#pragma once
/// What paths of tensors say: `blocks.3.attention.query.weight`.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

namespace detail {

constexpr bool same_path(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}
/// Whether a path is this name, or ends with it behind a dot.
constexpr bool path_ends_with(const char* path, const char* name) {
  const char* last = path;
  for (; *path != '\0'; ++path)
    if (*path == '.') last = path + 1;
  return same_path(last, name);
}
/// What a path has behind a beginning; null where it begins otherwise.
constexpr const char* behind(const char* path, const char* beginning) {
  for (; *beginning != '\0'; ++path, ++beginning)
    if (*path != *beginning) return nullptr;
  return path;
}
/// Whether a weight writes to the residual stream, by its path.
constexpr bool writes_to_the_stream(const char* path) {
  constexpr const char* names[]{"output", "down"};
  for (const char* at = path; *at != '\0'; ++at) {
    if (at != path && at[-1] != '.') continue;
    for (const char* name : names)
      if (const char* rest = behind(at, name); rest != nullptr && *rest == '.') return true;
  }
  return false;
}

}  // namespace detail

LACUNA_END
