// Losses: closed forms, gradients against central differences, adjoints that add up, NaN and counts that are wrong.
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
using doctest::Approx;

template <lc::extent_t Rows, lc::extent_t Columns>
using numbers = lc::tensor<double, Rows, Columns>;

template <lc::extent_t Rows, lc::extent_t Columns>
numbers<Rows, Columns> normal(std::uint64_t seed, double spread = 1) {
  numbers<Rows, Columns> of;
  for (lc::extent_t i = 0; i < of.size; ++i) of[i] = spread * lc::random_normal(seed, 3, i);
  return of;
}
template <lc::extent_t Rows, lc::extent_t Columns>
numbers<Rows, Columns> distributions(std::uint64_t seed, double temperature = 1) {
  auto of = normal<Rows, Columns>(seed, 2);
  lc::soften(of.view(), of.view(), temperature);
  return of;
}
template <lc::extent_t Rows, lc::extent_t Columns>
double entropy(const numbers<Rows, Columns>& of) {
  double sum = 0;
  for (const double p : of.data) sum -= p * std::log(p);
  return sum / static_cast<double>(Rows);
}
template <lc::extent_t Rows, lc::extent_t Columns>
double largest(const numbers<Rows, Columns>& of) {
  double most = 0;
  for (const double number : of.data) most = std::fmax(most, std::fabs(number));
  return most;
}
template <lc::extent_t Rows, lc::extent_t Columns>
double difference(const numbers<Rows, Columns>& a, const numbers<Rows, Columns>& b) {
  double most = 0;
  for (lc::extent_t i = 0; i < a.size; ++i) most = worse(most, std::fabs(a[i] - b[i]));
  return most;
}

/// `loss(x, adjoint, weight)`: its gradient is a central difference; weights multiply it and not the value; it adds to
/// what the adjoint holds; no adjoint is half written where the counts are wrong; a NaN stays one.
template <lc::extent_t Rows, lc::extent_t Columns, class Loss>
void check_loss(const char* name, const numbers<Rows, Columns>& at, Loss&& loss) {
  CAPTURE(name);
  auto x = at;
  numbers<Rows, Columns> gradient, scratch;
  const double value = loss(lc::readable(x.view()), gradient.view(), 1.0);
  CHECK(std::isfinite(value));
  CHECK(largest(gradient) > 1e-4);
  double worst = 0;
  for (lc::extent_t i = 0; i < x.size; ++i) {
    constexpr double step = 1e-5;
    const double kept = x[i];
    x[i] = kept + step;
    const double above = loss(lc::readable(x.view()), scratch.view(), 1.0);
    x[i] = kept - step;
    const double below = loss(lc::readable(x.view()), scratch.view(), 1.0);
    x[i] = kept;
    worst = worse(worst, std::fabs((above - below) / (2 * step) - gradient[i]));
  }
  CHECK(worst <= 1e-6 * largest(gradient));

  auto added = normal<Rows, Columns>(99), expected = added;
  for (lc::extent_t i = 0; i < x.size; ++i) expected[i] += -0.75 * gradient[i];
  CHECK(loss(lc::readable(x.view()), added.view(), -0.75) == value);
  CHECK(difference(added, expected) <= 1e-13);

  auto untouched = added;
  CHECK(std::isnan(loss(lc::readable(x.first(Rows - 1)), untouched.view(), 1.0)));
  CHECK(std::isnan(loss(lc::readable(x.view()), untouched.first(Rows - 1), 1.0)));
  CHECK(std::isnan(loss(lc::readable(x.first(0)), untouched.first(0), 1.0)));
  CHECK(difference(untouched, added) == 0);

  x[x.size / 2] = std::nan("");
  CHECK(std::isnan(loss(lc::readable(x.view()), scratch.view(), 1.0)));
  CHECK(std::isnan(scratch[x.size / 2]));
}

