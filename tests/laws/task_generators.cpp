// Generators with known answers: graph search, Boolean functions in context, regular languages. What they hand out is
// read back from the tokens and judged by definitions written down here, not by the library's functions.
#include "support/check_count.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
namespace task = lc::task;
using task::boolean_sizes;
using task::graph_law;
using task::path_place;
using task::search_options;
using task::word_sizes;

template <class Task>
task::token_example<Task::length> sampled(std::uint64_t seed, std::uint64_t number) {
  task::token_example<Task::length> into;
  Task::sample(seed, number, into);
  return into;
}

// ---- graphs ----

/// What the tokens of a search say, by their ids; distances by Floyd and Warshall.
struct parsed_search {
  static constexpr int far = 1000;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::vector<std::uint32_t> path;
  std::vector<std::vector<int>> distance;
  std::uint32_t start = 0, goal = 0, current = 0;
  std::size_t padding = 0;

  template <class Task>
  static parsed_search of(const task::token_example<Task::length>& example) {
    constexpr std::uint32_t most = Task::options.edges;
    constexpr std::uint32_t path_mark = most + 1, edge_mark = most + 2, pad = most + 3, query_mark = most + 4;
    parsed_search made;
    std::size_t at = 0;
    const auto next = [&] {
      REQUIRE(at < Task::length);
      return example.tokens[at++];
    };
    const auto vertex = [&] {
      const auto id = next();
      REQUIRE(id >= 1);
      REQUIRE(id <= most);
      return id;
    };
    while (example.tokens[at] == pad) ++at;
    made.padding = at;
    while (example.tokens[at] == edge_mark) {
      next();
      const auto from = vertex(), to = vertex();
      made.edges.push_back({from, to});
    }
    REQUIRE(next() == query_mark);
    made.start = vertex();
    made.goal = vertex();
    REQUIRE(next() == path_mark);
    while (at < Task::length) made.path.push_back(vertex());
    REQUIRE(!made.path.empty());
    made.current = made.path.back();
    made.distance.assign(most + 1, std::vector<int>(most + 1, far));
    for (std::uint32_t v = 0; v <= most; ++v) made.distance[v][v] = 0;
    for (const auto& [from, to] : made.edges) made.distance[from][to] = 1;
    for (std::uint32_t k = 1; k <= most; ++k)
      for (std::uint32_t i = 1; i <= most; ++i)
        for (std::uint32_t j = 1; j <= most; ++j)
          made.distance[i][j] = std::min(made.distance[i][j], made.distance[i][k] + made.distance[k][j]);
    return made;
  }
  bool reaches(std::uint32_t from, std::uint32_t to) const { return distance[from][to] < far; }
  std::set<std::uint32_t> children(std::uint32_t from) const {
    std::set<std::uint32_t> found;
    for (const auto& [a, b] : edges)
      if (a == from) found.insert(b);
    return found;
  }
  std::set<std::uint32_t> useful() const {
    std::set<std::uint32_t> found;
    for (const auto child : children(current))
      if (reaches(child, goal)) found.insert(child);
    return found;
  }
  /// Levels until everything at the next distance from the current vertex is just as near to `right`, or the goal was
  /// at the level before: the search's frontier, by distances.
  int lookahead(std::uint32_t right) const {
    const auto vertices = static_cast<std::uint32_t>(distance.size());
    for (int level = 0;; ++level) {
      bool decided = true;
      for (std::uint32_t v = 1; v < vertices; ++v)
        if (distance[current][v] == level + 1 && distance[right][v] != level) decided = false;
      if (decided) return level;
      if (distance[current][goal] == level + 1) return level + 1;
    }
  }
  int lookahead() const {
    int least = far;
    for (const auto child : useful())
      if (distance[child][goal] + 1 == distance[current][goal]) least = std::min(least, lookahead(child));
    return least;
  }
};

