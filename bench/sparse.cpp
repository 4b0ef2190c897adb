// Sparse weights in every format against dense weights, ours and the peers', and against the peers' sparse products:
// Eigen's, XNNPACK's, and libxsmm's for many tokens. Weights are f32, packed outside the timing; activations lie as a
// model holds them, a token's side by side: whoever wants them turned turns them inside the timing.
//
// Below the table: how much faster than the fastest dense product each format is, and from which sparsity on it is.
//   bench_sparse [FILE.svg] [--peer COMMAND]...
// draws it in FILE.svg, and runs peers that are processes of their own beside it: bench/sparse_peers.py, which says
// what is asked. --benchmark_filter chooses among the cases, as ever.
#include "support/aligned.hpp"
#include "support/dense_peers.hpp"
#include "support/peer_process.hpp"
#include "support/speed_plot.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>
#if LACUNA_BENCH_EIGEN
#include <Eigen/SparseCore>
#endif
// XNNPACK needs a header of another package, and activations are turned for it by Eigen.
#if LACUNA_BENCH_XNNPACK && LACUNA_BENCH_EIGEN && __has_include(<pthreadpool.h>)
#define LACUNA_BENCH_WITH_XNNPACK 1
#include <xnnpack.h>
#endif

namespace {
namespace lc = lacuna;

constexpr int sparsities[]{10, 30, 50, 60, 70, 80, 90, 95};

/// Blocks anywhere, room for all of them.
template <lc::extent_t Outputs, lc::extent_t Inputs, lc::extent_t R, lc::extent_t C>
using blocks = lc::free_blocks<Outputs, Inputs, R, C, (Outputs + R - 1) / R*((Inputs + C - 1) / C), std::uint16_t>;

/// One sparse weight in one format.
template <class Pattern>
struct sparse_weight {
  static constexpr lc::extent_t outputs = Pattern::outputs, inputs = Pattern::inputs;
  std::vector<float, bench::aligned<float>> values;
  std::vector<std::uint32_t> begins{0};
  std::vector<typename Pattern::number> numbers;
  using packed_type = typename lc::backend_traits<lc::simd>::template packed_blocks<float, Pattern>;
  std::unique_ptr<packed_type> packed = std::make_unique<packed_type>();

  explicit sparse_weight(int sparsity) {
    for (lc::extent_t strip = 0; strip < Pattern::strips; ++strip) {
      choose(strip, sparsity);
      begins.push_back(static_cast<std::uint32_t>(numbers.size()));
    }
    values.resize(numbers.size() * Pattern::block_size);
    std::uint64_t drawn = 0;
    for (float& of : values) of = static_cast<float>(lc::random_normal(1, 1, drawn++));
    if constexpr (!lc::same<packed_type, lc::nothing>) packed->pack(view());
  }
  lc::block_matrix<const float, Pattern> view() const {
    if constexpr (requires { Pattern::group; })
      return {values.data(), Pattern(numbers.data())};
    else
      return {values.data(), Pattern(begins.data(), numbers.data())};
  }
  /// Bytes that a product reads of it at least.
  double bytes() const {
    return static_cast<double>(values.size() * sizeof(float) + numbers.size() * sizeof(numbers[0]));
  }
  void write_dense(lc::tensor<float, outputs, inputs>& to) const {
    for (lc::extent_t strip = 0; strip < Pattern::strips; ++strip)
      lc::for_each_value(view().pattern, strip,
                         [&](lc::extent_t o, lc::extent_t i, lc::extent_t at) { to[o * inputs + i] = values[at]; });
  }

