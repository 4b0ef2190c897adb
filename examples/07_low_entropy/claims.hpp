#pragma once
// What the paper claims, and what the trainings say of it. Thresholds come from a file that was there first.
#include "../support/stop.hpp"
#include "study.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <lacuna/io.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace study {

struct thresholds {
  double entropy_margin = 0, divergence_floor = 0, ratio_margin = 0, removal_factor = 0, activity_margin = 0,
         dead_factor = 0, spike_margin = 0, fewest_spikes = 0, fewest_spiking = 0;

  static thresholds read(const std::string& path) {
    const auto bytes = examples::unless_wrong(lc::try_read_file(path));
    auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (!json.is_object()) examples::stop("07_low_entropy: '" + path + "': expected an object in JSON");
    const auto take = [&](const char* key) {
      if (!json.contains(key) || !json[key].is_number())
        examples::stop("07_low_entropy: '" + path + "': expected a number '" + key + "'");
      return json[key].get<double>();
    };
    return {take("entropy_margin"), take("divergence_floor"), take("ratio_margin"),
            take("removal_factor"), take("activity_margin"),  take("dead_factor"),
            take("spike_margin"),   take("fewest_spikes"),    take("fewest_spiking")};
  }
};

enum class verdict { reproduced, not_reproduced, depends, not_asked };
constexpr const char* name_of(verdict of) {
  return of == verdict::reproduced       ? "reproduced"
         : of == verdict::not_reproduced ? "not reproduced"
         : of == verdict::depends        ? "depends"
                                         : "not asked by this preset";
}
struct claim {
  const char* letter;
  const char* what;
  verdict said = verdict::not_asked;
  std::string because{};
};

/// All trainings, and means over their seeds.
class results {
 public:
  std::vector<found> all;

  /// The mean of a number over the seeds of one cell; NaN where there is none.
  template <class Number>
  double mean(arm of, lc::extent_t width, std::uint64_t sample, Number&& number) const {
    double sum = 0;
    int count = 0;
    for (const found& each : all)
      if (each.asked.of == of && each.asked.width == width && each.asked.sample == sample && each.asked.decays)
        sum += number(each), ++count;
    return count > 0 ? sum / count : std::nan("");
  }
  bool has(arm of, lc::extent_t width, std::uint64_t sample) const {
    return !std::isnan(mean(of, width, sample, [](const found&) { return 0.0; }));
  }
  std::vector<lc::extent_t> widths_of(arm of, std::uint64_t sample) const {
    std::vector<lc::extent_t> present;
    for (const lc::extent_t width : widths)
      if (has(of, width, sample)) present.push_back(width);
    return present;
  }
};

inline std::string with_digits(double value, const char* format = "%+.3f") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
/// "+0.142 (8), +0.061 (16)" over the widths of an arm.
template <class Number>
std::string over_widths(const results& from, arm of, std::uint64_t sample, Number&& number,
                        const char* format = "%+.3f") {
  std::string text;
  for (const lc::extent_t width : from.widths_of(of, sample))
    text += (text.empty() ? "" : ", ") + with_digits(from.mean(of, width, sample, number), format) + " (" +
            std::to_string(width) + ")";
  return text;
}

/// Looks at one training beside a spike, and means of such.
struct around_spike {
  double loss = 0, active = 0, dead = 0, second = 0, effective_step = 0;
  void add(const trace_point& of) {
    loss += of.loss, active += of.active, dead += of.dead, second += of.second, effective_step += of.effective_step;
  }
  void divide(double by) { loss /= by, active /= by, dead /= by, second /= by, effective_step /= by; }
};
inline constexpr std::uint64_t spike_distance = 20;

/// The looks around each spike of a training.
inline std::vector<std::array<trace_point, 3>> looks_around_spikes(const found& of) {
  std::vector<std::array<trace_point, 3>> all;
  std::uint64_t last = 0;
  for (const std::uint64_t spike : of.spikes) {
    if (last != 0 && spike < last + spike_distance) continue;
    last = spike;
    const auto first_from = [&](std::uint64_t step) {
      return std::find_if(of.trace.begin(), of.trace.end(), [&](const trace_point& each) { return each.step >= step; });
    };
    const auto at = first_from(spike), after = first_from(spike + spike_distance);
    if (at != of.trace.begin() && after != of.trace.end()) all.push_back({*(at - 1), *at, *after});
  }
  return all;
}

