#pragma once
/// The attention of the Reformer.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/project/shared_query_key.hpp>
#include <lacuna/attention/route/lsh.hpp>

LACUNA_BEGIN

namespace zoo {

/// Tokens whose hashes meet; one sees itself only where it sees nothing else. More policies go at the end.
/// Source: Kitaev, Kaiser and Levskaya (2020), arXiv 2001.04451. The release's model of enwik8 has 12 layers, local,
/// local, hashed, local and so on, 8 heads of 64 in a width of 768 (add `head_width<64>`), a context of 65536, and the
/// hashing of the defaults here, but that its 512 buckets come from two smaller hashes, combined, and here from one.
/// Shown by docs/museum/attention.md.
template <extent_t Heads = 8, hashing Hashing = hashing{.rounds = 2, .buckets = 512, .chunk = 256}, class... Policies>
using reformer_attention = attention<heads<Heads>, lsh<Hashing>, shared_query_key<>, plain_dot_to_others, Policies...>;

}  // namespace zoo

LACUNA_END
