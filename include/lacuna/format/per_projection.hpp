#pragma once
/// Different formats for the projections of one component.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/type_list.hpp>
#include <lacuna/format/slots.hpp>

LACUNA_BEGIN

/// Names of projections, as in paths.
namespace projection_name {
struct query {
  static constexpr auto name = fixed_string("query");
};
struct key {
  static constexpr auto name = fixed_string("key");
};
struct value {
  static constexpr auto name = fixed_string("value");
};
struct output {
  static constexpr auto name = fixed_string("output");
};
struct gate {
  static constexpr auto name = fixed_string("gate");
};
struct up {
  static constexpr auto name = fixed_string("up");
};
struct down {
  static constexpr auto name = fixed_string("down");
};
}  // namespace projection_name

/// One projection and its format: `for_projection<projection_name::down, n_m<2, 4>>`.
template <class Projection, class Format>
struct for_projection {
  using slot = slots::format;
  using projection = Projection;
  using format = checked<Format, slots::format>;
  using parts = type_list<Format>;
  template <class New>
  using rebuild = for_projection<Projection, New>;
  static constexpr auto name = fixed_string("") + Projection::name + " " + format::name;
};

namespace detail {

template <class Type>
inline constexpr bool names_a_projection = requires {
  typename Type::projection;
  typename Type::format;
};

}  // namespace detail

namespace rules {
template <class Named>
struct what_follows_names_a_projection {
  static_assert(detail::names_a_projection<Named>,
                "lacuna::per_projection: behind the first format come projections with theirs (write "
                "for_projection<projection_name::down, ...>)");
};
template <class... Projections>
struct each_projection_is_named_once {
  template <class One>
  static constexpr extent_t times = (extent_t{0} + ... + (same<One, Projections> ? 1 : 0));
  static constexpr bool once = (true && ... && (times<Projections> == 1));
  static_assert(once,
                "lacuna::per_projection: a projection is named twice (write one lacuna::for_projection<...> for each "
                "projection)");
};
}  // namespace rules

namespace detail {

/// What a projection and its format are; after a complaint, none that a component has.
template <class Type>
struct named {
  using projection = Type;
  using format = dense;
  static constexpr auto name = fixed_string("");
};
template <class Type>
  requires names_a_projection<Type>
struct named<Type> : Type {};

/// Where a type is in a list; as many as there are where it is not.
template <class Type, class... Listed>
constexpr extent_t place_of() {
  constexpr bool hit[]{same<Type, Listed>..., true};
  extent_t i = 0;
  while (!hit[i]) ++i;
  return i;
}

}  // namespace detail

/// `Default` for every projection of a component that no `for_projection` names: `per_projection<dense,
/// for_projection<projection_name::down, csr<density{0.1}>>>`. What a component does not have is not looked for. Inside
/// a composed format, such as a `sum`, it chooses that part of the projection's weight.
template <class Default, class... Named>
struct per_projection {
  static_assert((true && ... && (__is_base_of(nothing, rules::what_follows_names_a_projection<Named>) || true)));
  using slot = slots::format;
  using default_format = checked<Default, slots::format>;
  using parts = type_list<Default, Named...>;
  template <class NewDefault, class... New>
  using rebuild = per_projection<NewDefault, New...>;
  static constexpr auto name = fixed_string("per_projection<") + default_format::name +
                               (fixed_string("") + ... + (fixed_string(", ") + detail::named<Named>::name)) + ">";

  template <extent_t Outputs, extent_t Inputs>
  using bound = typename default_format::template bound<Outputs, Inputs>;
  static_assert(__is_base_of(nothing,
                             rules::each_projection_is_named_once<typename detail::named<Named>::projection...>) ||
                true);
  template <class Projection>
  using of = type_at<detail::place_of<Projection, typename detail::named<Named>::projection...>(),
                     typename detail::named<Named>::format..., default_format>;
};

namespace detail {

/// Whether a format is another one for some projection: `per_projection`, and what puts a part around one of them.
template <class Format>
concept ChoosesByProjection = requires { typename Format::template of<projection_name::down>; };

/// Whether a format chooses by projection, or one does that it is composed of.
template <class Format>
struct differs_by_projection {
  static constexpr bool value = ChoosesByProjection<Format>;
};
template <class... Parts>
struct differs_by_projection<type_list<Parts...>> {
  static constexpr bool value = (false || ... || differs_by_projection<Parts>::value);
};
template <class Format>
  requires(!ChoosesByProjection<Format>) && requires { typename Format::parts; }
struct differs_by_projection<Format> : differs_by_projection<typename Format::parts> {};

template <class Format, class Projection>
struct format_of_projection {
  using type = Format;
};
/// A composed format, of what its parts are for that projection.
template <class Format, class Parts, class Projection>
struct composed_for_projection;
template <class Format, class... Parts, class Projection>
struct composed_for_projection<Format, type_list<Parts...>, Projection> {
  using type = typename Format::template rebuild<typename format_of_projection<Parts, Projection>::type...>;
};
template <class Format, class Projection>
  requires(!ChoosesByProjection<Format>) && (differs_by_projection<Format>::value)
struct format_of_projection<Format, Projection> : composed_for_projection<Format, typename Format::parts, Projection> {
};
template <class Format, class Projection>
  requires ChoosesByProjection<Format>
struct format_of_projection<Format, Projection> {
  // Formats may be told apart within what another one tells apart.
  using type = typename format_of_projection<typename Format::template of<Projection>, Projection>::type;
};

}  // namespace detail

/// The format of one projection, where formats may differ.
template <class Format, class Projection>
using format_at = typename detail::format_of_projection<Format, Projection>::type;

LACUNA_END
