// Trainers: steps against hand-written loops, threads, stopping, settings, checkpoints.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>
#include <lacuna/with_threads.hpp>
#include <limits>
#include <memory>
#include <vector>

#include "support/allocations.hpp"
#include "support/compiled_tiles.hpp"
#include "support/same_bits.hpp"
#include "support/scratch.hpp"
#include "support/worse.hpp"

namespace {
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<12>, lc::learned_position,
                         lc::repeat<2, lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<12>, lc::gelu_tanh>>>,
                         lc::tied_head>;

/// A text without an end, of which every stream of a batch reads another stretch.
struct endless {
  std::uint64_t seed = 5;
  template <class Learner>
  lc::outcome<lc::lesson_result> operator()(Learner& by, lc::extent_t number, std::uint64_t step, bool learns) const {
    constexpr lc::extent_t length = 12;
    std::uint32_t before = 0;
    for (lc::extent_t t = 0; t <= length; ++t) {
      const auto drawn = lc::random_bits(seed, step * 100 + number, t).word[0];
      const std::uint32_t token = drawn % 4 == 0 ? drawn / 4 % 11 : (before * 3 + 1) % 11;
      if (t < length) by.inputs[t] = token;
      if (t > 0) by.targets[t - 1] = t % 5 == 4 ? lc::no_token : token;
      before = token;
    }
    const lc::token_view inputs{by.inputs, length}, targets{by.targets, length};
    return learns ? lc::try_learn_tokens(by, inputs, targets) : lc::try_measure_tokens(by, inputs, targets);
  }
};

/// Counts the bytes that are held at a time.
struct counting_allocator {
  static constexpr auto name = lc::fixed_string("counting_allocator");
  static inline std::size_t bytes = 0;
  static void* allocate(lc::extent_t size, lc::extent_t alignment) noexcept {
    bytes += size;
    return lc::heap_allocator::allocate(size, alignment);
  }
  static void release(void* memory, lc::extent_t size, lc::extent_t alignment) noexcept {
    bytes -= size;
    lc::heap_allocator::release(memory, size, alignment);
  }
};

/// What lessons need, made by hand around a model.
template <class Model>
struct holder {
  using model_type = Model;
  Model& model;
  lc::tensor<typename Model::value, 12, 11> adjoint{};
  std::uint32_t inputs[12]{}, targets[12]{};
};

template <class Trainer>
lc::step_report step(Trainer& of, lc::extent_t streams = 4, double rate = 1e-2) {
  const auto report = of.try_step(
      streams, rate, [&](auto& by, lc::extent_t number) { return endless{}(by, number, of.progress().steps, true); });
  REQUIRE_MESSAGE(report.ok(), report.why().message.c_str());
  return *report;
}

template <class Left, class Right>
double distance(const Left& left, const Right& right) {
  double most = 0;
  lc::visit_tensors(
      [&](const auto& a, const auto& b) {
        for (std::size_t i = 0; i < a.size; ++i)
          most = worse(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
      },
      left, right);
  return most;
}

template <class Model>
Model fresh() {
  Model made;
  lc::draw_weights(made, {.seed = 3, .deviation = 0.3});
  return made;
}

/// What a trainer should do, written down once more: one model, all streams, the textbook's formulas.
template <class Update>
void by_hand(lc::model<tiny, lc::f64>& parameters, int steps, lc::extent_t streams, double clip_norm, Update&& update) {
  using learning = lc::model<tiny, lc::f64, lc::training>;
  learning model;
  lc::visit_tensors([](auto& to, const auto& from) { to = from; }, model.parameters_to_write(),
                    parameters.parameters());
  for (int step = 0; step < steps; ++step) {
    model.update();
    model.clear_gradients();
    holder<learning> by{model};
    double counted = 0;
    for (lc::extent_t number = 0; number < streams; ++number) {
      const auto taught = endless{}(by, number, static_cast<std::uint64_t>(step), true);
      REQUIRE(taught.ok());
      counted += taught->counted;
    }
    double squares = 0;
    lc::visit_tensors(
        [&](const auto& g) {
          for (const double x : g.data) squares += x * x / counted / counted;
        },
        model.gradients_to_write());
    const double scale =
        (clip_norm > 0 && std::sqrt(squares) > clip_norm ? clip_norm / std::sqrt(squares) : 1) / counted;
    int tensor = 0;
    lc::visit_tensors([&](auto& w, const auto& g) { update(tensor++, step + 1, w, g, scale); },
                      model.parameters_to_write(), model.gradients_to_write());
  }
  lc::visit_tensors([](auto& to, const auto& from) { to = from; }, parameters.parameters_to_write(),
                    model.parameters());
}

}  // namespace

TEST_CASE("Adam with decoupled decay, step by step as the algorithm is written") {
  auto trained = fresh<lc::model<tiny, lc::f64>>(), expected = fresh<lc::model<tiny, lc::f64>>();
  for (const double clip : {0.0, 0.05}) {
    lc::trainer<lc::model<tiny, lc::f64>> teacher(trained, {.beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1},
                                                  {.clip_norm = clip});
    for (int i = 0; i < 3; ++i) {
      const auto report = step(teacher);
      CHECK(report.gradient_norm > clip);  // shortened, where it is asked for
      CHECK(report.gradient_norm < 100);
    }
    std::vector<std::vector<double>> first(100), second(100);
    by_hand(expected, 3, 4, clip, [&](int tensor, int number, auto& w, const auto& g, double scale) {
      auto &m = first[static_cast<std::size_t>(tensor)], &v = second[static_cast<std::size_t>(tensor)];
      m.resize(w.size), v.resize(w.size);
      for (std::size_t i = 0; i < w.size; ++i) {
        const double of = g[i] * scale;
        if (w.rank > 1) w[i] -= 1e-2 * 0.1 * w[i];
        m[i] = 0.8 * m[i] + 0.2 * of;
        v[i] = 0.95 * v[i] + 0.05 * of * of;
        w[i] -= 1e-2 * (m[i] / (1 - std::pow(0.8, number))) / (std::sqrt(v[i] / (1 - std::pow(0.95, number))) + 1e-8);
      }
    });
    CHECK(distance(trained.parameters(), expected.parameters()) < 1e-12);
  }
}

TEST_CASE("gradient descent with momentum, as the algorithm is written") {
  for (const bool ahead : {false, true}) {
    auto trained = fresh<lc::model<tiny, lc::f64>>(), expected = fresh<lc::model<tiny, lc::f64>>();
    lc::trainer<lc::model<tiny, lc::f64>, lc::gradient_descent> teacher(
        trained, {.momentum = 0.7, .weight_decay = 0.01, .looks_ahead = ahead});
    for (int i = 0; i < 3; ++i) step(teacher, 3, 0.1);
    std::vector<std::vector<double>> moment(100);
    by_hand(expected, 3, 3, 0, [&](int tensor, int, auto& w, const auto& g, double scale) {
      auto& m = moment[static_cast<std::size_t>(tensor)];
      m.resize(w.size);
      for (std::size_t i = 0; i < w.size; ++i) {
        const double of = g[i] * scale + (w.rank > 1 ? 0.01 * w[i] : 0);
        m[i] = 0.7 * m[i] + of;
        w[i] -= 0.1 * (ahead ? of + 0.7 * m[i] : m[i]);
      }
    });
    CHECK(distance(trained.parameters(), expected.parameters()) < 1e-12);
  }
}

TEST_CASE("the same bits on 1, 2 and 4 threads; parts change the order of sums and nothing else") {
  using net = lc::model<tiny, lc::simd>;
  auto alone = fresh<net>(), two = fresh<net>(), four = fresh<net>(), whole = fresh<net>();
  lc::thread_team one_thread(1), two_threads(2), four_threads(4);
  lc::trainer<net, lc::adam_w, lc::parts<4>, lc::thread_team> a(alone, {}, {}, one_thread), b(two, {}, {}, two_threads),
      c(four, {}, {}, four_threads);
  lc::trainer<net> d(whole);
  double losses[4]{};
  for (int i = 0; i < 5; ++i) {
    losses[0] = step(a, 7).loss, losses[1] = step(b, 7).loss, losses[2] = step(c, 7).loss, losses[3] = step(d, 7).loss;
  }
  CHECK(losses[0] == losses[1]);
  CHECK(losses[0] == losses[2]);
  CHECK(same_bits(alone.parameters(), two.parameters()));
  CHECK(same_bits(alone.parameters(), four.parameters()));
  CHECK(distance(alone.parameters(), whole.parameters()) < 1e-4);
  CHECK(losses[3] == doctest::Approx(losses[0]).epsilon(1e-4));
}

TEST_CASE("no step allocates, on one thread and on several, whatever the optimiser and the blocks") {
  const auto check = [](auto& teacher) {
    step(teacher, 8);  // whatever is done once is done
    const std::size_t before = allocations();
    for (int i = 0; i < 3; ++i) step(teacher, 8);
    const auto measured =
        teacher.try_measure(8, [](auto& by, lc::extent_t number) { return endless{}(by, number, 1000, false); });
    const std::size_t after = allocations();
    CHECK(measured.ok());
    CHECK(after == before);
  };
  // A mixture, dropout, a block that runs anew, keys that tokens choose, features, a masked weight.
  using mixed = lc::decoder<
      lc::vocabulary<11>, lc::width<8>, lc::context<12>,
      lc::pre_norm<lc::rms_norm<>,
                   lc::dropout<lc::mixture<lc::experts<3>, lc::experts_per_token<2>, lc::hidden<4>, lc::relu>,
                               lc::probability{0.1f}>>,
      lc::recomputed<lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::top_k<3>>,
                                  lc::ffn<lc::hidden<8>, lc::silu, lc::masked<lc::n_m<2, 4>>>>>,
      lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::favor<6>>>>;
  using net = lc::model<tiny, lc::simd>;
  using other_net = lc::model<mixed, lc::simd>;
  auto one = fresh<net>(), several = fresh<net>();
  auto other = fresh<other_net>();
  lc::trainer<net> alone(one);
  lc::thread_team team(2);
  lc::trainer<net, lc::adam_w, lc::parts<4>, lc::thread_team> together(several, {}, {}, team);
  lc::trainer<other_net, lc::gradient_descent> of_mixed(other);
  check(alone);
  check(together);
  check(of_mixed);
}

TEST_CASE("it learns, the trained model is up to date, and progress is counted") {
  using net = lc::model<tiny, lc::simd>;
  auto model = fresh<net>();
  lc::trainer<net> teacher(model);
  const double first = step(teacher, 8).loss;
  for (int i = 0; i < 150; ++i) step(teacher, 8);
  const double last = step(teacher, 8).loss;
  CHECK(last < 0.7 * first);
  CHECK(teacher.progress().steps == 152);
  CHECK(teacher.progress().targets == 152 * 8 * 10);  // of 12 positions, two never count
  CHECK(teacher.progress().multiply_adds == 152 * 8 * tiny::bound::multiply_adds(0, 12, 12));

  const auto measured =
      teacher.try_measure(8, [&](auto& by, lc::extent_t number) { return endless{}(by, number, 1000, false); });
  REQUIRE(measured.ok());
  // The model that was trained says the same as the learners inside.
  double loss = 0, counted = 0;
  for (lc::extent_t number = 0; number < 8; ++number) {
    using learning = lc::model<tiny, lc::simd, lc::training, lc::borrowed>;
    learning again(model.parameters());
    holder<learning> by{again};
    const auto taught = endless{}(by, number, 1000, false);
    REQUIRE(taught.ok());
    model.reset();
    const auto forwarded = model.try_forward({by.inputs, 12}, [&](lc::extent_t t, const auto& logits) {
      if (by.targets[t] != lc::no_token) loss += lc::cross_entropy(logits.data, 11, by.targets[t]), counted += 1;
    });
    REQUIRE(forwarded.ok());
  }
  CHECK(counted == measured->counted);
  CHECK(loss / counted == doctest::Approx(measured->loss).epsilon(1e-5));
}

TEST_CASE("frozen tensors keep their bits; rates and decay of single tensors") {
  using net = lc::model<tiny, lc::f64>;
  auto model = fresh<net>();
  const auto before = model.parameters();
  lc::trainer<net, lc::gradient_descent> teacher(model, {.momentum = 0});
  teacher.visit_settings([](const char* path, lc::tensor_setting& setting) {
    setting.learns = std::string(path).find("attention.query") != std::string::npos;
  });
  step(teacher);
  int moved = 0;
  lc::visit_named(
      [&](const char* path, const auto& a, const auto& b) {
        bool same = true;
        for (std::size_t i = 0; i < a.size; ++i) same = same && a[i] == b[i];
        CHECK(same == (std::string(path).find("attention.query") == std::string::npos));
        moved += same ? 0 : 1;
      },
      before, model.parameters());
  CHECK(moved == 2);
}

TEST_CASE("a tensor that is thawed learns as one that is new to Adam, in a training that was resumed, too") {
  using net = lc::model<tiny, lc::f64>;
  const scratch folder;
  const auto path = folder.path("training");
  const auto learns_value = [](auto& teacher, bool learns) {
    teacher.visit_settings([&](const char* name, lc::tensor_setting& setting) {
      if (std::string(name).find("attention.value") != std::string::npos) setting.learns = learns;
    });
  };
  const auto largest_move = [](const auto& before, const auto& after) {
    double most = 0;
    lc::visit_named(
        [&](const char* name, const auto& a, const auto& b) {
          if (std::string(name).find("attention.value") == std::string::npos) return;
          for (std::size_t i = 0; i < a.size; ++i) most = std::max(most, std::abs(a[i] - b[i]));
        },
        before, after);
    return most;
  };
  auto model = fresh<net>();
  lc::trainer<net> teacher(model, {.weight_decay = 0});
  learns_value(teacher, false);
  for (int i = 0; i < 30; ++i) step(teacher, 4, 1e-4);
  REQUIRE(lc::try_save_training(teacher, path).ok());
  net resumed;
  lc::trainer<net> second(resumed, {.weight_decay = 0});
  REQUIRE(lc::try_resume_training(second, path).ok());
  learns_value(teacher, true);
  const auto before = model.parameters();
  step(teacher, 4, 1e-4), step(second, 4, 1e-4);
  // Its first step has the length of the rate; by the steps of the training it would be three times as long.
  CHECK(largest_move(before, model.parameters()) == doctest::Approx(1e-4).epsilon(1e-3));
  step(teacher, 4, 1e-4), step(second, 4, 1e-4);
  CHECK(same_bits(model.parameters(), resumed.parameters()));
  CHECK(same_bits(teacher.moments(), second.moments()));
  CHECK(teacher.progress().steps == 32);
  std::size_t tensor = 0, late = 0;
  teacher.visit_settings([&](const char* name, const lc::tensor_setting&) {
    const bool thawed = std::string(name).find("attention.value") != std::string::npos;
    CHECK(teacher.learnt(tensor) == (thawed ? 2 : 32));
    CHECK(second.learnt(tensor++) == (thawed ? 2 : 32));
    late += thawed;
  });
  CHECK(late == 2);
  // A training that says nothing of it, as all of whose tensors learnt always do, is one of them.
  lc::trainer<net> third(resumed);
  for (int i = 0; i < 3; ++i) step(third);
  REQUIRE(lc::try_save_training(third, path).ok());
  auto opened = lc::try_read_safetensors(path).take();
  CHECK(!lc::find_metadata(opened, "lacuna.training.learnt"));
  REQUIRE(lc::try_resume_training(second, opened).ok());
  CHECK(second.learnt(0) == 3);
  for (const char* wrong : {"", "3", "3 x", "4 4", "3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3"}) {
    auto damaged = opened;
    damaged.metadata.emplace_back("lacuna.training.learnt", wrong);
    const auto refused = lc::try_resume_training(second, damaged);
    REQUIRE(!refused.ok());
    CHECK(std::string(refused.why().message.c_str()).find("whole numbers of at most 3, found something else") !=
          std::string::npos);
  }
}

TEST_CASE("what goes wrong stops a training and leaves the parameters as they were") {
  using net = lc::model<tiny, lc::f32>;
  auto model = fresh<net>();
  lc::trainer<net> teacher(model);
  step(teacher);
  const auto before = model.parameters();
  const auto expect = [&](const auto& outcome, const char* sentence) {
    REQUIRE(!outcome.ok());
    CHECK(std::string(outcome.why().message.c_str()).find(sentence) != std::string::npos);
    CHECK(same_bits(before, model.parameters()));
    CHECK(teacher.progress().steps == 1);
  };
  expect(teacher.try_step(0, 1e-3, [](auto& by, lc::extent_t n) { return endless{}(by, n, 0, true); }),
         "expected lessons in which something counts");
  expect(teacher.try_step(2, 1e-3,
                          [](auto& by, lc::extent_t n) -> lc::outcome<lc::lesson_result> {
                            by.inputs[0] = 1, by.targets[0] = n == 1 ? 11 : 2;
                            return lc::try_learn_tokens(by, {by.inputs, 1}, {by.targets, 1});
                          }),
         "target 0: expected a number below 11 or no_token, found 11");
  expect(teacher.try_step(
             1, 1e-3, [](auto& by, lc::extent_t) { return lc::try_learn_tokens(by, {by.inputs, 3}, {by.targets, 2}); }),
         "expected as many targets as inputs, 3, found 2");
  expect(teacher.try_step(1, 1e-3,
                          [](auto& by, lc::extent_t n) {
                            auto taught = endless{}(by, n, 0, true);
                            taught->loss = std::numeric_limits<double>::quiet_NaN();
                            return taught;
                          }),
         "step 2: expected a finite loss, found NaN");
  expect(teacher.try_step(1, 1e-3,
                          [](auto& by, lc::extent_t n) {
                            auto taught = endless{}(by, n, 0, true);
                            by.model.gradients_to_write().embedding.weight[0] = std::numeric_limits<float>::infinity();
                            return taught;
                          }),
         "expected a gradient of length 1e+6 at most, found infinity");
  teacher.options.stop_above = std::numeric_limits<double>::infinity();
  expect(teacher.try_step(1, 1e-3,
                          [](auto& by, lc::extent_t n) {
                            auto taught = endless{}(by, n, 0, true);
                            by.model.gradients_to_write().embedding.weight[0] = std::numeric_limits<float>::infinity();
                            return taught;
                          }),
         "expected a gradient of length infinity at most, found infinity");
  teacher.options.stop_above = 1e-3;
  expect(teacher.try_step(1, 1e-3, [](auto& by, lc::extent_t n) { return endless{}(by, n, 0, true); }),
         "expected a gradient of length 0.001 at most");
  teacher.options.stop_above = 1e6;
  step(teacher);
  CHECK(!same_bits(before, model.parameters()));
}

TEST_CASE("numbers that no training has are refused before anything moves") {
  using net = lc::model<tiny, lc::f64>;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  auto model = fresh<net>();
  const auto before = model.parameters();
  const auto lesson = [](auto& by, lc::extent_t n) { return endless{}(by, n, 0, true); };
  const auto refuses = [&](auto& teacher, double rate, const char* sentence) {
    const auto report = teacher.try_step(1, rate, lesson);
    REQUIRE_MESSAGE(!report.ok(), std::string(sentence));
    CHECK_MESSAGE(std::string(report.why().message.c_str()).find(sentence) != std::string::npos,
                  std::string(report.why().message.c_str()));
    CHECK(same_bits(before, model.parameters()));
    CHECK(teacher.progress().steps == 0);
    CHECK(!teacher.damaged());
  };
  lc::trainer<net> adam(model);
  const auto adam_refuses = [&](const lc::adam_w& by, const char* sentence) {
    adam.optimiser = by;
    refuses(adam, 1e-3, sentence);
    adam.optimiser = {};
  };
  adam_refuses({.beta1 = 1.5}, "lacuna::adam_w: beta1: expected a number from 0 to below 1, found 1.5 (0.9 is usual)");
  adam_refuses({.beta1 = 1}, "beta1: expected a number from 0 to below 1, found 1 ");
  adam_refuses({.beta1 = nan}, "beta1: expected a number from 0 to below 1, found NaN");
  adam_refuses({.beta2 = 1}, "beta2: expected a number from 0 to below 1, found 1 ");
  adam_refuses({.beta2 = -0.5}, "beta2: expected a number from 0 to below 1, found -0.5");
  adam_refuses({.epsilon = -1}, "epsilon: expected a finite number of 0 or more, found -1");
  adam_refuses({.epsilon = infinite}, "epsilon: expected a finite number of 0 or more, found infinity");
  adam_refuses({.weight_decay = -0.1}, "weight_decay: expected a finite number of 0 or more, found -0.1");
  for (const double rate : {nan, infinite, -1e-3}) refuses(adam, rate, "lacuna::train: rate: expected a finite number");
  for (const double number : {nan, -1.0}) {
    adam.options = {.clip_norm = number};
    refuses(adam, 1e-3, "lacuna::train: clip_norm: expected a number of 0 or more, found");
    adam.options = {.stop_above = number};
    refuses(adam, 1e-3, "lacuna::train: stop_above: expected a number of 0 or more, found");
  }
  adam.options = {.clip_norm = infinite, .stop_above = infinite};
  adam.visit_settings([&](const char* path, lc::tensor_setting& setting) {
    if (std::string(path) == "blocks.1.ffn.up.weight") setting.rate = nan;
  });
  refuses(adam, 1e-3,
          "lacuna::train: rate of 'blocks.1.ffn.up.weight': expected a finite number of 0 or more, found NaN");
  adam.visit_settings([](const char*, lc::tensor_setting& setting) { setting.rate = 1; });

  lc::trainer<net, lc::gradient_descent> descent(model, {.momentum = 1});
  refuses(descent, 1e-3, "lacuna::gradient_descent: momentum: expected a number from 0 to below 1, found 1 ");
  descent.optimiser = {.weight_decay = nan};
  refuses(descent, 1e-3, "weight_decay: expected a finite number of 0 or more, found NaN");

  // At the ends of the ranges they learn.
  adam.optimiser = {.beta1 = 0, .beta2 = 0, .weight_decay = 0};
  REQUIRE(adam.try_step(1, 1e-3, lesson).ok());
  CHECK(!same_bits(before, model.parameters()));
}

TEST_CASE("a step that leaves no finite numbers is an error, and is not saved over the last good training") {
  using net = lc::model<tiny, lc::f32>;
  const auto lesson = [](auto& by, lc::extent_t n) { return endless{}(by, n, 0, true); };
  const auto refuses = [](const auto& outcome, const char* sentence) {
    REQUIRE(!outcome.ok());
    CHECK_MESSAGE(std::string(outcome.why().message.c_str()).find(sentence) != std::string::npos,
                  outcome.why().message.c_str());
  };
  const scratch folder;
  const std::string path = folder.path("training.safetensors");
  auto model = fresh<net>();
  lc::trainer<net> teacher(model);
  step(teacher);
  const auto before = model.parameters();
  REQUIRE(lc::try_save_training(teacher, path).ok());
  CHECK(!teacher.damaged());

  refuses(teacher.try_step(1, 1e39, lesson), "step 2: expected finite weights and moments after it");
  CHECK(teacher.damaged());
  refuses(lc::try_save_training(teacher, path), "expected finite weights and moments, found others after step 2");
  refuses(teacher.try_measure(2, [](auto& by, lc::extent_t n) { return endless{}(by, n, 0, false); }),
          "expected a finite mean loss, found NaN");
  REQUIRE(lc::try_resume_training(teacher, path).ok());
  CHECK(!teacher.damaged());
  CHECK(same_bits(before, model.parameters()));
  step(teacher);

  // A moment alone is enough: what no weight shows yet would be refused when it is read again.
  lc::visit_tensors([](auto& second) { second[0] = std::numeric_limits<float>::infinity(); },
                    teacher.moments_to_write().second);
  refuses(teacher.try_step(1, 1e-3, lesson), "expected finite weights and moments after it");
  // And a negative square would make NaN of the next step.
  REQUIRE(lc::try_resume_training(teacher, path).ok());
  teacher.moments_to_write().second.embedding.weight[2] = -1;
  REQUIRE(lc::try_save_training(teacher, path).ok());
  refuses(lc::try_resume_training(teacher, path),
          "squares of 'embedding.weight', element 2: expected 0 or more, found -1");
}

TEST_CASE("a training that was saved and resumed goes on with the same bits") {
  using net = lc::model<tiny, lc::simd>;
  const scratch folder;
  const std::string path = folder.path("training.safetensors");
  auto whole = fresh<net>();
  lc::trainer<net, lc::adam_w, lc::parts<2>> teacher(whole);
  for (int i = 0; i < 3; ++i) step(teacher);
  REQUIRE(lc::try_save_training(teacher, path, {{"note", "third"}}).ok());
  // What the library says of it nobody else does.
  for (const auto& [extra, sentence] :
       std::vector<std::pair<std::vector<std::pair<std::string, std::string>>, std::string>>{
           {{{"lacuna.training.steps", "7"}},
            "metadata 'lacuna.training.steps': expected a key of the program's own, found one that begins with "
            "lacuna."},
           {{{"note", "a"}, {"lacuna.mine", "b"}}, "metadata 'lacuna.mine': expected a key of the program's own"},
           {{{"note", "a"}, {"other", "b"}, {"note", "c"}},
            "metadata 'note': expected each key once, found it twice"}}) {
    const auto wrong = lc::try_save_training(teacher, path, extra);
    REQUIRE(!wrong.ok());
    CHECK_MESSAGE(std::string(wrong.why().message.c_str()).find(sentence) != std::string::npos,
                  std::string(wrong.why().message.c_str()));
  }
  CHECK(lc::find_metadata(*lc::try_read_safetensors(path), "note") == "third");
  for (int i = 0; i < 4; ++i) step(teacher);

  net resumed;
  lc::trainer<net, lc::adam_w, lc::parts<2>> second(resumed);
  const auto went_on = lc::try_resume_training(second, path);
  REQUIRE_MESSAGE(went_on.ok(), went_on.why().message.c_str());
  CHECK(second.progress().steps == 3);
  for (int i = 0; i < 4; ++i) step(second);
  CHECK(same_bits(whole.parameters(), resumed.parameters()));
  CHECK(same_bits(teacher.moments(), second.moments()));
  CHECK(second.progress().multiply_adds == teacher.progress().multiply_adds);

  // A damaged file changes nothing.
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const auto before = resumed.parameters();
  for (const auto& [damaged, sentence] : std::vector<std::pair<std::string, std::string>>{
           {bytes.substr(0, bytes.size() - 4), "is the file whole?"},
           {std::string(bytes).replace(bytes.find("training.steps\":\"3"), 18, "training.steps\":\"x"),
            "expected a whole number, found 'x'"},
           {std::string(bytes).replace(bytes.find("moments.second"), 14, "moments.sekond"), "moments.second"}}) {
    const std::string broken = folder.path("broken.safetensors");
    std::ofstream(broken, std::ios::binary) << damaged;
    const auto wrong = lc::try_resume_training(second, broken);
    REQUIRE(!wrong.ok());
    CHECK_MESSAGE(std::string(wrong.why().message.c_str()).find(sentence) != std::string::npos,
                  wrong.why().message.c_str());
    CHECK(same_bits(before, resumed.parameters()));
  }
  // Nor is one of another recipe of the same shapes, of other numerics or another optimiser.
  const auto refuses = [&]<class Other, class By>(lc::type_list<Other, By>, const char* sentence) {
    Other model;
    lc::trainer<Other, By> other(model);
    const auto wrong = lc::try_resume_training(other, path);
    REQUIRE_MESSAGE(!wrong.ok(), std::string(sentence));
    CHECK_MESSAGE(std::string(wrong.why().message.c_str()).find(sentence) != std::string::npos,
                  wrong.why().message.c_str());
    CHECK(other.progress().steps == 0);
  };
  using four_heads = lc::substitute<tiny, lc::heads<2>, lc::heads<4>>;
  refuses(lc::type_list<lc::model<four_heads, lc::simd>, lc::adam_w>{}, "heads");
  refuses(lc::type_list<lc::model<tiny, lc::f64>, lc::adam_w>{}, "expected a training in F64, found F32");
  refuses(lc::type_list<net, lc::gradient_descent>{}, "moments.second");

  const auto plain = folder.path("plain.safetensors");
  REQUIRE(lc::try_save(resumed, plain).ok());
  CHECK(!lc::try_resume_training(second, plain).ok());
}

TEST_CASE("patterns and quantised weights stay, their values learn, and settings belong to the tensors they name") {
  using sparse =
      lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<12>, lc::learned_position,
                  lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::n_m<2, 4>>,
                               lc::ffn<lc::hidden<12>, lc::relu, lc::quantized<8>>>,
                  lc::pre_norm<lc::layer_norm<>, lc::ffn<lc::hidden<12>, lc::relu, lc::csr<lc::density{0.25}>>>,
                  lc::tied_head>;
  using net = lc::model<sparse, lc::f64>;
  auto model = fresh<net>();
  lc::visit_named(
      [](const char* path, auto& tensor) {
        using element = typename std::remove_reference_t<decltype(tensor)>::element;
        const std::string name = path;
        const bool scales = name.find(".scale") != name.npos;  // 0 at first
        // Two entries in each of 12 rows, three in each of 8.
        const std::size_t in_a_row = name.find("up.") != name.npos ? 2 : 3;
        for (std::size_t i = 0; i < tensor.size; ++i)
          if constexpr (lc::is_pattern<element>) {
            if (name.ends_with(".begins")) tensor[i] = static_cast<element>(i * in_a_row);
            if (name.ends_with(".columns")) tensor[i] = static_cast<element>(i % in_a_row * 3);
          } else if constexpr (lc::is_integer<element>)
            tensor[i] = static_cast<element>(static_cast<int>(i * 37 % 255) - 127);
          else if (scales)
            tensor[i] = static_cast<element>(1) / 10;
      },
      model.parameters_to_write());
  model.update();
  const auto before = model.parameters();
  lc::trainer<net> teacher(model, {.weight_decay = 0.1});
  std::vector<std::string> named;
  teacher.visit_settings([&](const char* path, lc::tensor_setting& setting) {
    named.emplace_back(path);
    setting.learns = named.back().find("attention.value") == std::string::npos;
  });
  for (int i = 0; i < 2; ++i) step(teacher);
  std::size_t learnt = 0;
  lc::visit_named(
      [&](const char* path, const auto& a, const auto& b) {
        using element = typename std::remove_cvref_t<decltype(a)>::element;
        bool same = true;
        for (std::size_t i = 0; i < a.size; ++i) same = same && a[i] == b[i];
        const bool stays = lc::is_integer<element> || std::string(path).find("attention.value") != std::string::npos;
        CHECK_MESSAGE(same == stays, std::string(path));
        if constexpr (!lc::is_integer<element>) {
          REQUIRE(learnt < named.size());
          CHECK(named[learnt++] == path);
        }
      },
      before, model.parameters());
  CHECK(learnt == named.size());
  CHECK(learnt == lc::trainer<net>::tensor_count);

  // A training of such weights goes on from a file, too.
  const scratch folder;
  const auto path = folder.path("training");
  REQUIRE(lc::try_save_training(teacher, path).ok());
  net resumed;
  lc::trainer<net> second(resumed, {.weight_decay = 0.1});
  const auto went_on = lc::try_resume_training(second, path);
  REQUIRE_MESSAGE(went_on.ok(), std::string(went_on.why().message.c_str()));
  CHECK(same_bits(model.parameters(), resumed.parameters()));
  teacher.visit_settings([](const char*, lc::tensor_setting& setting) { setting.learns = true; });
  step(teacher), step(second);
  CHECK(same_bits(model.parameters(), resumed.parameters()));
  CHECK(same_bits(teacher.moments(), second.moments()));
  // Steps five times as long as the scales take none below 0.
  for (int i = 0; i < 3; ++i) step(teacher, 4, 0.5);
  const auto fine = lc::try_check_parameters(model.parameters());
  CHECK(fine.ok());
  double least = 1, largest = 0;
  lc::visit_named(
      [&](const char* of_scale, const auto& tensor) {
        if (std::string(of_scale).find(".scale") == std::string::npos) return;
        for (const auto of : tensor.data)
          least = std::min(least, static_cast<double>(of)), largest = std::max(largest, static_cast<double>(of));
      },
      model.parameters());
  CHECK(least == 0);
  CHECK(largest > 0.1);
}

TEST_CASE("what rules of its own move neither decays nor is drawn anew") {
  using clustered = lc::decoder<
      lc::vocabulary<11>, lc::width<8>, lc::context<12>,
      lc::pre_norm<lc::rms_norm<>,
                   lc::attention<lc::heads<2>, lc::shared_query_key<lc::shared_form::normalised>, lc::k_means<3>>,
                   lc::ffn<lc::hidden<12>, lc::relu, lc::predicted<lc::rank<2>>>>>;
  using net = lc::model<clustered, lc::f64>;
  auto model = fresh<net>();
  const net undrawn;
  const auto before = model.parameters();
  lc::trainer<net> teacher(model, {.weight_decay = 0.1});
  int apart = 0, seen = 0;
  const auto other_rules = [](const std::string& path) {
    return path.find("centroids") != path.npos || path.find("predictor.") != path.npos;
  };
  teacher.visit_settings([&](const char* path, const lc::tensor_setting& setting) {
    CHECK_MESSAGE(setting.learns != other_rules(path), std::string(path));
    apart += setting.learns ? 0 : 1, ++seen;
  });
  CHECK(apart == 4);  // centroids, two maps and a threshold
  CHECK(seen == int{lc::trainer<net>::tensor_count});
  step(teacher);
  lc::visit_named(
      [&](const char* path, const auto& a, const auto& b, const auto& c) {
        bool same = true, as_made = true, some = false;
        for (std::size_t i = 0; i < a.size; ++i)
          same = same && a[i] == b[i], as_made = as_made && a[i] == c[i], some = some || a[i] != 0;
        const std::string name = path;
        if (other_rules(name)) CHECK_MESSAGE(same, name);
        if (a.rank > 1) CHECK_MESSAGE(as_made == (name.find("centroids") != name.npos), name);
        if (a.rank > 1) CHECK_MESSAGE(some, name);
      },
      before, model.parameters(), undrawn.parameters());
  // A program that wants them to learn says so.
  teacher.visit_settings([](const char*, lc::tensor_setting& setting) { setting.learns = true; });
  step(teacher);
  bool decayed = false;
  lc::visit_named(
      [&](const char* path, const auto& a, const auto& b) {
        if (std::string(path).find("centroids") != std::string::npos) decayed = a[0] != b[0];
      },
      before, model.parameters());
  CHECK(decayed);
}

TEST_CASE("fresh weights: deviations, those that write to the stream, vectors as they were, the same for a seed") {
  using net =
      lc::model<lc::substitute<tiny, lc::ffn<lc::hidden<12>, lc::gelu_tanh>, lc::ffn<lc::hidden<96>, lc::relu>>>;
  net one, same, other;
  lc::draw_weights(one, {.seed = 3, .deviation = 0.1});
  lc::draw_weights(same, {.seed = 3, .deviation = 0.1});
  lc::draw_weights(other, {.seed = 4, .deviation = 0.1});
  CHECK(same_bits(one.parameters(), same.parameters()));
  CHECK(!same_bits(one.parameters(), other.parameters()));
  lc::visit_named(
      [](const char* path, const auto& tensor) {
        double squares = 0;
        for (const float of : tensor.data) squares += static_cast<double>(of) * static_cast<double>(of);
        const double count = static_cast<double>(tensor.size), spread = std::sqrt(squares / count);
        const std::string name = path;
        const bool writes = name.find("output.weight") != name.npos || name.find("down.weight") != name.npos;
        // Two layers of two sublayers write to the stream. Five standard errors of a deviation.
        const double expected = writes ? 0.05 : 0.1;
        if (tensor.rank > 1)
          CHECK_MESSAGE(std::abs(spread - expected) < 5 * expected / std::sqrt(2 * count), std::string(path));
        else
          CHECK_MESSAGE(spread == (name.find("gain") != name.npos ? 1 : 0), path);
      },
      one.parameters());
}

TEST_CASE("windows and examples are lessons, too") {
  using forecaster = lc::model<lc::regressor<
      lc::variates<3>, lc::lookback<4>, lc::horizon<2>, lc::width<8>,
      lc::repeat<1, lc::tapped<lc::post_norm<lc::layer_norm<>, lc::ffn<lc::hidden<12>, lc::gelu>>>>, lc::layer_norm<>>>;
  forecaster model;
  lc::draw_weights(model, {.seed = 3, .deviation = 0.3});
  lc::trainer<forecaster> teacher(model);
  const auto read = [](lc::extent_t number, float(&past)[12], float(&future)[6]) {
    for (lc::extent_t i = 0; i < 18; ++i)
      (i < 12 ? past[i] : future[i - 12]) =
          static_cast<float>(std::sin(0.5 * static_cast<double>(i / 3 + number + i % 3)));
  };
  const auto lesson = [&](bool learns) {
    return [&, learns](auto& by, lc::extent_t number) {
      float past[12], future[6];
      read(number, past, future);
      const lc::rows<const float, 3> window(past, 4), behind(future, 2);
      const auto taught =
          learns ? lc::try_learn_window(by, window, behind) : lc::try_measure_window(by, window, behind);
      // A tap of a regressor has a row for each series, and not one for each step.
      by.model.visit_taps([](const char*, const auto& rows, const auto& adjoint) {
        CHECK(rows.count == 3);
        CHECK(adjoint.count == 3);
      });
      return taught;
    };
  };
  const double first = teacher.try_measure(10, lesson(false))->loss;
  double by_hand = 0;
  for (lc::extent_t number = 0; number < 10; ++number) {
    float past[12], future[6];
    read(number, past, future);
    const auto forecast = model.predict(lc::rows<const float, 3>(past, 4));
    for (lc::extent_t i = 0; i < 6; ++i) by_hand += std::pow(static_cast<double>(forecast.data[i] - future[i]), 2) / 60;
  }
  CHECK(first == doctest::Approx(by_hand).epsilon(1e-5));
  for (int i = 0; i < 100; ++i) REQUIRE(teacher.try_step(10, 1e-2, lesson(true)).ok());
  CHECK(teacher.try_measure(10, lesson(false))->loss < 0.3 * first);
  CHECK(teacher.progress().multiply_adds == 1000 * forecaster::bound::multiply_adds(0, 3, 3));
  const auto short_future = teacher.try_step(1, 1e-2, [&](auto& by, lc::extent_t) {
    float past[12], future[6];
    read(0, past, future);
    return lc::try_learn_window(by, lc::rows<const float, 3>(past, 4), lc::rows<const float, 3>(future, 1));
  });
  REQUIRE(!short_future.ok());
  CHECK(std::string(short_future.why().message.c_str()).find("expected a future of 2 rows") != std::string::npos);

  // An example is its tokens and targets, without what does not count.
  using adding = lc::task::addition<lc::task::addends{.digits = 2}>;
  using adder = lc::model<lc::decoder<lc::vocabulary<adding::vocabulary>, lc::width<8>, lc::context<adding::length>,
                                      lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<12>, lc::relu>>>>;
  adder sums;
  lc::draw_weights(sums, {.seed = 3, .deviation = 0.3});
  lc::trainer<adder> adds(sums);
  const auto as_example = adds.try_measure(5, [](auto& by, lc::extent_t number) {
    lc::task::token_example<adding::length> example;
    adding::sample(1, number, example);
    return lc::try_measure_example(by, example);
  });
  const auto as_tokens = adds.try_measure(5, [](auto& by, lc::extent_t number) {
    lc::task::token_example<adding::length> example;
    adding::sample(1, number, example);
    for (lc::extent_t t = 0; t < adding::length; ++t)
      by.targets[t] = example.counts[t] != 0 ? example.targets[t] : lc::no_token;
    return lc::try_measure_tokens(by, example.inputs(), {by.targets, adding::length});
  });
  CHECK(as_example->loss == as_tokens->loss);
  CHECK(as_example->counted == 5 * 3);  // a sum of two digits has three
}

TEST_CASE("schedules and clocks at hand-computed places") {
  CHECK(lc::linear_schedule{2, 1}(0.25) == 1.75);
  CHECK(lc::cosine_schedule{1, 0}(0.5) == doctest::Approx(0.5));
  CHECK(lc::cosine_schedule{3e-3, 3e-4}(0.0) == doctest::Approx(3e-3));
  CHECK(lc::cosine_schedule{3e-3, 3e-4}(1.0) == doctest::Approx(3e-4));
  CHECK(lc::cubic_schedule{0, 0.9}(0.5) == doctest::Approx(0.9 - 0.9 / 8));
  CHECK(lc::step_schedule{1, 0.5, 0.25}(0.24) == 1);
  CHECK(lc::step_schedule{1, 0.5, 0.25}(0.25) == 0.5);
  CHECK(lc::step_schedule{1, 0.5, 0.25}(1.0) == 0.125);
  CHECK(lc::step_schedule{1, 0.5, 0.1}(0.3) == 0.125);
  CHECK(lc::step_schedule{1, 0.5, 0.1}(1.0) == 1.0 / 512);
  const auto warmed = lc::warm_up(0.1, lc::cosine_schedule{1, 0});
  CHECK(warmed(0.05) == doctest::Approx(0.5));
  CHECK(warmed(0.1) == doctest::Approx(1));
  CHECK(warmed(0.55) == doctest::Approx(0.5));
  CHECK(warmed(1.0) == doctest::Approx(0));
  CHECK(lc::training_length{.steps = 10}.share({.steps = 5}) == 0.5);
  CHECK(lc::training_length{.targets = 100}.share({.steps = 5, .targets = 25}) == 0.25);
  CHECK(lc::training_length{.multiply_adds = 8}.share({.multiply_adds = 16}) == 1);
}

TEST_CASE("numbers as text") {
  const auto text = [](double number) { return std::string((lc::text_buffer<64>() << number).c_str()); };
  CHECK(text(0) == "0");
  CHECK(text(12.5) == "12.5");
  CHECK(text(-0.00123) == "-0.00123");
  CHECK(text(0.5) == "0.5");
  CHECK(text(100000) == "100000");
  CHECK(text(1e6) == "1e+6");
  CHECK(text(3.25e-9) == "3.25e-9");
  CHECK(text(999999.7) == "1e+6");
  CHECK(text(std::numeric_limits<double>::infinity()) == "infinity");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}
TEST_CASE("what a trainer allocates is a constant") {
  using counted = lc::model<tiny, lc::heap_from<counting_allocator>>;
  using trainer_type = lc::trainer<counted, lc::adam_w, lc::parts<3>>;
  // Two moments for each parameter, a gradient for each in every part.
  static_assert(lc::moment_bytes<trainer_type> >= 2 * sizeof(float) * lc::parameter_count<tiny>);
  static_assert(lc::learner_bytes<trainer_type> > sizeof(float) * lc::parameter_count<tiny>);
  static_assert(lc::trainer_bytes<trainer_type> ==
                3 * lc::learner_bytes<trainer_type> + lc::moment_bytes<trainer_type>);
  counted model;
  const std::size_t before = counting_allocator::bytes;
  CHECK(before == lc::model_bytes<counted>);
  {
    trainer_type teacher(model);
    CHECK(counting_allocator::bytes - before == lc::trainer_bytes<trainer_type>);
    step(teacher);
    CHECK(counting_allocator::bytes - before == lc::trainer_bytes<trainer_type>);
  }
  CHECK(counting_allocator::bytes == before);
}
