// Tables of numbers: what is read, what is refused and where; ETTh1 and the windows of a series.
#include "support/data.hpp"
#include "support/scratch.hpp"

#include <doctest/doctest.h>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <lacuna/io/csv.hpp>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
namespace task = lc::task;
using task::series_part;

lc::outcome<lc::csv_table> parse(std::string_view text, const lc::csv_choices& choices = {}) {
  return lc::try_parse_csv("bad.csv", text, choices);
}
void refused(std::string_view text, lc::error_kind kind, std::initializer_list<const char*> parts,
             const lc::csv_choices& choices = {}) {
  CAPTURE(std::string(text));
  const auto parsed = parse(text, choices);
  REQUIRE(!parsed.ok());
  const std::string message = parsed.why().message.c_str();
  CAPTURE(message);
  CHECK(parsed.why().kind == kind);
  CHECK(message.rfind("lacuna::csv: 'bad.csv': ", 0) == 0);
  CHECK(message.find('\n') == std::string::npos);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}

/// (rows, 2) numbers whose training part is the first 20 rows.
constexpr task::series_split small_split{20, 28, 40};
using small = task::series<task::series_sizes{.columns = 2, .lookback = 5, .horizon = 3}>;
std::vector<double> numbers_of(std::size_t rows) {
  std::vector<double> made(2 * rows);
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = std::sin(static_cast<double>(i * i)) * 3 + 7;
  return made;
}

}  // namespace

TEST_CASE("csv: names, numbers, and what may stand around them") {
  const auto table = parse("a,b,c\n1,2.5,-3e2\n4,5,6\n");
  REQUIRE(table.ok());
  CHECK(table->columns == std::vector<std::string>{"a", "b", "c"});
  CHECK(table->values == std::vector<double>{1, 2.5, -300, 4, 5, 6});
  CHECK(table->rows() == 2);
  const auto view = table->try_view<3>();
  REQUIRE(view.ok());
  CHECK((*view)(1, 2) == 6);
  const auto wrong = table->try_view<2>();
  REQUIRE(!wrong.ok());
  CHECK(std::string(wrong.why().message.c_str()).find("expected 2 columns, found 3") != std::string::npos);
  // Line ends of Windows, no last line end, empty lines at the end, a byte order mark, spaces, quotes.
  for (const char* same :
       {"a,b,c\r\n1,2.5,-3e2\r\n4,5,6\r\n", "a,b,c\n1,2.5,-3e2\n4,5,6", "a,b,c\n1,2.5,-3e2\n4,5,6\n\n\r\n",
        "\xEF\xBB\xBF"
        "a,b,c\n1,2.5,-3e2\n4,5,6\n",
        " a ,b,\tc\n 1, 2.5 ,-3e2\n4,5,6\n", "\"a\",b,\"c\"\n1,\"2.5\",-3e2\n4,5,\"6\"\n",
        "a, \"b\",\t\"c\" \n \"1\" ,\t\"2.5\",-3e2\n4,\" 5 \"\t,\"6\"  \n"}) {
    CAPTURE(std::string(same));
    const auto found = parse(same);
    REQUIRE(found.ok());
    CHECK(found->columns == table->columns);
    CHECK(found->values == table->values);
  }
  CHECK(parse("a;b\n1;2\n", {.separator = ';'})->values == std::vector<double>{1, 2});
  CHECK(parse("one\n1\n2\n")->rows() == 2);
  // A blank that separates is none around a quote; two quotes are one.
  CHECK(parse("a\t\"b\"\tc\n1\t \"2\" \t3\n", {.separator = '\t'})->values == std::vector<double>{1, 2, 3});
  CHECK(parse("\"a\" \"b\"\n1 \"2\"\n", {.separator = ' '})->columns == std::vector<std::string>{"a", "b"});
  CHECK(parse("\"say \"\"a\"\"\", \"\"\"\",\"b\"\"c\"\n1,2,3\n")->columns ==
        std::vector<std::string>{"say \"a\"", "\"", "b\"c"});
}

