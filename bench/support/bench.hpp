#pragma once
// What all benchmarks share: one pinned core, cases interleaved, medians of CPU time, and a table that sets every case
// beside the limits measured in the same run and beside its peers.
//
// A case is named group/member. Its cost is given as counters: `flop` and `byte` per iteration, and `set`, the size
// whose bandwidth is the limit, where that is not `byte`: bytes that lie among more, which iterations read in turn, or
// fewer that one iteration reads several times. A case that works on tokens says how many (`token`) and may say what is
// kept for them (`state`, in bytes). The group `machine` holds the limits: `machine/fma`, and `machine/read SIZE` for
// several sizes. What two cases have to do with each other, a line below the table says: `add_ratio`.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_huge_pages.hpp>
#include <map>
#include <string>
#include <vector>
#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif

namespace bench {

/// Runs on the last core that the process may use, and says so.
inline void pin() {
#if defined(__linux__)
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  int last = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) last = cpu;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  if (last >= 0 && sched_setaffinity(0, sizeof(one), &one) == 0)
    benchmark::AddCustomContext("pinned to core", std::to_string(last));
#endif
}

/// OpenBLAS chooses its kernels and starts its threads when it is loaded, and its older versions take newer processors
/// for old ones: the program names the core type and one thread for every peer, and starts itself again where anything
/// else was preset.
inline void set_blas_core_type([[maybe_unused]] char** arguments) {
#if defined(__linux__)
#if defined(__AVX512F__)
  const char* core = "SKYLAKEX";
#elif defined(__AVX2__)
  const char* core = "HASWELL";
#else
  const char* core = "NEHALEM";
#endif
  bool as_preset = true;
  const auto set = [&](const char* name, const char* value) {
    const char* preset = std::getenv(name);
    if (preset != nullptr && std::string(preset) == value) return;
    setenv(name, value, 1);
    as_preset = false;
  };
  set("OPENBLAS_CORETYPE", core);
  set("OPENBLAS_NUM_THREADS", "1");
  set("OMP_NUM_THREADS", "1");
  if (!as_preset) execv("/proc/self/exe", arguments);
  benchmark::AddCustomContext("OPENBLAS_CORETYPE", core);
#endif
}

/// One pass of independent chains of fused multiply-adds on the widest registers; returns its operations.
inline double fma_pass() {
#if defined(__AVX512F__)
  constexpr std::size_t lanes = 16;
#elif defined(__AVX__)
  constexpr std::size_t lanes = 8;
#else
  constexpr std::size_t lanes = 4;
#endif
  typedef float vector __attribute__((vector_size(lanes * sizeof(float))));
  constexpr std::size_t chains = 12, steps = 4096;
  vector sums[chains], factor, term;
  for (std::size_t j = 0; j < lanes; ++j) factor[j] = 0.999f, term[j] = 0.001f;
  for (std::size_t c = 0; c < chains; ++c)
    for (std::size_t j = 0; j < lanes; ++j) sums[c][j] = static_cast<float>(c + j);
  for (std::size_t step = 0; step < steps; ++step)
    for (std::size_t c = 0; c < chains; ++c) sums[c] = sums[c] * factor + term;
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
  return static_cast<double>(2 * chains * steps * lanes);
}

/// Memory to be read from two places at once, as fast as it goes.
class memory_block {
 public:
  explicit memory_block(std::size_t bytes) : count_(bytes / sizeof(vector) / 8 * 8) {
    const std::size_t page = std::size_t{1} << 21;
    data_ = static_cast<vector*>(lacuna::huge_pages::allocate(bytes, page));
    for (std::size_t i = 0; i < count_; ++i) data_[i] = vector{} + i;
  }
  ~memory_block() { lacuna::huge_pages::release(data_, bytes(), std::size_t{1} << 21); }
  memory_block(const memory_block&) = delete;
  memory_block& operator=(const memory_block&) = delete;

  std::size_t bytes() const { return count_ * sizeof(vector); }
  void read() const {
    const vector *low = data_, *high = data_ + count_ / 2;
    vector sums[8]{};
    for (std::size_t i = 0; i < count_ / 2; i += 4)
      for (std::size_t j = 0; j < 4; ++j) sums[j] += low[i + j], sums[4 + j] += high[i + j];
    benchmark::DoNotOptimize(sums);
  }

