// sentence: lacuna::task::series: there is nothing to predict (choose columns, lookback and horizon > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;
namespace task = lc::task;

#if defined(CORRECTED)
using wanted = task::series<task::series_sizes{.horizon = 8}>;
#else
using wanted = task::series<task::series_sizes{.horizon = 0}>;
#endif

int main() {
  const double numbers[7]{};
  return wanted::try_make({numbers, 1}, task::ett_hourly).ok() ? 0 : 1;
}
