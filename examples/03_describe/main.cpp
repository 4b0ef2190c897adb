// What a model is, in figures: every tensor, parameters, bytes, multiply-adds, state, workspace, and which backend
// serves each operation. All figures are constexpr; the argument only chooses which recipe of the zoo is printed.
#include <cstring>
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main(int count, char** arguments) {
  const char* name = count == 2 ? arguments[1] : "shipped";
  if (count > 2 || (std::strcmp(name, "shipped") != 0 && std::strcmp(name, "stories260k") != 0)) {
    std::fprintf(stderr, "usage: 03_describe [shipped | stories260k]\n");
    return 2;
  }
  if (std::strcmp(name, "shipped") == 0)
    lc::describe<lc::model<lc::zoo::shipped, lc::bf16>>();
  else
    lc::describe<lc::model<lc::zoo::stories260k>>();
}
