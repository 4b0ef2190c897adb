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

namespace detail {

/// A file that is written beside its place, as `path.partial`, and then takes it.
struct written_beside {
  std::filesystem::path place, partial;
};

/// Where the bytes of a path go: to the file that it names, through symbolic links, which stay, also where the last one
/// names no file yet. Errors: something else is there, or in the place of `path.partial`.
inline outcome<written_beside> try_place(const std::string& path) {
  namespace fs = std::filesystem;
  const auto wrong = [&](const char* found) { return file_error(error_kind::file, "lacuna::save", path) << found; };
  std::error_code code;
  const auto at = fs::status(path, code);
  if (fs::is_directory(at)) return wrong("expected a path for a file, found a directory (name a file in it)");
  // A device or pipe would be replaced by the rename.
  if (fs::exists(at) && !fs::is_regular_file(at))
    return wrong("expected a regular file or none yet, found a device or pipe (write to a file)");
  fs::path place = path;
  constexpr int most_links = 40;
  for (int links = 0; fs::is_symlink(fs::symlink_status(place, code)); ++links) {
    const fs::path named = fs::read_symlink(place, code);
    if (code || links == most_links) return wrong("expected a file, found links without an end (remove them)");
    place = named.is_absolute() ? named : place.parent_path() / named;
  }
  fs::path partial = place;
  partial += ".partial";
  const auto beside = fs::symlink_status(partial, code);
  if (fs::exists(beside) && !fs::is_regular_file(beside))
    return wrong(
        "expected to write beside it, found a link, folder or device named like it and .partial (remove that)");
  return written_beside{place, partial};
}

/// Makes an empty `path.partial`; null where that cannot be. One that a killed process left goes first; `x` keeps what
/// else came there meanwhile.
inline std::FILE* open_beside(const written_beside& to) {
  std::error_code ignored;
  std::filesystem::remove(to.partial, ignored);
  return std::fopen(to.partial.string().c_str(), "wbx");
}

inline error no_writable_folder(const std::string& path) {
  return file_error(error_kind::file, "lacuna::save", path)
         << "expected a writable folder, found none (create it, or check its rights)";
}

}  // namespace detail

/// Writes a whole file: first beside it as `path.partial`, then renamed, so that an old file stays whole when anything
/// fails. A symbolic link stays, and the file that it names is written. Errors: a path that is a directory, device or
/// pipe; such a thing, or a link, in the place of `path.partial`; a folder that is missing or not writable; a full
/// disk.
inline status try_write_file(const std::string& path, const file_bytes& bytes) {
  const auto to = detail::try_place(path);
  if (!to.ok()) return to.why();
  const auto wrong = [&](const char* found) {
    std::error_code ignored;
    std::filesystem::remove(to->partial, ignored);
    return detail::file_error(error_kind::file, "lacuna::save", path) << found;
  };
  std::FILE* const file = detail::open_beside(*to);
  if (file == nullptr) return detail::no_writable_folder(path);
  const bool written = (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  if (std::fclose(file) != 0 || !written) return wrong("expected room for the file, found the disk full");
  std::error_code code;
  std::filesystem::rename(to->partial, to->place, code);
  if (code) return wrong("expected a path that can be replaced, found none (check the rights of what is there)");
  return nothing{};
}

/// Whether `try_write_file` would find its way, asked before the work of which a file is the end: its errors but that
/// of a full disk. Leaves nothing behind.
inline status try_check_writable(const std::string& path) {
  const auto to = detail::try_place(path);
  if (!to.ok()) return to.why();
  std::FILE* const file = detail::open_beside(*to);
  if (file == nullptr) return detail::no_writable_folder(path);
  std::fclose(file);
  std::error_code ignored;
  std::filesystem::remove(to->partial, ignored);
  return nothing{};
}

LACUNA_END