/// All that the catalogue of checks asks of a generator of searches; the histogram of lookaheads comes out.
template <class Task>
std::map<int, int> check_searches(std::uint64_t seed, int many) {
  constexpr std::size_t most = Task::options.edges;
  static_assert(Task::length == 3 * most + 5 && Task::vocabulary == most + 5);
  std::map<int, int> lookaheads;
  std::map<std::uint32_t, int> labels;
  int lower_of_two = 0, of_two = 0, child_drawn_right = 0, first_edges = 0;
  double chances = 0, share_of_start = 0;
  lc::task::random_numbers random(99, 0);
  for (int number = 0; number < many; ++number) {
    const auto example = sampled<Task>(seed, static_cast<std::uint64_t>(number));
    const auto read = parsed_search::of<Task>(example);
    CAPTURE(number);
    // Token counts.
    REQUIRE(read.edges.size() <= most);
    REQUIRE(read.padding + 3 * read.edges.size() + 4 + read.path.size() == Task::length);
    REQUIRE(example.counted() == 1);
    REQUIRE(example.counts[Task::length - 1] == 1);
    // The graph: no edge twice, no cycle.
    REQUIRE(std::set(read.edges.begin(), read.edges.end()).size() == read.edges.size());
    for (const auto& [from, to] : read.edges) REQUIRE(!read.reaches(to, from));
    // The path goes along edges, and no way to the goal is shorter.
    REQUIRE(read.start != read.goal);
    REQUIRE(read.path[0] == read.start);
    REQUIRE(read.current != read.goal);
    for (std::size_t i = 1; i < read.path.size(); ++i) {
      REQUIRE(read.children(read.path[i - 1]).count(read.path[i]) == 1);
      REQUIRE(read.distance[read.path[i]][read.goal] + 1 == read.distance[read.path[i - 1]][read.goal]);
    }
    if (Task::options.asked_at == path_place::start) REQUIRE(read.path.size() == 1);
    // The label leads to the goal; so does whatever is accepted, and nothing else is.
    const auto useful = read.useful(), children = read.children(read.current);
    const auto label = example.targets[Task::length - 1];
    REQUIRE(useful.count(label) == 1);
    for (std::uint32_t token = 0; token < Task::vocabulary; ++token)
      REQUIRE(Task::accepts(example, Task::length - 1, token) == (useful.count(token) == 1));
    REQUIRE(!Task::accepts(example, Task::length - 2, label));
    // Lookahead and baseline, as measured by the library.
    const auto asked = Task::read(example);
    REQUIRE(static_cast<int>(asked.lookahead()) == read.lookahead());
    REQUIRE(asked.graph.edges() == read.edges.size());
    REQUIRE(!asked.graph.has_cycle());
    REQUIRE(asked.chance() ==
            doctest::Approx(static_cast<double>(useful.size()) / static_cast<double>(children.size())).epsilon(1e-12));
    ++lookaheads[read.lookahead()];
    chances += asked.chance();
    const auto drawn = std::next(children.begin(), static_cast<std::ptrdiff_t>(random.below(children.size())));
    child_drawn_right += Task::accepts(example, Task::length - 1, *drawn) ? 1 : 0;
    ++labels[label];
    if (useful.size() == 2) {
      ++of_two;
      lower_of_two += label == *useful.begin() ? 1 : 0;
    }
    first_edges += read.edges[0].first == read.start ? 1 : 0;
    share_of_start += static_cast<double>(read.children(read.start).size()) / static_cast<double>(read.edges.size());
  }
  // Ids say nothing, the order of the edges says nothing, and labels are drawn among the useful children.
  for (std::uint32_t id = 1; id <= most; ++id) check_count(labels[id], many, 1.0 / static_cast<double>(most));
  check_count(first_edges, many, share_of_start / many);
  if (of_two > 50) check_count(lower_of_two, of_two, 0.5);
  check_count(child_drawn_right, many, chances / many);
  return lookaheads;
}

// ---- automata ----

/// An automaton as a user writes one: two of them side by side, over the symbols of both.
template <class First, class Second>
struct side_by_side {
  static constexpr std::size_t states = First::states * Second::states, symbols = First::symbols;
  static constexpr std::uint32_t start = First::start + First::states * Second::start;
  static constexpr std::uint32_t next(std::uint32_t state, std::uint32_t symbol) {
    return First::next(state % First::states, symbol) +
           static_cast<std::uint32_t>(First::states) *
               Second::next(state / static_cast<std::uint32_t>(First::states), symbol);
  }
  static constexpr bool accepts(std::uint32_t state) {
    return First::accepts(state % First::states) && Second::accepts(state / First::states);
  }
};