TEST_CASE("csv: columns are chosen by name, and others may hold anything") {
  const std::string text = "date,x,y,\"a, b\"\n2016-07-01 00:00:00,1,2,\"with \"\"quotes\"\", too\"\nnan,3,4,\n";
  const auto chosen = parse(text, {.columns = {"y", "x"}});
  REQUIRE(chosen.ok());
  CHECK(chosen->columns == std::vector<std::string>{"y", "x"});
  CHECK(chosen->values == std::vector<double>{2, 1, 4, 3});
  const auto left = parse(text, {.left_out = {"date", "a, b"}});
  REQUIRE(left.ok());
  CHECK(left->values == std::vector<double>{1, 2, 3, 4});
  refused(text, lc::error_kind::shape, {"expected a column 'z', found none among 'date', 'x', 'y', 'a, b'"},
          {.columns = {"x", "z"}});
  refused(text, lc::error_kind::shape, {"expected a column 'Date'"}, {.left_out = {"Date"}});
  refused(text, lc::error_kind::shape, {"expected each column once, asked for 'x' twice"}, {.columns = {"x", "x"}});
  refused("a\n1\n", lc::error_kind::shape, {"found all of them left out"}, {.left_out = {"a"}});
}

TEST_CASE("csv: numbers come back bit for bit") {
  std::string text = "value\n";
  std::vector<double> expected;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto bits = lc::random_bits(1, 2, i);
    const std::uint64_t word = std::uint64_t{bits.word[0]} << 32 | bits.word[1];
    double value = 0;
    std::memcpy(&value, &word, sizeof value);
    if (!std::isfinite(value)) continue;
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g\n", value);
    text += digits;
    expected.push_back(value);
  }
  const auto table = parse(text);
  REQUIRE(table.ok());
  REQUIRE(table->values.size() == expected.size());
  CHECK(std::memcmp(table->values.data(), expected.data(), expected.size() * sizeof(double)) == 0);
}

TEST_CASE("csv: what is refused, and where") {
  using kind = lc::error_kind;
  refused("", kind::file, {"expected a line of names", "found an empty file"});
  refused("\r\n\n", kind::file, {"found an empty file"});
  refused("a,b\n", kind::file, {"expected lines of numbers behind the names, found none"});
  refused("1,2\n3,4\n", kind::file, {"line 1, column 1: expected a name, found the number '1'"});
  refused("-1,nan,5e3\n2,3,4\n", kind::file, {"line 1, column 1: expected a name, found the number '-1'"});
  refused("a,b,a\n1,2,3\n", kind::file, {"line 1, column 3: expected each name once, found 'a' twice"});
  refused("a,b\n1,2\n3\n", kind::file, {"line 3: expected 2 fields, as the first line has, found 1"});
  refused("a,b\n1,2,3\n", kind::file, {"line 2: expected 2 fields, as the first line has, found 3"});
  refused("a,b\n1,2\n\n3,4\n", kind::file, {"line 3: expected 2 fields, found an empty line"});
  refused("a,b\n1,2\n3,four\n", kind::value, {"line 3, column 2 'b': expected a number, found 'four'"});
  refused("a,b\n1,2x\n", kind::value, {"line 2, column 2 'b': expected a number, found '2x'"});
  refused("a,b\n1,+2\n", kind::value, {"expected a number, found '+2'"});
  refused("a,b\n1,0x10\n", kind::value, {"expected a number, found '0x10'"});
  refused("a,b\n1,\n", kind::value, {"line 2, column 2 'b': expected a number, found nothing"});
  refused("a,b\n1, \n", kind::value, {"column 2 'b': expected a number, found nothing"});
  for (const char* strange : {"nan", "NaN", "-nan", "inf", "-inf", "infinity"})
    refused(std::string("a,b\n1,2\n3,4\n") + strange + ",6\n", kind::value,
            {"line 4, column 1 'a': expected a finite number, found '", strange});
  refused("a,b\n1,1e999\n", kind::value, {"line 2, column 2 'b': expected a number that f64 holds, found '1e999'"});
  refused("a,b\n\"1,2\n", kind::file, {"line 2, column 1: expected a quote that ends the field"});
  refused("a,b\n\"1\"2,3\n", kind::file, {"expected a quote that ends the field"});
  refused("a,b\n1, \"2\" 3\n", kind::file, {"line 2, column 2: expected a quote that ends the field"});
  refused("a,b\n1, \"2\"\"\n", kind::file, {"line 2, column 2: expected a quote that ends the field"});
  refused("a;b\n1;2\n", kind::value, {"line 2, column 1 'a;b': expected a number, found '1;2'"});
  refused("a,b\n1,2\n3,4\x01\n", kind::value, {"expected a number, found '40x01'"});
  // A long field, and a name as long, leave room for what was expected.
  refused(std::string(500, 'n') + "\n" + std::string(5000, 'x') + "\n", kind::value,
          {"line 2, column 1 'nnnn", "...'", "expected a number, found 'xxxx"});
}

