#pragma once
/// Names of choices: a policy's own, one that is given to it, or one made of its parts.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// A choice under a name of your own: `called<"local", both<causal, window<64>>>`. A choice without it goes by the
/// policy's name, or, for a sublayer, by its role and the names of its parts: `ffn<hidden<512>, relu>`.
template <fixed_string Text, class Policy>
struct called {};

namespace detail {

template <class Choice>
struct policy_of_choice {
  using type = Choice;
};
template <fixed_string Text, class Policy>
struct policy_of_choice<called<Text, Policy>> {
  using type = Policy;
};
template <class Choice>
using policy_of = typename policy_of_choice<Choice>::type;

// A type is named by its own name, or by its role and the names of all its parts.

struct letter_counter {
  extent_t size = 0;
  constexpr letter_counter& operator<<(char) { return ++size, *this; }
  constexpr letter_counter& operator<<(const char* from) {
    for (; *from != '\0'; ++from) ++size;
    return *this;
  }
};

template <class Type, class Parts>
struct name_from_parts;

template <class Type>
struct readable_name {
  static constexpr bool present = [] {
    if constexpr (requires { Type::name.c_str(); })
      return true;
    else if constexpr (requires {
                         Type::role.c_str();
                         typename Type::parts;
                       })
      return name_from_parts<Type, typename Type::parts>::present;
    else
      return false;
  }();
  template <class Text>
  static constexpr void write(Text& to) {
    if constexpr (requires { Type::name.c_str(); })
      to << Type::name.c_str();
    else
      name_from_parts<Type, typename Type::parts>::write(to);
  }
};
template <fixed_string Text, class Policy>
struct readable_name<called<Text, Policy>> {
  static constexpr bool present = true;
  template <class To>
  static constexpr void write(To& to) {
    to << Text.c_str();
  }
};
template <class Type, class... Parts>
struct name_from_parts<Type, type_list<Parts...>> {
  static constexpr bool present = (readable_name<Parts>::present && ...);
  template <class Text>
  static constexpr void write(Text& to) {
    to << Type::role.c_str();
    const char* before = "<";
    ((to << before, readable_name<Parts>::write(to), before = ", "), ...);
    if (sizeof...(Parts) > 0) to << '>';
  }
};

template <class Choice>
inline constexpr auto choice_name = [] {
  constexpr extent_t letters = [] {
    letter_counter counter;
    readable_name<Choice>::write(counter);
    return counter.size;
  }();
  text_buffer<letters> text;
  readable_name<Choice>::write(text);
  return text;
}();

/// Whether a name cannot be taken for two in a list: commas are inside brackets.
constexpr bool is_one_name(const char* text) {
  extent_t open = 0;
  for (; *text != '\0'; ++text) {
    if (*text == '<' || *text == '{') ++open;
    if ((*text == '>' || *text == '}') && open > 0) --open;
    if (*text == ',' && open == 0) return false;
  }
  return true;
}
template <class... Choices>
constexpr bool names_tell_apart(type_list<Choices...>) {
  constexpr const char* of[]{choice_name<Choices>.c_str()...};
  for (extent_t i = 0; i < sizeof...(Choices); ++i) {
    if (!is_one_name(of[i])) return false;
    for (extent_t j = 0; j < i; ++j)
      if (same_text(of[i], of[j])) return false;
  }
  return true;
}
template <class... Choices>
constexpr extent_t longest_name(type_list<Choices...>) {
  extent_t longest = 0;
  ((longest = choice_name<Choices>.size() > longest ? choice_name<Choices>.size() : longest), ...);
  return longest;
}

}  // namespace detail

LACUNA_END