/// States that can be reached, and how many of them no word tells apart from another (Moore's refinement).
template <class Language>
std::pair<std::size_t, std::size_t> reached_and_distinct() {
  static_assert(task::Automaton<Language>);
  std::set<std::uint32_t> reached{Language::start};
  std::vector<std::uint32_t> rest{Language::start};
  while (!rest.empty()) {
    const auto state = rest.back();
    rest.pop_back();
    for (std::uint32_t symbol = 0; symbol < Language::symbols; ++symbol) {
      const auto next = Language::next(state, symbol);
      REQUIRE(next < Language::states);
      if (reached.insert(next).second) rest.push_back(next);
    }
  }
  std::vector<std::size_t> part(Language::states);
  for (std::uint32_t state = 0; state < Language::states; ++state) part[state] = Language::accepts(state) ? 1 : 0;
  for (std::size_t parts = 0;;) {
    std::map<std::vector<std::size_t>, std::size_t> signatures;
    std::vector<std::size_t> refined(Language::states);
    for (const auto state : reached) {
      std::vector<std::size_t> signature{part[state]};
      for (std::uint32_t symbol = 0; symbol < Language::symbols; ++symbol)
        signature.push_back(part[Language::next(state, symbol)]);
      refined[state] = signatures.insert({signature, signatures.size()}).first->second;
    }
    part = refined;
    if (signatures.size() == parts) return {reached.size(), parts};
    parts = signatures.size();
  }
}

/// Reads every example back: the word, the steps, the answer. `run` is the state after a word, by the language's
/// meaning.
template <class Language, word_sizes Sizes, class Run>
std::vector<int> check_words(int many, Run&& run) {
  using words = task::regular_language<Language, Sizes>;
  std::vector<int> answers(Language::states);
  std::map<std::size_t, int> lengths;
  for (int number = 0; number < many; ++number) {
    const auto example = sampled<words>(3, static_cast<std::uint64_t>(number));
    std::vector<std::uint32_t> word;
    std::size_t at = 0;
    while (example.tokens[at] != words::question) {
      REQUIRE(example.tokens[at] < Language::symbols);
      REQUIRE(example.counts[at] == 0);
      word.push_back(example.tokens[at++]);
    }
    const std::size_t n = word.size();
    REQUIRE(n >= Sizes.shortest);
    REQUIRE(n <= Sizes.longest);
    ++lengths[n];
    // The steps: each is the state after as many symbols as its place says, and the last one after all.
    std::vector<std::size_t> places;
    const auto log2 = std::log2(static_cast<double>(n));
    const auto stride = Sizes.written == task::steps::every ? std::size_t{1}
                        : Sizes.written == task::steps::none || n == 1
                            ? n
                            : static_cast<std::size_t>(std::ceil(static_cast<double>(n) / log2 - 1e-9));
    for (std::size_t i = stride; i < n; i += stride) places.push_back(i);
    places.push_back(n);
    REQUIRE(example.counted() == places.size());
    REQUIRE(words::states_of(n) == places.size());
    std::vector<std::uint32_t> written;
    for (const auto place : places) {
      REQUIRE(example.counts[at] == 1);
      const auto state =
          run(std::vector<std::uint32_t>(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(place)));
      REQUIRE(example.targets[at] == Language::symbols + state);
      written.push_back(example.targets[at]);
      ++at;
      if (place == n) {
        ++answers[state];
        REQUIRE(words::answer(example) == state);
        REQUIRE(words::belongs(written.back()) == Language::accepts(state));
      } else {
        REQUIRE(example.tokens[at] == Language::symbols + state);
      }
    }
    // Behind the last target there is nothing more.
    for (std::size_t t = at; t < words::length; ++t) {
      REQUIRE(example.tokens[t] == words::pad);
      REQUIRE(example.counts[t] == 0);
    }
    REQUIRE(example.prompt().count == n + 1);
    REQUIRE(words::follows(example, {written.data(), written.size()}));
    if (Language::states > 1) {
      constexpr auto states = static_cast<std::uint32_t>(Language::states);
      written.back() = words::first_state + (written.back() - words::first_state + 1) % states;
      REQUIRE(!words::follows(example, {written.data(), written.size()}));
    }
    REQUIRE(!words::follows(example, {}));
  }
  for (const auto& [length, count] : lengths)
    check_count(count, many, 1.0 / static_cast<double>(Sizes.longest - Sizes.shortest + 1));
  return answers;
}

std::uint32_t ones(const std::vector<std::uint32_t>& word) {
  return static_cast<std::uint32_t>(std::count(word.begin(), word.end(), 1u));
}
/// The product of permutations that are numbered in lexicographic order.
template <std::size_t Items>
std::uint32_t product(const std::vector<std::uint32_t>& word) {
  static const auto all = [] {
    std::vector<std::array<int, Items>> found;
    std::array<int, Items> each{};
    for (std::size_t i = 0; i < Items; ++i) each[i] = static_cast<int>(i);
    do found.push_back(each);
    while (std::next_permutation(each.begin(), each.end()));
    return found;
  }();
  std::array<int, Items> placed = all[0];
  for (const auto symbol : word)
    for (auto& item : placed) item = all[symbol][static_cast<std::size_t>(item)];
  return static_cast<std::uint32_t>(std::find(all.begin(), all.end(), placed) - all.begin());
}

}  // namespace

