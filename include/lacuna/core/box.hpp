#pragma once
/// One aligned heap block that owns one value (in place of std::unique_ptr: <memory> costs 0.4 s per include).

#include <lacuna/core/config.hpp>
#include <new>

LACUNA_BEGIN

/// Owns one value on the heap, value-initialised and aligned as its type asks. Empty when memory was refused.
template <class Value>
class box {
 public:
  constexpr box() = default;
  box(box&& other) noexcept : held_(other.held_) { other.held_ = nullptr; }
  box& operator=(box&& other) noexcept {
    Value* taken = other.held_;
    other.held_ = nullptr;
    release();
    held_ = taken;
    return *this;
  }
  box(const box&) = delete;
  box& operator=(const box&) = delete;
  ~box() { release(); }

  /// Allocates; an empty box where the allocator had no memory.
  static box make() {
    box made;
    made.held_ = new (std::align_val_t{alignof(Value)}, std::nothrow) Value();
    return made;
  }

  explicit operator bool() const noexcept { return held_ != nullptr; }
  Value& operator*() const noexcept { return *held_; }
  Value* operator->() const noexcept { return held_; }

 private:
  void release() noexcept {
    if (held_ == nullptr) return;
    held_->~Value();
    ::operator delete(static_cast<void*>(held_), std::align_val_t{alignof(Value)});
    held_ = nullptr;
  }
  Value* held_ = nullptr;
};

LACUNA_END