TEST_CASE("csv: files") {
  const scratch folder;
  const auto path = folder.path("table.csv");
  const std::string text = "a,b\n1,2\n";
  REQUIRE(lc::try_write_file(path, {text.begin(), text.end()}).ok());
  const auto table = lc::try_read_csv(path);
  REQUIRE(table.ok());
  CHECK(table->values == std::vector<double>{1, 2});
  const auto none = lc::try_read_csv(folder.path("none.csv"));
  REQUIRE(!none.ok());
  CHECK(none.why().kind == lc::error_kind::file);
  CHECK(std::string(none.why().message.c_str()).find("none.csv") != std::string::npos);
  CHECK(!lc::try_read_csv(folder.folder.string()).ok());
}

TEST_CASE("csv: damaged files are refused or read, and nothing else happens") {
  const std::string whole = "date,x,y\n2016-07-01 00:00:00,1.25,-2e3\n2016-07-01 01:00:00,3,\"4\"\n";
  constexpr char letters[] = {',', '"', '\n', '\r', '0', 'e', '-', '.', 'n', ' ', '\0', '\xff'};
  int read = 0;
  for (std::uint64_t number = 0; number < 5000; ++number) {
    task::random_numbers random(1, number);
    std::string text = whole;
    for (auto changes = random.between(1, 4); changes > 0 && !text.empty(); --changes) {
      const auto at = random.below(text.size());
      const char letter = letters[random.below(sizeof letters)];
      const auto way = random.below(4);
      if (way == 0) text[at] = letter;
      if (way == 1) text.insert(at, 1, letter);
      if (way == 2) text.erase(at, 1);
      if (way == 3) text.resize(at);
    }
    // In a buffer of its own size, so that a read behind the end is found by the address checks.
    const auto exact = std::make_unique<char[]>(text.size());
    std::memcpy(exact.get(), text.data(), text.size());
    const auto table = parse({exact.get(), text.size()}, {.columns = {"x", "y"}});
    if (table.ok()) {
      ++read;
      CHECK(table->values.size() == 2 * table->rows());
      for (const double value : table->values) CHECK(std::isfinite(value));
    } else {
      CHECK(std::string(table.why().message.c_str()).rfind("lacuna::csv: 'bad.csv': ", 0) == 0);
    }
  }
  CHECK(read > 100);
  CHECK(read < 4500);
}

TEST_CASE("series: windows, their borders, and scaling by the training part") {
  auto numbers = numbers_of(45);
  const auto made = small::try_make({numbers.data(), 45}, small_split);
  REQUIRE(made.ok());
  const auto& of = *made;
  CHECK(of.windows(series_part::training) == 20 - 8 + 1);
  CHECK(of.windows(series_part::validation) == 8 - 3 + 1);
  CHECK(of.windows(series_part::test) == 12 - 3 + 1);
  // Mean 0 and deviation 1 of the training part, and of no other.
  for (std::size_t c = 0; c < 2; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t r = 0; r < 20; ++r) {
      const double scaled = of.scaler().scaled(numbers[2 * r + c], c);
      sum += scaled;
      squares += scaled * scaled;
      CHECK(of.scaler().original(scaled, c) == doctest::Approx(numbers[2 * r + c]).epsilon(1e-12));
    }
    CHECK(std::fabs(sum / 20) < 1e-12);
    CHECK(squares / 20 == doctest::Approx(1).epsilon(1e-12));
  }
  // Every row of a part is predicted, from its first to its last, and nothing of another part.
  double past[10], future[6];
  const std::size_t begins[]{5, 20, 28}, ends[]{20, 28, 40};
  for (int part = 0; part < 3; ++part) {
    std::size_t first = 1000, last = 0;
    for (std::size_t window = 0; window < of.windows(static_cast<series_part>(part)); ++window) {
      of.read(static_cast<series_part>(part), window, lc::rows<double, 2>(past, 5), lc::rows<double, 2>(future, 3));
      const std::size_t row = of.row_of(static_cast<series_part>(part), window);
      for (std::size_t r = 0; r < 8; ++r)
        for (std::size_t c = 0; c < 2; ++c)
          CHECK((r < 5 ? past[2 * r + c] : future[2 * (r - 5) + c]) ==
                of.scaler().scaled(numbers[2 * (row + r) + c], c));
      first = std::min(first, row + 5);
      last = std::max(last, row + 8);
      // By column it is the same.
      float inverted_past[10], inverted_future[6];
      of.read_inverted(static_cast<series_part>(part), window, lc::rows<float, 5>(inverted_past, 2),
                       lc::rows<float, 3>(inverted_future, 2));
      for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t r = 0; r < 5; ++r) CHECK(inverted_past[5 * c + r] == static_cast<float>(past[2 * r + c]));
        for (std::size_t r = 0; r < 3; ++r) CHECK(inverted_future[3 * c + r] == static_cast<float>(future[2 * r + c]));
      }
    }
    CHECK(first == begins[part]);
    CHECK(last == ends[part]);
  }
  // An epoch has every training window once.
  std::array<int, 13> met{};
  for (std::uint64_t number = 13; number < 26; ++number) ++met[of.order(9, number)];
  for (const int each : met) CHECK(each == 1);
  // What comes behind the training part does not change its scaling.
  const auto before = of.scaler();
  for (std::size_t i = 40; i < numbers.size(); ++i) numbers[i] += 100;
  const auto again = small::try_make({numbers.data(), 45}, small_split).take();
  for (std::size_t c = 0; c < 2; ++c) {
    CHECK(again.scaler().mean[c] == before.mean[c]);
    CHECK(again.scaler().deviation[c] == before.deviation[c]);
  }
}

