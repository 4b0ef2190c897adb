// A design space of the shipped model: what some choices cost and what they bring, all combinations of them, as a table
// and as pictures. Where a variant has the tensors of the shipped model, its weights still apply and its loss is
// measured. All of them learn from scratch where it is asked for.
//   04_design_space FOLDER [PIECES]     writes FOLDER/design_space.svg and FOLDER/routes.svg;
//                                       pieces of 256 characters to average the loss over, 8 if not given
//   04_design_space [FOLDER [PIECES]] --data FILE --train MINUTES [--seed N] [--seeds N] [--threads N]
//                                       trains every variant on a text, too, with the same windows and seeds, and
//                                       writes FOLDER/trained.svg; the folder is the current one if not given
// MINUTES are those of the whole program: some steps are timed, and the training is as long as fits then, the same
// number of steps for every variant. --steps N in the place of --train says that number, for the same losses on any
// machine of one instruction set and on any number of threads.
#include "../support/characters_of.hpp"
#include "../support/options.hpp"
#include "../support/shipped_text.hpp"
#include "../support/svg.hpp"
#include "training.hpp"

#include <algorithm>
#include <cinttypes>
#include <functional>
#include <memory>
#include <optional>

namespace {
using namespace studied;
using examples::fast;
using examples::ink;
using examples::stop;

/// Counts active neurons while it is told to.
struct switched_activity : lc::activity_counter {
  bool counts = false;
  template <class Operation, class Ran, class... Arguments>
  constexpr void after(Operation operation, Ran ran, const Arguments&... arguments) {
    if (counts) lc::activity_counter::after(operation, ran, arguments...);
  }
};

struct row {
  lc::extent_t number = 0;
  const char* name = "";
  lc::extent_t parameters = 0, parameter_bytes = 0, cache_bytes = 0, workspace_bytes = 0;
  std::uint64_t flops = 0;
  double tokens_per_second = 0;
  std::optional<double> loss, active;
  std::optional<trained_variant> trained;
  int route = 0, feed_forward = 0;  ///< their places among the choices
  bool in_ring = false;
};

/// A variant's figures, and its model, ready to be timed again.
struct candidate {
  row of;
  std::function<double()> speed;
};

template <class Variant>
candidate measure(const examples::shipped_text& text, lc::extent_t pieces) {
  using recipe = typename Variant::recipe;
  using model_type = lc::model<recipe, fast>;
  constexpr const auto& figures = lc::figures<recipe>;
  row of;
  of.number = Variant::index;
  of.name = Variant::name.c_str();
  of.parameters = figures.parameters;
  of.parameter_bytes = figures.bytes_f32;
  of.cache_bytes = figures.state_bytes_f32;
  of.workspace_bytes = lc::workspace_bytes<model_type>;
  of.flops = 2 * figures.multiply_adds_last;
  of.route = Variant::template has<lc::causal> ? 0 : Variant::template has<window> ? 1 : 2;
  of.feed_forward = Variant::template has<dense> ? 0 : Variant::template has<sparse> ? 1 : 2;
  of.in_ring = Variant::template has<ring>;

  const auto held = std::make_shared<model_type>();
  model_type& model = *held;
  switched_activity watcher;
  if constexpr (lc::same_tensors<recipe, shipped>) {
    examples::unless_wrong(lc::try_load_into(model, text.checkpoint));
    watcher.counts = true;
    of.loss = examples::held_out_loss(model, text, pieces, watcher);
    of.active = watcher.share();
  } else {  // drawn weights take as long as trained ones
    std::uint64_t drawn = 0;
    lc::visit_tensors(
        [&](auto& tensor) {
          for (float& each : tensor.data) each = static_cast<float>(lc::random_normal(1, 0, drawn++) / 16);
        },
        model.parameters_to_write());
    model.update();
  }
  return {of, [held, &text] {
            switched_activity silent;
            return examples::tokens_per_second(*held, text, silent);
          }};
}

std::string dash_or(const char* format, std::optional<double> value) {
  char text[40];
  if (!value) return "-";
  std::snprintf(text, sizeof text, format, *value);
  return text;
}

/// The mean of some losses, and their standard deviation, by the number of them less one.
double mean_of(const std::vector<double>& losses) {
  double sum = 0;
  for (const double each : losses) sum += each;
  return sum / static_cast<double>(losses.size());
}
std::optional<double> deviation_of(const std::vector<double>& losses) {
  if (losses.size() < 2) return std::nullopt;
  double squares = 0;
  for (const double each : losses) squares += (each - mean_of(losses)) * (each - mean_of(losses));
  return std::sqrt(squares / static_cast<double>(losses.size() - 1));
}

void print(const std::vector<row>& rows, const training_request& asked, std::uint64_t steps) {
  std::printf("%3s %-40s %10s %9s %9s %8s %9s %9s %6s %7s%s\n", "", "variant", "parameters", "bytes", "FLOP", "cache",
              "workspace", "tokens/s", "loss", "active", steps == 0 ? "" : " trained deviation learnt/s");
  for (const row& each : rows) {
    std::printf("%3zu %-40s %10zu %9zu %9" PRIu64 " %8zu %9zu %9.0f %6s %7s", each.number, each.name, each.parameters,
                each.parameter_bytes, each.flops, each.cache_bytes, each.workspace_bytes, each.tokens_per_second,
                dash_or("%.3f", each.loss).c_str(),
                dash_or("%.1f %%", each.active ? 100 * *each.active : each.active).c_str());
    if (each.trained)
      std::printf(" %7.4f %9s %8.0f", mean_of(each.trained->losses),
                  dash_or("%.4f", deviation_of(each.trained->losses)).c_str(), each.trained->tokens_per_second);
    std::putchar('\n');
  }
  std::puts(
      "\nFLOP: of the last token of a full context, zeros that are skipped included; cache: bytes of a stream's keys "
      "and\n"
      "values; workspace: bytes; tokens/s: one at a time; loss: nats per character of held-out text, where the "
      "shipped\n"
      "weights apply; active: neurons of the feed-forward that are not 0");
  if (steps == 0) return;
  std::printf("\ntrained: nats per character of the last tenth of the text, after %" PRIu64
              " steps of %zu windows of %zu characters from\nscratch; ",
              steps, training_numbers{}.batch, shipped::context);
  if (asked.seeds == 1)
    std::printf("seed %" PRIu64, asked.seed);
  else
    std::printf("the mean over seeds %" PRIu64 " to %" PRIu64, asked.seed, asked.seed + asked.seeds - 1);
  std::puts(
      "; deviation: the standard one, over seeds; learnt/s: tokens, while it learns\n"
      "A ring overwrites keys that learning reads: a row with one has the parameters of the row with a linear cache, "
      "which\n"
      "learns for both, and its loss, since the ring holds all that the route sees.");
}

constexpr ink colours[]{ink::first, ink::second, ink::third};

void draw_legend(examples::svg& to, double left, double top) {
  const char* const routes[]{"causal", "window 64", "4 sinks + window 16"};
  const char* const feed_forwards[]{"relu", "32 largest", "gated silu"};
  for (int i = 0; i < 3; ++i) {
    to.marker(left, top + 22 * i, 0, false, colours[i]), to.text(left + 14, top + 4 + 22 * i, routes[i]);
    to.marker(left + 210, top + 22 * i, i, false, ink::text);
    to.text(left + 224, top + 4 + 22 * i, feed_forwards[i]);
  }
  to.marker(left + 380, top, 0, false, ink::text), to.text(left + 394, top + 4, "linear cache");
  to.marker(left + 380, top + 22, 0, true, ink::text), to.text(left + 394, top + 26, "ring of 64 and 4 pinned");
  to.text(left + 380, top + 48, "numbers: rows of the table");
}

void draw_trade_offs(examples::svg& to, const std::vector<row>& rows) {
  examples::scatter_plot loss, work;
  for (const row& each : rows) {
    const examples::scatter_plot::point at{each.tokens_per_second / 1000,
                                           each.loss.value_or(0),
                                           std::to_string(each.number),
                                           each.feed_forward,
                                           each.in_ring,
                                           colours[each.route]};
    if (each.loss) loss.points.push_back(at);
    work.points.push_back(at);
    work.points.back().y = static_cast<double>(each.flops) / 1e6;
  }
  to.text(20, 26, "Variants of the shipped model", examples::svg::anchor::start, true);
  loss.draw(to, {90, 76, 470, 376}, "Loss against speed, where the weights apply", "thousand tokens per second",
            "loss, nats per character");
  work.draw(to, {590, 76, 970, 376}, "Work against speed, all variants", "thousand tokens per second",
            "MFLOP of the last token");
  draw_legend(to, 96, 450);
}

/// What a trained variant costs where it runs, and its loss.
void draw_trained(examples::svg& to, const std::vector<row>& rows, std::uint64_t steps) {
  examples::scatter_plot bytes, flops, speed;
  for (const row& each : rows) {
    examples::scatter_plot::point at{static_cast<double>(each.parameter_bytes + each.cache_bytes) / 1e6,
                                     mean_of(each.trained->losses),
                                     std::to_string(each.number),
                                     each.feed_forward,
                                     each.in_ring,
                                     colours[each.route]};
    bytes.points.push_back(at);
    at.x = static_cast<double>(each.flops) / 1e6;
    flops.points.push_back(at);
    at.x = each.tokens_per_second / 1000;
    speed.points.push_back(at);
  }
  const auto title = "Variants of the shipped model, from scratch: held-out loss after " + std::to_string(steps) +
                     " steps, against what they cost";
  const char* const loss = "loss, nats per character";
  to.text(20, 26, title, examples::svg::anchor::start, true);
  bytes.draw(to, {90, 76, 410, 376}, "Loss against bytes", "MB of parameters and of a stream's cache", loss);
  flops.draw(to, {510, 76, 830, 376}, "Loss against work", "MFLOP of the last token", loss);
  speed.draw(to, {930, 76, 1250, 376}, "Loss against speed", "thousand tokens per second", loss);
  draw_legend(to, 96, 450);
}

/// Which keys each row sees, rows downwards: one filled area of all spans.
template <class Route>
void draw_route(examples::svg& to, double left, const char* name, ink colour) {
  constexpr lc::extent_t rows = 96;
  constexpr double top = 72, cell = 2.5, side = cell * rows;
  std::string d;
  for (lc::extent_t query = 0; query < rows; ++query) {
    const auto seen = Route::spans(query, rows);
    for (lc::extent_t i = 0; i < seen.count; ++i) {
      char text[80];
      const double width = cell * static_cast<double>(seen.items[i].end - seen.items[i].begin);
      std::snprintf(text, sizeof text, "M%.1f %.1fh%.1fv%.1fh-%.1fz",
                    left + cell * static_cast<double>(seen.items[i].begin), top + cell * static_cast<double>(query),
                    width, cell, width);
      d += text;
    }
  }
  to.text(left, top - 14, name, examples::svg::anchor::start, true);
  to.area(d, colour);
  for (const double edge : {0.0, side}) {
    to.line(left, top + edge, left + side, top + edge, ink::faint);
    to.line(left + edge, top, left + edge, top + side, ink::faint);
  }
  to.text(left, top + side + 18, "0"), to.text(left + side, top + side + 18, "95", examples::svg::anchor::end);
  to.text(left + side / 2, top + side + 18, "key", examples::svg::anchor::middle);
  to.upward_text(left - 10, top + side / 2, "query, 0 at the top");
  char pairs[80];
  std::snprintf(pairs, sizeof pairs, "%" PRIu64 " pairs in a context of 256",
                lc::pairs<Route>(0, shipped::context, shipped::context));
  to.text(left, top + side + 40, pairs);
}

struct request {
  std::string folder = ".", data;
  lc::extent_t pieces = 8;
  training_request training;
  bool trains = false;
};

constexpr const char* usage =
    "usage: 04_design_space FOLDER [PIECES from 1 to 400]\n"
    "       04_design_space [FOLDER [PIECES]] --data FILE (--train MINUTES | --steps N) [--seed N] [--seeds N]\n"
    "                       [--threads N]";

request parse(int count, char** arguments) {
  static const option options[]{
      {"data", required_argument, nullptr, 'd'},  {"train", required_argument, nullptr, 'm'},
      {"steps", required_argument, nullptr, 'n'}, {"seed", required_argument, nullptr, 's'},
      {"seeds", required_argument, nullptr, 'k'}, {"threads", required_argument, nullptr, 't'},
      {"help", no_argument, nullptr, 'h'},        {nullptr, 0, nullptr, 0}};
  request asked;
  asked.training.begun = std::chrono::steady_clock::now();
  const auto number = [](const char* name, double least, double most, bool whole = true) {
    return examples::number_of("04_design_space", name, least, most, whole);
  };
  const auto whole = [&](const char* name, double most) { return static_cast<std::uint64_t>(number(name, 1, most)); };
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1; asked.trains = true)
    switch (letter) {
      case 'd':
        asked.data = optarg;
        break;
      case 'm':
        asked.training.minutes = number("train", 0.01, 1e5, false);
        break;
      case 'n':
        asked.training.steps = whole("steps", 1e9);
        break;
      case 's':
        asked.training.seed = whole("seed", 1e15);
        break;
      case 'k':
        asked.training.seeds = whole("seeds", 1000);
        break;
      case 't':
        asked.training.threads = static_cast<unsigned>(whole("threads", 64));
        break;
      default:
        std::fprintf(stderr, "%s\n", usage);
        std::exit(letter == 'h' ? 0 : 2);
    }
  const int words = count - optind;
  if (count < 2 || words > 2) stop(usage);
  if (words > 0) asked.folder = arguments[optind];
  if (words > 1)
    asked.pieces =
        static_cast<lc::extent_t>(examples::number_in(arguments[optind + 1], "04_design_space", "PIECES", 1, 400));
  if (!asked.trains) return asked;
  if (asked.data.empty()) stop("04_design_space: expected a text to learn, found none (add --data FILE)");
  if ((asked.training.minutes > 0) == (asked.training.steps > 0))
    stop("04_design_space: expected one length of the training, found " +
         std::string(asked.training.steps > 0 ? "two" : "none") + " (give --train MINUTES or --steps N)");
  return asked;
}

}  // namespace

