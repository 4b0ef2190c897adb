// Tasks: the same example for the same number; each generator against its definition, written down a second time.
#include "support/check_count.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
namespace task = lc::task;

template <class Task>
using example_of = task::token_example<Task::length>;
template <class Task>
example_of<Task> sampled(std::uint64_t seed, std::uint64_t number, const Task& of = {}) {
  example_of<Task> into;
  of.sample(seed, number, into);
  return into;
}

/// What all tasks promise.
template <class Task>
void check_promises(const Task& of = {}) {
  static_assert(task::TokenTask<Task>);
  constexpr std::size_t many = 60;
  std::vector<example_of<Task>> forwards(many), backwards(many);
  for (std::size_t i = 0; i < many; ++i) of.sample(7, i, forwards[i]);
  for (std::size_t i = many; i-- > 0;) {
    // What was in the buffer before is gone.
    std::memset(static_cast<void*>(&backwards[i]), 0xab, sizeof backwards[i]);
    of.sample(7, i, backwards[i]);
  }
  bool same = true, in_range = true, accepted = true, counts = true;
  std::set<std::vector<std::uint32_t>> inputs;
  std::size_t same_with_another_seed = 0;
  for (std::size_t i = 0; i < many; ++i) {
    const auto& each = forwards[i];
    same = same && each == backwards[i];
    for (std::size_t t = 0; t < Task::length; ++t) {
      in_range = in_range && each.tokens[t] < Task::vocabulary && each.counts[t] <= 1;
      in_range = in_range && (each.counts[t] == 0 || each.targets[t] < Task::vocabulary);
    }
    const auto score = task::score_of(of, each, each.targets);
    accepted = accepted && score.all() && score.counted == each.counted();
    counts = counts && each.counted() > 0;
    inputs.insert({each.tokens, each.tokens + Task::length});
    same_with_another_seed += sampled(8, i, of) == each ? 1 : 0;
  }
  CHECK(same);
  CHECK(in_range);
  CHECK(accepted);
  CHECK(counts);
  CHECK(inputs.size() > 4);
  CHECK(same_with_another_seed < many / 2);
}

/// A task as a user writes one: what is the larger of two numbers? Both are right if they are equal as even or odd.
struct larger {
  static constexpr std::size_t vocabulary = 100, length = 2;
  void sample(std::uint64_t seed, std::uint64_t number, task::token_example<2>& into) const {
    task::random_numbers random(seed, number);
    into = {};
    for (auto& token : into.tokens) token = static_cast<std::uint32_t>(random.below(100));
    into.targets[1] = std::max(into.tokens[0], into.tokens[1]);
    into.counts[1] = 1;
  }
};
static_assert(task::TokenTask<larger> && !task::TokenTask<int>);

constexpr auto at_compile_time = [] {
  task::token_example<task::copy<>::length> into;
  task::copy<>::sample(3, 4, into);
  return into;
}();

}  // namespace

TEST_CASE("tasks: what all of them promise") {
  check_promises<larger>();
  check_promises<task::copy<>>();
  check_promises<task::addition<>>();
  check_promises<task::addition<task::addends{.digits = 20, .answer = task::digit_order::reversed}>>();
  check_promises<task::graph_search<>>();
  check_promises<task::graph_search<task::search_options{.asked_at = task::path_place::anywhere}>>();
  check_promises<task::graph_search<task::search_options{.edges = 12, .graphs = task::graph_law::simple}>>();
  check_promises<task::graph_search<task::search_options{.graphs = task::graph_law::star}>>();
  check_promises<task::boolean_functions<task::boolean::cnf>>();
  check_promises<
      task::boolean_functions<task::boolean::nearest_neighbour<4>,
                              task::boolean_sizes{.bits = 28, .points = 40, .form = task::point_form::bit_tokens}>>();
  check_promises<task::regular_language<task::language::parity>>();
  check_promises<task::regular_language<task::language::permutations<5>,
                                        task::word_sizes{.shortest = 3, .longest = 9, .written = task::steps::none}>>();
  check_promises<task::held_out<task::addition<>>>();
  check_promises<task::without_held_out<task::copy<>, task::one_of{2}>>();
  CHECK(at_compile_time == sampled<task::copy<>>(3, 4));
}

