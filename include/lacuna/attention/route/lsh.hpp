#pragma once
/// Tokens see those that fall into the same bucket by locality-sensitive hashing.

#include <lacuna/attention/plan/best_keys.hpp>
#include <lacuna/attention/plan/selected.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/core/random.hpp>

LACUNA_BEGIN

/// `lsh<hashing{.rounds = 2, .buckets = 64, .chunk = 32}>`.
struct hashing {
  extent_t rounds = 2;
  extent_t buckets = 16;  ///< even: half as many random directions, each with both signs
  extent_t chunk = 32;    ///< tokens of one chunk of the sorted list
  std::uint64_t seed = 0;
  bool same_bucket = false;  ///< the paper's form: no other bucket, no chunk of another round
  constexpr bool operator==(const hashing&) const = default;
};

namespace rules {
template <bool Fine>
struct hashing_is_possible {
  static_assert(Fine,
                "lacuna::lsh: the hashing has no rounds, an empty chunk, or an odd number of buckets (write "
                "hashing{.rounds = 2, .buckets = 16, .chunk = 32})");
};
}  // namespace rules

/// In each round a token's bucket is the largest of q R and -q R, R drawn once per head. The rounds' tokens, sorted by
/// bucket and position, are one list, cut in chunks; a token sees its chunk and the one before it (the first: the
/// last), as far as `Candidates` shows those keys. A key that is met in several rounds counts once, which is what the
/// paper's log N corrects for. Meant for `shared_query_key<>` with `plain_dot_to_others`.
///
/// Per head. O(tokens * (rounds * buckets / 2 * head_width + (rounds * chunk)^2)). The choice has no gradient. It sorts
/// the whole stream, so that the stream is taken whole, and under `causal`, too, later tokens move the borders of
/// chunks: what a row may see then depends on the future, though it sees nothing of it: a decoder asks for
/// `allow_selection_leak`. Source: Kitaev, Kaiser and
/// Levskaya (2020), Reformer, arXiv 2001.04451, section 2; lists and chunks as the released code, or with `same_bucket`
/// as the paper.
template <hashing Hashing = hashing{}, class Candidates = causal>
struct lsh {
  static constexpr bool fine =
      Hashing.rounds > 0 && Hashing.chunk > 0 && Hashing.buckets > 0 && Hashing.buckets % 2 == 0;
  static_assert(__is_base_of(nothing, rules::hashing_is_possible<fine>) || true);
  using slot = slots::route;
  using candidates = combined_route<Candidates>;
  static constexpr auto name = fixed_string("lsh<") + decimal<Hashing.rounds>() + ", " + decimal<Hashing.buckets>() +
                               ", " + decimal<Hashing.chunk>() + ", " + candidates::name + ">";
  static constexpr extent_t rounds = fine ? Hashing.rounds : 1;
  static constexpr extent_t buckets = fine ? Hashing.buckets : 2;
  static constexpr extent_t chunk = fine ? Hashing.chunk : 1;
  static constexpr extent_t directions = buckets / 2;
  static constexpr bool sees_ahead = true;
  static constexpr bool depends_on_length = true;
  static constexpr bool selection_leaks = fine && !route_sees_ahead<candidates>;

  static constexpr extent_t most(extent_t context) {
    return 2 * rounds * chunk < context ? 2 * rounds * chunk : context;
  }
  static constexpr extent_t most_keys(extent_t context) { return most(context); }
  /// At most: how often rounds meet, and what the candidates leave out, the tokens decide.
  static constexpr std::uint64_t pairs(extent_t, extent_t tokens, extent_t keys, extent_t) {
    return std::uint64_t{tokens} * most(keys);
  }
  LACUNA_HD static constexpr std::uint64_t products(extent_t, extent_t tokens, extent_t) {
    return std::uint64_t{tokens} * rounds * directions;
  }
  /// Normal vectors, (heads, rounds, head_width, directions).
  static constexpr extent_t draws(extent_t heads, extent_t head_width) {
    return heads * rounds * head_width * directions;
  }
  template <class Value>
  static constexpr void draw(Value* to, extent_t heads, extent_t head_width) {
    for (extent_t i = 0; i < draws(heads, head_width); ++i)
      to[i] = static_cast<Value>(random_normal(Hashing.seed, 0, i));
  }

