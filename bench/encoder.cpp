// Sentences to vectors on one core: zoo::minilm from ids to embedding for 16, 64 and 128 ids, with the share of the
// multiply-adds that this core can do; and a batch of mixed lengths, packed without pad tokens, one by one, and padded
// to its longest.
//
//   bench_encoder [--rounds N] [--model FOLDER] [--peer COMMAND]
//
// FOLDER is what scripts/fetch_minilm prints; without it weights are random, which speed does not see. COMMAND is a
// program that is started beside this one and takes turns with it, and that talks as bench/onnxruntime_minilm.py does:
//   bench_encoder --model FOLDER --peer "python3 bench/onnxruntime_minilm.py --embeddings FOLDER"
// In a round everything is run six times in a row, and the best of the last five counts; what is printed are medians of
// the rounds, and ratios of the two sides of one round.
#include "support/bench.hpp"
#include "support/peer_process.hpp"

#include <cmath>
#include <functional>
#include <lacuna/io.hpp>
#include <lacuna/with_huge_pages.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <sstream>

namespace {
namespace lc = lacuna;

using recipe = lc::zoo::minilm;
using on_heap = lc::model<recipe, lc::simd>;
using on_huge_pages = lc::model<recipe, lc::simd, lc::heap_from<lc::huge_pages>>;
using ids = std::vector<lc::token_t>;
constexpr lc::extent_t most_sequences = recipe::bound::sequences;

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "bench_encoder: %s\n", message.c_str());
  std::exit(1);
}

/// [CLS], random pieces, [SEP].
ids sentence(std::uint64_t number, std::size_t length) {
  ids made(length);
  for (std::size_t i = 0; i < length; ++i)
    made[i] = 1000 + static_cast<lc::token_t>(29000 * lc::random_uniform(1, number, i));
  made.front() = 101, made.back() = 102;
  return made;
}

/// The seconds that the peer took for some ids; what it made goes to `embedding`, where it says that.
double run_peer(bench::peer_process& peer, const ids& of, std::vector<float>* embedding = nullptr) {
  std::string line;
  for (const auto id : of) line += std::to_string(id) + ' ';
  std::istringstream said(peer.ask(line));
  double seconds = 0;
  if (!(said >> seconds)) stop("the peer said: " + said.str());
  if (embedding != nullptr) {
    embedding->clear();
    for (float value = 0; said >> value;) embedding->push_back(value);
  }
  return seconds;
}

template <class Model>
std::unique_ptr<Model> make_model(const std::string& folder) {
  auto model = std::make_unique<Model>();
  if (!folder.empty()) {
    const auto opened = lc::try_open_bert(folder + "/model.safetensors");
    if (!opened.ok()) stop(opened.why().message.c_str());
    if (const auto loaded = lc::try_load_into(*model, *opened); !loaded.ok()) stop(loaded.why().message.c_str());
    return model;
  }
  std::uint64_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (float& weight : tensor.data) weight = static_cast<float>(lc::random_uniform(2, 0, counter++) - 0.5) * 0.1f;
      },
      model->parameters_to_write());
  model->update();
  return model;
}

using rows = std::vector<float>;  // sequence by sequence

template <class Model>
rows encode(Model& model, const ids& of, const std::vector<std::uint32_t>& lengths) {
  const auto made = model.try_encode({of.data(), of.size()}, {lengths.data(), lengths.size()});
  if (!made.ok()) stop(made.why().message.c_str());
  return rows(made->data, made->data + made->count * recipe::width);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What is compared: one after the other in a round, and what each took in every round.
struct contest {
  struct side {
    std::string name;
    std::function<double()> seconds;
    std::vector<double> rounds;
  };
  std::vector<side> sides;

  void add(const std::string& name, std::function<void()> work) {
    sides.push_back({name, [work = std::move(work)] { return seconds_of(work); }, {}});
  }
  void add_timed(const std::string& name, std::function<double()> seconds) {
    sides.push_back({name, std::move(seconds), {}});
  }
  void run_round() {
    constexpr int tries = 5;
    for (side& each : sides) {
      each.seconds();
      double best = each.seconds();
      for (int i = 1; i < tries; ++i) best = std::min(best, each.seconds());
      each.rounds.push_back(best);
    }
  }
  double median(std::size_t of) const { return bench::table::median(sides[of].rounds); }
  /// Times of one side over those of another.
  std::string ratio(std::size_t over, std::size_t under) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < sides[over].rounds.size(); ++i)
      all.push_back(sides[over].rounds[i] / sides[under].rounds[i]);
    std::sort(all.begin(), all.end());
    char text[80];
    std::snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", bench::table::median(all), all[all.size() / 10],
                  all[all.size() - 1 - all.size() / 10]);
    return text;
  }
};