TEST_CASE("graph search, crafted: the lookahead that was asked for, uniformly") {
  using searching = task::graph_search<>;
  static_assert(searching::length == 29);
  const auto lookaheads = check_searches<searching>(1, 4000);
  REQUIRE(lookaheads.size() == 4);
  for (const auto& [levels, count] : lookaheads) {
    CHECK(levels <= 3);
    check_count(count, 4000, 0.25);
  }
}

TEST_CASE("graph search, crafted: asked anywhere on the path, and a large graph") {
  const auto anywhere = check_searches<task::graph_search<search_options{.asked_at = path_place::anywhere}>>(2, 4000);
  REQUIRE(anywhere.size() == 4);
  for (const auto& [levels, count] : anywhere) check_count(count, 4000, 0.25);
  // The paper's size: inputs of 128 tokens, lookaheads up to 12.
  using large = task::graph_search<search_options{.edges = 41, .lookahead = 12}>;
  static_assert(large::length == 128);
  const auto lookaheads = check_searches<large>(3, 650);
  REQUIRE(lookaheads.size() == 13);
  for (const auto& [levels, count] : lookaheads) check_count(count, 650, 1.0 / 13);
}

TEST_CASE("graph search, star: lookahead is the length of the paths, and chance one over their number") {
  using stars = task::graph_search<search_options{.edges = 13, .lookahead = 4, .graphs = graph_law::star}>;
  const auto lookaheads = check_searches<stars>(4, 4000);
  REQUIRE(lookaheads.size() == 4);
  for (const auto& [levels, count] : lookaheads) check_count(count, 4000, 0.25);
  for (std::uint64_t number = 0; number < 500; ++number) {
    const auto read = parsed_search::of<stars>(sampled<stars>(4, number));
    const auto paths = read.children(read.start).size();
    REQUIRE(paths >= 2);
    REQUIRE(read.distance[read.start][read.goal] == read.lookahead());
    REQUIRE(read.edges.size() == paths * static_cast<std::size_t>(read.lookahead()));
  }
}

TEST_CASE("graph search, simple: one root, one to three parents") {
  using simple = task::graph_search<search_options{.edges = 12, .graphs = graph_law::simple}>;
  check_searches<simple>(5, 4000);
  for (std::uint64_t number = 0; number < 500; ++number) {
    const auto read = parsed_search::of<simple>(sampled<simple>(5, number));
    std::map<std::uint32_t, std::size_t> parents;
    std::set<std::uint32_t> used;
    for (const auto& [from, to] : read.edges) {
      ++parents[to];
      used.insert({from, to});
    }
    REQUIRE(used.size() >= 3);
    REQUIRE(used.size() <= 11);
    REQUIRE(used.size() == parents.size() + 1);
    for (const auto& [vertex, count] : parents) REQUIRE(count <= 3);
  }
}

TEST_CASE("graph search: lookahead of graphs by hand") {
  task::search_graph<8> graph;
  graph.vertices = 8;
  // 0 -> 1 -> 2 -> 3 = goal, 0 -> 4 -> 5: after two levels only the way to the goal is left.
  for (const auto& [from, to] : {std::pair{0, 1}, {1, 2}, {2, 3}, {0, 4}, {4, 5}}) graph.child[from][to] = true;
  graph.goal = 3;
  CHECK(graph.lookahead(0) == 2);
  CHECK(graph.lookahead(1) == 0);
  CHECK(graph.useful(0, 1));
  CHECK(!graph.useful(0, 4));
  CHECK(!graph.useful(0, 2));
  graph.child[5][6] = true;  // now both ways are as long: the goal itself decides
  CHECK(graph.lookahead(0) == 3);
  // Both lead to the goal, as fast, and meet at 2: everything at its level comes from 4, but not from 1.
  graph.child[4][2] = true;
  CHECK(graph.lookahead(0, 1) == 3);
  CHECK(graph.lookahead(0, 4) == 1);
  CHECK(graph.lookahead(0) == 1);
  CHECK(graph.useful_children(0) == 2);
  CHECK(!graph.has_cycle());
  graph.child[3][0] = true;
  CHECK(graph.has_cycle());
}

// ---- Boolean functions ----

