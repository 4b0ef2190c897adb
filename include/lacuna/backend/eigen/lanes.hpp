#pragma once
/// Lanes of f32 or f64 by Eigen: a fixed-size array, which Eigen computes by registers. Tested against plain loops in
/// tests/kernels/eigen_lanes.cpp.

#include <Eigen/Core>
#include <lacuna/core/lane_maths.hpp>
#include <lacuna/tensor/element.hpp>

LACUNA_BEGIN

namespace eigen_lanes {

/// Bytes of a register of Eigen's, 16 where it uses none. Not more: g++ keeps longer arrays in memory. And at most 32:
/// g++ 12 warns of uninitialised values inside its own AVX-512 functions.
inline constexpr extent_t register_bytes = EIGEN_MAX_STATIC_ALIGN_BYTES < 32 ? 16 : 32;

/// One register of f32 or f64.
template <class Value>
struct lanes {
  using element = Value;
  static constexpr extent_t lane_count = register_bytes / sizeof(Value);
  static constexpr extent_t register_count = 16;  ///< that every processor has
  using array = Eigen::Array<Value, static_cast<int>(lane_count), 1>;
  array value;

  lanes() = default;
  /// From any expression of Eigen's.
  template <class Derived>
  LACUNA_INLINE explicit lanes(const Eigen::ArrayBase<Derived>& of) noexcept : value(of) {}
  /// The same number in every lane.
  template <class Number>
    requires(std::is_arithmetic_v<Number>)
  LACUNA_INLINE explicit lanes(Number of) noexcept : value(array::Constant(static_cast<Value>(of))) {}

  static LACUNA_INLINE lanes load(const Value* from) noexcept { return lanes(Eigen::Map<const array>(from)); }
  template <class Element>
  static LACUNA_INLINE lanes load(const Element* from) noexcept {
    return load_part(from, lane_count);
  }
  LACUNA_INLINE void store(Value* to) const noexcept {
    Eigen::Map<array> place(to);
    place = value;
  }

  /// The first `count` lanes from memory, the others 0; nothing else is read.
  template <class Element>
  static LACUNA_INLINE lanes load_part(const Element* from, extent_t count) noexcept {
    lanes loaded(0);
    for (extent_t j = 0; j < count; ++j)
      loaded.value[static_cast<Eigen::Index>(j)] = static_cast<Value>(widen(from[j]));
    return loaded;
  }
  /// Writes the first `count` lanes and nothing else.
  LACUNA_INLINE void store_part(Value* to, extent_t count) const noexcept {
    for (extent_t j = 0; j < count; ++j) to[j] = value[static_cast<Eigen::Index>(j)];
  }

