// Dropout: what is left out, what stays, gradients through the same draws, threads.
#include "support/worse.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_threads.hpp>
#include <memory>
#include <type_traits>
#include <vector>

namespace {
namespace lc = lacuna;

template <class Attention, class FeedForward>
using recipe = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<12>, lc::learned_position,
                           lc::repeat<2, lc::pre_norm<lc::rms_norm<>, Attention, FeedForward>>, lc::tied_head>;
using attention = lc::attention<lc::heads<2>, lc::causal>;
using feed_forward = lc::ffn<lc::hidden<12>, lc::gelu>;
using plain = recipe<attention, feed_forward>;
using dropping = recipe<lc::dropout<attention, lc::probability{0.25}>, lc::dropout<feed_forward, lc::probability{0.5}>>;

constexpr std::uint32_t tokens[12]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
constexpr std::uint32_t targets[12]{1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 10};

template <class Model>
std::vector<double> logits_of(Model& model) {
  const auto logits = model.try_forward_to_learn({tokens, 12});
  REQUIRE(logits.ok());
  return {logits->data, logits->data + 12 * 11};
}

}  // namespace

TEST_CASE("shares of what is left out, means, the same for the same key") {
  std::vector<double> ones(64 * 64, 1.0), kept(64 * 64), again(64 * 64), other(64 * 64);
  const lc::rows<const double, 64> x(ones.data(), 64);
  for (const double p : {0.0, 0.1, 0.5, 0.9}) {
    const lc::drop_key key{7, 3, 2, static_cast<std::uint32_t>(p * 65536 + 0.5)};
    lc::op::drop(lc::rows<double, 64>(kept.data(), 64), x, key, lc::reference{});
    lc::op::drop(lc::rows<double, 64>(again.data(), 64), x, key, lc::reference{});
    lc::op::drop(lc::rows<double, 64>(other.data(), 64), x, {7, 3, 3, key.dropped}, lc::reference{});
    CHECK(kept == again);
    double zeros = 0, both = 0, sum = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      zeros += kept[i] == 0 ? 1 : 0;
      both += kept[i] == 0 && other[i] == 0 ? 1 : 0;
      sum += kept[i];
      REQUIRE((kept[i] == 0 || std::abs(kept[i] * (1 - p) - 1) < 1e-4));
    }
    const double count = 64 * 64;
    // Five standard errors of a share of 4096 draws.
    CHECK(std::abs(zeros / count - p) <= 5 * std::sqrt(p * (1 - p) / count));
    CHECK(std::abs(both / count - p * p) <= 5 * std::sqrt(p * p * (1 - p * p) / count));
    CHECK(std::abs(sum / count - 1) <= 5 * std::sqrt(p / (1 - p) / count) + 1e-9);
  }
}

TEST_CASE("without draws it is the sublayer, in bits, bytes, paths and cost") {
  static_assert(lc::parameter_count<plain> == lc::parameter_count<dropping>);
  static_assert(lc::model_bytes<lc::model<plain>> == lc::model_bytes<lc::model<dropping>>);
  static_assert(plain::bound::multiply_adds(0, 12, 12) == dropping::bound::multiply_adds(0, 12, 12));
  const auto logits_of_running = [](auto model) {
    lc::draw_weights(*model, {.seed = 1, .deviation = 0.5});
    const auto logits = model->try_forward({tokens, 12});
    REQUIRE(logits.ok());
    return std::vector<float>(logits->data, logits->data + 11);
  };
  CHECK(logits_of_running(std::make_unique<lc::model<dropping>>()) ==
        logits_of_running(std::make_unique<lc::model<plain>>()));
  const auto first = std::make_unique<lc::model<plain, lc::training>>();
  const auto second = std::make_unique<lc::model<dropping, lc::training>>();
  lc::draw_weights(*first, {.seed = 1, .deviation = 0.5});
  lc::draw_weights(*second, {.seed = 1, .deviation = 0.5});
  CHECK(logits_of(*first) == logits_of(*second));
  second->draw({5, 1});
  const auto drawn = logits_of(*second);
  CHECK(drawn != logits_of(*first));
  const auto again = logits_of(*second);  // every forward draws, and draws of its own
  CHECK(again != logits_of(*first));
  CHECK(again != drawn);
  second->draw_nothing();
  CHECK(logits_of(*second) == logits_of(*first));
  second->draw({5, 1});
  CHECK(logits_of(*second) == drawn);
  CHECK(logits_of(*second) == again);
  second->draw({5, 2});
  CHECK(logits_of(*second) != drawn);
}