 private:
#if defined(__AVX512F__)
  typedef std::uint64_t vector __attribute__((vector_size(64)));
#elif defined(__AVX__)
  typedef std::uint64_t vector __attribute__((vector_size(32)));
#else
  typedef std::uint64_t vector __attribute__((vector_size(16)));
#endif
  std::size_t count_;
  vector* data_;
};

/// The limits as cases of a table.
inline void fma_case(benchmark::State& state) {
  double flop = 0;
  for (auto _ : state) flop = fma_pass();
  state.counters["flop"] = flop;
}
inline void read_case(benchmark::State& state, std::size_t bytes) {
  const memory_block memory(bytes);
  for (auto _ : state) memory.read();
  state.counters["byte"] = static_cast<double>(memory.bytes());
}

/// How often per second something runs, timed for a tenth of a second.
template <class Function>
double rate_of(Function&& function) {
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  std::size_t runs = 0;
  for (; seconds < 0.1; ++runs) {
    function();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return static_cast<double>(runs) / seconds;
}

/// The names of all cases, in the order in which they are to be reported.
inline std::vector<std::string>& registered() {
  static std::vector<std::string> names;
  return names;
}

/// Two cases whose times are compared, as they are or per token.
enum class per { iteration, token };
struct ratio_line {
  std::string what, over, under;
  per of;
};
inline std::vector<ratio_line>& ratio_lines() {
  static std::vector<ratio_line> lines;
  return lines;
}
/// The time of `over` divided by that of `under` is printed below the table.
inline void add_ratio(const std::string& what, const std::string& over, const std::string& under,
                      per of = per::iteration) {
  ratio_lines().push_back({what, over, under, of});
}

/// Collects the runs of each case and prints the table at the end.
class table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&std::cerr, context);
    std::printf("compiler %s, architecture %s\n", lacuna::compiler_name, lacuna::architecture_name);
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const std::string name = run.run_name.function_name;
      if (run.error_occurred) {
        std::printf("%s: %s\n", name.c_str(), run.error_message.c_str());
        continue;
      }
      auto& of = cases_[name];
      // A peer in a process of its own says how long it took; to wait for it costs nothing.
      const bool told = run.run_name.time_type == "manual_time";
      of.seconds.push_back((told ? run.real_accumulated_time : run.cpu_accumulated_time) /
                           static_cast<double>(run.iterations));
      for (const auto& [key, counter] : run.counters) of.counters[key] = counter.value;
    }
  }
  void Finalize() override {
    const double peak = limit("machine/fma", "flop");
    const bool tokens =
        std::any_of(cases_.begin(), cases_.end(), [](const auto& of) { return counter(of.second, "token") > 0; });
    std::printf("\n%-44s %12s %9s %9s %9s %9s", "case (medians)", "time", "GFLOP/s", "of peak", "GB/s", "of read");
    if (tokens) std::printf(" %9s %9s", "us/token", "KiB kept");
    std::printf("  times ours\n");
    for (const auto& name : registered()) {
      if (cases_.count(name) == 0) continue;
      const auto& of = cases_.at(name);
      const double seconds = median(of.seconds);
      std::printf("%-44s %9.3f us", name.c_str(), seconds * 1e6);
      const double flop = counter(of, "flop"), bytes = counter(of, "byte");
      if (flop > 0)
        std::printf(" %9.1f %9.2f", flop / seconds * 1e-9, peak > 0 ? flop / seconds / peak : 0.0);
      else
        std::printf(" %9s %9s", "", "");
      const double set = counter(of, "set"), read = read_limit(set > 0 ? set : bytes);
      if (bytes > 0)
        std::printf(" %9.1f %9.2f", bytes / seconds * 1e-9, read > 0 ? bytes / seconds / read : 0.0);
      else
        std::printf(" %9s %9s", "", "");
      if (tokens) {
        const double count = counter(of, "token"), kept = counter(of, "state");
        if (count > 0)
          std::printf(" %9.3f", seconds * 1e6 / count);
        else
          std::printf(" %9s", "");
        if (kept > 0)
          std::printf(" %9.1f", kept / 1024);
        else
          std::printf(" %9s", "");
      }
      const std::string ours = name.substr(0, name.rfind('/')) + "/lacuna";
      if (cases_.count(ours) != 0 && ours != name) std::printf("  %.2f", ratio(of.seconds, cases_.at(ours).seconds));
      std::printf("\n");
    }
    for (const auto& line : ratio_lines()) {
      if (cases_.count(line.over) == 0 || cases_.count(line.under) == 0) continue;
      const measured &over = cases_.at(line.over), &under = cases_.at(line.under);
      const double tokens_each = line.of == per::token ? counter(over, "token") / counter(under, "token") : 1;
      std::printf("%s: %.3f\n", line.what.c_str(), ratio(over.seconds, under.seconds) / tokens_each);
    }
  }

  /// The seconds of every run of a case; none if there was no such case.
  std::vector<double> seconds(const std::string& name) const {
    const auto found = cases_.find(name);
    return found == cases_.end() ? std::vector<double>{} : found->second.seconds;
  }
  /// The median of the ratios of the runs.
  static double ratio(const std::vector<double>& theirs, const std::vector<double>& ours) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i) ratios.push_back(theirs[i] / ours[i]);
    return median(ratios);
  }
  static double median(std::vector<double> of) {
    std::sort(of.begin(), of.end());
    return of.empty() ? 0 : of[of.size() / 2];
  }

 private:
  struct measured {
    std::vector<double> seconds;
    std::map<std::string, double> counters;
  };
  static double counter(const measured& of, const char* name) {
    const auto found = of.counters.find(name);
    return found == of.counters.end() ? 0 : found->second;
  }
  double limit(const std::string& name, const char* what) const {
    const auto found = cases_.find(name);
    return found == cases_.end() ? 0 : counter(found->second, what) / median(found->second.seconds);
  }
  /// The bandwidth of the smallest measured size that is not below `bytes`.
  double read_limit(double bytes) const {
    double best_size = 0, found = 0;
    for (const auto& [name, of] : cases_) {
      const double size = counter(of, "byte");
      if (name.rfind("machine/read", 0) != 0) continue;
      const bool fits = size >= 0.9 * bytes;
      if (found == 0 || (fits && (best_size < 0.9 * bytes || size < best_size)) || (!fits && size > best_size))
        best_size = size, found = size / median(of.seconds);
    }
    return found;
  }
  std::map<std::string, measured> cases_;
};

