// Eigen's lane type against plain loops, f32 and f64: what Eigen does differently is put right there and checked here.
#if __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/core/random.hpp>
#include <lacuna/with_eigen.hpp>
#include <limits>
#include <vector>

namespace {
namespace lc = lacuna;
template <class Value>
using lanes_of = lc::eigen_lanes::lanes<Value>;

static_assert(lc::block_keys % lanes_of<float>::lane_count == 0 && lc::block_keys % lanes_of<double>::lane_count == 0);
static_assert(!std::is_convertible_v<lc::eigen_lanes::lane_mask<float>, bool>);

template <class Value>
struct numbers {
  using lanes = lanes_of<Value>;
  static constexpr lc::extent_t count = lanes::lane_count;
  Value of[count];
  explicit numbers(std::uint64_t seed) {
    for (lc::extent_t j = 0; j < count; ++j) of[j] = static_cast<Value>(lc::random_normal(seed, 0, j));
  }
  explicit numbers(const lanes& from) { from.store(of); }
  lanes all() const { return lanes::load(of); }
};

/// Distance in units of the last place of the expected value.
template <class Value>
double units(Value found, long double expected) {
  const auto rounded = static_cast<Value>(expected);
  if (std::isinf(rounded) || rounded == 0) return found == rounded ? 0 : 1e9;
  const Value unit = std::nextafter(std::fabs(rounded), std::numeric_limits<Value>::infinity()) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(found) - expected) / static_cast<long double>(unit));
}
/// The largest of them over a range, the same in every lane.
template <class Value, class Function, class Oracle>
double worst(double from, double to, Function&& function, Oracle&& oracle) {
  double most = 0;
  const int steps = 20000;
  for (int i = 0; i < steps; ++i) {
    const auto x = static_cast<Value>(from + (to - from) * i / steps);
    const numbers<Value> found{function(lanes_of<Value>(x))};
    for (lc::extent_t j = 1; j < found.count; ++j) REQUIRE(found.of[j] == found.of[0]);
    most = std::max(most, units(found.of[0], oracle(static_cast<long double>(x))));
  }
  return most;
}

}  // namespace

TEST_CASE_TEMPLATE("Eigen's arithmetic and choices, lane by lane", Value, float, double) {
  using lanes = lanes_of<Value>;
  const numbers<Value> a(1), b(2), c(3);
  const numbers<Value> fused{multiply_add(a.all(), b.all(), c.all())}, kept{held(a.all())};
  const numbers<Value> sums{a.all() + b.all()}, differences{a.all() - b.all()}, products{a.all() * b.all()},
      quotients{a.all() / b.all()}, negative{-a.all()};
  const numbers<Value> larger{lane_larger(a.all(), b.all())},
      chosen{lane_where(lane_less(a.all(), b.all()), a.all(), b.all())};
  const numbers<Value> applied{each_lane(a.all(), [](Value x) { return 3 * x; })},
      exchanged{neighbours_exchanged(a.all())};
  Value sum = 0, largest = a.of[0];
  for (lc::extent_t j = 0; j < a.count; ++j) {
    CHECK(fused.of[j] == doctest::Approx(a.of[j] * b.of[j] + c.of[j]).epsilon(1e-6));
    CHECK(kept.of[j] == a.of[j]);
    CHECK(sums.of[j] == a.of[j] + b.of[j]);
    CHECK(differences.of[j] == a.of[j] - b.of[j]);
    CHECK(products.of[j] == a.of[j] * b.of[j]);
    CHECK(quotients.of[j] == a.of[j] / b.of[j]);
    CHECK(negative.of[j] == -a.of[j]);
    CHECK(larger.of[j] == std::max(a.of[j], b.of[j]));
    CHECK(chosen.of[j] == std::min(a.of[j], b.of[j]));
    CHECK(applied.of[j] == 3 * a.of[j]);
    CHECK(exchanged.of[j] == a.of[j ^ 1u]);
    sum += a.of[j], largest = std::max(largest, a.of[j]);
  }
  CHECK(sum_of(a.all()) == doctest::Approx(sum).epsilon(1e-5));
  CHECK(largest_of(a.all()) == largest);
  for (std::uint32_t bits = 0; bits < 0x10000u; bits += 37) {
    const numbers<Value> found{where_bits(bits, a.all(), b.all())};
    for (lc::extent_t j = 0; j < a.count; ++j) REQUIRE(found.of[j] == ((bits >> j & 1u) != 0 ? a.of[j] : b.of[j]));
  }
  lanes square[a.count];
  for (lc::extent_t i = 0; i < a.count; ++i) square[i] = numbers<Value>(10 + i).all();
  transpose(square);
  for (lc::extent_t i = 0; i < a.count; ++i)
    for (lc::extent_t j = 0; j < a.count; ++j) CHECK(numbers<Value>(square[i]).of[j] == numbers<Value>(10 + j).of[i]);
}

