#pragma once
/// Test data that is not in the repository.

#include <string>

/// The path of `name` below LACUNA_TEST_DATA (default: `shared` beside the repository). Where it is missing, the test
/// is reported as skipped (or fails, with LACUNA_REQUIRE_DATA=1) and the path is empty: the test case returns then.
std::string test_data(const char* name);

/// The same for a file of all-MiniLM-L6-v2, which scripts/fetch_minilm fetches: below LACUNA_MINILM, or where that script
/// puts it by itself.
std::string minilm_data(const char* name);
