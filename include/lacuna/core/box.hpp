#pragma once
/// One aligned heap block that owns one value (in place of std::unique_ptr: <memory> costs 0.4 s per include).

#include <lacuna/core/config.hpp>
#include <new>

LACUNA_BEGIN

/// Where a box gets its memory: the program's operator new. An allocator of your own offers the same two functions;
/// `allocate` returns null where there is no memory.
struct heap_allocator {
  static void* allocate(extent_t bytes, extent_t alignment) noexcept {
    return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
  }
  static void release(void* memory, extent_t, extent_t alignment) noexcept {
    ::operator delete (memory, std::align_val_t{alignment});
  }
};

/// Owns one value on the heap, value-initialised and aligned as its type asks. Empty when memory was refused.
template <class Value, class Allocator = heap_allocator>
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

  /// Allocates; an empty box where the allocator had no memory. Arguments are those of the value's constructor.
  template <class... Arguments>
  static box make(Arguments&... arguments) {
    box made;
    if (void* memory = Allocator::allocate(sizeof(Value), alignof(Value)))
      made.held_ = ::new (memory) Value(arguments...);
    return made;
  }

  explicit operator bool() const noexcept { return held_ != nullptr; }
  Value& operator*() const noexcept { return *held_; }
  Value* operator->() const noexcept { return held_; }

 private:
  void release() noexcept {
    if (held_ == nullptr) return;
    held_->~Value();
    Allocator::release(static_cast<void*>(held_), sizeof(Value), alignof(Value));
    held_ = nullptr;
  }
  Value* held_ = nullptr;
};

LACUNA_END
