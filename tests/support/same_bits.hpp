#pragma once
// Whether two structs hold the same bits, tensor by tensor.

#include <cstring>
#include <lacuna/tensor/walk.hpp>

template <class Left, class Right>
bool same_bits(const Left& left, const Right& right) {
  bool same = true;
  lacuna::visit_tensors(
      [&](const auto& a, const auto& b) {
        same = same && sizeof a.data == sizeof b.data && std::memcmp(a.data, b.data, sizeof a.data) == 0;
      },
      left, right);
  return same;
}