namespace {

constexpr std::size_t bits = 8;
using point = std::array<int, bits>;

point point_of(unsigned number) {
  point made{};
  for (std::size_t i = 0; i < bits; ++i) made[i] = (number >> i & 1u) != 0 ? 1 : -1;
  return made;
}
/// Each literal of a clause, by its meaning.
template <class Clause>
int satisfied(const Clause& of, const point& at, int& literals) {
  int found = 0;
  literals = 0;
  for (std::size_t i = 0; i < bits; ++i) {
    if (of.weights[i] == 0) continue;
    ++literals;
    found += of.weights[i] == at[i] ? 1 : 0;
  }
  return found;
}
template <class Clause>
bool all_of(const Clause& clause, const point& at) {
  int literals = 0;
  const int found = satisfied(clause, at, literals);
  return found == literals;
}
template <class Clause>
bool any_of(const Clause& clause, const point& at) {
  int literals = 0;
  return satisfied(clause, at, literals) > 0;
}
int weighted(const std::int8_t (&weights)[bits], const point& at) {
  int sum = 0;
  for (std::size_t i = 0; i < bits; ++i) sum += weights[i] * at[i];
  return sum;
}
/// Literals of either sign among the weights.
struct literal_counts {
  int positive = 0, negative = 0, all = 0;
  void add(const std::int8_t (&weights)[bits]) {
    for (const auto each : weights) {
      positive += each == 1 ? 1 : 0;
      negative += each == -1 ? 1 : 0;
      ++all;
    }
  }
};

/// How often labels are +: the mean over examples of their shares, and its standard error. (Labels of one example hang
/// together: an example counts as one draw.)
struct label_share {
  double mean, error;
};

/// Many functions of a family at all points against `means(function, point)`; the labels of the examples are those of
/// their points; `see(function)` gets every function. Returns how often labels are +.
template <class Family, class Means, class See>
label_share check_family(int many, Means&& means, See&& see) {
  using sequence = task::boolean_functions<Family>;
  double sum = 0, squares = 0;
  for (int number = 0; number < many; ++number) {
    task::random_numbers random(11, static_cast<std::uint64_t>(number));
    typename sequence::points_type shown;
    typename Family::template function<bits> drawn;
    task::fill_points<Family>(random, shown, drawn);
    see(drawn);
    if (number < 300)
      for (unsigned at = 0; at < 1u << bits; ++at) {
        std::int8_t raw[bits];
        const auto wide = point_of(at);
        for (std::size_t i = 0; i < bits; ++i) raw[i] = static_cast<std::int8_t>(wide[i]);
        REQUIRE((drawn(raw) == 1) == means(drawn, wide));
        REQUIRE((drawn(raw) == 1 || drawn(raw) == -1));
      }
    double positive = 0;
    for (std::size_t i = 0; i < sequence::sizes.points; ++i) {
      point at{};
      for (std::size_t b = 0; b < bits; ++b) {
        at[b] = shown.points[i][b];
        REQUIRE((at[b] == 1 || at[b] == -1));
      }
      REQUIRE((shown.labels[i] == 1) == means(drawn, at));
      positive += shown.labels[i] == 1 ? 1 : 0;
    }
    positive /= static_cast<double>(sequence::sizes.points);
    sum += positive;
    squares += positive * positive;
  }
  return {sum / many, std::sqrt((squares - sum * sum / many) / many / many)};
}
/// Within five standard errors.
void check_share(const label_share& found, double expected) {
  CAPTURE(found.mean);
  CAPTURE(found.error);
  CAPTURE(expected);
  CHECK(found.error < 0.007);
  CHECK(std::fabs(found.mean - expected) <= 5 * found.error);
}

}  // namespace

TEST_CASE("Boolean functions: conjunctions and disjunctions by their meaning, and how often they hold") {
  constexpr int many = 5000;
  // A literal is met with probability 1/2, a variable has none with .7: .85 per variable, 8 of them.
  const double all = std::pow(0.85, 8);
  literal_counts literals;
  const label_share and_share = check_family<task::boolean::conjunction>(
      many, [](const auto& of, const point& at) { return all_of(of, at); },
      [&](const auto& of) { literals.add(of.weights); });
  check_share(and_share, 0.3 + 0.7 * all);
  check_count(literals.positive, literals.all, 0.15);
  check_count(literals.negative, literals.all, 0.15);
  const label_share or_share = check_family<task::boolean::disjunction>(
      many, [](const auto& of, const point& at) { return any_of(of, at); }, [](const auto&) {});
  check_share(or_share, 0.7 * (1 - all));
  const label_share sparse_share = check_family<task::boolean::sparse_disjunction<4>>(
      many, [](const auto& of, const point& at) { return any_of(of, at); },
      [](const auto& of) {
        REQUIRE(std::count(of.weights, of.weights + bits, 1) == 4);
        REQUIRE(std::count(of.weights, of.weights + bits, 0) == 4);
      });
  check_share(sparse_share, 0.7 * 15 / 16);
}

