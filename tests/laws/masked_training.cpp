// Sparse weights while they learn: masks that are chosen anew, what they leave out, and what momentum may not revive.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <lacuna/compress/blocked.hpp>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_threads.hpp>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "support/same_bits.hpp"
#include "support/scratch.hpp"

namespace {
namespace lc = lacuna;
using lc::density;
using lc::extent_t;

using adding = lc::task::addition<lc::task::addends{.digits = 1}>;
/// One small decoder, whose feed-forward alone is stored in another way.
template <class Format>
using network = lc::decoder<
    lc::vocabulary<adding::vocabulary>, lc::width<8>, lc::context<adding::length>, lc::learned_position,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<16>, lc::relu, Format>>>;
template <class Packed, class Gradient = lc::straight_through>
using network_of = network<lc::masked<Packed, Gradient>>;

template <class Model>
Model fresh(std::uint64_t seed = 3) {
  Model made;
  lc::draw_weights(made, {.seed = seed, .deviation = 0.3});
  return made;
}
template <class Trainer>
lc::step_report step(Trainer& of, double rate = 1e-2) {
  const std::uint64_t number = of.progress().steps;
  const auto report = of.try_step(4, rate, [&](auto& by, extent_t index) {
    lc::task::token_example<adding::length> example;
    adding::sample(1, number * 4 + index, example);
    return lc::try_learn_example(by, example);
  });
  REQUIRE_MESSAGE(report.ok(), report.why().message.c_str());
  return *report;
}
template <class Model>
lc::mask_report choose(Model& of, lc::mask_scope scope = lc::mask_scope::weight) {
  const auto report = lc::try_choose_masks(of, scope);
  REQUIRE_MESSAGE(report.ok(), report.why().message.c_str());
  return *report;
}
/// The feed-forward's first weight and its mask, in parameters; in gradients or moments there is no mask.
template <class Element>
struct up_weight {
  lc::tensor<Element, 16, 8>& weight;
  lc::tensor<std::uint8_t, 16, 8>& mask;
};
template <class Element, class Parameters>
auto& find_up(Parameters& among, const char* name) {
  using leaf =
      std::conditional_t<std::is_const_v<Parameters>, const lc::tensor<Element, 16, 8>, lc::tensor<Element, 16, 8>>;
  leaf* found = nullptr;
  lc::visit_named(
      [&]<class Leaf>(const char* path, Leaf& of) {
        if constexpr (lc::same<Leaf, leaf>)
          if (std::string(path).ends_with(std::string("up.") + name)) found = &of;
      },
      among);
  REQUIRE(found != nullptr);
  return *found;
}
template <class Model>
auto up_of(Model& of) {
  using element = typename Model::numerics::weight;
  auto& parameters = of.parameters_to_write();
  return up_weight<element>{find_up<element>(parameters, "weight"), find_up<std::uint8_t>(parameters, "mask")};
}

/// Copies what learns into a model whose formats have the same such tensors.
template <class From, class To>
void copy_learnt(const From& from, To& to) {
  std::vector<double> values;
  lc::visit_tensors(
      [&]<class Leaf>(const Leaf& of) {
        if constexpr (!lc::is_integer<typename Leaf::element>)
          for (const auto each : of.data) values.push_back(each);
      },
      from.parameters());
  std::size_t at = 0;
  lc::visit_tensors(
      [&]<class Leaf>(Leaf& of) {
        if constexpr (!lc::is_integer<typename Leaf::element>)
          for (auto& each : of.data) each = static_cast<typename Leaf::element>(values[at++]);
      },
      to.parameters_to_write());
  REQUIRE(at == values.size());
  to.update();
}

/// Whether a mask keeps the entries that lie before all others when they are sorted by magnitude, then by place.
template <class Weight, class Mask>
void check_largest(const Weight& weight, const Mask& mask, const std::vector<extent_t>& among, extent_t count) {
  std::vector<extent_t> order = among;
  std::sort(order.begin(), order.end(), [&](extent_t a, extent_t b) {
    return std::fabs(weight[a]) > std::fabs(weight[b]) || (std::fabs(weight[a]) == std::fabs(weight[b]) && a < b);
  });
  for (extent_t i = 0; i < order.size(); ++i) CHECK(mask[order[i]] == (i < count ? 1 : 0));
}
std::vector<extent_t> numbers(extent_t from, extent_t count) {
  std::vector<extent_t> all(count);
  for (extent_t i = 0; i < count; ++i) all[i] = from + i;
  return all;
}

}  // namespace

