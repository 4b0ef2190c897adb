// sentence: lacuna::task: there are too many sequences to enumerate (choose sizes with symbols^length of 65536 at most, or estimate by samples)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
constexpr lc::task::sequence_sizes sizes{.symbols = 4, .length = 8};
#else
constexpr lc::task::sequence_sizes sizes{.symbols = 4, .length = 9};
#endif

int main() {
  static lc::task::enumerated<sizes> table;
  return table.count > 0 ? 0 : 1;
}