TEST_CASE("Boolean functions: three clauses") {
  constexpr int many = 10000;
  // At a given point a variable satisfies a clause with .9, and clauses are drawn apart.
  const double none = std::pow(1 - std::pow(0.9, 8), 3);
  literal_counts literals;
  const label_share dnf = check_family<task::boolean::dnf>(
      many,
      [](const auto& of, const point& at) {
        return all_of(of.clauses[0], at) || all_of(of.clauses[1], at) || all_of(of.clauses[2], at);
      },
      [&](const auto& of) {
        for (const auto& clause : of.clauses) literals.add(clause.weights);
      });
  check_share(dnf, 0.35 + 0.65 * (1 - none));
  check_count(literals.positive, literals.all, 0.1);
  check_count(literals.negative, literals.all, 0.1);
  const label_share cnf = check_family<task::boolean::cnf>(
      many,
      [](const auto& of, const point& at) {
        return any_of(of.clauses[0], at) && any_of(of.clauses[1], at) && any_of(of.clauses[2], at);
      },
      [](const auto&) {});
  check_share(cnf, 0.7 * none);
}

TEST_CASE("Boolean functions: majorities, halfspaces, thresholds") {
  constexpr int many = 5000;
  // A majority of m variables is + unless it ties, or by symmetry in half of the rest.
  double tie = 0;
  for (int m = 0; m <= 8; m += 2)
    tie += std::tgamma(9) / std::tgamma(m + 1) / std::tgamma(9 - m) * std::pow(0.3, m) * std::pow(0.7, 8 - m) *
           std::tgamma(m + 1) / std::pow(std::tgamma(m / 2 + 1), 2) / std::pow(2, m);
  literal_counts members;
  const label_share majority = check_family<task::boolean::majority>(
      many,
      [](const auto& of, const point& at) {
        int yes = 0, no = 0;
        for (std::size_t i = 0; i < bits; ++i)
          if (of.weights[i] != 0) ++(at[i] > 0 ? yes : no);
        return yes > no;
      },
      [&](const auto& of) { members.add(of.weights); });
  check_share(majority, (1 - tie) / 2);
  check_count(members.positive, members.all, 0.3);
  CHECK(members.negative == 0);
  std::array<int, 7> weights{};
  check_family<task::boolean::halfspace>(
      many, [](const auto& of, const point& at) { return weighted(of.weights, at) >= 1; },
      [&](const auto& of) {
        for (const int each : of.weights) ++weights[static_cast<std::size_t>(each + 3)];
      });
  for (const int each : weights) check_count(each, many * 8.0, 1.0 / 7);
  std::map<int, int> thresholds;
  check_family<task::boolean::threshold>(
      many, [](const auto& of, const point& at) { return 2 * weighted(of.weights, at) > of.twice_threshold; },
      [&](const auto& of) { ++thresholds[of.twice_threshold]; });
  REQUIRE(thresholds.size() == 6);
  for (const int twice : {-5, -3, -1, 1, 3, 5}) check_count(thresholds[twice], many, 1.0 / 6);
}

TEST_CASE("Boolean functions: parities") {
  constexpr int many = 5000;
  const auto odd = [](const auto& of, const point& at) {
    int sum = 0;
    for (std::size_t i = 0; i < bits; ++i) sum += of.chosen[i] * (at[i] + 1) / 2;
    return sum % 2 == 1;
  };
  int members = 0;
  const label_share share = check_family<task::boolean::parity>(many, odd, [&](const auto& of) {
    for (const int each : of.chosen) members += each;
  });
  check_share(share, 0.5 * (1 - 1.0 / 256));
  check_count(members, many * 8.0, 0.5);
  std::map<std::pair<std::size_t, std::size_t>, int> pairs;
  const label_share sparse = check_family<task::boolean::sparse_parity<2>>(many, odd, [&](const auto& of) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < bits; ++i)
      if (of.chosen[i] != 0) found.push_back(i);
    REQUIRE(found.size() == 2);
    ++pairs[{found[0], found[1]}];
  });
  check_share(sparse, 0.5);
  REQUIRE(pairs.size() == 28);
  for (const auto& [pair, count] : pairs) check_count(count, many, 1.0 / 28);
}