 private:
  void choose(lc::extent_t strip, int sparsity) {
    if constexpr (requires { Pattern::group; }) {
      for (lc::extent_t first = 0; first < inputs; first += Pattern::group) {
        const auto start =
            static_cast<lc::extent_t>(lc::random_uniform(3, strip, first) * (Pattern::group - Pattern::kept + 1));
        for (lc::extent_t k = 0; k < Pattern::kept; ++k)
          numbers.push_back(static_cast<typename Pattern::number>(start + k));
      }
    } else {
      for (lc::extent_t place = 0; place < Pattern::places; ++place)
        if (lc::random_uniform(3, strip, place) * 100 >= sparsity)
          numbers.push_back(static_cast<typename Pattern::number>(place));
    }
  }
};

/// Activations and results of one number of tokens.
template <lc::extent_t Tokens, lc::extent_t Inputs, lc::extent_t Outputs>
struct activations {
  /// Read and written beside a weight, where there are more than one row of them.
  static constexpr double bytes = Tokens == 1 ? 0.0 : 4.0 * Tokens * (Inputs + Outputs);
  lc::tensor<float, Tokens, Inputs> x;
  lc::tensor<float, Tokens, Outputs> y;
  activations() {
    std::uint64_t drawn = 0;
    for (float& of : x.data) of = static_cast<float>(lc::random_normal(2, 2, drawn++));
  }
  /// The first and the last token against the reference, or it is no case.
  template <class Pattern>
  void finish(benchmark::State& state, const sparse_weight<Pattern>& weight) const {
    for (const lc::extent_t token : {lc::extent_t{0}, Tokens - 1}) {
      lc::tensor<float, 1, Outputs> expected;
      lc::op::multiply_blocks(expected.view(), x.view().slice(token, 1), weight.view(), lc::nothing{}, lc::reference{});
      for (lc::extent_t o = 0; o < Outputs; ++o)
        if (std::abs(y[token * Outputs + o] - expected[o]) > 1e-3f) return state.SkipWithError("the result is wrong");
    }
    state.counters["flop"] = 2.0 * Tokens * static_cast<double>(weight.values.size());
    state.counters["byte"] = weight.bytes() + bytes;
  }
};

/// What the dense products share: a weight without a zero.
template <lc::extent_t Tokens, lc::extent_t Inputs, lc::extent_t Outputs>
struct dense_product : activations<Tokens, Inputs, Outputs> {
  sparse_weight<blocks<Outputs, Inputs, 1, 1>> weight{0};
  lc::tensor<float, Outputs, Inputs> plain;
  lc::tensor<float, Inputs, Outputs> transposed;
  lc::simd_lanes::panels<float, Outputs, Inputs> packed;
  dense_product() {
    weight.write_dense(plain);
    for (lc::extent_t o = 0; o < Outputs; ++o)
      for (lc::extent_t i = 0; i < Inputs; ++i) transposed[i * Outputs + o] = plain[o * Inputs + i];
    packed.pack(plain);
  }
  void finish(benchmark::State& state) const {
    activations<Tokens, Inputs, Outputs>::finish(state, weight);
    state.counters["byte"] = 4.0 * Inputs * Outputs + activations<Tokens, Inputs, Outputs>::bytes;
  }
};

struct format_cases {
  std::string group, format;
  std::vector<std::pair<int, std::string>> cases;  ///< sparsity, name
};
std::vector<format_cases>& formats() {
  static std::vector<format_cases> all;
  return all;
}
struct shape_cases {
  std::string group;
  std::vector<std::string> dense;
};
std::vector<shape_cases>& shapes() {
  static std::vector<shape_cases> all;
  return all;
}

#if LACUNA_BENCH_EIGEN
/// Eigen's sparse product of the same weight. For many tokens activations are turned to and fro, which is faster than
/// as they lie; that it is, a case shows.
template <lc::extent_t Tokens, class Pattern, class Operands>
void add_eigen(const std::string& name, const std::shared_ptr<sparse_weight<Pattern>>& weight, Operands p,
               bool as_it_lies) {
  bench::add(name, [=](benchmark::State& state) {
    using sparse = Eigen::SparseMatrix<float, Eigen::RowMajor>;
    using by_rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using by_columns = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;
    std::vector<Eigen::Triplet<float>> entries;
    for (lc::extent_t strip = 0; strip < Pattern::strips; ++strip)
      lc::for_each_value(weight->view().pattern, strip, [&](lc::extent_t o, lc::extent_t i, lc::extent_t at) {
        entries.emplace_back(static_cast<int>(o), static_cast<int>(i), weight->values[at]);
      });
    sparse w(Pattern::outputs, Pattern::inputs);
    w.setFromTriplets(entries.begin(), entries.end());
    const Eigen::Map<const by_columns> x(p->x.data, Pattern::inputs, Tokens);
    Eigen::Map<by_columns> y(p->y.data, Pattern::outputs, Tokens);
    by_rows turned_x(Pattern::inputs, Tokens), turned_y(Pattern::outputs, Tokens);
    p->y.view().fill(0);
    if (Tokens == 1 || as_it_lies) {
      for (auto _ : state) {
        y.noalias() = w * x;
        benchmark::ClobberMemory();
      }
    } else {
      for (auto _ : state) {
        turned_x = x;
        turned_y.noalias() = w * turned_x;
        y = turned_y;
        benchmark::ClobberMemory();
      }
    }
    p->finish(state, *weight);
  });
}
#endif
#if LACUNA_BENCH_XSMM
/// libxsmm's sparse times dense, which reads and writes activations as they lie.
template <lc::extent_t Tokens, class Pattern, class Operands>
void add_xsmm(const std::string& name, const std::shared_ptr<sparse_weight<Pattern>>& weight, Operands p) {
  bench::add(name, [=](benchmark::State& state) {
    libxsmm_spmdm_handle handle;
    libxsmm_CSR_sparseslice* slices = nullptr;
    libxsmm_spmdm_init(Pattern::outputs, Tokens, Pattern::inputs, 1, &handle, &slices);
    const auto dense = std::make_unique<lc::tensor<float, Pattern::outputs, Pattern::inputs>>();
    weight->write_dense(*dense);
    for (int i = 0; i < libxsmm_spmdm_get_num_createSparseSlice_blocks(&handle); ++i)
      libxsmm_spmdm_createSparseSlice_fp32_thread(&handle, 'N', dense->data, slices, i, 0, 1);
    const float one = 1, zero = 0;
    p->y.view().fill(0);
    for (auto _ : state) {
      for (int i = 0; i < libxsmm_spmdm_get_num_compute_blocks(&handle); ++i)
        libxsmm_spmdm_compute_fp32_thread(&handle, 'N', 'T', &one, slices, p->x.data, 'T', &zero, p->y.data, i, 0, 1);
      benchmark::ClobberMemory();
    }
    libxsmm_spmdm_destroy(&handle);
    p->finish(state, *weight);
  });
}
#endif

#if LACUNA_BENCH_WITH_XNNPACK
/// XNNPACK's convolution of one place, which skips the zeros of its kernel: channels are inputs, and places, side by
/// side, tokens.
template <lc::extent_t Tokens, class Pattern, class Operands>
void add_xnnpack(const std::string& name, const std::shared_ptr<sparse_weight<Pattern>>& weight, Operands p) {
  bench::add(name, [=](benchmark::State& state) {
    using by_rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using by_columns = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;
    constexpr lc::extent_t inputs = Pattern::inputs, outputs = Pattern::outputs, margin = XNN_EXTRA_BYTES;
    const auto dense = std::make_unique<lc::tensor<float, outputs, inputs>>();
    weight->write_dense(*dense);
    const float infinity = std::numeric_limits<float>::infinity();
    // It may read beyond what it is given.
    std::vector<float> turned_x(inputs * Tokens + margin), turned_y(outputs * Tokens + margin);
    xnn_operator_t product = nullptr;
    if (xnn_initialize(nullptr) != xnn_status_success ||
        xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, inputs, outputs, inputs, outputs,
                                          dense->data, nullptr, -infinity, infinity, 0,
                                          &product) != xnn_status_success ||
        xnn_setup_convolution2d_nchw_f32(product, 1, 1, Tokens, turned_x.data(), turned_y.data(), nullptr) !=
            xnn_status_success)
      return state.SkipWithError("no such operator on this machine");
    const Eigen::Map<const by_columns> x(p->x.data, inputs, Tokens);
    Eigen::Map<by_columns> y(p->y.data, outputs, Tokens);
    Eigen::Map<by_rows> to(turned_x.data(), inputs, Tokens);
    const Eigen::Map<const by_rows> from(turned_y.data(), outputs, Tokens);
    p->y.view().fill(0);
    to = x;
    for (auto _ : state) {
      if (Tokens > 1) to = x;
      xnn_run_operator(product, nullptr);
      if (Tokens > 1) y = from;
      benchmark::ClobberMemory();
    }
    y = from;
    xnn_delete_operator(product);
    p->finish(state, *weight);
  });
}
#endif

