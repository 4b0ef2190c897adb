// Does a model have less entropy than what it learns from, and do its neurons fall silent? The study of Ren and Liu
// (2025), arXiv 2504.18929, on a source of which every entropy is known; the paper's own set-up is not public, so sizes
// and thresholds are ours.
//   07_low_entropy [FOLDER] [--preset usual|check|full] [--threads N]
// writes FOLDER/low_entropy.md and FOLDER/low_entropy.svg; the folder is the current one if not given. `usual`, which
// is taken without a word, asks two sizes and one seed and takes minutes, `full` four sizes, all arms and three seeds,
// `check` is for tests. The same preset writes the same numbers on any number of threads. thresholds.json says what
// each verdict needs. It was written before the trainings ran, but for (h): its first rule, about one rate alone, met
// no spike at all, and was replaced before other rates were tried; that falling activity and dying neurons are judged
// apart came after a look at these.
#include "../support/options.hpp"
#include "../support/svg.hpp"
#include "../support/team.hpp"
#include "claims.hpp"
#include "spikes.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>

namespace {
using namespace study;
using examples::ink;
using examples::stop;
using examples::team;

/// What a preset asks.
struct preset {
  const char* name;
  std::vector<lc::extent_t> widths;
  std::vector<std::uint64_t> samples;  ///< 0: fresh
  std::vector<arm> of;
  std::uint64_t seeds;
  // Of the second part, which provokes spikes: what (i) is judged by, and what else is tried around it; (h) is judged
  // by all of it.
  lc::extent_t spike_width;
  std::vector<lc::extent_t> other_widths;
  std::vector<double> other_rates, other_memories;
  std::uint64_t other_seeds;
};
const preset presets[]{
    {"usual", {8, 32}, {0, 500}, {arm::full, arm::attention_only}, 1, 32, {32}, {1e-1}, {0.999, 0.95}, 1},
    {"check", {8, 16, 32}, {0, 500}, {arm::full, arm::attention_only}, 3, 64, {16}, {1e-1}, {0.999, 0.95}, 1},
    {"full",
     {8, 16, 32, 64},
     {0, 500, 4000},
     {arm::full, arm::attention_only, arm::matched},
     3,
     64,
     {16, 64},
     {3e-3, 1e-2, 3e-2, 1e-1},
     {0.999, 0.99, 0.95, 0.9},
     3},
};
constexpr std::uint64_t spike_steps = 500;
constexpr double judged_rate = 1e-2;
/// Whether there is such a model: attention with as many parameters is compared where the paper's claim is clearest.
constexpr bool exists(arm of, lc::extent_t width) { return of != arm::matched || width <= 16; }

std::vector<request> requests_of(const preset& asked) {
  std::vector<request> all;
  // The longest first, so that threads end together.
  for (auto width = asked.widths.rbegin(); width != asked.widths.rend(); ++width)
    for (const arm of : asked.of)
      for (const std::uint64_t sample : asked.samples)
        for (std::uint64_t seed = 0; seed < asked.seeds; ++seed)
          if (exists(of, *width)) all.push_back({.of = of, .width = *width, .sample = sample, .seed = seed});
  const auto provoke = [&](lc::extent_t width, double rate, double beta2, std::uint64_t seeds) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed)
      all.push_back({.width = width,
                     .seed = seed,
                     .steps = spike_steps,
                     .rate = rate,
                     .beta2 = beta2,
                     .decays = false,
                     .traced = true,
                     .judged = width == asked.spike_width && rate == judged_rate && (beta2 == 0.999 || beta2 == 0.95)});
  };
  for (const double beta2 : {0.999, 0.95}) provoke(asked.spike_width, judged_rate, beta2, asked.seeds);
  for (const lc::extent_t width : asked.other_widths)
    for (const double rate : asked.other_rates)
      for (const double beta2 : asked.other_memories)
        if (width != asked.spike_width || rate != judged_rate || (beta2 != 0.999 && beta2 != 0.95))
          provoke(width, rate, beta2, asked.other_seeds);
  return all;
}

