// A design space of the shipped model: what some choices cost and what they bring, all combinations of them, as a table
// and as pictures. Where a variant has the tensors of the shipped model, its weights still apply and its loss is
// measured.
//   04_design_space FOLDER [PIECES]     writes FOLDER/design_space.svg and FOLDER/routes.svg;
//                                       pieces of 256 characters to average the loss over, 8 if not given
#include "../support/shipped_text.hpp"
#include "../support/svg.hpp"

#include <algorithm>
#include <cinttypes>
#include <functional>
#include <memory>
#include <optional>

namespace {
namespace lc = lacuna;
using examples::fast;
using examples::ink;
using shipped = lc::zoo::shipped;

using window = lc::both<lc::causal, lc::window<64>>;
using sinks = lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<16>>>;
using ring = lc::ring_cache<64, lc::pinned{4}>;
using dense = lc::ffn<lc::hidden<512>, lc::relu>;
using sparse = lc::ffn<lc::hidden<512>, lc::top_k_activation<32, lc::relu>, lc::skips_zeros>;
using gated = lc::ffn<lc::hidden<512>, lc::gated<lc::silu>>;

/// A ring overwrites what a causal row still sees, so that these two are no variant.
using space = lc::design_space<
    shipped,
    lc::vary<lc::causal, lc::causal, lc::called<"window 64", window>, lc::called<"4 sinks + window 16", sinks>>,
    lc::vary<lc::slots::cache, lc::called<"linear", lc::linear_cache>, lc::called<"ring", ring>>,
    lc::vary<dense, lc::called<"relu", dense>, lc::called<"32 largest", sparse>, lc::called<"gated silu", gated>>,
    lc::without<lc::causal, ring>>;

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

void print(const std::vector<row>& rows) {
  std::printf("%3s %-40s %10s %9s %9s %8s %9s %9s %6s %7s\n", "", "variant", "parameters", "bytes", "FLOP", "cache",
              "workspace", "tokens/s", "loss", "active");
  for (const row& each : rows)
    std::printf("%3zu %-40s %10zu %9zu %9" PRIu64 " %8zu %9zu %9.0f %6s %7s\n", each.number, each.name, each.parameters,
                each.parameter_bytes, each.flops, each.cache_bytes, each.workspace_bytes, each.tokens_per_second,
                dash_or("%.3f", each.loss).c_str(),
                dash_or("%.1f %%", each.active ? 100 * *each.active : each.active).c_str());
  std::puts(
      "\nFLOP: of the last token of a full context, zeros that are skipped included; cache: bytes of a stream's keys "
      "and\n"
      "values; workspace: bytes; tokens/s: one at a time; loss: nats per character of held-out text, where the "
      "shipped\n"
      "weights apply; active: neurons of the feed-forward that are not 0");
}

constexpr ink colours[]{ink::first, ink::second, ink::third};

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
  const char* const routes[]{"causal", "window 64", "4 sinks + window 16"};
  const char* const feed_forwards[]{"relu", "32 largest", "gated silu"};
  for (int i = 0; i < 3; ++i) {
    to.marker(96, 450 + 22 * i, 0, false, colours[i]), to.text(110, 454 + 22 * i, routes[i]);
    to.marker(306, 450 + 22 * i, i, false, ink::text), to.text(320, 454 + 22 * i, feed_forwards[i]);
  }
  to.marker(476, 450, 0, false, ink::text), to.text(490, 454, "linear cache");
  to.marker(476, 472, 0, true, ink::text), to.text(490, 476, "ring of 64 and 4 pinned");
  to.text(476, 498, "numbers: rows of the table");
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

}  // namespace

int main(int count, char** arguments) {
  const int pieces = count == 3 ? std::atoi(arguments[2]) : 8;
  if (count < 2 || count > 3 || pieces < 1 || pieces > 400)
    examples::stop("usage: 04_design_space FOLDER [PIECES from 1 to 400]");
  const std::string folder = arguments[1];
  auto plot = examples::open_or_stop("04_design_space", folder + "/design_space.svg"),
       pictures = examples::open_or_stop("04_design_space", folder + "/routes.svg");
  const examples::shipped_text text;

  std::vector<candidate> candidates;
  lc::for_each_variant<space>([&](auto variant) {
    std::fprintf(stderr, "\rloss, %2zu of %zu: %-40s", candidates.size() + 1, static_cast<std::size_t>(space::size),
                 variant.name.c_str());
    candidates.push_back(measure<decltype(variant)>(text, static_cast<lc::extent_t>(pieces)));
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
  print(rows);

  examples::svg trade_offs(1000, 530, "Variants of the shipped model: loss and work against speed");
  draw_trade_offs(trade_offs, rows);
  examples::svg routes(940, 390, "Routes: which keys each row sees");
  routes.text(20, 26, "Routes: which keys a query sees, the first 96 positions", examples::svg::anchor::start, true);
  draw_route<lc::causal>(routes, 50, "causal", colours[0]);
  draw_route<window>(routes, 360, "window 64", colours[1]);
  draw_route<sinks>(routes, 670, "4 sinks + window 16", colours[2]);
  if (!trade_offs.save(plot) || !routes.save(pictures))
    examples::stop(("04_design_space: expected room for two pictures in " + folder + ", found none").c_str());
  std::printf("\nwritten: %s/design_space.svg, %s/routes.svg\n", folder.c_str(), folder.c_str());
}