/// Registers a case.
template <class Function>
benchmark::internal::Benchmark* add(const std::string& name, Function&& function) {
  registered().push_back(name);
  return benchmark::RegisterBenchmark(name.c_str(), std::forward<Function>(function));
}
/// The limits that every program measures.
inline void add_limits(const std::vector<std::size_t>& read_sizes) {
  add("machine/fma", fma_case);
  for (const std::size_t bytes : read_sizes)
    add("machine/read " + std::to_string(bytes >> 10) + " KiB", [bytes](benchmark::State& s) { read_case(s, bytes); });
}

/// Runs what was registered, each case `repetitions` times, together for half a second at least, interleaved at random,
/// unless the command line says otherwise. Then `conclude(table)`. Where a case takes less than 10 ms, 55 repetitions
/// are no longer than 11 and see the same neighbours of a shared machine: medians of 11 differed by 20 % from run to
/// run.
template <class Conclude>
int run(int count, char** arguments, int repetitions, Conclude&& conclude) {
  std::vector<char*> all{arguments, arguments + count};
  std::string times = "--benchmark_repetitions=" + std::to_string(repetitions),
              interleaving = "--benchmark_enable_random_interleaving=true",
              seconds = "--benchmark_min_time=" + std::to_string(0.55 / repetitions);
  all.insert(all.begin() + 1, {times.data(), interleaving.data(), seconds.data()});
  int all_count = static_cast<int>(all.size());
  all.push_back(nullptr);
  benchmark::Initialize(&all_count, all.data());
  if (benchmark::ReportUnrecognizedArguments(all_count, all.data())) return 1;
  pin();
  table reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  conclude(reporter);
  return 0;
}
inline int run(int count, char** arguments, int repetitions) {
  return run(count, arguments, repetitions, [](const table&) {});
}

}  // namespace bench