TEST_CASE("series: what is refused, and constant columns") {
  auto numbers = numbers_of(45);
  const auto message = [&](task::series_split split, std::size_t rows) {
    const auto made = small::try_make({numbers.data(), rows}, split);
    return made.ok() ? std::string() : std::string(made.why().message.c_str());
  };
  CHECK(message(small_split, 40).empty());
  CHECK(message(small_split, 39).find("expected at least 40 rows for this split, found 39") != std::string::npos);
  CHECK(message({7, 28, 40}, 45).find("expected at least 8 rows for training, found 7") != std::string::npos);
  CHECK(message({8, 11, 14}, 45).empty());
  CHECK(message({8, 10, 14}, 45).find("expected at least 3 rows for validation, found 2") != std::string::npos);
  CHECK(message({8, 11, 13}, 45).find("expected at least 3 rows for test, found 2") != std::string::npos);
  CHECK(message({30, 28, 40}, 45).find("expected parts in order") != std::string::npos);
  numbers[2 * 33 + 1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message(small_split, 45).find("row 33, column 1: expected a finite number, found NaN") != std::string::npos);
  numbers[2 * 33 + 1] = -std::numeric_limits<double>::infinity();
  CHECK(message(small_split, 45).find("found infinity") != std::string::npos);
  for (std::size_t r = 0; r < 45; ++r) numbers[2 * r] = 0.1, numbers[2 * r + 1] = static_cast<double>(r % 2);
  const auto constant = small::try_make({numbers.data(), 45}, small_split).take();
  CHECK(constant.scaler().deviation[0] == 1);
  CHECK(constant.scaler().mean[0] == doctest::Approx(0.1));
  CHECK(constant.scaler().mean[1] == 0.5);
  CHECK(constant.scaler().deviation[1] == 0.5);
  // A jump that no f32 holds behind a training part that is constant; deviations that no f64 holds.
  numbers[2 * 30] = 1e39;
  CHECK(message(small_split, 45)
            .find("row 30, column 0: expected a number that f32 holds when it is scaled by the "
                  "training part, found 1e+39 (") != std::string::npos);
  numbers[2 * 30] = 1e38;
  CHECK(message(small_split, 45).empty());
  for (std::size_t r = 0; r < 45; ++r) numbers[2 * r + 1] = r == 7 ? 1.7e308 : -1.7e308;
  CHECK(message(small_split, 45).find("column 1: expected a number that f32 holds") != std::string::npos);
  for (std::size_t r = 0; r < 45; ++r) numbers[2 * r + 1] = r == 7 ? 5e-324 : 0;
  CHECK(message(small_split, 45).find("column 1: expected a number that f32 holds") != std::string::npos);
  const auto tenths = task::split_by_tenths(17);
  CHECK(tenths.training_end == 11);
  CHECK(tenths.validation_end == 14);
  CHECK(tenths.test_end == 17);
}

