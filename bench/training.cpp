// A training step on one core: forward, cross-entropy, backward and AdamW of a decoder of two layers, width 64, on 16
// streams of 64 tokens, and of the nanoGPT configuration for a CPU (4 layers, width 128, 12 streams of 64), with the
// share of this core's multiply-adds. Tokens are random, which speed does not see.
//
//   bench_training [--rounds N] [--peer COMMAND]
//
// COMMAND is a program that is started beside this one and takes turns with it, and that talks as
// bench/torch_training.py does. It may stand several times:
//   bench_training --peer "python3 bench/torch_training.py"
// In a round each side takes 20 steps of each model; what is printed are medians of the rounds, and ratios of two sides
// of one round.
#include "support/bench.hpp"
#include "support/peer_process.hpp"

#include <cstring>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <sstream>

namespace {
namespace lc = lacuna;

/// Without biases and with one matrix for embedding and head, on both sides.
template <lc::extent_t Layers, lc::extent_t Width>
using recipe = lc::decoder<lc::vocabulary<65>, lc::width<Width>, lc::context<64>, lc::learned_position,
                           lc::repeat<Layers, lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<4>, lc::causal>,
                                                           lc::ffn<lc::hidden<4 * Width>, lc::gelu_tanh>>>,
                           lc::tied_head>;

constexpr int steps = 20;
constexpr lc::extent_t context = 64;

/// Our side: as many steps as a round has, and the median of their seconds.
template <lc::extent_t Layers, lc::extent_t Width, lc::extent_t Streams>
class contender {
 public:
  using model_type = lc::model<recipe<Layers, Width>, lc::simd>;
  static constexpr lc::extent_t layers = Layers, width = Width, streams = Streams;
  /// Operations of a step: two per multiply-add, and the backward takes twice as many as the forward.
  static constexpr double flop =
      6.0 * static_cast<double>(Streams) * static_cast<double>(model_type::bound::multiply_adds(0, context, context));

  contender() : model_(std::make_unique<model_type>()) {
    lc::draw_weights(*model_, {.seed = 1});
    trainer_ = std::make_unique<lc::trainer<model_type>>(*model_);
    for (std::size_t i = 0; i < tokens_.size(); ++i) tokens_[i] = lc::random_bits(2, 0, i).word[0] % 65;
  }
  double run() {
    std::vector<double> seconds;
    for (int step = 0; step < steps; ++step) {
      const auto start = std::chrono::steady_clock::now();
      const auto report = trainer_->try_step(Streams, 1e-3, [&](auto& by, lc::extent_t number) {
        const std::uint32_t* from = tokens_.data() + number * (context + 1);
        return lc::try_learn_tokens(by, {from, context}, {from + 1, context});
      });
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (!report.ok()) {
        std::fprintf(stderr, "bench_training: %s\n", report.why().message.c_str());
        std::exit(1);
      }
    }
    return bench::table::median(seconds);
  }

 private:
  std::unique_ptr<model_type> model_;
  std::unique_ptr<lc::trainer<model_type>> trainer_;
  std::vector<std::uint32_t> tokens_ = std::vector<std::uint32_t>(Streams * (context + 1));
};

/// A peer's median of as many steps; its model has as many parameters as ours, or nothing is compared.
template <class Contender>
double run_peer(bench::peer_process& peer) {
  std::ostringstream asked;
  asked << Contender::layers << ' ' << Contender::width << ' ' << Contender::streams << ' ' << steps;
  std::istringstream said(peer.ask(asked.str()));
  double seconds = 0;
  std::size_t parameters = 0;
  using made = typename Contender::model_type::recipe_type;
  if (!(said >> seconds >> parameters) || parameters != lc::parameter_count<made>) {
    std::fprintf(stderr, "bench_training: expected seconds and %zu parameters, the peer said: %s\n",
                 lc::parameter_count<made>, said.str().c_str());
    std::exit(1);
  }
  return seconds;
}

template <class Contender>
void compare(const char* name, std::size_t rounds, std::vector<std::unique_ptr<bench::peer_process>>& peers) {
  Contender ours;
  std::vector<double> times, peaks;
  std::vector<std::vector<double>> theirs(peers.size());
  for (std::size_t round = 0; round <= rounds; ++round) {
    double flop = 0;
    const double passes = bench::rate_of([&] { flop = bench::fma_pass(); });
    const double peak = passes * flop;
    const double seconds = ours.run();
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const double peer = run_peer<Contender>(*peers[i]);
      if (round > 0) theirs[i].push_back(peer);
    }
    if (round == 0) continue;  // everybody warms up
    times.push_back(seconds), peaks.push_back(peak);
  }
  const double seconds = bench::table::median(times), peak = bench::table::median(peaks);
  std::printf("%-34s %8.2f ms, %6.1f GFLOP/s = %.2f of %.1f\n", name, seconds * 1e3, Contender::flop / seconds * 1e-9,
              Contender::flop / seconds / peak, peak * 1e-9);
  for (std::size_t i = 0; i < peers.size(); ++i)
    std::printf("  %-32s %8.2f ms, takes %.2f times as long\n", peers[i]->name().c_str(),
                bench::table::median(theirs[i]) * 1e3, bench::table::ratio(theirs[i], times));
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t rounds = 11;
  std::vector<std::string> commands;
  for (int i = 1; i < count; i += 2) {
    const bool peer = std::strcmp(arguments[i], "--peer") == 0;
    if ((!peer && std::strcmp(arguments[i], "--rounds") != 0) || i + 1 == count) {
      std::fprintf(stderr, "usage: bench_training [--rounds N] [--peer COMMAND]...\n");
      return 2;
    }
    if (peer)
      commands.push_back(arguments[i + 1]);
    else
      rounds = std::strtoul(arguments[i + 1], nullptr, 10);
  }
  if (rounds == 0) {
    std::fprintf(stderr, "bench_training: --rounds: expected a number from 1 on\n");
    return 2;
  }
  bench::pin();
  std::vector<std::unique_ptr<bench::peer_process>> peers;  // on the same core: they wait while this one runs
  for (const auto& command : commands) peers.push_back(std::make_unique<bench::peer_process>(command));
  std::printf("compiler %s, architecture %s, %zu rounds of %d steps\n", lc::compiler_name, lc::architecture_name,
              rounds, steps);
  compare<contender<2, 64, 16>>("2 layers, width 64, 16 x 64 tokens", rounds, peers);
  compare<contender<4, 128, 12>>("4 layers, width 128, 12 x 64", rounds, peers);
  return 0;
}