/// X times a random rotation and a scale.
template <lc::extent_t Rows, lc::extent_t Columns>
numbers<Rows, Columns> rotated(const numbers<Rows, Columns>& x, double scale) {
  // Gram and Schmidt, from random columns.
  auto q = normal<Columns, Columns>(5);
  for (lc::extent_t i = 0; i < Columns; ++i) {
    for (int again = 0; again < 2; ++again)
      for (lc::extent_t j = 0; j < i; ++j) {
        double dot = 0;
        for (lc::extent_t c = 0; c < Columns; ++c) dot += q[i * Columns + c] * q[j * Columns + c];
        for (lc::extent_t c = 0; c < Columns; ++c) q[i * Columns + c] -= dot * q[j * Columns + c];
      }
    double square = 0;
    for (lc::extent_t c = 0; c < Columns; ++c) square += q[i * Columns + c] * q[i * Columns + c];
    for (lc::extent_t c = 0; c < Columns; ++c) q[i * Columns + c] /= std::sqrt(square);
  }
  numbers<Rows, Columns> y;
  for (lc::extent_t t = 0; t < Rows; ++t)
    for (lc::extent_t i = 0; i < Columns; ++i)
      for (lc::extent_t c = 0; c < Columns; ++c) y[t * Columns + i] += scale * x[t * Columns + c] * q[i * Columns + c];
  return y;
}

constexpr lc::alignment biased{lc::hsic_estimate::biased};

template <lc::extent_t Rows, lc::extent_t Columns, lc::extent_t Others>
double cka(const lc::alignment& loss, const numbers<Rows, Columns>& x, const numbers<Rows, Others>& y) {
  static lc::alignment_workspace<Rows> workspace;
  static numbers<Rows, Columns> adjoint;
  return 1 - loss(x.view(), y.view(), adjoint.view(), workspace);
}

/// The mean CKA of independent rows over many draws.
template <lc::extent_t Columns>
double mean_of_independent(const lc::alignment& loss, int draws) {
  double sum = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const auto seed = static_cast<std::uint64_t>(1000 + 2 * draw);
    sum += cka(loss, normal<64, Columns>(seed), normal<64, Columns>(seed + 1));
  }
  return sum / draws;
}

}  // namespace

TEST_CASE("gradients of all losses are central differences, and add up by their weights") {
  const auto p = distributions<5, 6>(1);
  const auto z = normal<5, 6>(2, 2);
  const auto other = normal<5, 6>(3);
  for (const double temperature : {1.0, 3.0}) {
    check_loss("soft_cross_entropy", z, [&](auto x, auto d, double weight) {
      return lc::soft_cross_entropy{temperature}(x, p.view(), d, weight);
    });
    check_loss("kl_divergence", z, [&](auto x, auto d, double weight) {
      return lc::kl_divergence{temperature}(x, other.view(), d, weight);
    });
  }
  check_loss("mean_squared_error", z,
             [&](auto x, auto d, double weight) { return lc::mean_squared_error(x, other.view(), d, weight); });
  check_loss("square_head", z,
             [&](auto x, auto d, double weight) { return lc::square_head{}(x, other.view(), d, weight); });
  check_loss("density_penalty", z,
             [&](auto x, auto d, double weight) { return lc::density_penalty{0.05}(x, d, weight); });

  lc::info_nce_workspace<7> pairs;
  const std::uint32_t documents[]{4, 1, 4, 2, 3};
  for (const bool cosine : {true, false})
    for (const lc::token_view same : {lc::token_view{}, lc::token_view{documents, 5}}) {
      const lc::info_nce loss{.temperature = 0.7, .cosine = cosine, .documents = same};
      check_loss("info_nce", z, [&](auto x, auto d, double weight) { return loss(x, other.view(), d, pairs, weight); });
      check_loss("info_nce of partners", z, [&](auto x, auto d, double weight) {
        numbers<5, 6> danchors;
        return loss(other.view(), x, danchors.view(), d, pairs, weight);
      });
      // One tower that made both views: both adjoints are one.
      check_loss("info_nce of a view with itself", z,
                 [&](auto x, auto d, double weight) { return loss(x, x, d, d, pairs, weight); });
    }

  lc::alignment_workspace<6> products;
  const auto guide = normal<5, 4>(4);
  for (const auto estimate : {lc::hsic_estimate::unbiased, lc::hsic_estimate::biased})
    check_loss("alignment", z, [&](auto x, auto d, double weight) {
      return lc::alignment{estimate}(x, guide.view(), d, products, weight);
    });
}