void write_report(const std::string& path, const preset& asked, const results& from, const std::vector<claim>& claims,
                  double source_entropy, double seconds) {
  std::ofstream to(path);
  to << "# Low entropy and dynamic sparsity: what reproduced\n\n"
     << "Written by `07_low_entropy --preset " << asked.name
     << "`, never by hand. Source: order 2, 4 symbols, 6 long, seed " << source_seed
     << ", H(p) = " << with_digits(source_entropy, "%.4f") << " nats; " << asked.seeds
     << (asked.seeds == 1 ? " seed; " : " seeds; ") << request{}.steps << " steps of " << batch << " sequences; "
     << from.all.size() << " trainings, " << with_digits(seconds, "%.0f") << " s of machine time in all ("
     << lc::architecture_name << ", " << lc::compiler_name
     << "; others round differently).\nEntropies are exact, over all 4096 sequences. Thresholds: `thresholds.json`, "
        "written "
        "before.\n\n"
     << "## Claims of the paper\n\n| | claim | here | because |\n|---|---|---|---|\n";
  for (const claim& each : claims)
    to << "| " << each.letter << " | " << each.what << " | **" << name_of(each.said) << "** | " << each.because
       << " |\n";
  to << "\n(e) of the paper, that parameters show redundancy, is what (g) counts.\n\n"
     << "## Trainings\n\nMeans over seeds. dH: H(q) - H(p); over sample: H(q) - H(fixed sequences); attention adds, "
        "and "
        "removal: of the last layer.\n\n"
     << "| sequences | width | model | parameters | dH | over sample | KL(p,q) | KL(q,p) | attention adds | removal | "
        "active | "
        "dead |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const std::uint64_t sample : asked.samples)
    for (const arm of : asked.of)
      for (const lc::extent_t width : asked.widths) {
        if (!exists(of, width)) continue;
        const auto mean = [&](auto&& number) { return from.mean(of, width, sample, number); };
        to << "| " << (sample == 0 ? std::string("fresh") : std::to_string(sample) + " fixed") << " | " << width
           << " | " << name_of(of) << " | "
           << with_digits(mean([](const found& f) { return static_cast<double>(f.parameters); }), "%.0f") << " | "
           << with_digits(mean([](const found& f) { return f.excess(); })) << " | "
           << (sample == 0 ? std::string("") : with_digits(mean([](const found& f) { return f.excess_over_sample(); })))
           << " | " << with_digits(mean([](const found& f) { return f.entropies.divergence; }), "%.3f") << " | "
           << with_digits(mean([](const found& f) { return f.entropies.reverse_divergence; }), "%.3f") << " | "
           << with_digits(mean([](const found& f) { return f.last().attention.ratio; }), "%.2f") << " | "
           << with_digits(mean([](const found& f) { return f.last().removal; }), "%.3f") << " | "
           << (of == arm::full ? with_digits(mean([](const found& f) { return f.active(); }), "%.2f") : "") << " | "
           << (of == arm::full ? with_digits(mean([](const found& f) { return f.dead(); }), "%.3f") : "") << " |\n";
      }
  write_spikes(to, from, spike_steps);
  to << "\n![entropies, activity, attention, and one training with spikes](low_entropy.svg)\n";
  to.close();
  if (to.fail()) stop("07_low_entropy: expected to write '" + path + "', could not");
}

