#pragma once
// A folder for the files of one test.

#include <chrono>
#include <filesystem>
#include <string>

/// A folder of its own, gone at the end.
struct scratch {
  std::filesystem::path folder;
  scratch() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    folder = std::filesystem::temp_directory_path() / ("lacuna_io_" + std::to_string(now));
    std::filesystem::create_directories(folder);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string path(const char* name) const { return (folder / name).string(); }
};
