// Sparse weights that learn, against an independent implementation: tests/reference/masks.py, which states the rules,
// the numbers, the format of the file and the tolerance.
#include "support/hashed_number.hpp"
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <fstream>
#include <string>

namespace {
namespace lc = lacuna;

template <class Gradient>
using recipe = lc::decoder<
    lc::vocabulary<7>, lc::width<8>, lc::context<8>,
    lc::pre_norm<lc::rms_norm<>, lc::skip, lc::ffn<lc::hidden<16>, lc::relu, lc::masked<lc::n_m<2, 4>, Gradient>>>>;
constexpr double shares[]{1, 0.7, 0.4, 0.1, 0, 0};
constexpr std::uint32_t stream[]{3, 1, 4, 1, 5, 2, 6, 0};

struct expected_file {
  std::ifstream file{LACUNA_REPOSITORY "/tests/reference/masks.txt"};
  std::uint32_t seed = 0;

  template <class Gradient>
  void check(const std::string& name) {
    CAPTURE(name);
    std::string found;
    std::uint32_t of_seed = 0;
    file >> found >> of_seed;
    REQUIRE(found == name);
    REQUIRE(of_seed == ++seed);

    lc::model<recipe<Gradient>, lc::f64> model;
    std::uint32_t counter = 0;
    const auto each_number = [&](auto&& f) {
      lc::visit_tensors(
          [&]<class Leaf>(Leaf& tensor) {
            if constexpr (!lc::is_integer<typename Leaf::element>)
              for (auto& number : tensor.data) f(number);
          },
          model.parameters_to_write());
    };
    each_number([&](double& number) { number += hashed_number(seed, counter++); });  // gains are 1
    model.update();

    lc::trainer<decltype(model), lc::gradient_descent> teacher(model, {.momentum = 0.5});
    for (const double share : shares) {
      const auto masks = lc::try_choose_masks(model);
      REQUIRE(masks.ok());
      if constexpr (Gradient::decays) REQUIRE(lc::try_decay_masks(model, share).ok());
      const auto step = teacher.try_step(
          1, 0.25, [&](auto& by, lc::extent_t) { return lc::try_learn_tokens(by, {stream, 7}, {stream + 1, 7}); });
      REQUIRE(step.ok());
      double loss = 0;
      std::uint64_t changed = 0;
      file >> loss >> changed;
      CHECK(std::fabs(step->loss - loss) <= 1e-10);
      CHECK(masks->changed == changed);
    }
    double largest = 0, difference = 0;
    each_number([&](double& number) {
      double expected = 0;
      file >> expected;
      largest = std::fmax(largest, std::fabs(expected));
      difference = worse(difference, std::fabs(number - expected));
    });
    REQUIRE(file.good());
    CHECK(largest > 1);
    CHECK(difference <= 1e-10 * largest);
  }
};
}  // namespace

TEST_CASE("an independent implementation agrees on sparse weights that learn") {
  expected_file file;
  file.check<lc::kept_entries>("kept_entries");
  file.check<lc::straight_through>("straight_through");
  file.check<lc::sr_ste<lc::shrinkage{0.125}>>("sr_ste");
  file.check<lc::decaying<>>("decaying");
  file.check<lc::decaying<lc::straight_through>>("decaying_straight_through");
  std::string more;
  CHECK(!(file.file >> more));
}
