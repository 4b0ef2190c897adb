// Decoding, one token at a time: forward and argmax, nothing else. Without arguments, the models of the zoo and a shape
// of 15 million parameters with random weights (speed does not see them) are run on every backend, beside the share of
// the read bandwidth that their weights take, and that of the multiply-adds; and two with sparse feed-forwards, beside
// the bytes that these save.
//
//   bench_decode --peer BINARY [--model CHECKPOINT] [--tokenizer FILE] [--tokens N] [--pairs N]
//
// sets them beside another program, built outside this project, that decodes the same checkpoint of llama2.c and prints
// "... tok/s: NUMBER". It is started as `BINARY CHECKPOINT -z TOKENIZER -t 0 -n N`, in turn with ours. The checkpoint
// is that of zoo::stories260k; the 15M shape's is written with random weights, and removed again.
#include "support/bench.hpp"

#include <cmath>
#include <cstring>
#include <fstream>
#include <lacuna/compress.hpp>
#include <lacuna/io.hpp>
#include <lacuna/with_eigen.hpp>
#include <lacuna/with_huge_pages.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

using shape_15m =
    lc::decoder<lc::vocabulary<32000>, lc::width<288>, lc::context<256>,
                lc::repeat<6, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<6>, lc::rope<>, lc::causal>,
                                           lc::ffn<lc::hidden<768>, lc::gated<lc::silu>>>>,
                lc::tied_head>;
/// The same with weights of eight bits everywhere, the head's, too, which then is its own: of the embedding a row is
/// read.
template <class Recipe, class Format>
using in_eight_bits =
    lc::substitute<lc::substitute<Recipe, lc::tied_head, lc::linear_head<>>, lc::slots::format, Format>;
using plain_eight = lc::quantized<8>;
using both_eight = lc::quantized<8, lc::activations<8>>;

/// The same with one of ten blocks of the feed-forwards' weights.
template <class Recipe>
using with_sparse_ffn =
    lc::substitute<Recipe, lc::slots::format, lc::blocked<16, 1, lc::density{0.1}>, lc::in<lc::recipe_name::ffn>>;

template <class Model>
std::unique_ptr<Model> random_model() {
  auto model = std::make_unique<Model>();
  std::uint64_t state = 1;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& weight : tensor.data) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          const float uniform = static_cast<float>(state >> 40) * 0x1p-24f - 0.5f;
          using element = std::remove_reference_t<decltype(weight)>;
          weight = static_cast<element>(uniform * (lc::is_integer<element> ? 254 : 0.1f));
        }
      },
      model->parameters_to_write());
  model->update();
  return model;
}

/// The likeliest token, the lowest number on a tie.
template <class Logits>
std::uint32_t likeliest(const Logits& logits) {
  lc::tensor<float, 1, 1> largest;
  lc::op::evaluate(largest.view(), lc::row_maximum(logits), lc::simd{});
  std::uint32_t best = 0;
  while (best + 1 < Logits::columns && logits(0, best) != largest[0]) ++best;
  return best;
}

