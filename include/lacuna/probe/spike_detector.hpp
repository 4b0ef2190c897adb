#pragma once
/// Spikes of a loss: what is far above the losses just before it.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// How far above is a spike.
struct spike_rule {
  double deviations = 5;  ///< of the last 40 losses, above the median of the last 20
};

/// `spikes.add(loss)` after every step says whether this loss is a spike; nothing is before 40 losses came. A spike
/// belongs to the losses that the next one is compared with, as every other. A loss that is not finite is a spike, and
/// is left out of them. The rule is ours: Ren and Liu (2025), arXiv 2504.18929, do not publish theirs.
class spike_detector {
 public:
  constexpr explicit spike_detector(spike_rule rule = {}) noexcept : rule_(rule) {}

  constexpr bool add(double loss) noexcept {
    ++seen_;
    if (!maths::is_finite(loss)) return note(true);
    const bool spike = held_ == window && loss > bound();
    losses_[next_] = loss;
    next_ = (next_ + 1) % window;
    if (held_ < window) ++held_;
    return note(spike);
  }
  /// What the next loss has to exceed; meaningful after 40 losses.
  constexpr double bound() const noexcept {
    double sum = 0, squares = 0;
    for (const double each : losses_) sum += each;
    const double mean = sum / window;
    for (const double each : losses_) squares += (each - mean) * (each - mean);
    return median_of_last() + rule_.deviations * maths::sqrt(squares / (window - 1));
  }
  constexpr std::uint64_t spikes() const noexcept { return spikes_; }
  constexpr std::uint64_t steps() const noexcept { return seen_; }

 private:
  static constexpr int window = 40, recent = 20;

  constexpr bool note(bool spike) noexcept {
    spikes_ += spike ? 1 : 0;
    return spike;
  }
  constexpr double median_of_last() const noexcept {
    double sorted[recent]{};
    for (int i = 0; i < recent; ++i) {
      const double each = losses_[(next_ + window - 1 - i) % window];
      int at = i;
      for (; at > 0 && sorted[at - 1] > each; --at) sorted[at] = sorted[at - 1];
      sorted[at] = each;
    }
    return (sorted[recent / 2 - 1] + sorted[recent / 2]) / 2;
  }

  spike_rule rule_;
  double losses_[window]{};
  int next_ = 0, held_ = 0;
  std::uint64_t seen_ = 0, spikes_ = 0;
};

LACUNA_END
