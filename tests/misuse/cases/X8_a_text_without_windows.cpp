// sentence: lacuna::task::text: there is nothing to predict (choose vocabulary > 0 and window > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::text<task::text_sizes{.window = 8}>;
#else
using wanted = task::text<task::text_sizes{.window = 0}>;
#endif

int main() {
  const std::uint32_t tokens[16]{};
  return wanted::try_make({tokens, 16}).ok() ? 0 : 1;
}
