#pragma once
/// Errors of run time: one value type that names what, expected and found; thrown where exceptions are on.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/type_list.hpp>
#if LACUNA_EXCEPTIONS
#include <exception>
#endif

LACUNA_BEGIN

/// What kind of thing was wrong.
enum class error_kind : std::uint8_t {
  none,
  file,       ///< missing, unreadable, unwritable, not of the format it should be
  shape,      ///< a tensor that is missing, surplus, of another shape or element type
  value,      ///< NaN, infinity or out of range
  token,      ///< a token or text that the vocabulary does not hold
  length,     ///< more positions than the context, an empty prompt, a buffer that is too short
  memory,     ///< the allocator had none
};

/// One error: `message` is a whole sentence that names what, expected and found.
struct error {
  error_kind kind = error_kind::none;
  text_buffer<380> message;

  constexpr error() = default;
  constexpr error(error_kind of, const char* sentence) : kind(of), message(sentence) {}
  template <class Part>
  constexpr error& operator<<(const Part& part) {
    message << part;
    return *this;
  }
  constexpr explicit operator bool() const noexcept { return kind != error_kind::none; }
};

#if LACUNA_EXCEPTIONS
/// The exception that carries an `error`.
class failure : public std::exception {
 public:
  explicit failure(const error& of) : error_(of) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const error& why() const noexcept { return error_; }

 private:
  error error_;
};
#endif

/// A value or the error that stood in its way. Functions named `try_...` return it and never throw.
template <class Value>
class [[nodiscard]] outcome {
 public:
  constexpr outcome(Value&& value) : value_(static_cast<Value&&>(value)) {}
  constexpr outcome(const Value& value) : value_(value) {}
  constexpr outcome(const lacuna::error& why) : error_(why) {}

  constexpr bool ok() const noexcept { return error_.kind == error_kind::none; }
  constexpr explicit operator bool() const noexcept { return ok(); }
  constexpr const lacuna::error& why() const noexcept { return error_; }

  /// The value. Ask `ok()` first: of a failed outcome it is a default-constructed value.
  constexpr Value& operator*() noexcept { return value_; }
  constexpr const Value& operator*() const noexcept { return value_; }
  constexpr Value* operator->() noexcept { return &value_; }
  constexpr const Value* operator->() const noexcept { return &value_; }

  /// The value, moved out; throws `failure` in its place where exceptions are on.
  template <class Self = void>
  Value take() {
#if LACUNA_EXCEPTIONS
    if (!ok()) throw failure(error_);
#else
    static_assert(
        !same<Self, void>,
        "lacuna::error: this call throws, and exceptions are off (use the try_ form, which returns the error)");
#endif
    return static_cast<Value&&>(value_);
  }

 private:
  Value value_{};
  lacuna::error error_{};
};

/// Success without a value.
using status = outcome<nothing>;

/// Throws what went wrong, if anything did.
template <class Value>
Value value_or_throw(outcome<Value>&& from) {
  return from.take();
}

LACUNA_END