TEST_CASE("masks are chosen in the pattern of the packed format, of equal entries the first") {
  const auto chosen = []<class Format>(std::type_identity<Format>, auto&& check,
                                       lc::mask_scope scope = lc::mask_scope::weight) {
    auto model = fresh<lc::model<network_of<Format>, lc::f64>>();
    const auto up = up_of(model);
    for (extent_t i = 0; i < up.weight.size; ++i)  // many are equal in size, and some are 0
      up.weight[i] = std::round(4 * up.weight[i]) / 4 * (i % 2 == 0 ? 1 : -1);
    const auto report = choose(model, scope);
    CHECK(report.entries == 2 * up.weight.size);
    CHECK(report.kept == report.entries - report.changed);  // everything was kept
    check(up.weight, up.mask);
    CHECK(choose(model, scope).changed == 0);
  };
  chosen(std::type_identity<lc::n_m<2, 4>>{}, [](const auto& weight, const auto& mask) {
    for (extent_t group = 0; group < weight.size; group += 4) check_largest(weight, mask, numbers(group, 4), 2);
  });
  chosen(std::type_identity<lc::csr<density{0.3}>>{}, [](const auto& weight, const auto& mask) {
    check_largest(weight, mask, numbers(0, weight.size), 38);  // of 128
  });
  chosen(
      std::type_identity<lc::csr<density{0.375}>>{},
      [](const auto& weight, const auto& mask) {
        for (extent_t row = 0; row < weight.size; row += 8) check_largest(weight, mask, numbers(row, 8), 3);
      },
      lc::mask_scope::strip);
  // Blocks count together; the same inputs for four outputs.
  const auto squares = [](const auto& weight, extent_t output, extent_t input) {
    double sum = 0;
    for (extent_t o = output; o < output + 4; ++o) sum += weight[o * 8 + input] * weight[o * 8 + input];
    return sum;
  };
  chosen(std::type_identity<lc::n_m<1, 8, 4>>{}, [&](const auto& weight, const auto& mask) {
    for (extent_t output = 0; output < 16; output += 4) {
      extent_t best = 0;
      for (extent_t i = 1; i < 8; ++i)
        if (squares(weight, output, i) > squares(weight, output, best)) best = i;
      for (extent_t at = output * 8; at < (output + 4) * 8; ++at) CHECK(mask[at] == (at % 8 == best ? 1 : 0));
    }
  });
  chosen(std::type_identity<lc::blocked<4, 1, density{0.25}>>{}, [&](const auto& weight, const auto& mask) {
    double least = HUGE_VAL, most = 0;
    extent_t kept = 0;
    for (extent_t block = 0; block < 32; ++block) {
      const extent_t output = block / 8 * 4, input = block % 8;
      for (extent_t o = output; o < output + 4; ++o) CHECK(mask[o * 8 + input] == mask[output * 8 + input]);
      kept += mask[output * 8 + input];
      if (mask[output * 8 + input] != 0)
        least = std::min(least, squares(weight, output, input));
      else
        most = std::max(most, squares(weight, output, input));
    }
    CHECK(kept == 8);
    CHECK(least >= most);
  });
  chosen(std::type_identity<lc::block_diagonal<4>>{}, [](const auto&, const auto& mask) {
    for (extent_t i = 0; i < mask.size; ++i) CHECK(mask[i] == (i / 8 / 4 == i % 8 / 2 ? 1 : 0));
  });
}

