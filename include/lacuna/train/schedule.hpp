#pragma once
/// How a number, such as the rate of an optimiser, moves while a model learns: functions of the share of the training
/// that is done, 0 at the beginning and 1 at the end, in steps, tokens or multiply-adds.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// How far a training has come.
struct training_progress {
  std::uint64_t steps = 0;
  std::uint64_t targets = 0;  ///< targets that were counted: tokens of a language model
  std::uint64_t multiply_adds = 0;  ///< of the forwards, by the cost formula: a step takes about three times as many
};

/// The end of a training, by any one of three clocks; the others are 0. `share(progress)` is in [0, 1].
struct training_length {
  std::uint64_t steps = 0, targets = 0, multiply_adds = 0;

  constexpr double share(const training_progress& of) const noexcept {
    const double done = steps != 0     ? static_cast<double>(of.steps) / static_cast<double>(steps)
                        : targets != 0 ? static_cast<double>(of.targets) / static_cast<double>(targets)
                        : multiply_adds != 0
                            ? static_cast<double>(of.multiply_adds) / static_cast<double>(multiply_adds)
                            : 0.0;
    return done < 1 ? done : 1.0;
  }
};

/// Anything that maps a share of the training to a number.
template <class Type>
concept Schedule = requires(const Type& schedule) {
  { schedule(0.5) } -> std::convertible_to<double>;
};

/// The same all the time.
struct constant_schedule {
  double value = 0;
  constexpr double operator()(double) const noexcept { return value; }
};
/// On a straight line.
struct linear_schedule {
  double from = 0, to = 0;
  constexpr double operator()(double share) const noexcept { return from + (to - from) * share; }
};
/// Half a wave: to + (from - to) (1 + cos(pi share)) / 2. Source: Loshchilov and Hutter (2017), arXiv 1608.03983, eq.
/// (5), without restarts.
struct cosine_schedule {
  double from = 0, to = 0;
  constexpr double operator()(double share) const noexcept {
    return to + (from - to) * 0.5 * (1 + maths::cosine(maths::pi * share));
  }
};
/// from e^(-speed share): ever closer to 0, and never there.
struct exponential_schedule {
  double from = 1, speed = 5;
  constexpr double operator()(double share) const noexcept { return from * maths::exp(-speed * share); }
};
/// Fast at first, slowly at the end: to + (from - to) (1 - share)^3. Source: Zhu and Gupta (2017), arXiv 1710.01878,
/// eq. (1), whose sparsity rises from 0 to its end like this.
struct cubic_schedule {
  double from = 0, to = 0;
  constexpr double operator()(double share) const noexcept {
    const double left = 1 - share;
    return to + (from - to) * left * left * left;
  }
};
/// Times `factor` after every `every`th share of the training.
struct step_schedule {
  double from = 0, factor = 0.1, every = 1;
  constexpr double operator()(double share) const noexcept {
    // The end of the last stretch belongs to it: a training of three stretches takes two steps down. Shares are
    // rounded.
    constexpr double rounding = 1e-9;
    double value = from;
    for (int i = 1; every > 0 && i * every <= share + rounding && i * every < 1 - rounding; ++i) value *= factor;
    return value;
  }
};
/// From 0 on a straight line to the beginning of another schedule, which takes what is left of the training.
template <Schedule After>
struct warmed_up {
  double share_of_warm_up = 0;
  After after{};
  constexpr double operator()(double share) const noexcept {
    if (share < share_of_warm_up) return after(0.0) * share / share_of_warm_up;
    return share_of_warm_up < 1 ? after((share - share_of_warm_up) / (1 - share_of_warm_up)) : after(0.0);
  }
};
/// `warm_up(0.05, cosine_schedule{1e-3, 1e-4})`.
template <Schedule After>
constexpr warmed_up<After> warm_up(double share, After after) noexcept {
  return {share, after};
}

LACUNA_END