/// Programs that take turns with this one, and where they find weights.
struct other_programs {
  std::vector<std::unique_ptr<bench::peer_process>> all;
  std::filesystem::path folder;

  void start(const std::vector<std::string>& commands) {
    if (commands.empty()) return;
    std::string made = (std::filesystem::temp_directory_path() / "bench_sparse_XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) {
      std::fprintf(stderr, "bench_sparse: expected a temporary folder, found none\n");
      std::exit(1);
    }
    folder = made;
    for (const auto& command : commands) all.push_back(std::make_unique<bench::peer_process>(command));
  }
  ~other_programs() {
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
};
other_programs& others() {
  static other_programs made;
  return made;
}
/// Such a program's product of the same weight and activations; it compares its result itself.
template <lc::extent_t Tokens, class Pattern, class Operands>
void add_others(const std::string& name, const std::shared_ptr<sparse_weight<Pattern>>& weight, Operands p) {
  for (std::size_t i = 0; i < others().all.size(); ++i) {
    auto& other = *others().all[i];
    const std::string said = other.name(), called = name + "/" + said.substr(0, said.find(' '));
    const std::filesystem::path path = others().folder / (std::to_string(bench::registered().size()) + ".f32");
    bench::add(called, [=, &other](benchmark::State& state) {
      if (!std::filesystem::exists(path)) {
        const auto dense = std::make_unique<lc::tensor<float, Pattern::outputs, Pattern::inputs>>();
        weight->write_dense(*dense);
        std::ofstream to(path, std::ios::binary);
        to.write(reinterpret_cast<const char*>(dense->data), sizeof dense->data);
        to.write(reinterpret_cast<const char*>(p->x.data), sizeof p->x.data);
      }
      const std::string loaded = other.ask("load " + std::to_string(Tokens) + " " + std::to_string(Pattern::inputs) +
                                           " " + std::to_string(Pattern::outputs) + " " + path.string());
      if (loaded != "ok") return state.SkipWithError(loaded.c_str());
      const double once = std::strtod(other.ask("run 1").c_str(), nullptr);
      const int times = once < 1e-3 ? 16 : 1;  // so that a question costs little beside the answer
      for (auto _ : state)
        state.SetIterationTime(std::strtod(other.ask("run " + std::to_string(times)).c_str(), nullptr) / times);
      state.counters["flop"] = 2.0 * Tokens * static_cast<double>(weight->values.size());
      state.counters["byte"] = weight->bytes() + p->bytes;
    })->UseManualTime();
  }
}

/// The weights of one format, which serve all numbers of tokens.
template <class Pattern>
const auto& weights_of(const std::vector<int>& at) {
  static std::vector<std::shared_ptr<sparse_weight<Pattern>>> weights;
  if (weights.empty())
    for (const int sparsity : at) weights.push_back(std::make_shared<sparse_weight<Pattern>>(sparsity));
  return weights;
}

/// One format at its sparsities; the peers' sparse products at all of them if `peers`, else at 90 % and at fixed ones.
template <class Pattern, lc::extent_t Tokens>
void add_format(const std::string& group, const std::string& format, std::vector<int> at, bool peers) {
  const auto& weights = weights_of<Pattern>(at);
  static auto p = std::make_shared<activations<Tokens, Pattern::inputs, Pattern::outputs>>();
  format_cases cases{group, format, {}};
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto weight = weights[i];
    const std::string name = group + " " + format + " " + std::to_string(at[i]) + " %";
    bench::add(name + "/lacuna", [weight, p = p](benchmark::State& state) {
      p->y.view().fill(0);
      for (auto _ : state) {
        lc::op::multiply_blocks(p->y.view(), p->x.view(), weight->view(), *weight->packed, lc::simd{});
        benchmark::ClobberMemory();
      }
      p->finish(state, *weight);
    });
    cases.cases.emplace_back(at[i], name + "/lacuna");
    if (!peers && at[i] != 90 && at.size() > 1) continue;
#if LACUNA_BENCH_EIGEN
    add_eigen<Tokens>(name + "/Eigen sparse", weight, p, false);
    if (Tokens > 1 && peers && at[i] == 90) add_eigen<Tokens>(name + "/Eigen sparse as it lies", weight, p, true);
#endif
#if LACUNA_BENCH_XSMM
    if constexpr (Tokens > 1) add_xsmm<Tokens>(name + "/libxsmm spmdm", weight, p);
#endif
#if LACUNA_BENCH_WITH_XNNPACK
    add_xnnpack<Tokens>(name + "/XNNPACK", weight, p);
#endif
    add_others<Tokens>(name, weight, p);
  }
  formats().push_back(cases);
}