TEST_CASE("gradients through what is left in, against central differences") {
  using model_type = lc::model<dropping, lc::f64, lc::training>;
  const auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = 2, .deviation = 0.5});
  lc::tensor<double, 12, 11> adjoint;
  const auto loss = [&] {
    model->update();
    model->draw({9, 4});
    const auto logits = model->try_forward_to_learn({tokens, 12});
    REQUIRE(logits.ok());
    return lc::mean_cross_entropy(*logits, {targets, 12}, adjoint.view());
  };
  loss();
  model->clear_gradients();
  REQUIRE(model->try_backward({tokens, 12}, lc::readable(adjoint.view())).ok());
  const auto gradients =
      std::make_unique<std::remove_reference_t<decltype(model->gradients_to_write())>>(model->gradients_to_write());
  lc::visit_named(
      [&](const char* path, auto& weight, const auto& gradient) {
        double largest = 0, worst = 0;
        for (const double g : gradient.data) largest = std::max(largest, std::abs(g));
        for (std::size_t i = 0; i < weight.size; ++i) {
          const double before = weight[i], step = 1e-5;
          weight[i] = before + step;
          const double above = loss();
          weight[i] = before - step;
          const double below = loss();
          weight[i] = before;
          worst = worse(worst, std::abs((above - below) / (2 * step) - gradient[i]));
        }
        CHECK_MESSAGE(worst <= 1e-6 * largest, path);
      },
      model->parameters_to_write(), *gradients);
}

TEST_CASE(
    "every forward of a lesson draws anew, in blocks that are recomputed, too, and after a measurement as before") {
  using block = lc::pre_norm<lc::rms_norm<>, lc::dropout<attention, lc::probability{0.25}>,
                             lc::dropout<feed_forward, lc::probability{0.5}>>;
  const auto check = []<class Recomputed>(std::type_identity<Recomputed>, unsigned threads, std::vector<double>& said) {
    using model_type = lc::model<
        lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<12>, lc::learned_position, Recomputed, lc::tied_head>,
        lc::f64>;
    const auto model = std::make_unique<model_type>();
    lc::draw_weights(*model, {.seed = 3, .deviation = 0.5});
    lc::thread_team team(threads);
    lc::trainer<model_type, lc::gradient_descent, lc::parts<2>, lc::thread_team> teacher(*model, {}, {}, team);
    double losses[2][3]{};
    const auto lesson = [&](auto& by, lc::extent_t number) -> lc::outcome<lc::lesson_result> {
      lc::lesson_result all;
      for (double& loss : losses[number]) {
        const auto one = lc::try_learn_tokens(by, {tokens, 12}, {targets, 12});
        if (!one.ok()) return one.why();
        loss = one->loss;
        all.loss += loss, all.counted += one->counted;
      }
      return all;
    };
    const auto measuring = [](auto& by, lc::extent_t) {
      const auto once = lc::try_measure_tokens(by, {tokens, 12}, {targets, 12});
      const auto twice = lc::try_measure_tokens(by, {tokens, 12}, {targets, 12});
      CHECK(once->loss == twice->loss);
      return twice;
    };
    for (int number = 0; number < 2; ++number) {
      const double undropped = teacher.try_measure(1, measuring)->loss * 12;
      REQUIRE(teacher.try_step(2, 1e-2, lesson).ok());
      for (const auto& of : losses)
        for (int i = 0; i < 3; ++i) {
          CHECK(of[i] != undropped);
          CHECK(of[i] != of[(i + 1) % 3]);
          said.push_back(of[i]);
        }
      CHECK(losses[0][0] != losses[1][0]);
    }
    lc::visit_tensors([&](const auto& of) { said.insert(said.end(), of.data, of.data + of.size); },
                      model->parameters());
  };
  std::vector<double> alone, on_two, recomputed;
  check(std::type_identity<block>{}, 1, alone);
  check(std::type_identity<block>{}, 2, on_two);
  check(std::type_identity<lc::recomputed<block>>{}, 2, recomputed);
  CHECK(alone == on_two);
  CHECK(alone == recomputed);
}

TEST_CASE("trainers draw for lessons that learn, the same on any number of threads, and not when they measure") {
  using model_type = lc::model<dropping>;
  const auto lesson = [](auto& by, lc::extent_t) { return lc::try_learn_tokens(by, {tokens, 12}, {targets, 12}); };
  const auto measuring = [](auto& by, lc::extent_t) { return lc::try_measure_tokens(by, {tokens, 12}, {targets, 12}); };
  double losses[2][4]{};
  for (unsigned threads = 1; threads <= 2; ++threads) {
    model_type model;
    lc::draw_weights(model, {.seed = 3, .deviation = 0.5});
    lc::thread_team team(threads);
    lc::trainer<model_type, lc::gradient_descent, lc::parts<2>, lc::thread_team> teacher(model, {}, {}, team);
    const auto measured = teacher.try_measure(2, measuring), again = teacher.try_measure(2, measuring);
    CHECK(measured->loss == again->loss);
    for (double& loss : losses[threads - 1]) loss = teacher.try_step(4, 0.0, lesson)->loss;
    CHECK(losses[threads - 1][0] != losses[threads - 1][1]);  // the parameters are the same, the draws are not
    CHECK(losses[threads - 1][0] != measured->loss);
  }
  for (int i = 0; i < 4; ++i) CHECK(losses[0][i] == losses[1][i]);
}
