// Greedy tokens of stories260K on SIMD lanes, in f32: printed, and equal to the reference's.
#include <cstdio>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>

namespace lc = lacuna;

template <class Model>
bool greedy(const char* path, std::uint32_t (&tokens)[256]) {
  auto loaded = lc::try_load<Model>(path);
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.why().message.c_str());
    return false;
  }
  Model& model = *loaded;
  std::uint32_t token = 1;
  for (std::uint32_t& next : tokens) {
    const auto logits = model.forward({&token, 1});
    next = 0;
    for (std::uint32_t i = 1; i < Model::vocabulary; ++i)
      if (logits(0, i) > logits(0, next)) next = i;
    token = next;
  }
  return true;
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  static std::uint32_t expected[256], found[256];
  if (!greedy<lc::model<lc::zoo::stories260k>>(arguments[1], expected)) return 2;
  if (!greedy<lc::model<lc::zoo::stories260k, lc::simd>>(arguments[1], found)) return 2;
  std::printf("%s, %zu lanes:", lc::architecture_name, lc::simd_lanes::lanes::lane_count);
  for (const std::uint32_t token : found) std::printf(" %u", token);
  std::printf("\n");
  for (int i = 0; i < 256; ++i)
    if (found[i] != expected[i]) return 1;
  return 0;
}