  template <class Value, extent_t Tokens, class Shape>
  struct workspace {
    static constexpr extent_t tokens = Shape::context;
    std::uint32_t bucket[rounds * tokens]{};
    std::uint32_t order[rounds * tokens]{};  ///< tokens, sorted
    std::uint32_t place[rounds * tokens]{};  ///< where they went
    std::uint32_t first[buckets + 1]{};
    std::uint32_t met[2 * rounds * chunk]{};
  };

  template <class Workspace, class Input>
  LACUNA_HD static constexpr void start(Workspace& work, const Input& input) {
    const extent_t tokens = input.query.count;
    for (extent_t round = 0; round < rounds; ++round) {
      const extent_t from = round * tokens;
      for (auto& of : work.first) of = 0;
      for (extent_t t = 0; t < tokens; ++t) {
        work.bucket[from + t] = bucket_of(input, t, round);
        ++work.first[work.bucket[from + t] + 1];
      }
      // Counting keeps the order of positions within a bucket.
      for (extent_t b = 0; b < buckets; ++b) work.first[b + 1] += work.first[b];
      for (extent_t t = 0; t < tokens; ++t) {
        const extent_t at = from + work.first[work.bucket[from + t]]++;
        work.order[at] = static_cast<std::uint32_t>(t);
        work.place[from + t] = static_cast<std::uint32_t>(at);
      }
    }
  }
  template <class Workspace, class Input, extent_t Most>
  LACUNA_HD static constexpr void row(Workspace& work, const Input& input, extent_t t, spans<Most>& to) {
    const extent_t tokens = input.query.count;
    extent_t met = 0;
    for (extent_t round = 0; round < rounds; ++round) {
      // The list of this round, or of all rounds.
      const extent_t begin = Hashing.same_bucket ? round * tokens : 0;
      const extent_t entries = Hashing.same_bucket ? tokens : rounds * tokens;
      const extent_t chunks = (entries + chunk - 1) / chunk;
      const extent_t own = (work.place[round * tokens + t] - begin) / chunk;
      for (extent_t back = 0; back < 2; ++back) {
        if (back == 1 && own == 0 && (Hashing.same_bucket || chunks == 1)) break;
        const extent_t at = (own + chunks - back) % chunks * chunk, end = at + chunk < entries ? at + chunk : entries;
        for (extent_t e = at; e < end; ++e) {
          const extent_t key = work.order[begin + e];
          if (Hashing.same_bucket && work.bucket[round * tokens + key] != work.bucket[round * tokens + t]) continue;
          if (!allows<candidates>(t, key, tokens)) continue;
          met = insert_ascending(work.met, met, static_cast<std::uint32_t>(key));  // each once
        }
      }
    }
    for (extent_t i = 0; i < met; ++i) to.add(work.met[i], work.met[i] + 1);
  }

 private:
  /// The largest of q R, then of -q R; the first of equal ones, and of products that are no numbers: a token that is
  /// none sees itself.
  template <class Input>
  LACUNA_HD static constexpr std::uint32_t bucket_of(const Input& input, extent_t t, extent_t round) {
    using value = typename Input::value;
    constexpr extent_t width = Input::key_columns;
    const value *q = input.query.row(t), *of = input.drawn + (input.head * rounds + round) * width * directions;
    value best = -maths::infinity<value>(), least = maths::infinity<value>();
    extent_t at = 0, least_at = 0;
    for (extent_t b = 0; b < directions; ++b) {
      value along = 0;
      for (extent_t d = 0; d < width; ++d) along += q[d] * of[d * directions + b];
      if (along > best) best = along, at = b;
      if (along < least) least = along, least_at = b;
    }
    return static_cast<std::uint32_t>(-least > best ? directions + least_at : at);
  }
};

LACUNA_END
