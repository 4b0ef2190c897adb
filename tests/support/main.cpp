// The main function of every doctest program. The last line is the tally that scripts/test adds up.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support/data.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace {

struct counts {
  unsigned run = 0, failed = 0, skipped = 0;
};
counts tally;
const char* current_name = "";
bool current_lacks_data = false;

/// Follows the run: names and totals go to listeners only.
struct counter : doctest::IReporter {
  explicit counter(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& of) override {
    current_name = of.m_name;
    current_lacks_data = false;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& of) override {
    if (current_lacks_data && of.testCaseSuccess) ++tally.skipped;
  }
  void test_run_end(const doctest::TestRunStats& of) override {
    tally.run = of.numTestCasesPassingFilters;
    tally.failed = of.numTestCasesFailed;
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("tally", 1, counter);

const char* set_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

/// The path, or nothing and a report that it is missing; `help` says how to get it.
std::string unless_missing(const std::filesystem::path& of, const char* help) {
  std::string path = of.string();
  if (std::filesystem::exists(path)) return path;

  const char* const required = set_variable("LACUNA_REQUIRE_DATA");
  if (required != nullptr && *required == '1') {
    FAIL_CHECK("test data not found: " << path << " (" << help << ")");
    return {};
  }
  current_lacks_data = true;
  std::printf("skipped: %s (%s not found; %s)\n", current_name, path.c_str(), help);
  return {};
}

}  // namespace

std::string test_data(const char* name) {
  const char* const given = set_variable("LACUNA_TEST_DATA");
  const std::filesystem::path folder =
      given != nullptr ? given : std::filesystem::path(LACUNA_REPOSITORY).parent_path() / "shared";
  return unless_missing(folder / name, "LACUNA_TEST_DATA names its folder");
}

std::string minilm_data(const char* name) {
  const char* const given = set_variable("LACUNA_MINILM");
  const char* const cache = set_variable("XDG_CACHE_HOME");
  const char* const home = set_variable("HOME");
  const std::filesystem::path caches =
      cache != nullptr ? std::filesystem::path(cache) : std::filesystem::path(home != nullptr ? home : ".") / ".cache";
  return unless_missing((given != nullptr ? std::filesystem::path(given) : caches / "lacuna/all-MiniLM-L6-v2") / name,
                        "scripts/fetch_minilm fetches it");
}

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (context.shouldExit()) return result;
  std::fflush(stdout);
  std::printf("%u passed, %u failed, %u skipped\n", tally.run - tally.failed - tally.skipped, tally.failed,
              tally.skipped);
  return result;
}