TEST_CASE("soft cross-entropy is the divergence and the entropy of the targets") {
  const auto z = normal<7, 5>(1, 2), teacher = normal<7, 5>(2, 2);
  for (const double temperature : {1.0, 2.5, 0.5}) {
    CAPTURE(temperature);
    auto p = teacher, q = z;
    lc::soften(teacher.view(), p.view(), temperature);
    lc::soften(z.view(), q.view(), temperature);
    numbers<7, 5> soft, divergence;
    const double cross = lc::soft_cross_entropy{temperature}(z.view(), p.view(), soft.view());
    const double kl = lc::kl_divergence{temperature}(z.view(), teacher.view(), divergence.view());
    CHECK(cross - temperature * temperature * entropy(p) == Approx(kl).epsilon(1e-12));
    CHECK(kl > 0.1);
    numbers<7, 5> closed;
    for (lc::extent_t i = 0; i < closed.size; ++i) closed[i] = temperature * (q[i] - p[i]) / 7;
    CHECK(difference(soft, closed) <= 1e-14);
    CHECK(difference(divergence, closed) <= 1e-14);
    numbers<7, 5> none;
    CHECK(std::fabs(lc::kl_divergence{temperature}(z.view(), z.view(), none.view())) <= 1e-14);
    CHECK(largest(none) <= 1e-15);
  }
  // A hard target is the cross-entropy of language models.
  const std::uint32_t targets[]{4, 0, 2, 2, 1, 3, 0};
  numbers<7, 5> one_hot, hard, soft;
  for (lc::extent_t t = 0; t < 7; ++t) one_hot[t * 5 + targets[t]] = 1;
  const double expected = lc::mean_cross_entropy(z.view(), {targets, 7}, hard.view());
  CHECK(lc::soft_cross_entropy{}(z.view(), one_hot.view(), soft.view()) == Approx(expected).epsilon(1e-13));
  CHECK(difference(hard, soft) <= 1e-15);
}
TEST_CASE("targets that are too few, too many or no classes give no number, and nothing is written") {
  const auto z = normal<7, 5>(5);
  numbers<7, 5> adjoint;
  const std::uint32_t targets[]{4, 0, 2, lc::no_token, 1, 3, 0}, wrong[]{4, 0, 2, 2, 1, 3, 5}, more[9]{};
  CHECK(std::isfinite(lc::mean_cross_entropy(z.view(), {targets, 7}, adjoint.view())));
  CHECK(largest(adjoint) > 0);
  adjoint = {};
  for (const lc::token_view of : {lc::token_view{wrong, 7}, lc::token_view{targets, 2}, lc::token_view{more, 9}}) {
    CHECK(std::isnan(lc::mean_cross_entropy(z.view(), of, adjoint.view())));
    CHECK(std::isnan(lc::sum_cross_entropies(z.view(), of, adjoint.view(), 1.0)));
  }
  CHECK(std::isnan(lc::mean_cross_entropy(z.view(), {targets, 7}, adjoint.first(6))));
  CHECK(largest(adjoint) == 0);
  CHECK(std::isnan(lc::cross_entropy(z.data, 5, 5)));
}
TEST_CASE("what has no probability counts nothing where its logit is minus infinity") {
  numbers<1, 3> z, teacher, p, adjoint;
  z[0] = 1, z[1] = 2, z[2] = -HUGE_VAL;
  teacher = z;
  lc::soften(teacher.view(), p.view());
  CHECK(p[2] == 0);
  CHECK(lc::soft_cross_entropy{}(z.view(), p.view(), adjoint.view()) == Approx(entropy(numbers<1, 2>{{p[0], p[1]}})));
  CHECK(std::fabs(lc::kl_divergence{}(z.view(), teacher.view(), adjoint.view())) <= 1e-15);
  CHECK(largest(adjoint) <= 1e-15);
  // The other way round it is infinitely wrong, and says so.
  teacher[2] = 0;
  CHECK(lc::kl_divergence{}(z.view(), teacher.view(), adjoint.view()) == HUGE_VAL);
}

