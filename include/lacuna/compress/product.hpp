#pragma once
/// Into products of two factors.

#include <Eigen/Cholesky>
#include <lacuna/compress/factors.hpp>
#include <lacuna/compress/permuted.hpp>
#include <lacuna/format/product.hpp>

LACUNA_BEGIN

namespace detail {

/// A factor whose pattern a mask says: L of W = L R.
template <class Format>
concept HasMask = requires { sizeof(masks_of<Format>); };

/// The factors that a product of two formats, without masks and caches around them, begins with: those of the singular
/// values, for the nearest weight of this rank.
template <class Left, class Right>
struct factors_of {
  template <extent_t Outputs, extent_t Width, extent_t Inputs, class Matrix>
  static weight_factors find(const Matrix& of) {
    return factorise(of, Width);
  }
};
/// A dense factor over a block-diagonal one: for every block of inputs the nearest weight of rank width / Blocks. Since
/// blocks of inputs share nothing, that is the least residual there is, in closed form: alternating least squares,
/// which is often used here, can only come near it.
template <extent_t Blocks>
struct factors_of<dense, block_diagonal<Blocks>> {
  template <extent_t Outputs, extent_t Width, extent_t Inputs, class Matrix>
  static weight_factors find(const Matrix& of) {
    constexpr extent_t rank = Width / Blocks, inside = Inputs / Blocks;
    weight_factors made{weight_matrix(Outputs, Width), weight_matrix(Width, Inputs), 0};
    for (extent_t b = 0; b < Blocks; ++b) {
      const weight_factors of_block = factorise(of.part(0, Outputs, b * inside, inside), rank);
      for (extent_t r = 0; r < rank; ++r) {
        for (extent_t o = 0; o < Outputs; ++o) made.left(o, b * rank + r) = of_block.left(o, r);
        for (extent_t i = 0; i < inside; ++i) made.right(b * rank + r, b * inside + i) = of_block.right(r, i);
      }
    }
    return made;
  }
};
/// Two block-diagonal factors and the shuffle between them: between each block of inputs and each of outputs the
/// nearest matrix of the rank that is left for them, width / Blocks^2 or the numbers next to it. Exact, since these
/// share nothing.
template <extent_t Blocks>
struct factors_of<block_diagonal<Blocks>, permuted<block_diagonal<Blocks>, gathered<Blocks>>> {
  template <extent_t Outputs, extent_t Width, extent_t Inputs, class Matrix>
  static weight_factors find(const Matrix& of) {
    constexpr extent_t per_block = Width / Blocks, outputs = Outputs / Blocks, inputs = Inputs / Blocks;
    weight_factors made{weight_matrix(Outputs, Width), weight_matrix(Width, Inputs), 0};
    for (extent_t l = 0; l < Blocks; ++l)
      for (extent_t k = 0; k < Blocks; ++k) {
        // The values of output block l that come from input block k.
        std::vector<extent_t> between;
        for (extent_t j = 0; j < per_block; ++j)
          if ((j * Blocks + l) / per_block == k) between.push_back(l * per_block + j);
        if (between.empty()) continue;
        const weight_factors found = factorise(of.part(l * outputs, outputs, k * inputs, inputs), between.size());
        for (extent_t t = 0; t < between.size(); ++t) {
          for (extent_t s = 0; s < outputs; ++s) made.left(l * outputs + s, between[t]) = found.left(s, t);
          for (extent_t p = 0; p < inputs; ++p) made.right(between[t], k * inputs + p) = found.right(t, p);
        }
      }
    return made;
  }
};

/// The R of the least squared error of L R = W, by the normal equations.
template <class Matrix>
weight_matrix best_right(const Matrix& of, const weight_matrix& left) {
  const Eigen::MatrixXd l = eigen_matrix(left), gram = l.transpose() * l, wanted = l.transpose() * eigen_matrix(of);
  return from_eigen(Eigen::MatrixXd(gram.ldlt().solve(wanted)));
}
/// The L of the least squared error of L R = W whose entries outside the mask are 0: row by row.
template <class Matrix>
weight_matrix best_left(const Matrix& of, const weight_matrix& right, const weight_mask& mask) {
  const Eigen::MatrixXd r = eigen_matrix(right), gram = r * r.transpose(), products = eigen_matrix(of) * r.transpose();
  weight_matrix left(of.outputs, right.outputs);
  for (extent_t o = 0; o < of.outputs; ++o) {
    std::vector<Eigen::Index> kept;
    for (extent_t j = 0; j < right.outputs; ++j)
      if (mask(o, j) != 0) kept.push_back(static_cast<Eigen::Index>(j));
    const auto count = static_cast<Eigen::Index>(kept.size());
    Eigen::MatrixXd of_row(count, count), wanted(count, 1);
    for (Eigen::Index a = 0; a < count; ++a) {
      wanted(a, 0) = products(static_cast<Eigen::Index>(o), kept[static_cast<std::size_t>(a)]);
      for (Eigen::Index b = 0; b < count; ++b)
        of_row(a, b) = gram(kept[static_cast<std::size_t>(a)], kept[static_cast<std::size_t>(b)]);
    }
    const Eigen::MatrixXd found = of_row.ldlt().solve(wanted);
    for (Eigen::Index a = 0; a < count; ++a)
      left(o, static_cast<extent_t>(kept[static_cast<std::size_t>(a)])) = found(a, 0);
  }
  return left;
}
template <class Matrix>
weight_matrix multiply_factors(const Matrix& left, const weight_matrix& right) {
  return from_eigen(Eigen::MatrixXd(eigen_matrix(left) * eigen_matrix(right)));
}

/// Improves W = L R, the pattern of L given, until a sweep gains nothing: each solves for L and for R in turn.
template <class Matrix>
void alternate(const Matrix& of, weight_factors& factors, const weight_mask& mask, extent_t sweeps) {
  factors.left = best_left(of, factors.right, mask);
  double least = of.without(multiply_factors(factors.left, factors.right)).squares();
  for (extent_t sweep = 0; sweep < sweeps; ++sweep) {
    weight_factors next;
    next.right = best_right(of, factors.left);
    next.left = best_left(of, next.right, mask);
    const double rest = of.without(multiply_factors(next.left, next.right)).squares();
    if (!(rest < least)) return;  // rounding has the last word, or the factors are no longer independent
    factors.left = next.left, factors.right = next.right;
    const bool little = rest > least * (1 - 1e-6);
    least = rest;
    if (little) return;
  }
}

}  // namespace detail