/// The claims of arXiv 2504.18929 in its own order; `sample` is the number of fixed sequences that is compared.
inline std::vector<claim> judge(const results& from, const thresholds& by, std::uint64_t sample) {
  const auto excess = [](const found& of) { return of.excess(); };
  const auto over_sample = [](const found& of) { return of.excess_over_sample(); };
  const auto divergence = [](const found& of) { return of.entropies.divergence; };
  const auto ratio = [](const found& of) { return of.last().attention.ratio; };
  const auto removal = [](const found& of) { return of.last().removal; };
  const auto active = [](const found& of) { return of.active(); };
  const auto fixed = from.widths_of(arm::full, sample), fresh = from.widths_of(arm::full, 0);
  std::vector<claim> claims{
      {"a", "a model tends to lower entropy than its source"},
      {"b", "more so the larger it is"},
      {"c", "it never becomes its source"},
      {"d", "feed-forwards drive it"},
      {"f", "larger models pass attention by more"},
      {"g", "larger models have a smaller share of active neurons"},
      {"h", "losses spike where activity falls and neurons die at once"},
      {"i", "the second moments of gradients influence which neurons die"},
  };
  const auto at = [&](const char* letter) -> claim& {
    for (claim& each : claims)
      if (each.letter[0] == letter[0]) return each;
    std::abort();
  };
  const auto yes_or_no = [](bool yes) { return yes ? verdict::reproduced : verdict::not_reproduced; };

  if (!fixed.empty() && !fresh.empty()) {
    bool below_fixed = true, below_fresh = true;
    for (const lc::extent_t width : fixed)
      if (width >= 16) below_fixed = below_fixed && from.mean(arm::full, width, sample, excess) < -by.entropy_margin;
    for (const lc::extent_t width : fresh)
      below_fresh = below_fresh && from.mean(arm::full, width, 0, excess) < -by.entropy_margin;
    at("a").said = below_fixed == below_fresh ? yes_or_no(below_fixed) : verdict::depends;
    at("a").because = "H(q) - H(p), by width: with fresh sequences " + over_widths(from, arm::full, 0, excess) +
                      "; with " + std::to_string(sample) + " fixed ones " +
                      over_widths(from, arm::full, sample, excess) +
                      (at("a").said == verdict::depends
                           ? ". What is below the source's entropy is above the sample's: it was learnt, not preferred"
                           : "");
  }
  if (fixed.size() > 1) {
    bool falls = true;
    for (std::size_t i = 1; i < fixed.size() && fixed[i] <= 32; ++i)
      falls = falls && from.mean(arm::full, fixed[i], sample, over_sample) <
                           from.mean(arm::full, fixed[i - 1], sample, over_sample) - by.entropy_margin;
    at("b").said = yes_or_no(falls);
    at("b").because = "H(q) - H(sample), by width up to 32: " + over_widths(from, arm::full, sample, over_sample);
  }
  if (!fresh.empty()) {
    bool apart = true;
    for (const lc::extent_t width : fresh)
      apart = apart && from.mean(arm::full, width, 0, divergence) > by.divergence_floor;
    at("c").said = yes_or_no(apart);
    at("c").because = "KL(p, q) with fresh sequences: " + over_widths(from, arm::full, 0, divergence);
  }
  {
    bool asked = false, rises = true, matched_asked = false, matched_rises = true;
    for (const lc::extent_t width : {lc::extent_t{8}, lc::extent_t{16}}) {
      if (!from.has(arm::full, width, sample) || !from.has(arm::attention_only, width, sample)) continue;
      asked = true;
      const double with = from.mean(arm::full, width, sample, excess) + by.entropy_margin;
      rises = rises && from.mean(arm::attention_only, width, sample, excess) > with;
      if (!from.has(arm::matched, width, sample)) continue;
      matched_asked = true;
      matched_rises = matched_rises && from.mean(arm::matched, width, sample, excess) > with;
    }
    if (asked) {
      at("d").said = matched_asked && rises != matched_rises ? verdict::depends : yes_or_no(rises);
      at("d").because = "H(q) - H(p) with " + std::to_string(sample) + " fixed sequences: with feed-forwards " +
                        over_widths(from, arm::full, sample, excess) + "; without " +
                        over_widths(from, arm::attention_only, sample, excess);
      if (matched_asked)
        at("d").because += "; without, as many parameters " + over_widths(from, arm::matched, sample, excess);
    }
  }
  if (fresh.size() > 1) {
    const lc::extent_t small = fresh.front(), large = fresh.back();
    const bool ratio_falls =
        from.mean(arm::full, large, 0, ratio) < from.mean(arm::full, small, 0, ratio) - by.ratio_margin;
    const bool removal_falls =
        from.mean(arm::full, large, 0, removal) < by.removal_factor * from.mean(arm::full, small, 0, removal);
    at("f").said = ratio_falls == removal_falls ? yes_or_no(ratio_falls) : verdict::depends;
    at("f").because = "last layer, fresh sequences: what attention adds to the stream " +
                      over_widths(from, arm::full, 0, ratio, "%.3f") + "; rise of KL(p, q) without it " +
                      over_widths(from, arm::full, 0, removal, "%.3f");
    at("g").said =
        yes_or_no(from.mean(arm::full, large, 0, active) < from.mean(arm::full, small, 0, active) - by.activity_margin);
    at("g").because = "active share, fresh sequences: " + over_widths(from, arm::full, 0, active, "%.3f");
  }

  // The second part: a constant high rate, two decays of the second moment.
  double dead_slow = 0, dead_fast = 0, second_dying = 0, second_living = 0, step_dying = 0, step_living = 0;
  double correlation_active = 0, correlation_dead = 0, deaths = 0;
  int slow = 0, fast = 0;
  for (const found& each : from.all) {
    if (!each.asked.judged) continue;
    (each.asked.beta2 > 0.99 ? dead_slow : dead_fast) += each.dead();
    ++(each.asked.beta2 > 0.99 ? slow : fast);
    const auto died = static_cast<double>(each.deaths);
    deaths += died;
    second_dying += died * each.of_dying.second, step_dying += died * each.of_dying.effective_step;
    second_living += each.of_living.second, step_living += each.of_living.effective_step;
    const auto correlation = [&](auto&& number) {
      double xy = 0, xx = 0, yy = 0, mx = 0, my = 0;
      const auto count = static_cast<double>(each.trace.size() - 1);
      for (std::size_t i = 1; i < each.trace.size(); ++i)
        mx += (each.trace[i].loss - each.trace[i - 1].loss) / count,
            my += (number(each.trace[i]) - number(each.trace[i - 1])) / count;
      for (std::size_t i = 1; i < each.trace.size(); ++i) {
        const double x = each.trace[i].loss - each.trace[i - 1].loss - mx;
        const double y = number(each.trace[i]) - number(each.trace[i - 1]) - my;
        xy += x * y, xx += x * x, yy += y * y;
      }
      return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0.0;
    };
    if (each.trace.size() > 2) {
      correlation_active += correlation([](const trace_point& of) { return of.active; });
      correlation_dead += correlation([](const trace_point& of) { return of.dead; });
    }
  }
  if (slow > 0 && fast > 0) {
    const int runs = slow + fast;
    correlation_active /= runs, correlation_dead /= runs;
    // Of all trainings that were looked at while they learnt, whatever their rate.
    around_spike before, upon;
    double spikes = 0;
    int traced = 0, spiking = 0;
    for (const found& each : from.all) {
      traced += each.asked.traced ? 1 : 0;
      spiking += each.spikes.empty() ? 0 : 1;
      for (const auto& looks : looks_around_spikes(each)) before.add(looks[0]), upon.add(looks[1]), ++spikes;
    }
    at("h").because = with_digits(spikes, "%.0f") + " spikes in " + std::to_string(spiking) + " of " +
                      std::to_string(traced) + " trainings";
    if (spikes > 0) {
      before.divide(spikes), upon.divide(spikes);
      at("h").because += ", before and at which the active share is " + with_digits(before.active, "%.3f") + " and " +
                         with_digits(upon.active, "%.3f") + ", the dead share " + with_digits(before.dead, "%.3f") +
                         " and " + with_digits(upon.dead, "%.3f");
    }
    at("h").because += "; at the rate of (i), correlation of changes of loss and of activity " +
                       with_digits(correlation_active, "%+.2f") + ", of loss and of dead neurons " +
                       with_digits(correlation_dead, "%+.2f");
    // Activity that falls and neurons that die are two things, of which one may be seen without the other.
    const bool enough = spikes >= by.fewest_spikes && spiking >= by.fewest_spiking;
    const bool falls = enough && upon.active < before.active - by.spike_margin;
    const bool dies = enough && upon.dead > before.dead + by.spike_margin;
    at("h").said = falls == dies ? yes_or_no(falls) : verdict::depends;
    dead_slow /= slow, dead_fast /= fast;
    at("i").said = yes_or_no(dead_fast > by.dead_factor * dead_slow);
    at("i").because = "dead share with beta2 = 0.999 " + with_digits(dead_slow, "%.4f") + ", with 0.95 " +
                      with_digits(dead_fast, "%.4f") + "; " + with_digits(deaths, "%.0f") + " deaths";
    if (deaths > 0)
      at("i").because += ", before which the mean effective step was " + with_digits(step_dying / deaths, "%.3f") +
                         " beside " + with_digits(step_living / runs, "%.3f") +
                         " of those that lived, and the second moment " + with_digits(second_dying / deaths, "%.2e") +
                         " beside " + with_digits(second_living / runs, "%.2e");
  }
  return claims;
}

}  // namespace study