/// Every number of every training.
void write_numbers(const std::string& path, const preset& asked, const results& from,
                   const std::vector<claim>& claims) {
  nlohmann::ordered_json json;
  json["preset"] = asked.name;
  for (const claim& each : claims) json["claims"][each.letter] = name_of(each.said);
  for (const found& each : from.all) {
    nlohmann::ordered_json run{{"model", name_of(each.asked.of)},
                               {"width", each.asked.width},
                               {"sample", each.asked.sample},
                               {"seed", each.asked.seed},
                               {"steps", each.asked.steps},
                               {"rate", each.asked.rate},
                               {"beta2", each.asked.beta2},
                               {"decays", each.asked.decays},
                               {"judged", each.asked.judged},
                               {"parameters", each.parameters},
                               {"source_entropy", each.entropies.source_entropy},
                               {"sample_entropy", each.sample_entropy},
                               {"model_entropy", each.entropies.model_entropy},
                               {"chain_entropy", each.entropies.chain_entropy},
                               {"cross_entropy", each.entropies.cross_entropy},
                               {"divergence", each.entropies.divergence},
                               {"reverse_divergence", each.entropies.reverse_divergence},
                               {"total", each.entropies.total},
                               {"spikes", each.spikes.size()},
                               {"deaths", each.deaths},
                               {"active", each.active()},
                               {"dead", each.dead()}};
    for (const layer_found& layer : each.layers)
      run["layers"].push_back({{"ratio", layer.attention.ratio},
                               {"cosine", layer.attention.cosine},
                               {"removal", layer.removal},
                               {"active", layer.active},
                               {"dead", layer.dead}});
    for (const trace_point& point : each.trace)
      run["trace"].push_back({point.step, point.loss, point.active, point.dead, point.second, point.effective_step});
    json["trainings"].push_back(run);
  }
  std::ofstream to(path);
  if (!(to << json.dump(1) << std::endl)) stop("07_low_entropy: expected to write '" + path + "', could not");
}

void draw(const std::string& path, const preset& asked, const results& from) {
  examples::svg to(1280, 960, "Low entropy and dynamic sparsity");
  constexpr ink colours[]{ink::first, ink::second, ink::third};
  examples::scatter_plot entropy, active, removal;
  for (std::size_t s = 0; s < asked.samples.size(); ++s)
    for (const arm of : asked.of)
      for (const lc::extent_t width : asked.widths) {
        if (!exists(of, width)) continue;
        const std::uint64_t sample = asked.samples[s];
        const auto point = [&](auto&& number) {
          return examples::scatter_plot::point{std::log2(static_cast<double>(width)),
                                               from.mean(of, width, sample, number),
                                               std::to_string(width),
                                               static_cast<int>(of),
                                               false,
                                               colours[s < 3 ? s : 2]};
        };
        entropy.points.push_back(point([](const found& f) { return f.excess(); }));
        removal.points.push_back(point([](const found& f) { return f.last().removal; }));
        if (of == arm::full) active.points.push_back(point([](const found& f) { return f.active(); }));
      }
  to.text(20, 26, "A source of known entropy, and models that learn it", examples::svg::anchor::start, true);
  entropy.draw(to, {90, 76, 410, 376}, "H(q) - H(p), nats", "log2 of the width", "nats");
  active.draw(to, {510, 76, 830, 376}, "Active neurons", "log2 of the width", "share");
  removal.draw(to, {930, 76, 1250, 376}, "Loss without the last attention", "log2 of the width",
               "rise of KL(p, q), nats");
  for (std::size_t s = 0; s < asked.samples.size(); ++s) {
    const double y = 450 + 22 * static_cast<double>(s);
    to.marker(96, y, 0, false, colours[s < 3 ? s : 2]);
    to.text(110, y + 4,
            asked.samples[s] == 0 ? "fresh sequences" : std::to_string(asked.samples[s]) + " fixed sequences");
  }
  for (std::size_t i = 0; i < asked.of.size(); ++i) {
    const double y = 450 + 22 * static_cast<double>(i);
    to.marker(306, y, static_cast<int>(asked.of[i]), false, ink::text);
    to.text(320, y + 4, name_of(asked.of[i]));
  }
  if (const found* const traced = most_spiked(from); traced != nullptr) {
    to.text(20, 546,
            "One training at a constant rate of " + with_digits(traced->asked.rate, "%g") + ", beta2 " +
                with_digits(traced->asked.beta2, "%g") + ", width " + std::to_string(traced->asked.width) + ": " +
                std::to_string(traced->spikes.size()) + " spikes of the loss, which lines across mark",
            examples::svg::anchor::start, true);
    const auto panel = [&](double left, double top, const char* title, const char* unit, double trace_point::* number) {
      examples::line_plot plot;
      for (const trace_point& each : traced->trace)
        plot.x.push_back(static_cast<double>(each.step)), plot.y.push_back(each.*number);
      for (const std::uint64_t spike : traced->spikes) plot.marks.push_back(static_cast<double>(spike));
      plot.draw(to, {left, top, left + 500, top + 110}, title, "step", unit);
    };
    panel(90, 590, "Loss", "nats", &trace_point::loss);
    panel(720, 590, "Active neurons", "share", &trace_point::active);
    panel(90, 780, "Dead neurons", "share", &trace_point::dead);
    panel(720, 780, "Effective step of Adam", "mean over neurons", &trace_point::effective_step);
  }
  std::ofstream file(path);
  if (!file || !to.save(file)) stop("07_low_entropy: expected to write '" + path + "', could not");
}

}  // namespace