/// Two factors, each brought into its format; masks and caches around a format change nothing of how they are found.
/// For two dense ones they are those of the singular values: no weight of this rank is nearer. For `block_dense`,
/// `block_shuffle` and, with its outputs in their order, `monarch` they are the nearest ones, too, for any width that
/// the blocks divide. A sparse left factor over a dense right one (DSFormer's form) is improved by alternating least
/// squares, its pattern staying as it is: each sweep solves for either factor, and none makes the residual larger.
/// Source: Eckart and Young (1936); Dao et al. (2022), arXiv 2204.00595, theorem 1, for rank 1 between blocks and
/// square weights, the rest by the same argument; Chand et al. (2023), DSFormer, arXiv 2312.13211, whose solver is not
/// published: this one is ours.
template <class Left, class Right, class Inner>
struct converter<product<Left, Right, Inner>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    constexpr extent_t width = product<Left, Right, Inner>::template bound<Outputs, Inputs>::width;
    using left = detail::bare<Left>;
    using right = detail::bare<Right>;
    weight_factors factors = detail::factors_of<left, right>::template find<Outputs, width, Inputs>(from);
    conversion_choices of_factor = choices;
    of_factor.mask = nullptr;
    weight_mask mask;
    if constexpr (detail::HasMask<left> && same<right, dense>) {
      mask = detail::mask_for<left, Outputs, width>(factors.left, of_factor);
      detail::alternate(from, factors, mask, choices.sweeps);
      of_factor.mask = &mask;
    }
    if (auto converted = converter<Left>::template convert<Outputs, width>(factors.left, to.left, of_factor);
        !converted.ok())
      return converted;
    of_factor.mask = nullptr;
    return converter<Right>::template convert<width, Inputs>(factors.right, to.right, of_factor);
  }
};

LACUNA_END