TEST_CASE_TEMPLATE("parts of a register of Eigen's: nothing else is read or written", Value, float, double) {
  using lanes = lanes_of<Value>;
  const numbers<Value> a(5), b(6);
  for (lc::extent_t some = 0; some < a.count; ++some) {
    // Exactly as many elements as may be read: the sanitizers watch the rest.
    const std::vector<Value> exact(a.of, a.of + some);
    std::vector<lc::bfloat16> narrow;
    std::vector<lc::float16> half;
    for (const Value x : exact) narrow.emplace_back(static_cast<float>(x)), half.emplace_back(static_cast<float>(x));
    const numbers<Value> loaded{lanes::load_part(exact.data(), some)};
    const numbers<Value> widened{lanes::load_part(narrow.data(), some)}, halves{lanes::load_part(half.data(), some)};
    const numbers<Value> mixed{first_lanes(some, a.all(), b.all())};
    Value stored[numbers<Value>::count + 1];
    for (Value& x : stored) x = 77;
    a.all().store_part(stored, some);
    for (lc::extent_t j = 0; j < a.count; ++j) {
      CHECK(loaded.of[j] == (j < some ? a.of[j] : 0));
      CHECK(widened.of[j] == (j < some ? static_cast<Value>(lc::widen(narrow[j])) : 0));
      CHECK(halves.of[j] == (j < some ? static_cast<Value>(lc::widen(half[j])) : 0));
      CHECK(mixed.of[j] == (j < some ? a.of[j] : b.of[j]));
      CHECK(stored[j] == (j < some ? a.of[j] : 77));
    }
    CHECK(stored[a.count] == 77);
  }
  // Whole registers, from and to memory that is not aligned.
  Value from[numbers<Value>::count + 1], to[numbers<Value>::count + 1];
  float singles[numbers<Value>::count];
  lc::bfloat16 narrow[numbers<Value>::count];
  lc::float16 half[numbers<Value>::count];
  for (lc::extent_t j = 0; j < a.count; ++j) {
    from[j + 1] = a.of[j];
    singles[j] = static_cast<float>(a.of[j]);
    narrow[j] = lc::bfloat16(singles[j]), half[j] = lc::float16(singles[j]);
  }
  lanes::load(from + 1).store(to + 1);
  const numbers<Value> from_singles{lanes::load(singles)}, from_narrow{lanes::load(narrow)},
      from_half{lanes::load(half)};
  for (lc::extent_t j = 0; j < a.count; ++j) {
    CHECK(to[j + 1] == a.of[j]);
    CHECK(from_singles.of[j] == static_cast<Value>(singles[j]));
    CHECK(from_narrow.of[j] == static_cast<Value>(lc::widen(narrow[j])));
    CHECK(from_half.of[j] == static_cast<Value>(lc::widen(half[j])));
  }
}

TEST_CASE_TEMPLATE("elementary functions by Eigen: errors in units of the last place, and the ends", Value, float,
                   double) {
  using lanes = lanes_of<Value>;
  constexpr bool single = std::is_same_v<Value, float>;
  const auto exp = [](const lanes& x) { return lc::maths::exp(x); };
  const auto weight = [](const lanes& x) { return weight_exp(x); };
  const auto tanh = [](const lanes& x) { return lc::maths::tanh(x); };
  const auto erf = [](const lanes& x) { return lc::maths::erf(x); };
  const auto sqrt = [](const lanes& x) { return lc::maths::sqrt(x); };
  const auto oracle = [](long double x) { return std::exp(x); };
  CHECK(worst<Value>(single ? -87.3 : -708.3, single ? 88.3 : 709.7, exp, oracle) < 2);
  CHECK(worst<Value>(-64, 0, weight, oracle) < 2);
  CHECK(worst<Value>(-12, 12, tanh, [](long double x) { return std::tanh(x); }) < (single ? 3.0 : 20.0));
  CHECK(worst<Value>(-6, 6, erf, [](long double x) { return std::erf(x); }) < (single ? 3.0 : 20.0));
  CHECK(worst<Value>(0, 1000, sqrt, [](long double x) { return std::sqrt(x); }) <= 0.5001);
  const Value infinite = std::numeric_limits<Value>::infinity(), none = std::numeric_limits<Value>::quiet_NaN();
  const auto at = [](auto&& function, Value x) { return numbers<Value>{function(lanes(x))}.of[lanes::lane_count - 1]; };
  CHECK(at(exp, infinite) == infinite);
  CHECK(at(exp, single ? Value(88.73) : Value(709.79)) == infinite);
  CHECK(at(exp, std::numeric_limits<Value>::max()) == infinite);
  CHECK(at(exp, -infinite) == 0);
  CHECK(at(exp, single ? Value(-87.34) : Value(-708.4)) == 0);
  CHECK(at(exp, std::numeric_limits<Value>::lowest()) == 0);
  CHECK(at(exp, Value(0)) == 1);
  CHECK(at(weight, Value(-64.5)) == 0);
  CHECK(at(weight, -infinite) == 0);
  CHECK(at(weight, Value(0)) == 1);
  CHECK(at(sqrt, infinite) == infinite);
  CHECK(at(sqrt, std::numeric_limits<Value>::denorm_min()) > 0);
  CHECK(std::isnan(at(sqrt, Value(-1))));
  for (const Value sign : {Value(1), Value(-1)}) {
    CHECK(at(tanh, sign * infinite) == sign);
    CHECK(at(erf, sign * infinite) == sign);
    CHECK(at(erf, sign * 10) == sign);
    CHECK(std::isnan(at(exp, sign * none)));
    CHECK(std::isnan(at(weight, sign * none)));
    CHECK(std::isnan(at(tanh, sign * none)));
    CHECK(std::isnan(at(erf, sign * none)));
    CHECK(std::isnan(at(sqrt, sign * none)));
  }
  CHECK(std::isnan(numbers<Value>{lane_larger(lanes(none), lanes(1))}.of[0]));
  CHECK(numbers<Value>{lane_larger(lanes(1), lanes(none))}.of[0] == 1);
}
#endif