/// The limit: multiply-adds of independent chains, for about a millisecond.
constexpr int fma_passes = 100;
double multiply_adds_flop() {
  static const double flop = fma_passes * bench::fma_pass();
  return flop;
}
void multiply_adds() {
  for (int i = 0; i < fma_passes; ++i) bench::fma_pass();
}

double cosine(const rows& a, const rows& b) {
  double product = 0, left = 0, right = 0;
  for (std::size_t c = 0; c < a.size() && c < b.size(); ++c) {
    const double x = static_cast<double>(a[c]), y = static_cast<double>(b[c]);
    product += x * y, left += x * x, right += y * y;
  }
  return product / std::sqrt(left * right);
}

/// A batch in passes: whose sequences are in each.
struct pass {
  ids tokens;
  std::vector<std::uint32_t> lengths;
  std::vector<std::size_t> which;
};
std::vector<pass> passes_of(const std::vector<ids>& batch) {
  std::vector<std::uint32_t> lengths, numbers(batch.size()), room(2 * batch.size());
  for (const auto& each : batch) lengths.push_back(static_cast<std::uint32_t>(each.size()));
  const auto count = lc::try_pack_sequences({lengths.data(), lengths.size()}, recipe::context, most_sequences,
                                            numbers.data(), room.data());
  if (!count.ok()) stop(count.why().message.c_str());
  std::vector<pass> made(*count);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    pass& to = made[numbers[i]];
    to.tokens.insert(to.tokens.end(), batch[i].begin(), batch[i].end());
    to.lengths.push_back(lengths[i]), to.which.push_back(i);
  }
  return made;
}

struct options {
  std::string folder, peer;
  std::size_t rounds = 15;
};

void sentences(const options& o, on_heap& heap, on_huge_pages& huge, bench::peer_process* beside) {
  for (const std::size_t length : {16u, 64u, 128u}) {
    const ids tokens = sentence(length, length);
    contest of;
    of.add("heap", [&] { encode(heap, tokens, {}); });
    of.add("huge pages", [&] { encode(huge, tokens, {}); });
    of.add("this core", multiply_adds);
    if (beside != nullptr) of.add_timed(beside->name(), [&] { return run_peer(*beside, tokens); });
    for (std::size_t i = 0; i < o.rounds; ++i) of.run_round();
    const double flop = 2 * static_cast<double>(lc::prefill_multiply_adds<recipe>(length));
    const double peak = multiply_adds_flop() / of.median(2);
    std::printf("%3zu ids  %-34s %12s %8.1f GFLOP/s of fused multiply-adds\n", length, "this core", "", 1e-9 * peak);
    for (const std::size_t side : {0u, 1u, 3u}) {
      if (side >= of.sides.size()) continue;
      std::printf(
          "%3zu ids  %-34s %9.3f ms %8.1f GFLOP/s %6.2f of peak%s\n", length, of.sides[side].name.c_str(),
          1e3 * of.median(side), 1e-9 * flop / of.median(side), flop / of.median(side) / peak,
          side < 2 && beside != nullptr ? ("   the peer takes " + of.ratio(3, side) + " times as long").c_str() : "");
    }
    if (rows theirs; beside != nullptr && !o.folder.empty()) {
      run_peer(*beside, tokens, &theirs);
      if (!theirs.empty())
        std::printf("         cosine to the peer's embedding: 1 - %.1e\n",
                    1 - cosine(encode(heap, tokens, {}), theirs));
    }
    std::fflush(stdout);
  }
}

