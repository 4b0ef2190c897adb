#pragma once
/// Positions of a graph's nodes from the eigenvectors of its Laplacian, by Eigen's solver for self-adjoint matrices.

#include <Eigen/Eigenvalues>
#include <lacuna/core/error.hpp>
#include <lacuna/tensor/graph.hpp>

LACUNA_BEGIN

/// to(i, c) = entry i of eigenvector c + 1 of L = I - D^-1/2 A D^-1/2, by ascending eigenvalue: `(nodes, Columns)`.
/// The first eigenvector is left out, degrees below 1 count as 1, columns that the graph is too small for are 0, and
/// `eigenvalues`, where given, receives all of them, ascending: `(nodes)`. The vectors have length 1; their signs, and
/// the bases of equal eigenvalues, are the solver's, so that two solvers agree in projectors only. O(nodes^3), on the
/// heap, in f64: for data that is prepared, not for a run.
///
/// Errors, before anything is written: no nodes, another number of rows than nodes, a node out of range, an edge
/// that is there twice or in one direction only.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, positional encodings; degrees as in the released code.
template <extent_t EdgeWidth, class Number, class Value, extent_t Columns>
status try_laplacian_positions(const graph<EdgeWidth, Number>& of, rows<Value, Columns> to,
                               double* eigenvalues = nullptr) {
  if (of.nodes == 0 || to.count != of.nodes)
    return error(error_kind::length, "lacuna::laplacian_positions: expected a graph with nodes and a row for each of ")
           << std::uint64_t{of.nodes} << ", found " << std::uint64_t{to.count} << " rows";
  const auto nodes = static_cast<Eigen::Index>(of.nodes);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(nodes, nodes);
  for (extent_t e = 0; e < of.count; ++e) {
    const edge& now = of.edges[e];
    const auto found = [&](const char* expected, const char* advice) {
      return error(error_kind::value, "lacuna::laplacian_positions: edge ")
             << std::uint64_t{e} << ": expected " << expected << ", found target " << std::uint64_t{now.target}
             << " and source " << std::uint64_t{now.source} << advice;
    };
    if (now.target >= of.nodes || now.source >= of.nodes)
      return found("nodes of the graph", " (number the nodes from 0)");
    if (matrix(now.target, now.source) != 0) return found("each edge once", " again (leave one of them out)");
    matrix(now.target, now.source) = 1;
  }
  for (extent_t e = 0; e < of.count; ++e)
    if (matrix(of.edges[e].source, of.edges[e].target) == 0)
      return error(error_kind::value, "lacuna::laplacian_positions: edge ")
             << std::uint64_t{e} << ": expected edges in both directions, found target "
             << std::uint64_t{of.edges[e].target} << " and source " << std::uint64_t{of.edges[e].source}
             << " without the other (add it)";
  const Eigen::VectorXd shrink = matrix.rowwise().sum().cwiseMax(1.0).cwiseSqrt().cwiseInverse();
  matrix = Eigen::MatrixXd::Identity(nodes, nodes) - shrink.asDiagonal() * matrix * shrink.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(matrix);
  if (solved.info() != Eigen::Success)
    return error(error_kind::value,
                 "lacuna::laplacian_positions: expected eigenvectors, found none: the solver did not converge");
  for (extent_t i = 0; i < of.nodes; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    if (eigenvalues != nullptr) eigenvalues[i] = solved.eigenvalues()[row];
    for (extent_t c = 0; c < Columns; ++c) {
      const auto column = static_cast<Eigen::Index>(c + 1);
      to(i, c) = column < nodes ? static_cast<Value>(solved.eigenvectors()(row, column)) : Value(0);
    }
  }
  return nothing{};
}

LACUNA_END
