"""Laplacian positions. Dwivedi and Bresson (2020), arXiv 2012.09699, Laplacian positional encodings; the released
data code.

L = I - D^(-1/2) A D^(-1/2) of an undirected graph, degrees below 1 counted as 1; `eigenvalues` are all of them,
ascending. The positions are the eigenvectors 1 .. `kept`, of unit length (0 is left out); their signs, and bases of
equal eigenvalues, are arbitrary, so that `projector` = V V^T (nodes, nodes) is stored.
"""
import math

import numpy

from support import Case, same


def cases():
    for name, seed, n, kept in (("laplacian_ring", 2301, 12, 4), ("laplacian_random", 2302, 21, 5)):
        case = Case(name, seed, nodes=n, kept=kept)
        linked = {(i, (i + 1) % n) for i in range(n)}  # keeps the random graph connected as well
        if name == "laplacian_random":
            linked |= {tuple(case.random.choice(n, 2, replace=False).tolist()) for _ in range(18)}
        linked |= {(j, i) for i, j in linked}
        rows = [sorted(j for i, j in linked if i == row) for row in range(n)]
        case.indices("offsets", numpy.cumsum([0] + [len(row) for row in rows]))
        yield case.indices("neighbours", [j for row in rows for j in row])


def laplacian(case):
    n, offsets, neighbours = case["nodes"], case["offsets"], case["neighbours"]
    degree = [max(1, offsets[i + 1] - offsets[i]) for i in range(n)]
    matrix = numpy.eye(n)
    for i in range(n):
        for j in neighbours[offsets[i]:offsets[i + 1]]:
            matrix[i, j] -= 1 / math.sqrt(degree[i] * degree[j])
    return matrix


def compute(case):
    values, vectors = numpy.linalg.eigh(laplacian(case))
    chosen = vectors[:, 1:case["kept"] + 1]
    return {"eigenvalues": values, "projector": chosen @ chosen.T}


def check(case, outputs):
    n, kept, values = case["nodes"], case["kept"], outputs["eigenvalues"]
    matrix, projector = laplacian(case), outputs["projector"]
    same(matrix, matrix.T)
    assert values[1] - values[0] > 1e-2 and values[kept + 1] - values[kept] > 1e-2  # the projector is well defined
    same(values[0], 0.0)
    same(projector @ projector, projector)
    same(numpy.trace(projector), kept)
    same(projector @ matrix, matrix @ projector)
    same(numpy.trace(projector @ matrix), values[1:kept + 1].sum())
    if case.name == "laplacian_ring":
        same(values, sorted(1 - math.cos(2 * math.pi * k / n) for k in range(n)))
        waves = sum(numpy.cos(2 * math.pi * k * numpy.subtract.outer(range(n), range(n)) / n) for k in (1, 2))
        same(projector, 2 * waves / n)
