#pragma once
/// Text as a value: names that compose at compile time, and messages that need no heap.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// A compile-time text of N characters.
template <extent_t N>
struct fixed_string {
  char text[N + 1]{};

  constexpr fixed_string() = default;
  constexpr fixed_string(const char (&from)[N + 1]) {
    // Counted through the array that is never empty: nvcc warns of loops that an empty text would make.
    for (extent_t i = 0; i < N + 1; ++i) text[i] = from[i];
  }
  static constexpr extent_t size() noexcept { return N; }
  constexpr const char* c_str() const noexcept { return text; }
  constexpr operator const char*() const noexcept { return text; }
};
template <extent_t N>
fixed_string(const char (&)[N]) -> fixed_string<N - 1>;

template <extent_t A, extent_t B>
constexpr fixed_string<A + B> operator+(const fixed_string<A>& a, const fixed_string<B>& b) {
  fixed_string<A + B> out;
  for (extent_t i = 0; i < A + 1; ++i) out.text[i] = a.text[i];
  for (extent_t i = 0; i < B + 1; ++i) out.text[A + i] = b.text[i];
  return out;
}
template <extent_t A, extent_t B>
constexpr auto operator+(const fixed_string<A>& a, const char (&b)[B]) {
  return a + fixed_string<B - 1>(b);
}

template <extent_t A, extent_t B>
constexpr bool operator==(const fixed_string<A>& a, const fixed_string<B>& b) {
  if constexpr (A != B) return false;
  for (extent_t i = 0; i < A && i < B; ++i)
    if (a.text[i] != b.text[i]) return false;
  return true;
}

namespace detail {

constexpr bool same_text(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}
constexpr extent_t decimal_digits(extent_t number) {
  extent_t digits = 1;
  for (; number > 9; number /= 10) ++digits;
  return digits;
}

}  // namespace detail

/// `64` as text.
template <extent_t Number>
constexpr auto decimal() {
  constexpr extent_t digits = detail::decimal_digits(Number);
  fixed_string<digits> out;
  extent_t rest = Number;
  for (extent_t i = digits; i-- > 0; rest /= 10) out.text[i] = static_cast<char>('0' + rest % 10);
  return out;
}

/// Text that grows up to a fixed capacity and then stops: messages, paths, reports. No heap, no locale.
template <extent_t Capacity>
class text_buffer {
 public:
  constexpr text_buffer() = default;
  constexpr text_buffer(const char* from) { *this << from; }

  constexpr text_buffer& operator<<(const char* from) {
    for (; from != nullptr && *from != '\0'; ++from) *this << *from;
    return *this;
  }
  constexpr text_buffer& operator<<(char letter) {
    if (size_ < Capacity) {
      text_[size_++] = letter;
      text_[size_] = '\0';
    }
    return *this;
  }
  constexpr text_buffer& operator<<(std::uint64_t number) {
    char digits[20]{};
    extent_t used = 0;
    do digits[used++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (used-- > 0) *this << digits[used];
    return *this;
  }
  constexpr text_buffer& operator<<(std::int64_t number) {
    if (number >= 0) return *this << static_cast<std::uint64_t>(number);
    return *this << '-' << (std::uint64_t{0} - static_cast<std::uint64_t>(number));
  }
  constexpr text_buffer& operator<<(unsigned number) { return *this << static_cast<std::uint64_t>(number); }
  constexpr text_buffer& operator<<(int number) { return *this << static_cast<std::int64_t>(number); }
  /// Six significant digits: 0.00123, 12.5, 3.2e+9, NaN, infinity.
  constexpr text_buffer& operator<<(double number) {
    if (number != number) return *this << "NaN";
    if (number < 0) return *this << '-' << -number;
    if (number > 0x1.fffffffffffffp1023) return *this << "infinity";
    if (number == 0) return *this << '0';
    int exponent = 0;
    for (; number >= 10; number /= 10) ++exponent;
    for (; number < 1; number *= 10) --exponent;
    std::uint32_t digits = static_cast<std::uint32_t>(number * 1e5 + 0.5);
    if (digits == 1'000'000) digits = 100'000, ++exponent;
    const bool plain = exponent >= -4 && exponent < 6;
    int left = plain ? exponent : 0;  // digits before the point, less one
    if (left < 0) *this << "0.";
    for (; left < -1; ++left) *this << '0';
    for (std::uint32_t unit = 100'000; unit != 0 && (digits != 0 || left >= 0); unit /= 10, --left) {
      *this << static_cast<char>('0' + digits / unit);
      digits %= unit;
      if (left == 0 && digits != 0) *this << '.';
    }
    return plain ? *this : *this << "e" << (exponent < 0 ? "-" : "+") << (exponent < 0 ? -exponent : exponent);
  }
  template <extent_t Other>
  constexpr text_buffer& operator<<(const text_buffer<Other>& other) {
    return *this << other.c_str();
  }
  /// Appends `length` characters, which need not end in a zero; control characters become their number: 0x09.
  constexpr text_buffer& append(const char* from, extent_t length) {
    for (extent_t i = 0; i < length; ++i) {
      const auto code = static_cast<unsigned char>(from[i]);  // char has no sign on every machine
      if (code < ' ')
        *this << "0x" << static_cast<char>('0' + code / 16) << "0123456789ABCDEF"[code % 16];
      else
        *this << from[i];
    }
    return *this;
  }

  constexpr const char* c_str() const noexcept { return text_; }
  constexpr extent_t size() const noexcept { return size_; }
  constexpr void cut(extent_t length) {
    if (length < size_) {
      size_ = length;
      text_[size_] = '\0';
    }
  }

 private:
  char text_[Capacity + 1]{};
  extent_t size_ = 0;
};

LACUNA_END
