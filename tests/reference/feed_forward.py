#!/usr/bin/python3
"""Writes what an independent implementation says about activations that see whole rows.

Usage: /usr/bin/python3 tests/reference/feed_forward.py          (rewrites feed_forward.txt beside it)

Written from the papers' formulas in plain numpy, f64. Nothing is taken from the library.
Read by tests/laws/feed_forward_reference.cpp.

Versions:   Debian 12, python 3.11, numpy 1.24.
Numbers:    the counter-based ones of make.py, in [-1/2, 1/2): first the parameters in the library's order, row by row,
            then the input, times 4. Each case has a seed of its own. All are exact in f32.
Format:     per case `NAME SEED TOKENS INPUTS OUTPUTS` and TOKENS lines of OUTPUTS numbers.
Tolerance:  1e-5 of the largest number of the case, in f32.
"""
import pathlib

import numpy

HERE = pathlib.Path(__file__).resolve().parent
WORD = 0xFFFFFFFF


class Drawn:
    def __init__(self, seed):
        self.seed, self.counter = seed, 0

    def one(self):
        h = (self.seed * 0x9E3779B9 + self.counter) & WORD
        self.counter += 1
        h ^= h >> 16
        h = h * 0x85EBCA6B & WORD
        h ^= h >> 13
        h = h * 0xC2B2AE35 & WORD
        h ^= h >> 16
        return (h >> 12) / 2.0 ** 20 - 0.5

    def array(self, *shape):
        return numpy.array([self.one() for _ in range(int(numpy.prod(shape)))]).reshape(shape)

    def input(self, tokens, width):
        return 4 * self.array(tokens, width)


def poly_relu(x, linear, quadratic, cubic, constant):
    """Zhuo et al. 2024, eq. (3), order 3."""
    r = numpy.maximum(x, 0)
    return constant + linear * r + quadratic * r ** 2 + cubic * r ** 3


def poly_norm(x, linear, quadratic, cubic, constant):
    """Zhuo et al. 2024, eq. (4), order 3, with epsilon inside the root."""
    y = numpy.full_like(x, constant)
    for coefficient, power in ((linear, 1), (quadratic, 2), (cubic, 3)):
        u = x ** power
        y += coefficient * u / numpy.sqrt((u ** 2).mean(-1, keepdims=True) + numpy.float64(numpy.float32(1e-6)))
    return y


def relu(x):
    return numpy.maximum(x, 0)


def silu(x):
    return x / (1 + numpy.exp(-x))


def largest(y, k):
    """Li et al. 2022, section 4: the k largest entries of each row."""
    kept = numpy.zeros_like(y)
    for row, to in zip(y, kept):
        best = numpy.argsort(-numpy.abs(row), kind="stable")[:k]
        to[best] = row[best]
    return kept


def main():
    lines = []

    def case(name, seed, x, y):
        lines.append(f"{name} {seed} {x.shape[0]} {x.shape[1]} {y.shape[1]}")
        lines.extend(" ".join(repr(float(value)) for value in row) for row in y)

    for name, function in (("poly_relu", poly_relu), ("poly_norm", poly_norm)):
        for seed, tokens, width in ((1, 3, 7), (2, 5, 40)):
            drawn = Drawn(seed)
            coefficients = [drawn.one() for _ in range(4)]
            x = drawn.input(tokens, width)
            case(name, seed, x, function(x, *coefficients))
    for seed, tokens, width, k, activation in ((3, 4, 9, 3, relu), (4, 3, 33, 16, silu)):
        x = Drawn(seed).input(tokens, width)
        case("top_k_activation", seed, x, largest(activation(x), k))
    (HERE / "feed_forward.txt").write_text("\n".join(lines) + "\n")


main()