  friend LACUNA_INLINE lanes operator+(const lanes& a, const lanes& b) noexcept { return lanes(a.value + b.value); }
  friend LACUNA_INLINE lanes operator-(const lanes& a, const lanes& b) noexcept { return lanes(a.value - b.value); }
  friend LACUNA_INLINE lanes operator*(const lanes& a, const lanes& b) noexcept { return lanes(a.value * b.value); }
  friend LACUNA_INLINE lanes operator/(const lanes& a, const lanes& b) noexcept { return lanes(a.value / b.value); }
  friend LACUNA_INLINE lanes operator-(const lanes& a) noexcept { return lanes(-a.value); }
};

/// A truth per lane. It does not convert to bool.
template <class Value>
struct lane_mask {
  Eigen::Array<bool, static_cast<int>(lanes<Value>::lane_count), 1> value;
};

template <class Value>
LACUNA_INLINE lanes<Value> multiply_add(const lanes<Value>& a, const lanes<Value>& b, const lanes<Value>& c) noexcept {
  return lanes<Value>(a.value * b.value + c.value);
}
/// A register that several products share: Eigen keeps it.
template <class Value>
LACUNA_INLINE const lanes<Value>& held(const lanes<Value>& of) noexcept {
  return of;
}
template <class Value>
LACUNA_INLINE lane_mask<Value> lane_less(const lanes<Value>& a, const lanes<Value>& b) noexcept {
  return {a.value < b.value};
}
template <class Value>
LACUNA_INLINE lanes<Value> lane_where(const lane_mask<Value>& condition, const lanes<Value>& yes,
                                      const lanes<Value>& no) noexcept {
  return lanes<Value>(condition.value.select(yes.value, no.value));
}
/// The larger of two; a where one is not a number.
template <class Value>
LACUNA_INLINE lanes<Value> lane_larger(const lanes<Value>& a, const lanes<Value>& b) noexcept {
  return lane_where(lane_less(a, b), b, a);
}
namespace detail {
/// Eigen's e^x, and NaN for NaN. It gives a tiny number for -infinity.
template <class Value>
LACUNA_INLINE lanes<Value> exp_of(const lanes<Value>& x) noexcept {
  const typename lanes<Value>::array power = x.value.exp();
  return lanes<Value>((x.value != x.value).select(x.value, power));
}
}  // namespace detail

/// e^x: 0 below the smallest normal number, infinity above the largest; NaN stays NaN. Within 2 units in the last
/// place.
template <class Value>
LACUNA_INLINE lanes<Value> lane_exp(const lanes<Value>& x) noexcept {
  const lanes<Value> smallest(sizeof(Value) == sizeof(float) ? -87.33 : -708.39);
  return lane_where(lane_less(x, smallest), lanes<Value>(0), detail::exp_of(x));
}
/// e^x of a shifted score, x <= 0: an exact 0 below -64; a NaN stays a NaN.
template <class Value>
LACUNA_INLINE lanes<Value> weight_exp(const lanes<Value>& x) noexcept {
  return lane_where(lane_less(x, lanes<Value>(-64)), lanes<Value>(0), detail::exp_of(x));
}

/// Calls a function of single values for each lane.
template <class Value, class Function>
LACUNA_INLINE lanes<Value> each_lane(lanes<Value> of, Function&& function) noexcept {
  for (Value& single : of.value) single = function(single);
  return of;
}
/// Correctly rounded, as for single values: Eigen's is off by 3 units in the last place, and NaN for infinity.
template <class Value>
LACUNA_INLINE lanes<Value> lane_sqrt(const lanes<Value>& a) noexcept {
  return each_lane(a, [](Value single) { return maths::sqrt(single); });
}
/// `of` in the first `count` lanes, `rest` in the others.
template <class Value>
LACUNA_INLINE lanes<Value> first_lanes(extent_t count, const lanes<Value>& of, lanes<Value> rest) noexcept {
  for (extent_t j = 0; j < count; ++j) {
    const auto at = static_cast<Eigen::Index>(j);
    rest.value[at] = of.value[at];
  }
  return rest;
}
/// `yes` in lane j where bit j is set, `no` elsewhere.
template <class Value>
LACUNA_INLINE lanes<Value> where_bits(std::uint32_t bits, const lanes<Value>& yes, lanes<Value> no) noexcept {
  for (extent_t j = 0; j < lanes<Value>::lane_count; ++j) {
    const auto at = static_cast<Eigen::Index>(j);
    if ((bits >> j & 1u) != 0) no.value[at] = yes.value[at];
  }
  return no;
}
/// The sum over all lanes; the largest lane (unspecified where one is not a number).
template <class Value>
LACUNA_INLINE Value sum_of(const lanes<Value>& of) noexcept {
  return of.value.sum();
}
template <class Value>
LACUNA_INLINE Value largest_of(const lanes<Value>& of) noexcept {
  return of.value.maxCoeff();
}
/// Lanes 2i and 2i + 1 exchanged.
template <class Value>
LACUNA_INLINE lanes<Value> neighbours_exchanged(const lanes<Value>& of) noexcept {
  lanes<Value> exchanged(0);
  for (Eigen::Index j = 0; j < of.value.size(); ++j) exchanged.value[j] = of.value[j ^ 1];
  return exchanged;
}
/// Lane j of register i becomes lane i of register j.
template <class Value>
LACUNA_INLINE void transpose(lanes<Value> (&square)[lanes<Value>::lane_count]) noexcept {
  for (Eigen::Index i = 0; i < square[0].value.size(); ++i)
    for (Eigen::Index j = 0; j < i; ++j) {
      const Value kept = square[i].value[j];
      square[i].value[j] = square[j].value[i];
      square[j].value[i] = kept;
    }
}

}  // namespace eigen_lanes

LACUNA_END