TEST_CASE("Boolean functions: nearest neighbours, the first of several") {
  using sequence = task::boolean_functions<task::boolean::nearest_neighbour<6>>;
  int positive = 0, copied = 0;
  for (std::uint64_t number = 0; number < 2000; ++number) {
    sequence::points_type shown;
    sequence::points(1, number, shown);
    positive += shown.labels[0] == 1 ? 1 : 0;
    for (std::size_t i = 1; i < 20; ++i) {
      // By Hamming distance.
      std::size_t nearest = 0;
      int least = 100;
      for (std::size_t j = 0; j < i; ++j) {
        int different = 0;
        for (std::size_t b = 0; b < bits; ++b) different += shown.points[i][b] != shown.points[j][b] ? 1 : 0;
        if (different < least) least = different, nearest = j;
      }
      REQUIRE(task::boolean::nearest_before(shown, i) == nearest);
      REQUIRE(task::boolean::nearest_label(shown, i) == shown.labels[nearest]);
      if (i >= 6 || least == 0) REQUIRE(shown.labels[i] == shown.labels[nearest]);
      copied += i == 5 && least > 0 && shown.labels[5] == shown.labels[nearest] ? 1 : 0;
    }
  }
  check_count(positive, 2000, 0.5);
  CHECK(copied < 1200);  // labels of the first six are drawn, not copied
  CHECK(copied > 800);
}

TEST_CASE("Boolean functions: after its teaching points just one monotone conjunction is left") {
  int taught = 0;
  for (std::uint64_t number = 0; number < 400; ++number) {
    task::random_numbers random(5, number);
    task::labelled_points<bits, 20> shown;
    task::boolean::taught_conjunction::function<bits> drawn;
    task::fill_points<task::boolean::taught_conjunction>(random, shown, drawn);
    unsigned wanted = 0;
    for (std::size_t i = 0; i < bits; ++i) {
      REQUIRE((drawn.weights[i] == 0 || drawn.weights[i] == 1));
      wanted |= drawn.weights[i] != 0 ? 1u << i : 0u;
    }
    const auto size = static_cast<std::size_t>(drawn.weight());
    /// How many conjunctions say what the first points' labels are.
    const auto left = [&](std::size_t points) {
      std::set<unsigned> fit;
      for (unsigned variables = 0; variables < 1u << bits; ++variables) {
        bool fits = true;
        for (std::size_t i = 0; i < points; ++i) {
          bool holds = true;
          for (std::size_t b = 0; b < bits; ++b)
            holds = holds && ((variables >> b & 1u) == 0 || shown.points[i][b] == 1);
          fits = fits && holds == (shown.labels[i] == 1);
        }
        if (fits) fit.insert(variables);
      }
      return fit;
    };
    REQUIRE(left(size + 1) == std::set<unsigned>{wanted});
    if (size > 0) {
      ++taught;
      REQUIRE(left(size).size() > 1);
    }
  }
  CHECK(taught > 300);
  // Where there are fewer points than the teaching takes, it stops with them.
  task::labelled_points<bits, 2> few;
  for (std::uint64_t number = 0; number < 100; ++number) {
    task::random_numbers random(5, number);
    task::fill_points<task::boolean::taught_conjunction>(random, few);
    CHECK(few.labels[0] == 1);
  }
}

namespace {
/// Tokens of an example are its points.
template <class Family, boolean_sizes Sizes>
void check_tokens() {
  using sequence = task::boolean_functions<Family, Sizes>;
  constexpr bool one = Sizes.form == task::point_form::one_token;
  constexpr std::size_t width = one ? 1 : Sizes.bits;
  static_assert(sequence::vocabulary == (one ? (1u << (one ? Sizes.bits : 0)) + 2 : 4));
  static_assert(sequence::length == Sizes.points * (width + 1) - 1);
  for (std::uint64_t number = 0; number < 200; ++number) {
    const auto example = sampled<sequence>(6, number);
    typename sequence::points_type shown;
    sequence::points(6, number, shown);
    REQUIRE(example.counted() == Sizes.points);
    for (std::size_t i = 0; i < Sizes.points; ++i) {
      const std::size_t first = i * (width + 1), last = first + width - 1;
      REQUIRE(sequence::position_of(i) == last);
      REQUIRE(example.counts[last] == 1);
      const std::uint32_t label = shown.labels[i] == 1 ? sequence::positive : sequence::negative;
      REQUIRE(example.targets[last] == label);
      if (last + 1 < sequence::length) REQUIRE(example.tokens[last + 1] == label);
      for (std::size_t b = 0; b < Sizes.bits; ++b) {
        const std::uint32_t bit = one ? example.tokens[first] >> b & 1u : example.tokens[first + (one ? 0 : b)];
        REQUIRE(bit == (shown.points[i][b] == 1 ? 1u : 0u));
      }
    }
  }
}
}  // namespace