TEST_CASE("square head: 0 for the teacher, 1 for zeros, and the same at every scale") {
  const auto teacher = normal<6, 5>(1, 3);
  auto student = normal<6, 5>(2, 3);
  numbers<6, 5> adjoint, zeros;
  const lc::square_head without{0};
  CHECK(lc::square_head{}(teacher.view(), teacher.view(), adjoint.view()) == 0);
  CHECK(largest(adjoint) == 0);
  CHECK(without(zeros.view(), teacher.view(), adjoint.view()) == Approx(1).epsilon(1e-14));
  const double before = without(student.view(), teacher.view(), adjoint.view());
  auto scaled = teacher;
  for (double& of : scaled.data) of *= 40;
  for (double& of : student.data) of *= 40;
  CHECK(without(student.view(), scaled.view(), adjoint.view()) == Approx(before).epsilon(1e-13));
  const double with = lc::square_head{}(student.view(), scaled.view(), adjoint.view());
  CHECK(with == Approx(before).epsilon(1e-6));
  CHECK(with < before);
  CHECK(lc::square_head{}.epsilon == std::pow(2, -7));
}

TEST_CASE("InfoNCE: orthogonal negatives, and rows that are all equal") {
  constexpr lc::extent_t count = 6;
  lc::info_nce_workspace<count> workspace;
  numbers<count, 8> axes, adjoint, dpartners;
  for (lc::extent_t i = 0; i < count; ++i) axes[i * 8 + i] = 3 + static_cast<double>(i);
  for (const double t : {0.2, 1.0}) {
    const lc::info_nce loss{.temperature = t};
    CHECK(loss(axes.view(), axes.view(), adjoint.view(), workspace) ==
          Approx(std::log(1 + (count - 1) * std::exp(-1 / t))).epsilon(1e-13));
  }
  numbers<count, 8> equal;
  for (lc::extent_t i = 0; i < equal.size; ++i) equal[i] = 1 + static_cast<double>(i % 8);
  for (const bool cosine : {true, false})
    CHECK(lc::info_nce{.cosine = cosine}(equal.view(), equal.view(), adjoint.view(), workspace) ==
          Approx(std::log(double{count})).epsilon(1e-13));

  // The adjoints of a row's scores sum to 0: read off unit partners, whose products with an anchor are its columns.
  numbers<count, count> anchors = normal<count, count>(3), units, danchors;
  for (lc::extent_t i = 0; i < count; ++i) units[i * count + i] = 1;
  lc::info_nce{.temperature = 0.5, .cosine = false}(anchors.view(), units.view(), danchors.view(), workspace);
  CHECK(largest(danchors) > 0.01);
  for (lc::extent_t i = 0; i < count; ++i) {
    double sum = 0;
    for (lc::extent_t j = 0; j < count; ++j) sum += danchors[i * count + j];
    CHECK(std::fabs(sum) <= 1e-15);
  }

  // A partner that is the same document as one's own is no negative: five of six are left.
  const std::uint32_t documents[]{0, 0, 1, 1, 2, 2};
  numbers<count, 8> masked;
  CHECK(lc::info_nce{.documents = {documents, 6}}(equal.view(), equal.view(), masked.view(), workspace) ==
        Approx(std::log(5.0)).epsilon(1e-13));
  CHECK(std::isnan(lc::info_nce{.documents = {documents, 5}}(equal.view(), equal.view(), masked.view(), workspace)));
  // More rows than there is room for.
  lc::info_nce_workspace<count - 1> small;
  CHECK(std::isnan(lc::info_nce{}(axes.view(), axes.view(), adjoint.view(), small)));
  CHECK(std::isnan(lc::info_nce{}(axes.view(), axes.view(), adjoint.view(), dpartners.first(2), workspace)));

  // A row of zeros is like nothing: no number is lost.
  auto silent = axes;
  silent[0] = 0;
  numbers<count, 8> dsilent;
  const double t = 0.2, e = std::exp(1 / t);
  CHECK(lc::info_nce{}(silent.view(), silent.view(), dsilent.view(), workspace) ==
        Approx((std::log(6.0) + 5 * std::log((e + 5) / e)) / 6).epsilon(1e-13));
  for (lc::extent_t c = 0; c < 8; ++c) CHECK(dsilent[c] == 0);
}