TEST_CASE("tasks: random numbers of an example") {
  task::random_numbers random(1, 2);
  std::array<int, 7> bins{};
  for (int i = 0; i < 70000; ++i) ++bins[random.below(7)];
  for (const int each : bins) check_count(each, 70000, 1.0 / 7);
  std::map<std::array<int, 3>, int> orders;
  for (int i = 0; i < 60000; ++i) {
    std::array<int, 3> items{0, 1, 2};
    random.shuffle(items.data(), 3);
    ++orders[items];
  }
  REQUIRE(orders.size() == 6);
  for (const auto& [order, count] : orders) check_count(count, 60000, 1.0 / 6);
  int hits = 0, never = 0, always = 0;
  std::uint64_t least = 9, most = 0, large = 0;
  for (int i = 0; i < 10000; ++i) {
    hits += random.chance(0.3) ? 1 : 0;
    never += random.chance(0) ? 1 : 0;
    always += random.chance(1) ? 1 : 0;
    const auto between = random.between(3, 6);
    least = std::min(least, between);
    most = std::max(most, between);
    large = std::max(large, random.below(std::uint64_t{1} << 40));
    REQUIRE(random.below(1) == 0);
  }
  check_count(hits, 10000, 0.3);
  CHECK(never == 0);
  CHECK(always == 10000);
  CHECK(least == 3);
  CHECK(most == 6);
  CHECK(large > std::uint64_t{1} << 39);
  CHECK(large < std::uint64_t{1} << 40);
}

TEST_CASE("tasks: a shuffled epoch has every example once, and another order than the next") {
  for (const std::uint64_t count : {1u, 2u, 3u, 5u, 64u, 100u, 1000u, 8449u}) {
    CAPTURE(count);
    std::vector<int> seen(count);
    std::size_t moved = 0, same_next = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto at = task::shuffled(5, 0, count, i);
      REQUIRE(at < count);
      ++seen[at];
      moved += at != i ? 1 : 0;
      same_next += at == task::shuffled(5, 1, count, i) ? 1 : 0;
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int each) { return each == 1; }));
    if (count >= 100) {
      CHECK(moved > count * 9 / 10);
      CHECK(same_next < count / 10);
    }
  }
  std::array<int, 5> first{};
  for (std::uint64_t epoch = 0; epoch < 10000; ++epoch) ++first[task::shuffled(1, epoch, 5, 0)];
  for (const int each : first) check_count(each, 10000, 0.2);
}

TEST_CASE("tasks: copy") {
  using copying = task::copy<task::copy_sizes{.symbols = 5, .shortest = 2, .longest = 4}>;
  static_assert(copying::vocabulary == 7 && copying::length == 9);
  std::array<int, 5> lengths{}, symbols{};
  int all_symbols = 0;
  for (std::uint64_t number = 0; number < 3000; ++number) {
    const auto each = sampled<copying>(1, number);
    std::size_t n = 0;
    while (each.tokens[n] != copying::mark) ++n;
    REQUIRE(n >= 2);
    REQUIRE(n <= 4);
    ++lengths[n];
    REQUIRE(each.counted() == n);
    for (std::size_t i = 0; i < n; ++i) {
      ++symbols[each.tokens[i]];
      ++all_symbols;
      REQUIRE(each.targets[n + 1 + i] == each.tokens[i]);
      REQUIRE(each.counts[n + 1 + i] == 1);
    }
    for (std::size_t i = n + 1; i < copying::length; ++i) REQUIRE(each.tokens[i] == copying::blank);
  }
  for (std::size_t n = 2; n <= 4; ++n) check_count(lengths[n], 3000, 1.0 / 3);
  for (const int each : symbols) check_count(each, all_symbols, 0.2);
}

namespace {
/// The sum by integers, and the text it should be.
template <task::digit_order Order>
void check_sums() {
  using adding = task::addition<task::addends{.digits = 4, .answer = Order}>;
  static_assert(adding::length == 14);
  std::array<int, 10> digits{};
  for (std::uint64_t number = 0; number < 2000; ++number) {
    const auto each = sampled<adding>(2, number);
    std::string text;
    for (const auto token : each.tokens) text += "0123456789+="[token];
    REQUIRE(text[4] == '+');
    REQUIRE(text[9] == '=');
    const int sum = std::atoi(text.substr(0, 4).c_str()) + std::atoi(text.substr(5, 4).c_str());
    std::string expected = std::to_string(100000 + sum).substr(1);  // five digits, zeros in front
    if (Order == task::digit_order::reversed) std::reverse(expected.begin(), expected.end());
    std::string found;
    for (std::size_t t = 0; t < adding::length; ++t) {
      REQUIRE(each.counts[t] == (t >= 9 ? 1 : 0));
      if (each.counts[t] != 0) found += static_cast<char>('0' + each.targets[t]);
      if (t + 1 < adding::length) REQUIRE(each.targets[t] == each.tokens[t + 1]);
    }
    REQUIRE(found == expected);
    REQUIRE(each.prompt().count == 10);
    ++digits[each.tokens[0]];
  }
  for (const int each : digits) check_count(each, 2000, 0.1);
}
}  // namespace

TEST_CASE("tasks: sums are right, in both orders") {
  check_sums<task::digit_order::plain>();
  check_sums<task::digit_order::reversed>();
}

