#pragma once
/// A team of threads that executes independent tasks: an executor for backends that take one.

#include <lacuna/core/config.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

LACUNA_BEGIN

/// The calling thread and up to 63 more, started once. `for_each` hands out tasks one by one; nothing is allocated.
/// One call at a time; a task must not call it again.
class thread_team {
 public:
  static constexpr unsigned most = 64;

  /// `threads` in all, the caller among them; 0 for as many as the machine has cores.
  explicit thread_team(unsigned threads = 0) {
    if (threads == 0) threads = std::thread::hardware_concurrency();
    const unsigned helpers = threads < 1 ? 0 : threads > most ? most - 1 : threads - 1;
    for (; helpers_ < helpers; ++helpers_) threads_[helpers_] = std::thread([this] { help(); });
  }
  ~thread_team() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    begun_.notify_all();
    for (unsigned i = 0; i < helpers_; ++i) threads_[i].join();
  }
  thread_team(const thread_team&) = delete;
  thread_team& operator=(const thread_team&) = delete;

  unsigned size() const noexcept { return helpers_ + 1; }

  /// Calls `task(0) ... task(count - 1)` and returns when all are done.
  template <class Task>
  void for_each(extent_t count, Task&& task) {
    if (helpers_ == 0 || count < 2) {
      for (extent_t i = 0; i < count; ++i) task(i);
      return;
    }
    using task_type = std::remove_reference_t<Task>;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      call_ = [](void* of, extent_t i) { (*static_cast<task_type*>(of))(i); };
      task_ = const_cast<void*>(static_cast<const volatile void*>(&task));
      count_ = count;
      next_.store(0, std::memory_order_relaxed);
      busy_ = helpers_;
      ++round_;
    }
    begun_.notify_all();
    work(call_, task_, count);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  using function = void (*)(void*, extent_t);

  void work(function call, void* task, extent_t count) {
    for (extent_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) call(task, i);
  }
  void help() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (unsigned seen = 0;;) {
      begun_.wait(lock, [&] { return ended_ || round_ != seen; });
      if (ended_) return;
      seen = round_;
      const function call = call_;
      void* const task = task_;
      const extent_t count = count_;
      lock.unlock();
      work(call, task, count);
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::thread threads_[most - 1];
  unsigned helpers_ = 0;
  std::mutex mutex_;
  std::condition_variable begun_, done_;
  function call_ = nullptr;
  void* task_ = nullptr;
  extent_t count_ = 0;
  std::atomic<extent_t> next_{0};
  unsigned busy_ = 0;
  unsigned round_ = 0;
  bool ended_ = false;
};

LACUNA_END