TEST_CASE("density penalty: 0 for silence, a half at the root of epsilon, steepest at the root of its third") {
  numbers<4, 5> a, adjoint;
  const lc::density_penalty loss{0.04};
  CHECK(loss(a.view(), adjoint.view()) == 0);
  CHECK(largest(adjoint) == 0);
  for (double& of : a.data) of = -0.2;
  CHECK(loss(a.view(), adjoint.view()) == Approx(0.5).epsilon(1e-14));
  for (double& of : a.data) of = 1e6;
  CHECK(loss(a.view(), adjoint.view()) == Approx(1).epsilon(1e-12));
  const auto slope_at = [&](double at) {
    numbers<1, 1> x, d;
    x[0] = at;
    loss(x.view(), d.view());
    return d[0];
  };
  const double steepest = std::sqrt(0.04 / 3);
  CHECK(slope_at(steepest) == Approx(3 * std::sqrt(3.0) / (8 * 0.2)).epsilon(1e-12));
  CHECK(slope_at(steepest * 1.01) < slope_at(steepest));
  CHECK(slope_at(steepest * 0.99) < slope_at(steepest));
  CHECK(std::isnan(lc::density_penalty{0}(a.view(), adjoint.view())));
  // With the published epsilon hardly anything feels it.
  numbers<1, 1> x, d;
  x[0] = 1e-4, lc::density_penalty{}(x.view(), d.view());
  CHECK(d[0] == Approx(1652.9).epsilon(1e-4));
}

TEST_CASE("alignment does not see rotations, scales and shifts") {
  auto x = normal<12, 5>(1);
  auto y = rotated(x, 2.5);
  for (lc::extent_t i = 0; i < y.size; ++i) y[i] += 100 * static_cast<double>(i % 5);
  for (const auto& loss : {lc::alignment{}, biased}) {
    CHECK(cka(loss, x, y) == Approx(1).epsilon(1e-10));
    lc::alignment_workspace<12> workspace;
    numbers<12, 5> adjoint;
    CHECK(std::fabs(loss(x.view(), x.view(), adjoint.view(), workspace)) <= 1e-14);
    CHECK(largest(adjoint) <= 1e-14);
    // Neither does its gradient move X along them: rows of the gradient sum to 0, and it is orthogonal to X.
    const auto other = normal<12, 3>(2);
    numbers<12, 5> gradient;
    loss(x.view(), other.view(), gradient.view(), workspace);
    double along = 0;
    for (lc::extent_t i = 0; i < x.size; ++i) along += x[i] * gradient[i];
    CHECK(std::fabs(along) <= 1e-14);
    for (lc::extent_t c = 0; c < 5; ++c) {
      double sum = 0;
      for (lc::extent_t t = 0; t < 12; ++t) sum += gradient[t * 5 + c];
      CHECK(std::fabs(sum) <= 1e-14);
    }
  }
  // Too few rows, more than there is room for, and rows that are all equal.
  const auto few = normal<3, 5>(3);
  CHECK(std::isnan(cka(lc::alignment{}, few, few)));
  CHECK(cka(biased, few, few) == Approx(1));
  lc::alignment_workspace<4> small;
  numbers<12, 5> adjoint;
  CHECK(std::isnan(lc::alignment{}(x.view(), y.view(), adjoint.view(), small)));
  numbers<12, 5> equal;
  equal.view().fill(3);
  CHECK(std::isnan(cka(lc::alignment{}, x, equal)));
}
TEST_CASE("alignment of independent rows: p / (n + p) where it is biased, 0 where it is not") {
  // With K fixed, L turned at random and m = n - 1 = 63 dimensions left by centring, <K, L> / (|K| |L|) has the
  // variance 2 / ((m - 1) (m + 2)) times the traceless shares of both, which are at most 1: a standard deviation of at
  // most 0.0223 for one draw, 0.0022 for the mean of 100. Four of them are allowed. Unbiased, all of K is traceless.
  constexpr double of_one = 0.0223;
  const auto allowed = [](int draws) { return 4 * of_one / std::sqrt(draws); };
  const auto expected = [](double columns) { return 1 / (1 + 64 / columns); };
  CHECK(std::fabs(mean_of_independent<16>(biased, 100) - expected(16)) <= allowed(100));
  CHECK(std::fabs(mean_of_independent<64>(biased, 50) - expected(64)) <= allowed(50));
  CHECK(std::fabs(mean_of_independent<640>(biased, 4) - expected(640)) <= allowed(4));
  CHECK(std::fabs(mean_of_independent<16>({}, 100)) <= allowed(100));
  CHECK(std::fabs(mean_of_independent<64>({}, 50)) <= allowed(50));
  CHECK(std::fabs(mean_of_independent<640>({}, 4)) <= allowed(4));
}
TEST_CASE("biased alignment is never outside of 0 and 1") {
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    const double of = cka(biased, normal<6, 3>(seed), normal<6, 4>(seed + 100));
    CHECK(of >= 0);
    CHECK(of <= 1);
    const double unbiased = cka({}, normal<6, 3>(seed), normal<6, 4>(seed + 100));
    CHECK(std::fabs(unbiased) <= 1 + 1e-12);
  }
}