TEST_CASE("series: the unit of a column changes nothing of what is learnt") {
  const auto numbers = numbers_of(45);
  const auto as_it_is = small::try_make({numbers.data(), 45}, small_split).take();
  const auto scaled = [](const small& of) {
    std::vector<float> all(16);
    of.read(series_part::test, 2, lc::rows<float, 2>(all.data(), 5), lc::rows<float, 2>(all.data() + 10, 3));
    return all;
  };
  // By the textbook, without a unit.
  double sum = 0, squares = 0;
  for (std::size_t r = 0; r < 20; ++r) sum += numbers[2 * r];
  for (std::size_t r = 0; r < 20; ++r) squares += (numbers[2 * r] - sum / 20) * (numbers[2 * r] - sum / 20);
  CHECK(as_it_is.scaler().mean[0] == sum / 20);
  CHECK(as_it_is.scaler().deviation[0] == std::sqrt(squares / 20));
  // Squares of 2^600 are too large for f64, those of 2^-600 too small.
  for (const double unit : {0x1p600, 0x1p-600, 0x1p1000, 0x1p-1000, 3e200, 7e-200}) {
    auto others = numbers;
    for (double& each : others) each *= unit;
    const auto made = small::try_make({others.data(), 45}, small_split);
    REQUIRE_MESSAGE(made.ok(), std::string(made.why().message.c_str()));
    const auto found = scaled(*made), expected = scaled(as_it_is);
    for (std::size_t i = 0; i < 16; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    for (std::size_t c = 0; c < 2; ++c)
      CHECK(made->scaler().deviation[c] / unit == doctest::Approx(as_it_is.scaler().deviation[c]).epsilon(1e-12));
  }
}

TEST_CASE("series: ETTh1, its split, its scaling, and a published baseline") {
  const auto path = test_data("data/ETTh1.csv");
  if (path.empty()) return;
  const auto table = lc::try_read_csv(path, {.left_out = {"date"}});
  REQUIRE_MESSAGE(table.ok(), std::string(table.why().message.c_str()));
  CHECK(table->columns == std::vector<std::string>{"HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"});
  REQUIRE(table->rows() == 17420);
  using hourly = task::series<task::series_sizes{.columns = 7, .lookback = 96, .horizon = 96}>;
  const auto of = hourly::try_make(table->try_view<7>().take(), task::ett_hourly).take();
  CHECK(of.windows(series_part::training) == 8449);
  CHECK(of.windows(series_part::validation) == 2785);
  CHECK(of.windows(series_part::test) == 2785);
  CHECK(of.row_of(series_part::validation, 0) == 8640 - 96);
  CHECK(of.row_of(series_part::test, 0) == 11520 - 96);
  CHECK(of.row_of(series_part::test, 2784) + 192 == 14400);
  // By Python's math.fsum over the first 8640 rows.
  const double means[]{7.937742245659508, 2.0210386567335163, 5.079770601157927, 0.7461858799957015,
                       2.781762386375555, 0.7884531235540096, 17.1282616982271};
  const double deviations[]{5.812749409143771,  2.0901046504076,    5.518793579036245, 1.926379274132982,
                            1.0235226594952191, 0.6302366362251923, 9.176491024944333};
  for (std::size_t c = 0; c < 7; ++c) {
    CHECK(of.scaler().mean[c] == doctest::Approx(means[c]).epsilon(1e-12));
    CHECK(of.scaler().deviation[c] == doctest::Approx(deviations[c]).epsilon(1e-12));
  }
  // To repeat the last row: mean squared error 1.295, mean absolute error 0.713 (Zeng et al., 2022, arXiv 2205.13504,
  // whose test set leaves out the last window, which fills no batch of 32).
  double squares = 0, absolutes = 0;
  std::size_t count = 0;
  static double past[96 * 7], future[96 * 7];
  for (std::size_t window = 0; window < of.windows(series_part::test); ++window) {
    of.read(series_part::test, window, lc::rows<double, 7>(past, 96), lc::rows<double, 7>(future, 96));
    for (std::size_t i = 0; i < 96 * 7; ++i) {
      const double difference = past[95 * 7 + i % 7] - future[i];
      squares += difference * difference;
      absolutes += std::fabs(difference);
      ++count;
    }
  }
  CHECK(squares / static_cast<double>(count) == doctest::Approx(1.295).epsilon(0.0008));
  CHECK(absolutes / static_cast<double>(count) == doctest::Approx(0.713).epsilon(0.001));
}
