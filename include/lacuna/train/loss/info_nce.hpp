#pragma once
/// Each row finds its partner among all others.

#include <lacuna/op/embed.hpp>
#include <lacuna/train/loss/temperature.hpp>

LACUNA_BEGIN

/// Room for `info_nce` of up to `Rows` pairs.
template <extent_t Rows>
struct info_nce_workspace {
  static constexpr extent_t most = Rows;
  double scores[Rows * Rows]{};  ///< of every anchor with every partner, then their adjoints
  double lengths[2 * Rows]{};    ///< of anchors, then of partners
  double radial[2 * Rows]{};     ///< adjoint times score, summed for each of both
};

/// The mean over rows i of -log softmax over j of s(i, j), at j = i: anchor i has to find partner i among the partners
/// of all rows. s is the cosine of both over the temperature, or their dot product over it.
///
/// `info_nce{}(anchors, partners, danchors, workspace, weight)`: returns the loss in nats, f64, unweighted, and adds
/// weight times its derivative to `danchors`; the partners get none (a momentum teacher's rows). With
/// `(anchors, partners, danchors, dpartners, workspace, weight)` both get theirs: two towers, or one that made both
/// views. Symmetric losses are two calls with the roles exchanged, half the weight each. All views `(rows, columns)`.
/// 2 rows^2 columns multiply-adds, rows^2 columns more for dpartners.
///
/// All rows equal give ln(rows); equal views with orthogonal negatives ln(1 + (rows - 1) e^{-1/t}). `documents` gives
/// each partner a number: where they are given, partners of the same number as a row's own are no negatives of it.
/// A row of zeros has cosine 0 with all and gets no gradient.
///
/// Precondition: as many rows in all views and `documents`, at least one and not more than the workspace has;
/// otherwise the result is NaN and nothing is written.
/// Source: van den Oord et al. (2018), arXiv 1807.03748, eq. (4); with cosines Chen et al. (2020), "SimCLR",
/// arXiv 2002.05709, eq. (1), without the negatives among the anchors themselves; the temperature is that of SiT (Atito
/// et al. 2021, arXiv 2104.03602), whose released code multiplies the loss by twice the temperature.
struct info_nce {
  double temperature = 0.2;
  bool cosine = true;
  token_view documents{};

  template <class Value, extent_t Columns, extent_t Rows>
  constexpr double operator()(std::type_identity_t<rows<const Value, Columns>> anchors,
                              std::type_identity_t<rows<const Value, Columns>> partners, rows<Value, Columns> danchors,
                              info_nce_workspace<Rows>& workspace, double weight = 1) const {
    return evaluate<Value, Columns>(anchors, partners, danchors, rows<Value, Columns>{}, workspace, weight);
  }
  template <class Value, extent_t Columns, extent_t Rows>
  constexpr double operator()(std::type_identity_t<rows<const Value, Columns>> anchors,
                              std::type_identity_t<rows<const Value, Columns>> partners, rows<Value, Columns> danchors,
                              rows<Value, Columns> dpartners, info_nce_workspace<Rows>& workspace,
                              double weight = 1) const {
    if (dpartners.count != partners.count) return detail::no_loss;
    return evaluate<Value, Columns>(anchors, partners, danchors, dpartners, workspace, weight);
  }

 private:
  template <class Value, extent_t Columns, class Workspace>
  constexpr double evaluate(rows<const Value, Columns> anchors, rows<const Value, Columns> partners,
                            rows<Value, Columns> danchors, rows<Value, Columns> dpartners, Workspace& workspace,
                            double weight) const {
    const extent_t count = anchors.count;
    if (!detail::counts_agree(count, partners, danchors) || count > Workspace::most ||
        (documents.count != 0 && documents.count != count))
      return detail::no_loss;
    double* const of_anchors = workspace.lengths;
    double* const of_partners = workspace.lengths + Workspace::most;
    measure(anchors, of_anchors);
    measure(partners, of_partners);
    double* const anchor_radial = workspace.radial;
    double* const partner_radial = workspace.radial + Workspace::most;
    for (extent_t i = 0; i < count; ++i) anchor_radial[i] = partner_radial[i] = 0;

    double total = 0;
    for (extent_t i = 0; i < count; ++i) {
      double* const scores = workspace.scores + i * count;
      for (extent_t j = 0; j < count; ++j) {
        double dot = 0;
        for (extent_t c = 0; c < Columns; ++c)
          dot += static_cast<double>(anchors(i, c)) * static_cast<double>(partners(j, c));
        scores[j] = dot * of_anchors[i] * of_partners[j] / temperature;
      }
      const double own = scores[i];
      double largest = own, sum = 0;
      for (extent_t j = 0; j < count; ++j)
        if (counts(i, j)) largest = maths::larger(largest, scores[j]);
      for (extent_t j = 0; j < count; ++j)
        if (counts(i, j)) sum += maths::exp(scores[j] - largest);
      const double scale = largest + maths::log(sum);
      total += scale - own;
      for (extent_t j = 0; j < count; ++j) {
        const double share = counts(i, j) ? maths::exp(scores[j] - scale) - (i == j ? 1.0 : 0.0) : 0.0;
        anchor_radial[i] += share * scores[j];
        partner_radial[j] += share * scores[j];
        scores[j] = share;
      }
    }
    const double slope = weight / static_cast<double>(count);
    const double* const shares = workspace.scores;
    add(danchors, anchors, partners, of_anchors, of_partners, anchor_radial, slope,
        [&](extent_t i, extent_t j) { return shares[i * count + j]; });
    if (dpartners.count != 0)
      add(dpartners, partners, anchors, of_partners, of_anchors, partner_radial, slope,
          [&](extent_t j, extent_t i) { return shares[i * count + j]; });
    return total / static_cast<double>(count);
  }
  /// Whether partner j is what anchor i looks for, or a negative.
  constexpr bool counts(extent_t i, extent_t j) const {
    return i == j || documents.count == 0 || documents.data[i] != documents.data[j];
  }
  /// What rows are multiplied by before the product: 1 / length, or 1 where the product is taken as it is.
  template <class Value, extent_t Columns>
  constexpr void measure(rows<const Value, Columns> of, double* factors) const {
    for (extent_t i = 0; i < of.count; ++i) {
      double square = 0;
      for (extent_t c = 0; c < Columns; ++c) square += static_cast<double>(of(i, c)) * static_cast<double>(of(i, c));
      factors[i] = !cosine ? 1 : square == 0 ? 0 : 1 / maths::sqrt(square);
    }
  }
  /// d += the derivative by `mine`: of a unit row only what is across it moves the loss.
  template <class Value, extent_t Columns, class Share>
  constexpr void add(rows<Value, Columns> d, rows<const Value, Columns> mine, rows<const Value, Columns> others,
                     const double* my_factors, const double* other_factors, const double* radial, double slope,
                     const Share& share) const {
    for (extent_t i = 0; i < mine.count; ++i)
      for (extent_t c = 0; c < Columns; ++c) {
        double along = 0;
        for (extent_t j = 0; j < mine.count; ++j)
          along += share(i, j) * other_factors[j] * static_cast<double>(others(j, c));
        along /= temperature;
        if (cosine) along -= radial[i] * my_factors[i] * static_cast<double>(mine(i, c));
        d(i, c) = static_cast<Value>(static_cast<double>(d(i, c)) + slope * my_factors[i] * along);
      }
  }
};

LACUNA_END