TEST_CASE("weighted losses: terms by name, and a weight that is written once") {
  lc::weighted_losses<3> loss;
  CHECK(loss.total() == 0);
  double seen = 0;
  CHECK(loss.add("task", 1, 2.5) == 2.5);
  CHECK(loss.add("teacher", 0.5, [&](double weight) { return seen = weight, 3.0; }) == 3.0);
  CHECK(seen == 0.5);
  const std::string again = "teacher";  // another pointer, the same text
  loss.add(again.c_str(), 0.25, 4.0);
  loss("balance_loss", 0.01, 1.0);
  CHECK(loss.count == 3);
  CHECK(loss["task"] == 2.5);
  CHECK(loss["teacher"] == 2.5);
  CHECK(loss["nobody"] == 0);
  CHECK(loss.total() == Approx(5.01));
  loss.add("one too many", 1, 1.0);  // nothing is left out of the total
  CHECK(loss.count == 3);
  CHECK(loss.total() == Approx(6.01));
  double sum = 0;
  for (const lc::loss_term& term : loss) sum += term.weighted;
  CHECK(sum == loss.total());
  loss.add("task", 1, std::nan(""));
  CHECK(std::isnan(loss.total()));
  loss.clear();
  CHECK(loss.total() == 0);
}

namespace {
/// Losses are constant expressions, too.
constexpr double of_constants() {
  lc::tensor<double, 4, 2> x{{1, 2, 3, 5, 7, 11, 13, 17}}, y{{1, 0, 2, 1, 0, 3, 1, 1}}, d;
  lc::info_nce_workspace<4> pairs;
  lc::alignment_workspace<4> products;
  double sum = lc::mean_squared_error(x.view(), y.view(), d.view());
  sum += lc::square_head{}(x.view(), y.view(), d.view()) + lc::density_penalty{0.1}(x.view(), d.view());
  sum += lc::kl_divergence{2}(x.view(), y.view(), d.view()) + lc::info_nce{}(x.view(), y.view(), d.view(), pairs);
  return sum + lc::alignment{}(x.view(), y.view(), d.view(), products);
}
static_assert(of_constants() > 0);
}  // namespace
