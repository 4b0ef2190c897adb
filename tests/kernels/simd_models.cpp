// Whole models by lanes against the reference, forward and backward: every placement of norms, what is skipped, shared
// and adapted, every pooling, several sequences, branches, regressors.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/model_comparison.hpp"

#include <lacuna/with_simd.hpp>

using lacuna::simd;
using model_comparison::check;

TEST_CASE("placements of norms by lanes") {
  check<recipes::placements, simd>("placements");
  check<recipes::skipped, simd>("skipped");
  check<recipes::adapters, simd>("adapters");
}
TEST_CASE("gates and branches by lanes") {
  check<recipes::gates, simd>("gates");
  check<recipes::branched, simd>("branched", 1e-4);
}
TEST_CASE("poolings and several sequences by lanes") {
  check<recipes::mean_encoding, simd>("mean_pooling");
  check<recipes::first_encoding, simd>("first_token");
  check<recipes::learned_encoding, simd>("sequence_pooling");
  check<recipes::packed_sequences, simd>("packed");
}
TEST_CASE("regressors by lanes") {
  check<recipes::inverted, simd>("inverted");
  check<recipes::inverted_plain, simd>("inverted_plain");
}
#endif