int main(int count, char** arguments) {
  request asked = parse(count, arguments);
  const std::string& folder = asked.folder;
  examples::characters_of learnt;
  if (asked.trains) {
    learnt = examples::read_characters("04_design_space", asked.data, shipped::bound::vocabulary);
    if (learnt.tokens.size() < least_characters)
      stop("04_design_space: '" + asked.data + "': expected a text of at least " + std::to_string(least_characters) +
           " characters, found " + std::to_string(learnt.tokens.size()) + " (its last tenth has to hold a window of " +
           std::to_string(shipped::context) + ")");
    asked.training.tokens = {learnt.tokens.data(), learnt.tokens.size()};
  }
  auto plot = examples::open_or_stop("04_design_space", folder + "/design_space.svg"),
       pictures = examples::open_or_stop("04_design_space", folder + "/routes.svg");
  std::ofstream losses;
  if (asked.trains) losses = examples::open_or_stop("04_design_space", folder + "/trained.svg");
  const examples::shipped_text text;

  std::vector<candidate> candidates;
  lc::for_each_variant<space>([&](auto variant) {
    std::fprintf(stderr, "\rloss, %2zu of %zu: %-40s", candidates.size() + 1, static_cast<std::size_t>(space::size),
                 variant.name.c_str());
    candidates.push_back(measure<decltype(variant)>(text, asked.pieces));
  });
  // In rounds, so that what else the machine does meets all variants; the best try of each counts.
  constexpr int rounds = 12;
  for (int round = 0; round < rounds; ++round) {
    std::fprintf(stderr, "\rspeed, round %2d of %d: %-40s", round + 1, rounds, "");
    for (candidate& each : candidates) each.of.tokens_per_second = std::max(each.of.tokens_per_second, each.speed());
  }
  std::fprintf(stderr, "\r%-70s\r", "");
  std::vector<row> rows;
  for (const candidate& each : candidates) rows.push_back(each.of);
  trained_space trained;
  if (asked.trains) {
    trained = train_all(asked.training);
    std::fprintf(stderr, "\r%-90s\r", "");
    for (row& each : rows) each.trained = trained.variants[each.number];
  }
  print(rows, asked.training, trained.steps);

  examples::svg trade_offs(1000, 530, "Variants of the shipped model: loss and work against speed");
  draw_trade_offs(trade_offs, rows);
  examples::svg routes(940, 390, "Routes: which keys each row sees");
  routes.text(20, 26, "Routes: which keys a query sees, the first 96 positions", examples::svg::anchor::start, true);
  draw_route<lc::causal>(routes, 50, "causal", colours[0]);
  draw_route<window>(routes, 360, "window 64", colours[1]);
  draw_route<sinks>(routes, 670, "4 sinks + window 16", colours[2]);
  const auto written = [&](bool saved) {
    if (!saved) stop("04_design_space: expected room for pictures in " + folder + ", found none");
  };
  written(trade_offs.save(plot) && routes.save(pictures));
  std::printf("\nwritten: %s/design_space.svg, %s/routes.svg", folder.c_str(), folder.c_str());
  if (asked.trains) {
    examples::svg picture(1280, 530, "Variants of the shipped model, trained from scratch: loss against cost");
    draw_trained(picture, rows, trained.steps);
    written(picture.save(losses));
    std::printf(", %s/trained.svg", folder.c_str());
  }
  std::puts("");
}
