#!/usr/bin/python3
"""Writes the nearest weights that formats can hold, found independently, for tests/laws/formats_reference.cpp.

Usage: /usr/bin/python3 tests/reference/formats.py          (rewrites formats.txt beside it)

Written from the definitions in plain numpy, f64: patterns by sorting, factors by numpy's singular value decomposition,
ranges of integers by trying every hundredth of the whole one, the grid that the format defines. Nothing is taken from
the library.

Versions:   Debian 12, python 3.11, numpy 1.24.
Numbers:    the cubes of the counter-based ones of make.py, which are in [-1/2, 1/2), row by row: of many magnitudes, so
            that the ranges of rows matter. Each case has a seed of its own. A pattern in which two candidates are
            equally large is refused.
Format:     per case `NAME SEED OUTPUTS INPUTS` and OUTPUTS lines of INPUTS numbers: the dense weight that is left.
Tolerance:  1e-11 of the largest number of the case, in f64.
"""
import pathlib

import numpy

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent


def nearest_of_rank(w, rank):
    """Eckart and Young 1936."""
    u, s, v = numpy.linalg.svd(w, full_matrices=False)
    return u[:, :rank] * s[:rank] @ v[:rank]


def of_largest(scores, count):
    """Ones where the `count` largest scores are."""
    order = numpy.argsort(scores, axis=None)[::-1]
    ordered = scores.ravel()[order]
    assert count == scores.size or ordered[count - 1] > ordered[count], "two candidates are equally large"
    mask = numpy.zeros(scores.size)
    mask[order[:count]] = 1
    return mask.reshape(scores.shape)


def blocks_of(w, rows, columns, count, per_strip=False):
    """The blocks of rows x columns whose squares are the largest, in all or in every strip of rows."""
    height, width = w.shape[0] // rows, w.shape[1] // columns
    scores = (w ** 2).reshape(height, rows, width, columns).sum((1, 3))
    if per_strip:
        mask = numpy.stack([of_largest(strip, count // height) for strip in scores])
    else:
        mask = of_largest(scores, count)
    return w * numpy.kron(mask, numpy.ones((rows, columns)))


def n_of_m(w, n, m, shared):
    """n of every m inputs, the same for `shared` neighbouring outputs."""
    kept = numpy.zeros_like(w)
    for o in range(0, w.shape[0], shared):
        for i in range(0, w.shape[1], m):
            part = w[o:o + shared, i:i + m]
            kept[o:o + shared, i:i + m] = part * of_largest((part ** 2).sum(0), n)
    return kept


def monarch(w, blocks, rank):
    """Dao et al. 2022: every blocks-th output and a stretch of inputs are joined by a matrix of low rank."""
    made = numpy.zeros_like(w)
    inside = w.shape[1] // blocks
    for first in range(blocks):
        for k in range(0, w.shape[1], inside):
            made[first::blocks, k:k + inside] = nearest_of_rank(w[first::blocks, k:k + inside], rank)
    return made


def block_dense(w, blocks, rank):
    """Wei et al. 2024: every stretch of inputs has directions of its own, and outputs see all of them."""
    return numpy.concatenate([nearest_of_rank(part, rank) for part in numpy.split(w, blocks, axis=1)], axis=1)


def eight_bits(w, hundredths):
    """Integers from -127 to 127 times a scale per row: of the given parts of the range, that of the least squares."""
    made = numpy.zeros_like(w)
    for o, row in enumerate(w):
        tried = []
        for part in hundredths:
            scale = abs(row).max() * part / (100 * 127)
            tried.append(numpy.clip(numpy.rint(row / scale), -127, 127) * scale)
        made[o] = min(tried, key=lambda of: ((of - row) ** 2).sum())
    return made


def sparse_and_low_rank(w, count, rank):
    sparse = blocks_of(w, 1, 1, count)
    return sparse + nearest_of_rank(w - sparse, rank)


CASES = [
    ("low_rank", lambda w: nearest_of_rank(w, 3)),
    ("monarch_of_rank_1", lambda w: monarch(w, 4, 1)),
    ("monarch_of_rank_2", lambda w: monarch(w, 4, 2)),
    ("block_dense", lambda w: block_dense(w, 2, 3)),
    ("csr", lambda w: blocks_of(w, 1, 1, 96)),
    ("csr_per_row", lambda w: blocks_of(w, 1, 1, 96, per_strip=True)),
    ("blocks_4_1", lambda w: blocks_of(w, 4, 1, 24)),
    ("blocks_8_2", lambda w: blocks_of(w, 8, 2, 12)),
    ("2_of_4", lambda w: n_of_m(w, 2, 4, 1)),
    ("1_of_4_shared_by_4", lambda w: n_of_m(w, 1, 4, 4)),
    ("eight_bits", lambda w: eight_bits(w, [100])),
    ("eight_bits_least_squares", lambda w: eight_bits(w, range(1, 101))),
    ("sparse_and_low_rank", lambda w: sparse_and_low_rank(w, 96, 3)),
]


def main():
    lines = []
    for seed, (name, nearest) in enumerate(CASES, start=1):
        w = numpy.array([drawn(seed, i) for i in range(24 * 16)]).reshape(24, 16) ** 3
        lines.append(f"{name} {seed} 24 16")
        lines += [" ".join(repr(float(each)) for each in row) for row in nearest(w)]
    (HERE / "formats.txt").write_text("\n".join(lines) + "\n")


main()