TEST_CASE("N of N is the dense model bit for bit, and a packed weight what its mask says") {
  using all = lc::model<network_of<lc::n_m<4, 4>>, lc::f64>;
  using dense = lc::model<network<lc::dense>, lc::f64>;
  using half = lc::model<network_of<lc::n_m<2, 4>>, lc::f64>;
  const std::uint32_t tokens[]{1, 2, 3, 4};
  auto masked = fresh<all>();
  dense plain;
  copy_learnt(masked, plain);
  CHECK(choose(masked).changed == 0);
  lc::trainer<all> first(masked);
  lc::trainer<dense> second(plain);
  for (int i = 0; i < 5; ++i) {
    CHECK(step(first).loss == step(second).loss);
    choose(masked);
  }
  const auto a = masked.forward({tokens, 4}), b = plain.forward({tokens, 4});
  for (extent_t i = 0; i < a.columns; ++i) CHECK(a(0, i) == b(0, i));

  auto sparse = fresh<half>();
  choose(sparse);
  using format = lc::n_m<2, 4>;
  format::bound<16, 8>::parameters<lc::weights<double>> packed;
  lc::masked<format, lc::straight_through>::bound<16, 8>::parameters<lc::weights<double>> of;
  of.weight = up_of(sparse).weight, of.mask = up_of(sparse).mask;
  REQUIRE(lc::try_pack_masked<format, lc::straight_through, 16, 8, double>(of, packed).ok());
  lc::tensor<double, 3, 8> x;
  for (extent_t i = 0; i < x.size; ++i) x[i] = lc::random_normal(1, 2, i);
  extent_t entry = 0;
  for (extent_t o = 0; o < 16; ++o) {
    double by_mask[3]{}, by_entries[3]{};
    for (extent_t i = 0; i < 8; ++i)
      for (extent_t t = 0; t < 3; ++t) by_mask[t] += of.mask[o * 8 + i] != 0 ? of.weight[o * 8 + i] * x[t * 8 + i] : 0;
    for (extent_t i = 0; i < 4; ++i, ++entry)
      for (extent_t t = 0; t < 3; ++t)
        by_entries[t] += packed.values[entry] * x[t * 8 + i / 2 * 4 + packed.places[entry]];
    for (extent_t t = 0; t < 3; ++t) CHECK(by_mask[t] == by_entries[t]);
  }
}

TEST_CASE("a weight that is no number leaves all masks as they were") {
  using net = lc::model<network_of<lc::csr<density{0.25}>>, lc::f32>;
  auto model = fresh<net>();
  choose(model);
  const auto up = up_of(model);
  for (auto& each : up.weight.data) each = -each + 0.25f;  // another choice, were it made
  const auto before = model.parameters();
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const float kept = up.weight[5];
    up.weight[5] = wrong;
    const auto refused = lc::try_choose_masks(model);
    REQUIRE(!refused.ok());
    const std::string why = refused.why().message.c_str();
    CHECK_MESSAGE(why.find("blocks.0.ffn.up.weight': element 5: expected a finite number, found") != why.npos, why);
    up.weight[5] = kept;
    CHECK(same_bits(before, model.parameters()));
  }
  CHECK(choose(model).changed > 0);
}

TEST_CASE("straight through, every group has N entries at all times, masks move, and threads change no bit") {
  using net = lc::model<network_of<lc::n_m<2, 4>>, lc::f64>;
  auto one = fresh<net>(), two = fresh<net>();
  lc::thread_team alone(1), pair(2);
  lc::trainer<net, lc::adam_w, lc::parts<2>, lc::thread_team> a(one, {}, {}, alone), b(two, {}, {}, pair);
  std::uint64_t changed = 0;
  for (int i = 0; i < 20; ++i) {
    if (i % 3 == 0) {
      const auto report = choose(one);
      CHECK(report.kept * 2 == report.entries);
      CHECK(choose(two).changed == report.changed);
      changed += i > 0 ? report.changed : 0;
    }
    CHECK(step(a).loss == step(b).loss);
    const auto mask = up_of(one).mask;
    for (extent_t group = 0; group < mask.size; group += 4)
      CHECK(mask[group] + mask[group + 1] + mask[group + 2] + mask[group + 3] == 2);
  }
  CHECK(changed > 0);
  CHECK(same_bits(one.parameters(), two.parameters()));
}

