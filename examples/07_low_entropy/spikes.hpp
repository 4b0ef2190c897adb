#pragma once
// The second part of the study: trainings at high rates, and what goes on around the spikes of their losses.
#include "claims.hpp"

namespace study {

/// All seeds of one choice of numbers. `before` is the last look before a spike, `at` the first one from it on, `after`
/// the first one from 20 steps behind it on.
struct spike_cell {
  double rate = 0, beta2 = 0;
  lc::extent_t width = 0;
  int trainings = 0;
  double end = 0, dead_at_end = 0;  ///< means: the loss over the last looks, the dead share
  std::size_t spikes = 0;           ///< those that are 20 steps or more behind the one before, with looks around them
  around_spike before, at, after;
};
/// By width, rate and memory of squares, in that order.
inline std::vector<spike_cell> spike_cells(const results& from) {
  std::vector<spike_cell> cells;
  for (const found& each : from.all) {
    if (each.asked.decays) continue;
    const auto same = [&](const spike_cell& of) {
      return of.rate == each.asked.rate && of.beta2 == each.asked.beta2 && of.width == each.asked.width;
    };
    auto cell = std::find_if(cells.begin(), cells.end(), same);
    if (cell == cells.end()) {
      cell = cells.insert(cells.end(), spike_cell());
      cell->rate = each.asked.rate, cell->beta2 = each.asked.beta2, cell->width = each.asked.width;
    }
    ++cell->trainings;
    cell->dead_at_end += each.dead();
    const std::size_t last = std::min<std::size_t>(each.trace.size(), 10);
    for (std::size_t i = each.trace.size() - last; i < each.trace.size(); ++i)
      cell->end += each.trace[i].loss / static_cast<double>(last);
    for (const auto& [before, at, after] : looks_around_spikes(each)) {
      ++cell->spikes;
      cell->before.add(before), cell->at.add(at), cell->after.add(after);
    }
  }
  for (spike_cell& each : cells) {
    each.end /= each.trainings, each.dead_at_end /= each.trainings;
    if (each.spikes > 0)
      for (around_spike* of : {&each.before, &each.at, &each.after}) of->divide(static_cast<double>(each.spikes));
  }
  std::sort(cells.begin(), cells.end(), [](const spike_cell& a, const spike_cell& b) {
    return std::array{static_cast<double>(a.width), a.rate, -a.beta2} <
           std::array{static_cast<double>(b.width), b.rate, -b.beta2};
  });
  return cells;
}

/// The table of the report.
inline void write_spikes(std::ostream& to, const results& from, std::uint64_t steps) {
  to << "\n## Spikes\n\n"
     << steps << " steps at a constant rate, width with feed-forwards, fresh sequences, looked at every " << trace_every
     << " steps. Spikes: a loss 5 standard deviations of 40 above the median of 20, " << spike_distance
     << " steps or more behind the one before. Before, at and after: the last look before a spike, the first from it "
        "on, the first from "
     << spike_distance
     << " steps behind it on; means over spikes. Moments: of the first weights of feed-forwards, by neuron.\n\n"
     << "| width | rate | beta2 | seeds | loss at the end | dead at the end | spikes | loss | active | dead | second "
        "moment | effective step |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const spike_cell& each : spike_cells(from)) {
    to << "| " << each.width << " | " << with_digits(each.rate, "%g") << " | " << with_digits(each.beta2, "%g") << " | "
       << each.trainings << " | " << with_digits(each.end, "%.3f") << " | " << with_digits(each.dead_at_end, "%.3f")
       << " | " << each.spikes << " | ";
    const auto three = [&](double around_spike::* number, const char* format) {
      if (each.spikes > 0)
        to << with_digits(each.before.*number, format) << ", " << with_digits(each.at.*number, format) << ", "
           << with_digits(each.after.*number, format);
      to << " | ";
    };
    three(&around_spike::loss, "%.3f"), three(&around_spike::active, "%.3f"), three(&around_spike::dead, "%.3f");
    three(&around_spike::second, "%.1e"), three(&around_spike::effective_step, "%.3f");
    to << "\n";
  }
}

/// The training with most spikes, or, where none has any, the one with most dead neurons at its end.
inline const found* most_spiked(const results& from) {
  const found* most = nullptr;
  for (const found& each : from.all) {
    if (each.asked.decays || each.trace.empty()) continue;
    if (most == nullptr || each.spikes.size() > most->spikes.size() ||
        (each.spikes.size() == most->spikes.size() && each.dead() > most->dead()))
      most = &each;
  }
  return most;
}

}  // namespace study
