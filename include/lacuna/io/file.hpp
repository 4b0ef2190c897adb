#pragma once
/// Whole files, in and out.

#include <cstdio>
#include <filesystem>
#include <lacuna/core/error.hpp>
#include <new>
#include <string>
#include <system_error>
#include <vector>

LACUNA_BEGIN

/// The bytes of a file.
using file_bytes = std::vector<unsigned char>;

/// The largest file that is read: 16 GiB.
inline constexpr std::uintmax_t largest_file = std::uintmax_t{1} << 34;

namespace detail {

/// `what: 'path': `, the beginning of every message about a file.
inline error file_error(error_kind kind, const char* what, const std::string& path) {
  error made(kind, what);
  // A long path keeps its end, which tells files apart.
  constexpr extent_t most = 120;
  made << ": '";
  if (path.size() > most) made << "...";
  made.message.append(path.c_str() + (path.size() > most ? path.size() - most : 0),
                      path.size() > most ? most : path.size());
  return made << "': ";
}

struct file_closer {
  std::FILE* file;
  explicit file_closer(std::FILE* of) : file(of) {}
  file_closer(const file_closer&) = delete;
  file_closer& operator=(const file_closer&) = delete;
  ~file_closer() {
    if (file != nullptr) std::fclose(file);
  }
};

}  // namespace detail

/// Reads a whole file. Errors: missing, a directory, unreadable, larger than 16 GiB, changed while it was read.
inline outcome<file_bytes> try_read_file(const std::string& path) {
  const auto wrong = [&](const char* found) {
    return detail::file_error(error_kind::file, "lacuna::load", path) << found;
  };
  std::error_code code;
  const auto kind = std::filesystem::status(path, code);
  if (!std::filesystem::exists(kind)) return wrong("expected a file, found none (check the path)");
  if (std::filesystem::is_directory(kind)) return wrong("expected a file, found a directory (name a file in it)");
  // Asked before opening: opening a pipe waits for its writer.
  if (!std::filesystem::is_regular_file(kind))
    return wrong("expected a regular file, found a device or pipe (copy it to a file first)");
  const detail::file_closer opened(std::fopen(path.c_str(), "rb"));
  if (opened.file == nullptr) return wrong("expected a readable file, found no permission (check its rights)");
  const std::uintmax_t size = std::filesystem::file_size(path, code);
  if (code || size > largest_file) return wrong("expected at most 16 GiB, found a larger file");
  file_bytes bytes;
#if LACUNA_EXCEPTIONS
  try {
    bytes.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    return detail::file_error(error_kind::memory, "lacuna::load", path)
           << "expected memory for " << static_cast<std::uint64_t>(size) << " bytes, found too little";
  }
#else
  bytes.resize(static_cast<std::size_t>(size));
#endif
  const std::size_t read = bytes.empty() ? 0 : std::fread(bytes.data(), 1, bytes.size(), opened.file);
  if (read != bytes.size() || std::fgetc(opened.file) != EOF)
    return wrong("expected an unchanging file, found its size changed while it was read (try again)");
  return bytes;
}

/// Writes a whole file: first beside it as `path.partial`, then renamed, so that an old file stays whole when anything
/// fails. Errors: a folder that is missing or not writable, a full disk.
inline status try_write_file(const std::string& path, const file_bytes& bytes) {
  const std::string partial = path + ".partial";
  bool made = false;
  const auto wrong = [&](const char* found) {
    std::error_code ignored;
    if (made) std::filesystem::remove(partial, ignored);
    return detail::file_error(error_kind::file, "lacuna::save", path) << found;
  };
  {
    std::FILE* file = std::fopen(partial.c_str(), "wb");
    made = file != nullptr;
    if (!made) return wrong("expected a writable folder, found none (create it, or check its rights)");
    const bool written = (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    if (std::fclose(file) != 0 || !written) return wrong("expected room for the file, found the disk full");
  }
  std::error_code code;
  std::filesystem::rename(partial, path, code);
  if (code) return wrong("expected a path that can be replaced, found none (is it a directory?)");
  return nothing{};
}

LACUNA_END