template <lc::extent_t Tokens, lc::extent_t Inputs, lc::extent_t Outputs>
void add_shape() {
  const std::string group =
      "M=" + std::to_string(Tokens) + " (" + std::to_string(Inputs) + "," + std::to_string(Outputs) + ")";
  auto p = std::make_shared<dense_product<Tokens, Inputs, Outputs>>();
  const std::string dense = group + " dense";
  bench::add(dense + "/lacuna", [p](benchmark::State& state) {
    p->y.view().fill(0);
    for (auto _ : state) {
      lc::op::multiply(p->y.view(), p->x.view(), p->plain, p->packed, lc::simd{});
      benchmark::ClobberMemory();
    }
    p->finish(state);
  });
  bench::add_dense_peers<Tokens, Inputs, Outputs>(dense, p);
  shapes().push_back({group, {}});
  for (const char* who : {"lacuna", "Eigen", "OpenBLAS", "oneDNN packed", "libxsmm"})
    shapes().back().dense.push_back(dense + "/" + who);

  const std::vector<int> all(std::begin(sparsities), std::end(sparsities));
  add_format<blocks<Outputs, Inputs, 1, 1>, Tokens>(group, "csr", all, true);
  add_format<blocks<Outputs, Inputs, 4, 1>, Tokens>(group, "4x1", all, false);
  add_format<blocks<Outputs, Inputs, 16, 1>, Tokens>(group, "16x1", all, false);
  add_format<blocks<Outputs, Inputs, 32, 1>, Tokens>(group, "32x1", all, false);
  add_format<blocks<Outputs, Inputs, 1, 16>, Tokens>(group, "1x16", all, false);
  add_format<lc::grouped_blocks<Outputs, Inputs, 1, 2, 4>, Tokens>(group, "2:4", {50}, false);
  add_format<lc::grouped_blocks<Outputs, Inputs, 1, 1, 4>, Tokens>(group, "1:4", {75}, false);
  add_format<lc::grouped_blocks<Outputs, Inputs, 16, 2, 4>, Tokens>(group, "2:4 by 16", {50}, false);
  add_format<lc::grouped_blocks<Outputs, Inputs, 16, 1, 4>, Tokens>(group, "1:4 by 16", {75}, false);
}