int main(int count, char** arguments) {
  static const option options[]{{"preset", required_argument, nullptr, 'p'},
                                {"threads", required_argument, nullptr, 't'},
                                {"help", no_argument, nullptr, 'h'},
                                {nullptr, 0, nullptr, 0}};
  std::string wanted = "usual", folder = ".";
  unsigned threads = 0;
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1;) switch (letter) {
      case 'p':
        wanted = optarg;
        break;
      case 't':
        threads = static_cast<unsigned>(examples::number_of("07_low_entropy", "threads", 1, 64));
        break;
      default:
        std::fprintf(stderr, "usage: 07_low_entropy [FOLDER] [--preset usual|check|full] [--threads N]\n");
        std::exit(letter == 'h' ? 0 : 2);
    }
  if (optind < count) folder = arguments[optind++];
  examples::refuse_words("07_low_entropy", count, arguments, "one folder is enough");
  const preset* asked = nullptr;
  for (const preset& each : presets)
    if (wanted == each.name) asked = &each;
  if (asked == nullptr) stop("07_low_entropy: --preset: expected usual, check or full, found '" + wanted + "'");
  const auto by = thresholds::read(LACUNA_EXAMPLES_FOLDER "/07_low_entropy/thresholds.json");

  if (!std::ofstream(folder + "/low_entropy.md", std::ios::app))
    stop("07_low_entropy: expected a folder to write to, found '" + folder + "'");

  const auto begun = std::chrono::steady_clock::now();
  const chain source = chain::drawn(source_seed);
  const auto all = requests_of(*asked);
  results from;
  from.all.resize(all.size());
  team workers(threads);
  std::atomic<std::size_t> done = 0;
  std::mutex writing;
  workers.for_each(all.size(), [&](std::size_t i) {
    from.all[i] = run(source, all[i]);
    const std::lock_guard<std::mutex> lock(writing);
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    ++done;
    std::fprintf(stderr, "\r%zu of %zu trainings, %.0f s   ", done.load(), all.size(), passed);
  });
  std::fprintf(stderr, "\n");
  double seconds = 0;
  for (const found& each : from.all) seconds += each.seconds;
  const auto claims = judge(from, by, 500);
  for (const claim& each : claims)
    std::printf("(%s) %s: %s\n    %s\n", each.letter, each.what, name_of(each.said), each.because.c_str());
  write_report(folder + "/low_entropy.md", *asked, from, claims, source.entropy(), seconds);
  write_numbers(folder + "/low_entropy.json", *asked, from, claims);
  draw(folder + "/low_entropy.svg", *asked, from);
  return 0;
}
