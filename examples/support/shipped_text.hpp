#pragma once
// The shipped model's file and the text it never saw, for examples that measure what a variant costs.

#include "fast.hpp"
#include "stop.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace examples {
namespace lc = lacuna;

#ifdef LACUNA_EXAMPLES_FOLDER
inline const std::string models = LACUNA_EXAMPLES_FOLDER "/models/";
#else
inline const std::string models = "examples/models/";
#endif

/// The checkpoint, and held-out text as its tokens.
struct shipped_text {
  lc::directory checkpoint;
  std::vector<lc::token_t> tokens;

  shipped_text() : checkpoint(unless_wrong(lc::try_open_checkpoint((models + "shipped.safetensors").c_str()))) {
    const auto alphabet = lc::find_metadata(checkpoint, "lacuna.characters");
    if (!alphabet) stop("the shipped model holds no characters");
    std::ifstream file(models + "shipped.held_out.txt");
    std::stringstream text;
    text << file.rdbuf();
    tokens = unless_wrong(unless_wrong(lc::characters::try_make(*alphabet)).try_encode(text.str()));
    if (tokens.size() < 2) stop("shipped.held_out.txt is empty or missing");
  }
};

/// Mean loss in nats per character over `windows` pieces of held-out text as long as the context; `watcher` sees every
/// operation (see op/watch.hpp).
template <class Model, class Watcher>
double held_out_loss(Model& model, const shipped_text& from, lc::extent_t windows, Watcher& watcher) {
  double sum = 0;
  lc::extent_t count = 0;
  const lc::watched backend{model.backend(), watcher};
  for (lc::extent_t window = 0; window < windows; ++window) {
    const auto* tokens = from.tokens.data() + window * (from.tokens.size() - Model::context - 1) / windows;
    model.reset();
    const auto add = [&](lc::extent_t position, const auto& logits) {
      sum += lc::cross_entropy(logits.row(0), Model::vocabulary, tokens[position + 1]), ++count;
    };
    unless_wrong(model.try_forward_watched(backend, {tokens, Model::context}, add));
  }
  return sum / static_cast<double>(count);
}

/// Tokens a second, one at a time through whole contexts, for a twentieth of a second; `watcher` as above.
template <class Model, class Watcher>
double tokens_per_second(Model& model, const shipped_text& from, Watcher& watcher) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t tokens = 0;;) {
    model.reset();
    for (lc::extent_t t = 0; t < Model::context; ++t, ++tokens)
      unless_wrong(model.try_forward_watched(lc::watched{model.backend(), watcher}, {&from.tokens[t], 1},
                                             [](lc::extent_t, const auto&) {}));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (seconds > 0.05) return static_cast<double>(tokens) / seconds;
  }
}

/// A file to be written, or the end of the program.
inline std::ofstream open_or_stop(const char* program, const std::string& path) {
  std::ofstream file(path);
  if (!file)
    stop((std::string(program) + ": expected a file that can be written, found " + path + ": " + std::strerror(errno) +
          " (name a folder that exists and is yours)")
             .c_str());
  return file;
}

}  // namespace examples
