// Laws of what a weight format stores, for the list of formats.cpp: files (L6), bytes (L7), and patterns while they
// learn (L9).
#include <doctest/doctest.h>

#include "support/format_rig.hpp"
#include "support/same_bits.hpp"

#if __has_include(<nlohmann/json.hpp>)
#include <filesystem>
#include <lacuna/io.hpp>

#include "support/scratch.hpp"

namespace {
using namespace formats;

/// L6: a file gives back the same bits, kept zeros and their signs among them, and the same products. L7: it is as long
/// as the format says, and a header.
template <class Case, class Value>
void comes_back_from_a_file(const scratch& room) {
  INFO(std::string(Case::format::name.c_str()));
  typename Case::template rig_of<Value> of(3), read(4);
  auto& weight = of.parts->parameters;
  bool first = true;
  lc::visit_tensors(
      [&]<class Leaf>(Leaf& each) {
        if constexpr (!lc::is_integer<typename Leaf::element>) {
          each[0] = 0;
          if (first && Leaf::rank > 1) each[1] = static_cast<Value>(-0.0);
          first = false;
        }
      },
      weight);
  const std::string path = room.path("weight.safetensors");
  CHECK_FALSE(same_bits(weight, read.parts->parameters));
  REQUIRE(lc::try_write_safetensors(path, weight, {}).ok());
  const auto opened = lc::try_read_safetensors(path);
  REQUIRE(opened.ok());
  const auto filled = lc::try_fill(*opened, read.parts->parameters);
  REQUIRE_MESSAGE(filled.ok(), std::string(filled.why().message.c_str()));
  CHECK(same_bits(weight, read.parts->parameters));
  of.refresh(), read.refresh();
  read.parts->x = of.parts->x;
  of.forward(), read.forward();
  CHECK(same_bits(of.parts->y, read.parts->y));

  std::uint64_t bytes = 0, header = 0;
  for (const auto& entry : opened->entries) bytes += entry.end - entry.begin;
  for (int i = 7; i >= 0; --i) header = header << 8 | opened->bytes[static_cast<std::size_t>(i)];
  CHECK(bytes == lc::count_bytes<typename Case::template parameters<lc::shapes<Value>>>());
  CHECK(std::filesystem::file_size(path) == 8 + header + bytes);
}

}  // namespace

TEST_CASE("atoms and compositions come back from files bit for bit, as long as they say") {
  const scratch room;
  const auto check = [&](auto of) {
    comes_back_from_a_file<decltype(of), double>(room);
    comes_back_from_a_file<decltype(of), float>(room);
  };
  for_every(atoms{}, check);
  for_every(compositions{}, check);
}
#endif

namespace {
using namespace formats;

/// Structs that have the last word on a step have it, as in a trainer.
struct settles {
  template <class... Leaves>
  void operator()(Leaves&...) const {}
  template <class Struct, class... Moments>
  void enters(Struct& of, Moments&... moments) const {
    if constexpr (requires { of.after_step(moments...); }) of.after_step(moments...);
  }
};
/// Weights that a mask leaves out are 0 themselves, not by the mask alone, and so are their moments.
struct finds_left_out {
  bool all_zero = true;
  template <class... Leaves>
  void operator()(Leaves&...) const {}
  template <class Struct, class... Moments>
  void enters(Struct& of, Moments&... moments) {
    if constexpr (requires { of.mask; })
      for (extent_t i = 0; i < of.mask.size; ++i)
        all_zero = all_zero && (of.mask[i] != 0 || (of.weight[i] == 0 && (true && ... && (moments.weight[i] == 0))));
  }
};

/// L9: steps with momentum and decay of weights, with moments that are not 0 anywhere at first, move what is stored and
/// nothing else: entries outside the pattern stay exactly 0, and what says where values lie stays as it is.
template <class Case, class Optimiser>
void learns_within_its_pattern(const Optimiser& by) {
  INFO(std::string(Case::format::name.c_str()));
  typename Case::template rig_of<> of(7);
  auto& parts = *of.parts;
  using moments_type = typename Optimiser::template moments<std::remove_cvref_t<decltype(parts.gradients)>>;
  const auto moments = std::make_unique<moments_type>();
  dice with{8};
  lc::visit_tensors(
      [&](auto& each) {
        for (auto& number : each.data) number = std::fabs(with.normal());
      },
      *moments);
  const auto before = std::make_unique<weights_of<Case>>(parts.parameters);
  const std::vector<bool> stored = stored_entries<Case>(parts.parameters);
  for (std::uint64_t step = 1; step <= 5; ++step) {
    lc::visit_tensors(
        [](auto& each) {
          for (auto& number : each.data) number = 0;
        },
        parts.gradients);
    of.refresh(), of.forward(), of.backward();
    Optimiser::visit_tensors([&](auto& weight, const auto& gradient,
                                 auto&... each) { by.step(weight, gradient, each..., 1e-3, 0.1, 1, step, of.backend); },
                             *moments, parts.parameters, parts.gradients);
    Optimiser::visit_tensors(settles{}, *moments, parts.parameters);
  }
  CHECK(stored_entries<Case>(parts.parameters) == stored);
  const table behind = of.dense();
  bool zero_outside = true;
  for (extent_t i = 0; i < behind.of.size(); ++i) zero_outside = zero_outside && (stored[i] || behind.of[i] == 0);
  CHECK(zero_outside);
  finds_left_out left_out;
  Optimiser::visit_tensors(left_out, *moments, parts.parameters);
  CHECK(left_out.all_zero);
  bool integers_stay = true, all_move = true;
  lc::visit_tensors(
      [&]<class Leaf>(const Leaf& now, const Leaf& then) {
        bool moves = false;
        for (extent_t i = 0; i < Leaf::size; ++i) moves = moves || now[i] != then[i];
        if constexpr (lc::is_integer<typename Leaf::element>)
          integers_stay = integers_stay && !moves;
        else
          all_move = all_move && moves;
      },
      parts.parameters, *before);
  CHECK(integers_stay);
  CHECK(all_move);
}

}  // namespace

TEST_CASE("what atoms and compositions leave out stays 0 while they learn") {
  const auto check = [](auto of) {
    learns_within_its_pattern<decltype(of)>(lc::gradient_descent{.momentum = 0.9});
    learns_within_its_pattern<decltype(of)>(lc::adam_w{});
  };
  for_every(atoms{}, check);
  for_every(compositions{}, check);
}