TEST_CASE("Boolean functions: points as one token and as one token a variable") {
  check_tokens<task::boolean::conjunction, boolean_sizes{}>();
  check_tokens<task::boolean::conjunction,
               boolean_sizes{.bits = 28, .points = 40, .form = task::point_form::bit_tokens}>();
}

// ---- regular languages ----

TEST_CASE("regular languages: automata are minimal, and products of them are what they should be") {
  using reached = std::pair<std::size_t, std::size_t>;
  CHECK(reached_and_distinct<task::language::parity>() == reached(2, 2));
  CHECK(reached_and_distinct<task::language::pairs>() == reached(2, 2));
  CHECK(reached_and_distinct<task::language::multiples_of_three>() == reached(3, 3));
  CHECK(reached_and_distinct<task::language::permutations<3>>() == reached(6, 6));
  CHECK(reached_and_distinct<task::language::permutations<5>>() == reached(120, 120));
  // Even, and a multiple of three: a multiple of six.
  using six = side_by_side<task::language::parity, task::language::multiples_of_three>;
  CHECK(reached_and_distinct<six>() == reached(6, 6));
  CHECK(reached_and_distinct<side_by_side<task::language::parity, task::language::parity>>() == reached(2, 2));
  check_words<six, word_sizes{.shortest = 5, .longest = 5}>(
      300, [](const auto& word) { return ones(word) % 2 + 2 * (ones(word) % 3); });
}

TEST_CASE("regular languages: permutations are a group, and of five items none that commutes") {
  using group = task::language::permutations<5>;
  int commuting = 0;
  for (std::uint32_t a = 0; a < 120; ++a) {
    REQUIRE(group::number_of(group::images_of(a)) == a);
    REQUIRE(group::next(a, 0) == a);
    REQUIRE(group::next(0, a) == a);
    std::set<std::uint32_t> products;
    for (std::uint32_t b = 0; b < 120; ++b) {
      products.insert(group::next(a, b));
      commuting += group::next(a, b) == group::next(b, a) ? 1 : 0;
      const std::uint32_t c = (7 * a + 11 * b + 3) % 120;
      REQUIRE(group::next(group::next(a, b), c) == group::next(a, group::next(b, c)));
    }
    REQUIRE(products.size() == 120);
  }
  CHECK(commuting == 7 * 120);  // as many pairs as classes of conjugates, which are the 7 partitions of 5, times 120
}

TEST_CASE("regular languages: transcripts are the states after each symbol, and end in the answer") {
  const auto even = [](const auto& word) { return ones(word) % 2; };
  const auto by_three = [](const auto& word) { return ones(word) % 3; };
  const auto length = [](const auto& word) { return static_cast<std::uint32_t>(word.size() % 2); };
  using task::steps;
  check_words<task::language::parity, word_sizes{.shortest = 1, .longest = 16}>(3000, even);
  check_words<task::language::pairs, word_sizes{.shortest = 1, .longest = 16}>(1000, length);
  check_words<task::language::multiples_of_three, word_sizes{}>(1000, by_three);
  check_words<task::language::parity, word_sizes{.written = steps::none}>(1000, even);
  check_words<task::language::multiples_of_three,
              word_sizes{.shortest = 1, .longest = 40, .written = steps::logarithmic}>(3000, by_three);
  check_words<task::language::permutations<3>, word_sizes{.shortest = 2, .longest = 9}>(1000, product<3>);
  check_words<task::language::permutations<5>, word_sizes{.written = steps::logarithmic}>(300, product<5>);
}

TEST_CASE("regular languages: the answer of a word problem is uniform, and states are as many as said") {
  const auto answers =
      check_words<task::language::permutations<5>, word_sizes{.written = task::steps::none}>(12000, product<5>);
  for (const int each : answers) check_count(each, 12000, 1.0 / 120);
  using logarithmic = task::regular_language<task::language::parity, word_sizes{.written = task::steps::logarithmic}>;
  CHECK(logarithmic::states_of(16) == 4);
  CHECK(logarithmic::states_of(256) == 8);
  CHECK(logarithmic::states_of(1) == 1);
  static_assert(logarithmic::length == 20);
  static_assert(task::regular_language<task::language::parity>::length == 32);
}