/// Where a line of ratios crosses 1 upwards, in per cent; below the first point, or above the last, none.
std::string break_even(const std::vector<std::pair<double, double>>& points) {
  char text[30];
  if (points.front().second >= 1) {
    std::snprintf(text, sizeof text, "< %.0f %%", points.front().first);
    return text;
  }
  for (std::size_t i = 0; i + 1 < points.size(); ++i)
    if (points[i].second < 1 && points[i + 1].second >= 1) {
      const double low = std::log(points[i].second), high = std::log(points[i + 1].second);
      std::snprintf(text, sizeof text, "%.0f %%",
                    points[i].first - low / (high - low) * (points[i + 1].first - points[i].first));
      return text;
    }
  std::snprintf(text, sizeof text, "> %.0f %%", points.back().first);
  return text;
}

void conclude(const bench::table& table, const char* file) {
  constexpr double wide = 480, high = 300;
  examples::svg drawing(static_cast<int>(2 * wide),
                        static_cast<int>(40 + high * ((static_cast<double>(shapes().size()) + 1) / 2)),
                        "Sparse weights against the fastest dense product");
  std::size_t drawn = 0;
  bench::speed_plot plot;
  for (const auto& shape : shapes()) {
    std::string fastest;
    for (const auto& name : shape.dense) {
      if (table.seconds(name).empty()) continue;
      if (fastest.empty() || bench::table::median(table.seconds(name)) < bench::table::median(table.seconds(fastest)))
        fastest = name;
    }
    if (fastest.empty()) continue;
    std::printf("\n%s, the fastest dense product: %s\n", shape.group.c_str(),
                fastest.substr(fastest.rfind('/') + 1).c_str());
    plot.all.clear();
    for (const auto& format : formats()) {
      if (format.group != shape.group) continue;
      bench::speed_plot::series series{format.format, {}};
      std::vector<std::pair<double, double>> ours;
      std::printf("  %-10s", format.format.c_str());
      for (const auto& [sparsity, name] : format.cases) {
        const auto seconds = table.seconds(name);
        if (seconds.empty()) continue;
        series.points.emplace_back(sparsity, bench::table::ratio(table.seconds(fastest), seconds));
        ours.emplace_back(sparsity, bench::table::ratio(table.seconds(shape.dense[0]), seconds));
        std::printf("  %d %%: %.2f", sparsity, series.points.back().second);
      }
      if (series.points.size() > 1)
        std::printf("; faster from %s on, than lacuna's dense from %s on", break_even(series.points).c_str(),
                    break_even(ours).c_str());
      std::printf("\n");
      if (!series.points.empty()) plot.all.push_back(series);
    }
    const double left = wide * static_cast<double>(drawn % 2), top = 40 + high * static_cast<double>(drawn / 2);
    plot.draw(drawing, {left + 40, top + 24, left + wide - 20, top + high - 30}, shape.group);
    ++drawn;
  }
  plot.draw_names(drawing, 20, 24);
  if (file == nullptr) return;
  std::ofstream to(file);
  if (!drawing.save(to)) std::fprintf(stderr, "%s cannot be written\n", file);
}

}  // namespace

int main(int count, char** arguments) {
  bench::set_blas_core_type(arguments);
  const char* file = nullptr;
  std::vector<std::string> commands;
  int kept = 1;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--peer") == 0) {
      if (++i == count) return std::fprintf(stderr, "bench_sparse: --peer: expected a command\n"), 2;
      commands.emplace_back(arguments[i]);
    } else if (std::strncmp(arguments[i], "--", 2) != 0) {
      file = arguments[i];
    } else {
      arguments[kept++] = arguments[i];
    }
  }
  others().start(commands);
  bench::add_limits({std::size_t{1} << 18, std::size_t{1} << 22, std::size_t{1} << 24});
  add_shape<1, 64, 172>();
  add_shape<1, 288, 768>();
  add_shape<1, 768, 3072>();
  add_shape<1, 384, 1536>();
  add_shape<128, 64, 172>();
  add_shape<128, 288, 768>();
  add_shape<128, 768, 3072>();
  add_shape<128, 384, 1536>();
  return bench::run(kept, arguments, 55, [&](const bench::table& table) { conclude(table, file); });
}