TEST_CASE("SR-STE is in the mean over a batch once, whatever its parts") {
  using pattern = lc::n_m<2, 4>;
  // With the gradient of straight_through it is another step.
  using plain = lc::model<network_of<pattern, lc::straight_through>, lc::f64>;
  using net = lc::model<network_of<pattern, lc::sr_ste<lc::shrinkage{0.5}>>, lc::f64>;
  auto by_hand = fresh<plain>();
  auto one = fresh<net>(), two = fresh<net>();
  choose(by_hand), choose(one), choose(two);
  const auto weight = up_of(by_hand).weight;
  lc::trainer<plain, lc::gradient_descent> first(by_hand, {.momentum = 0});
  lc::trainer<net, lc::gradient_descent> second(one, {.momentum = 0});
  lc::trainer<net, lc::gradient_descent, lc::parts<2>> third(two, {.momentum = 0});
  step(first, 0.1), step(second, 0.1), step(third, 0.1);
  const auto up = up_of(by_hand);
  for (extent_t i = 0; i < weight.size; ++i) {
    const double expected = up.weight[i] - (up.mask[i] != 0 ? 0 : 0.1 * 0.5 * weight[i]);
    CHECK(up_of(one).weight[i] == doctest::Approx(expected).epsilon(1e-12));
    CHECK(up_of(two).weight[i] == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("momentum revives nothing that a mask leaves out, and what comes back begins anew") {
  const auto momentum_revives_nothing = []<class Optimiser>(const Optimiser& by) {
    using net = lc::model<network_of<lc::n_m<2, 4>, lc::kept_entries>, lc::f64>;
    auto model = fresh<net>();
    lc::trainer<net, Optimiser> teacher(model, by);
    for (int i = 0; i < 3; ++i) step(teacher);  // everything is kept, and has moments
    choose(model);

    // Without the rule, an entry without a gradient moves on.
    lc::tensor<double, 16, 8> weight = up_of(model).weight, nothing;
    auto moments = teacher.moments();
    double moved = 0;
    if constexpr (requires { moments.second; })
      by.step(weight, nothing, find_up<double>(moments.first, "weight"), find_up<double>(moments.second, "weight"),
              1e-2, 0.0, 1.0, 4, lc::reference{});
    else
      by.step(weight, nothing, find_up<double>(moments.first, "weight"), 1e-2, 0.0, 1.0, 4, lc::reference{});
    const auto up = up_of(model);
    for (extent_t i = 0; i < weight.size; ++i)
      if (up.mask[i] == 0) moved = std::max(moved, std::fabs(weight[i] - up.weight[i]));
    CHECK(moved > 1e-4);

    const auto all_are_zero = [&](const auto& moments_of) {
      for (extent_t i = 0; i < up.mask.size; ++i)
        if (up.mask[i] == 0) {
          CHECK(up.weight[i] == 0);
          CHECK(find_up<double>(moments_of, "weight")[i] == 0);
        }
    };
    for (int i = 0; i < 4; ++i) {
      step(teacher);
      all_are_zero(teacher.moments().first);
      if constexpr (requires { teacher.moments().second; }) all_are_zero(teacher.moments().second);
    }
    CHECK(choose(model).changed == 0);  // what is 0 does not come back by magnitude

    // An entry that a mask of one's own brings back has the first step of a new weight.
    extent_t back = 0;
    while (up.mask[back] != 0) ++back;
    up.mask[back] = 1;
    model.update();
    step(teacher);
    const double size = std::fabs(up.weight[back]);
    CHECK(size > 0);
    if constexpr (requires { teacher.moments().second; }) {
      const double gradient = find_up<double>(teacher.moments().first, "weight")[back] / (1 - by.beta1);
      const double second = find_up<double>(teacher.moments().second, "weight")[back];
      CHECK(second == doctest::Approx((1 - by.beta2) * gradient * gradient).epsilon(1e-9));
    }
  };
  momentum_revives_nothing(lc::adam_w{});
  momentum_revives_nothing(lc::gradient_descent{});

  // A frozen weight keeps what its mask leaves out.
  using net = lc::model<network_of<lc::n_m<2, 4>, lc::kept_entries>, lc::f64>;
  auto model = fresh<net>();
  choose(model);
  lc::trainer<net> teacher(model);
  teacher.visit_settings([](const char* path, lc::tensor_setting& setting) {
    setting.learns = std::string(path).find("up.weight") == std::string::npos;
  });
  const auto before = up_of(model).weight;
  step(teacher);
  CHECK(same_bits(before, up_of(model).weight));
}

TEST_CASE("a training that was resumed chooses the same masks and has the same bits") {
  const auto goes_on = []<class Gradient, class Optimiser>(std::type_identity<Gradient>, const Optimiser& by) {
    using net = lc::model<network_of<lc::n_m<2, 4>, Gradient>, lc::f64>;
    auto whole = fresh<net>();
    net resumed;
    lc::trainer<net, Optimiser> first(whole, by), second(resumed, by);
    const auto run = [](auto& teacher, net& model, std::uint64_t until) {
      while (teacher.progress().steps < until) {
        if (teacher.progress().steps % 2 == 0) choose(model);
        step(teacher);
      }
    };
    run(first, whole, 3);
    const scratch folder;
    const auto path = folder.path("training");
    REQUIRE(lc::try_save_training(first, path).ok());
    const auto went_on = lc::try_resume_training(second, path);
    REQUIRE_MESSAGE(went_on.ok(), std::string(went_on.why().message.c_str()));
    CHECK(second.progress().steps == 3);
    run(first, whole, 8), run(second, resumed, 8);
    CHECK(same_bits(whole.parameters(), resumed.parameters()));
    CHECK(same_bits(first.moments(), second.moments()));
  };
  goes_on(std::type_identity<lc::kept_entries>{}, lc::adam_w{});
  goes_on(std::type_identity<lc::straight_through>{}, lc::adam_w{});
  goes_on(std::type_identity<lc::sr_ste<>>{}, lc::gradient_descent{});
  goes_on(std::type_identity<lc::decaying<>>{}, lc::adam_w{});
}

TEST_CASE("a model whose masks decay is the dense one at first and the hard one at last, where moments are kept") {
  using slow = lc::model<network_of<lc::n_m<2, 4>, lc::decaying<>>, lc::f64>;
  using hard = lc::model<network_of<lc::n_m<2, 4>, lc::kept_entries>, lc::f64>;
  using dense = lc::model<network<lc::dense>, lc::f64>;
  const std::uint32_t tokens[]{1, 2, 3, 4};
  auto model = fresh<slow>();
  choose(model);
  dense plain;
  copy_learnt(model, plain);
  hard masked;
  copy_learnt(model, masked);
  choose(masked);
  const auto same_logits = [&](auto& a, auto& b) {
    a.reset(), b.reset();
    const auto of_a = a.forward({tokens, 4}), of_b = b.forward({tokens, 4});
    bool same = true;
    for (extent_t i = 0; i < of_a.columns; ++i) same = same && of_a(0, i) == of_b(0, i);
    return same;
  };
  CHECK(same_logits(model, plain));
  CHECK(!same_logits(model, masked));
  REQUIRE(lc::try_decay_masks(model, 0.5).ok());
  CHECK(!same_logits(model, plain));
  CHECK(!same_logits(model, masked));

  // While they decay, left-out entries and their moments live.
  lc::trainer<slow> teacher(model);
  const auto left_out_live = [&] {
    const auto up = up_of(model);
    int living = 0;
    for (extent_t i = 0; i < up.mask.size; ++i)
      if (up.mask[i] == 0) living += up.weight[i] != 0 && find_up<double>(teacher.moments().second, "weight")[i] != 0;
    return living;
  };
  step(teacher);
  CHECK(left_out_live() > 10);
  for (const double wrong : {1.5, -0.1, std::numeric_limits<double>::quiet_NaN()}) {
    const auto before = model.parameters();
    const auto refused = lc::try_decay_masks(model, wrong);
    REQUIRE(!refused.ok());
    CHECK(std::string(refused.why().message.c_str()).find("expected a share from 0 to 1, found") != std::string::npos);
    CHECK(same_bits(before, model.parameters()));
  }
  REQUIRE(lc::try_decay_masks(model, 0).ok());
  copy_learnt(model, masked);
  choose(masked), choose(model);
  CHECK(same_logits(model, masked));
  step(teacher);
  CHECK(left_out_live() == 0);
}