/// Greedy tokens of a new stream; returns the seconds they took.
template <class Model>
double decode(Model& model, std::size_t tokens, std::vector<std::uint32_t>* ids = nullptr) {
  model.reset();
  std::uint32_t token = 1;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < tokens; ++i) {
    token = likeliest(model.forward({&token, 1}));
    if (ids != nullptr) ids->push_back(token);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Bytes of the weights that a token reads: where the head is its own, of the embedding a row.
template <class Model>
constexpr double weight_bytes = [] {
  using recipe = typename Model::recipe_type;
  const auto all = static_cast<double>(lc::parameter_bytes<recipe, typename Model::numerics>);
  constexpr bool tied = lc::occurs<recipe, lc::tied_head>;
  return all - (tied ? 0.0 : static_cast<double>(sizeof(Model::parameters_type::embedding)));
}();

/// Operations of a stream of `tokens`, a multiply-add two, whatever the element of its factors.
template <class Model>
double decode_flop(std::size_t tokens) {
  double multiply_adds = 0;
  for (std::size_t position = 0; position < tokens; ++position)
    multiply_adds += static_cast<double>(lc::decode_multiply_adds<typename Model::recipe_type>(position));
  return 2 * multiply_adds;
}

template <class Model>
void set_counters(benchmark::State& state, std::size_t tokens) {
  state.counters["flop"] = decode_flop<Model>(tokens);
  state.counters["byte"] = weight_bytes<Model> * static_cast<double>(tokens);
  state.counters["set"] = weight_bytes<Model>;
  state.counters["token"] = static_cast<double>(tokens);
  state.counters["state"] = static_cast<double>(lc::state_bytes<typename Model::recipe_type, typename Model::numerics>);
}

template <class Model>
void add_model(const std::string& name) {
  bench::add(name, [](benchmark::State& state) {
    auto model = random_model<Model>();
    constexpr std::size_t tokens = 256 < Model::context ? 256 : Model::context;
    for (auto _ : state) decode(*model, tokens);
    set_counters<Model>(state, tokens);
  });
}

/// A dense model, and one that keeps the largest blocks of its feed-forwards, in turn.
template <class Recipe, class... Options>
void add_sparse_ffn(const std::string& name) {
  using dense = lc::model<Recipe, lc::simd, Options...>;
  using sparse = lc::model<with_sparse_ffn<Recipe>, lc::simd, Options...>;
  const std::string called = name + " f32, 90 % of the feed-forwards gone, 256 tokens/lacuna";
  bench::add(called, [](benchmark::State& state) {
    auto model = std::make_unique<sparse>();
    if (const auto converted = lc::try_convert_into(*random_model<dense>(), *model); !converted.ok())
      return state.SkipWithError(converted.why().message.c_str());
    constexpr std::size_t tokens = 256;
    for (auto _ : state) decode(*model, tokens);
    set_counters<sparse>(state, tokens);
  });
  char text[80];
  std::snprintf(text, sizeof text, "%s without 90 %%: 1 / %.2f of the bytes, times as fast", name.c_str(),
                weight_bytes<dense> / weight_bytes<sparse>);
  bench::add_ratio(text, name + " f32, 256 tokens/lacuna", called);
}

// ---- Beside a peer.

struct options {
  std::string peer, model, tokenizer;
  std::size_t tokens = 256, pairs = 15;
};

/// The last number after "tok/s:" that the peer prints; 0 where there is none.
double run_peer(const options& o, const std::string& checkpoint, const std::string& tokenizer) {
  const auto quoted = [](const std::string& text) {
    std::string all = "'";
    for (const char c : text) c == '\'' ? all += "'\\''" : all += c;
    return all + "'";
  };
  const std::string command = quoted(o.peer) + " " + quoted(checkpoint) + " -z " + quoted(tokenizer) + " -t 0 -n " +
                              std::to_string(o.tokens) + " 2>&1";
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return 0;
  char part[4096];
  for (std::size_t read; (read = std::fread(part, 1, sizeof(part), pipe)) > 0;) output.append(part, read);
  const int status = pclose(pipe);
  const std::size_t at = output.rfind("tok/s:");
  if (status != 0 || at == std::string::npos) {
    std::fprintf(stderr, "bench_decode: the peer printed no \"tok/s:\":\n%s\n", output.c_str());
    return 0;
  }
  return std::strtod(output.c_str() + at + 6, nullptr);
}

double quantile(std::vector<double> of, double share) {
  std::sort(of.begin(), of.end());
  return of[static_cast<std::size_t>(share * static_cast<double>(of.size() - 1))];
}

/// Pairs of runs, ours and the peer's in turn.
template <class Model>
bool compare(const options& o, const char* name, Model& model, const std::string& checkpoint,
             const std::string& tokenizer) {
  std::vector<double> ours, theirs, ratios, bandwidths, peaks;
  const bench::memory_block memory(static_cast<std::size_t>(weight_bytes<Model>));
  decode(model, o.tokens);
  for (std::size_t pair = 0; pair < o.pairs; ++pair) {
    bandwidths.push_back(static_cast<double>(memory.bytes()) * bench::rate_of([&] { memory.read(); }));
    double flop = 0;
    const double passes = bench::rate_of([&] { flop = bench::fma_pass(); });
    peaks.push_back(passes * flop);
    const std::size_t repeats = weight_bytes<Model> < 1e7 ? 8 : 1;
    std::vector<double> seconds;
    for (std::size_t i = 0; i < repeats; ++i) seconds.push_back(decode(model, o.tokens));
    const double rate = static_cast<double>(o.tokens) / bench::table::median(seconds);
    const double peer = run_peer(o, checkpoint, tokenizer);
    if (!(peer > 0)) return false;
    ours.push_back(rate), theirs.push_back(peer), ratios.push_back(rate / peer);
  }
  const double rate = quantile(ours, 0.5), bandwidth = quantile(bandwidths, 0.5), peak = quantile(peaks, 0.5);
  const double flop = rate * decode_flop<Model>(o.tokens) / static_cast<double>(o.tokens);
  std::printf(
      "%-34s %9.0f tok/s, peer %8.0f tok/s, ratio %.2f (p10 %.2f, p90 %.2f), weights %.1f GB/s = %.2f of %.1f, "
      "%.1f GFLOP/s = %.2f of %.1f\n",
      name, rate, quantile(theirs, 0.5), quantile(ratios, 0.5), quantile(ratios, 0.1), quantile(ratios, 0.9),
      rate * weight_bytes<Model> * 1e-9, rate * weight_bytes<Model> / bandwidth, bandwidth * 1e-9, flop * 1e-9,
      flop / peak, peak * 1e-9);
  std::fflush(stdout);
  return true;
}

/// A checkpoint of llama2.c and a tokenizer of as many tokens, for the random model.
template <class Model>
void write_llama2c(const Model& model, const std::string& checkpoint, const std::string& tokenizer) {
  std::ofstream to(checkpoint, std::ios::binary);
  const auto put = [&](const auto& value) { to.write(reinterpret_cast<const char*>(&value), sizeof(value)); };
  for (const int size : {288, 768, 6, 6, 6, 32000, 256}) put(size);
  const auto& p = model.parameters();
  const auto write = [&](const char* wanted) {
    lc::visit_named(
        [&](const char* path, const auto& tensor) {
          const std::string name = path, end = wanted;
          const bool hit = name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
          if (hit) to.write(reinterpret_cast<const char*>(tensor.data), sizeof(tensor.data));
        },
        p);
  };
  for (const char* wanted :
       {"embedding.weight", "attention_norm.gain", "query.weight", "key.weight", "value.weight", "output.weight",
        "ffn_norm.gain", "gate.weight", "down.weight", "up.weight", "final_norm.gain"})
    write(wanted);
  for (int i = 0; i < 256 * 48; ++i) put(0.0f);
  std::ofstream names(tokenizer, std::ios::binary);
  const auto put_name = [&](const auto& value) { names.write(reinterpret_cast<const char*>(&value), sizeof(value)); };
  put_name(8);
  for (int i = 0; i < 32000; ++i) {
    put_name(0.0f);
    std::string name = std::to_string(i);
    name += ' ';
    put_name(static_cast<int>(name.size()));
    names << name;
  }
}

int beside_a_peer(const options& o) {
  std::printf("compiler %s, architecture %s, peer %s\n", lc::compiler_name, lc::architecture_name, o.peer.c_str());
  bool fine = true;
  if (!o.model.empty()) {
    using stories = lc::zoo::stories260k;
    using huge = lc::heap_from<lc::huge_pages>;
    const auto each = [&]<class Model>(const char* name, lc::constant<Model*, nullptr>) {
      auto model = std::make_unique<Model>(lc::load<Model>(o.model));
      fine = fine && compare(o, name, *model, o.model, o.tokenizer);
    };
    each("stories260K f32", lc::constant<lc::model<stories, lc::simd>*, nullptr>{});
    each("stories260K f32, huge pages", lc::constant<lc::model<stories, lc::simd, huge>*, nullptr>{});
    each("stories260K bf16", lc::constant<lc::model<stories, lc::simd, lc::bf16>*, nullptr>{});
    auto both = random_model<lc::model<in_eight_bits<stories, both_eight>, lc::simd>>();
    fine = fine && compare(o, "stories260K's shape int8 x int8", *both, o.model, o.tokenizer);
  }
  const char* folder = std::getenv("TMPDIR");
  const std::string stem = std::string(folder == nullptr ? "/tmp" : folder) + "/lacuna_15m_" + std::to_string(getpid());
  {
    using huge = lc::heap_from<lc::huge_pages>;
    auto model = random_model<lc::model<shape_15m, lc::simd, huge>>();
    write_llama2c(*model, stem + ".bin", stem + ".tok");
    fine = fine && compare(o, "15M f32, huge pages", *model, stem + ".bin", stem + ".tok");
    auto narrow = random_model<lc::model<shape_15m, lc::simd, lc::bf16, huge>>();
    fine = fine && compare(o, "15M bf16, huge pages", *narrow, stem + ".bin", stem + ".tok");
    auto eight = random_model<lc::model<in_eight_bits<shape_15m, plain_eight>, lc::simd, huge>>();
    fine = fine && compare(o, "15M int8, huge pages", *eight, stem + ".bin", stem + ".tok");
    auto both = random_model<lc::model<in_eight_bits<shape_15m, both_eight>, lc::simd, huge>>();
    fine = fine && compare(o, "15M int8 x int8, huge pages", *both, stem + ".bin", stem + ".tok");
  }
  std::remove((stem + ".bin").c_str());
  std::remove((stem + ".tok").c_str());
  return fine ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  options o;
  for (int i = 1; i + 1 < count; ++i) {
    const std::string name = arguments[i], value = arguments[i + 1];
    if (name == "--peer") o.peer = value;
    if (name == "--model") o.model = value;
    if (name == "--tokenizer") o.tokenizer = value;
    if (name == "--tokens") o.tokens = std::strtoul(value.c_str(), nullptr, 10);
    if (name == "--pairs") o.pairs = std::strtoul(value.c_str(), nullptr, 10);
  }
  if (!o.peer.empty()) {
    bench::pin();
    return beside_a_peer(o);
  }
  using stories = lc::zoo::stories260k;
  using huge = lc::heap_from<lc::huge_pages>;
  // The weights of stories260k in 8 or 16 bits, in f32, of the shipped model, and of 15M in 8, 16 and 32 bits.
  bench::add_limits({std::size_t{1} << 19, std::size_t{1} << 20, std::size_t{3} << 19, std::size_t{15} << 20,
                     std::size_t{30} << 20, std::size_t{60} << 20});
  add_model<lc::model<stories, lc::simd>>("stories260k f32, 256 tokens/lacuna");
  add_model<lc::model<stories, lc::simd, huge>>("stories260k f32, 256 tokens/huge pages");
  add_model<lc::model<stories, lc::eigen>>("stories260k f32, 256 tokens/eigen");
  add_model<lc::model<stories>>("stories260k f32, 256 tokens/reference");
  add_model<lc::model<stories, lc::simd, lc::bf16>>("stories260k bf16, 256 tokens/lacuna");
  add_model<lc::model<lc::zoo::shipped, lc::simd, lc::bf16>>("shipped bf16, 256 tokens/lacuna");
  add_model<lc::model<shape_15m, lc::simd, huge>>("15M f32, 256 tokens/lacuna");
  add_model<lc::model<shape_15m, lc::simd, lc::bf16, huge>>("15M bf16, 256 tokens/lacuna");
  add_model<lc::model<in_eight_bits<stories, both_eight>, lc::simd>>("stories260k int8 x int8, 256 tokens/lacuna");
  add_model<lc::model<in_eight_bits<shape_15m, plain_eight>, lc::simd, huge>>("15M int8, 256 tokens/lacuna");
  add_model<lc::model<in_eight_bits<shape_15m, both_eight>, lc::simd, huge>>("15M int8 x int8, 256 tokens/lacuna");
  add_sparse_ffn<stories>("stories260k");
  add_sparse_ffn<shape_15m, huge>("15M");
  return bench::run(count, arguments, 11);
}