TEST_CASE("tasks: inputs held out are met by nobody else, and are about their share") {
  using adding = task::addition<task::addends{.digits = 1}>;
  using apart = task::held_out<adding, task::one_of{5}>;
  using rest = task::without_held_out<adding, task::one_of{5}>;
  std::set<std::pair<std::uint32_t, std::uint32_t>> held, trained;
  for (std::uint64_t number = 0; number < 3000; ++number) {
    const auto a = sampled<apart>(1, number);
    held.insert({a.tokens[0], a.tokens[2]});
    const auto b = sampled<rest>(2, number);
    trained.insert({b.tokens[0], b.tokens[2]});
    REQUIRE(b.targets[3] * 10 + b.targets[4] == b.tokens[0] + b.tokens[2]);
  }
  for (const auto& each : held) CHECK(trained.count(each) == 0);
  // All of the 100 inputs were met; 20 held out on average, with a standard deviation of 4.
  CHECK(held.size() + trained.size() == 100);
  CHECK(held.size() >= 4);
  CHECK(held.size() <= 36);
}

TEST_CASE("tasks: every target of a text counts in one window, wherever the text ends") {
  using reading = task::text<task::text_sizes{.vocabulary = 1000, .window = 6}>;
  for (std::uint32_t count = 7; count < 30; ++count) {
    CAPTURE(count);
    std::vector<std::uint32_t> tokens(count);
    std::iota(tokens.begin(), tokens.end(), 0u);
    const auto of = reading::try_make({tokens.data(), count});
    REQUIRE(of.ok());
    std::vector<int> met(count);
    std::size_t sum = 0;
    task::token_example<6> each;
    for (std::size_t window = 0; window < of->windows(); ++window) {
      std::memset(static_cast<void*>(&each), 0xab, sizeof each);
      of->read(window, each);
      CHECK(each.counted() == of->targets_of(window));
      sum += each.counted();
      for (std::uint32_t t = 0; t < 6; ++t) {
        const std::uint32_t place = static_cast<std::uint32_t>(window) * 6 + t;
        if (each.counts[t] == 0) {
          CHECK(each.tokens[t] == 0);
          continue;
        }
        CHECK(each.tokens[t] == place);
        REQUIRE(each.targets[t] == place + 1);
        ++met[each.targets[t]];
      }
    }
    CHECK(sum == of->targets());
    CHECK(met[0] == 0);
    CHECK(std::all_of(met.begin() + 1, met.end(), [](int times) { return times == 1; }));
  }
}

TEST_CASE("tasks: windows of a text that are drawn start anywhere, each start alike") {
  using reading = task::text<task::text_sizes{.vocabulary = 12, .window = 4}>;
  std::array<std::uint32_t, 12> tokens{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto of = reading::try_make({tokens.data(), 12}).take();
  check_promises(of);
  std::map<std::uint32_t, int> starts;
  for (std::uint64_t number = 0; number < 8000; ++number) {
    const auto each = sampled(1, number, of);
    REQUIRE(each.counted() == 4);
    for (std::uint32_t t = 0; t < 4; ++t) {
      REQUIRE(each.tokens[t] == each.tokens[0] + t);
      REQUIRE(each.targets[t] == each.tokens[t] + 1);
    }
    ++starts[each.tokens[0]];
  }
  CHECK(of.starts() == 8);
  REQUIRE(starts.size() == 8);
  for (const auto& [start, count] : starts) check_count(count, 8000, 0.125);
}

TEST_CASE("tasks: texts that are refused, and how a text is split") {
  using reading = task::text<task::text_sizes{.vocabulary = 4, .window = 3}>;
  const std::uint32_t tokens[]{0, 1, 4, 3, 2};
  const auto message = [](const auto& made) { return std::string(made.why().message.c_str()); };
  const auto shorter = reading::try_make({tokens, 3});
  REQUIRE(!shorter.ok());
  CHECK(shorter.why().kind == lc::error_kind::length);
  CHECK(message(shorter).find("expected at least 4 tokens for windows of 3, found 3") != std::string::npos);
  const auto strange = reading::try_make({tokens, 5});
  REQUIRE(!strange.ok());
  CHECK(strange.why().kind == lc::error_kind::token);
  CHECK(message(strange).find("token 2: expected a token below 4, found 4") != std::string::npos);
  CHECK(!reading::try_make({}).ok());
  CHECK(reading::try_make({tokens + 1, 1}).ok() == false);
  const std::uint32_t many[25]{};
  for (std::size_t count = 0; count < 25; ++count) {
    const auto parts = task::split_text({many, count});
    CHECK(parts.training.count == count * 9 / 10);
    CHECK(parts.training.data == many);
    CHECK(parts.validation.data == many + parts.training.count);
    CHECK(parts.training.count + parts.validation.count == count);
  }
  // tinyshakespeare, as nanoGPT splits it
  const std::vector<std::uint32_t> long_text(1115394);
  CHECK(task::split_text({long_text.data(), long_text.size()}).training.count == 1003854);
}