void batches(const options& o, on_huge_pages& model, bench::peer_process* beside) {
  std::vector<ids> batch, padded;
  std::size_t total = 0, longest = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    batch.push_back(sentence(100 + i, 5 + static_cast<std::size_t>(56 * lc::random_uniform(3, 0, i))));
    total += batch.back().size(), longest = std::max(longest, batch.back().size());
  }
  for (ids each : batch) {
    each.resize(longest, 0);  // [PAD]
    padded.push_back(each);
  }
  const auto together = passes_of(batch), with_pads = passes_of(padded);
  std::printf(
      "\n%zu sequences of %zu to %zu ids, %zu in all (huge pages)\n", batch.size(),
      std::min_element(batch.begin(), batch.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); })
          ->size(),
      longest, total);

  float worst = 0;
  for (const pass& each : together) {
    const rows made = encode(model, each.tokens, each.lengths);
    for (std::size_t s = 0; s < each.which.size(); ++s) {
      const rows alone = encode(model, batch[each.which[s]], {});
      for (std::size_t c = 0; c < recipe::width; ++c)
        worst = std::max(worst, std::fabs(alone[c] - made[s * recipe::width + c]));
    }
  }
  contest of;
  const auto all = [&](const std::vector<pass>& passes) {
    for (const pass& each : passes) encode(model, each.tokens, each.lengths);
  };
  of.add("packed, " + std::to_string(together.size()) + " passes", [&] { all(together); });
  of.add("one by one", [&] {
    for (const ids& each : batch) encode(model, each, {});
  });
  of.add("padded to the longest, " + std::to_string(with_pads.size()) + " passes", [&] { all(with_pads); });
  if (beside != nullptr)
    of.add_timed("one by one, " + beside->name(), [&] {
      double sum = 0;
      for (const ids& each : batch) sum += run_peer(*beside, each);
      return sum;
    });
  for (std::size_t i = 0; i < o.rounds; ++i) of.run_round();
  for (std::size_t side = 0; side < of.sides.size(); ++side)
    std::printf("         %-46s %9.3f ms   %s of the packed time\n", of.sides[side].name.c_str(), 1e3 * of.median(side),
                of.ratio(side, 0).c_str());
  std::printf("         packed and alone differ by at most %.1e\n", static_cast<double>(worst));
}

}  // namespace

int main(int count, char** arguments) {
  options o;
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i], value = i + 1 < count ? arguments[i + 1] : "";
    const std::size_t rounds = name == "--rounds" ? std::strtoul(value.c_str(), nullptr, 10) : 1;
    if (value.empty() || rounds == 0 || (name != "--peer" && name != "--model" && name != "--rounds")) {
      std::fprintf(stderr, "usage: bench_encoder [--rounds N] [--model FOLDER] [--peer COMMAND]\n");
      return EXIT_FAILURE;
    }
    if (name == "--peer") o.peer = value;
    if (name == "--model") o.folder = value;
    if (name == "--rounds") o.rounds = rounds;
  }
  bench::pin();
  std::unique_ptr<bench::peer_process> beside;
  // On the same core: it waits while this one runs.
  if (!o.peer.empty()) beside = std::make_unique<bench::peer_process>(o.peer);
  std::printf("compiler %s, architecture %s, %zu rounds, weights %s, peer %s\n", lc::compiler_name,
              lc::architecture_name, o.rounds, o.folder.empty() ? "random" : "of the model",
              beside == nullptr ? "none" : beside->name().c_str());
  const auto heap = make_model<on_heap>(o.folder);
  const auto huge = make_model<on_huge_pages>(o.folder);
  sentences(o, *heap, *huge, beside.get());
  batches(o, *huge, beside.get());
  return 0;
}
