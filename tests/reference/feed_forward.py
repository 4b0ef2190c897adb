#!/usr/bin/python3
"""Writes what an independent implementation says about activations that see whole rows, mixtures and learned pooling.

Usage: /usr/bin/python3 tests/reference/feed_forward.py          (rewrites feed_forward.txt beside it)

Written from the papers' formulas in plain numpy, f64. Nothing is taken from the library.
Read by tests/laws/feed_forward_reference.cpp.

Versions:   Debian 12, python 3.11, numpy 1.24. Other versions or processors may move the last two digits.
Numbers:    the counter-based ones of make.py, in [-1/2, 1/2): first the parameters in the library's order, row by row,
            then the input, times 4. Each case has a seed of its own. All are exact in f32.
Format:     per case `NAME SEED TOKENS INPUTS OUTPUTS` and TOKENS lines of OUTPUTS numbers. A mixture is followed by a
            case of one line: its balance loss and its z-loss. A pooling's TOKENS are its 2 sequences: 3 tokens of the
            input, then the others.
Tolerance:  1e-5 of the largest number of the case, in f32.
"""
import pathlib

import numpy

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent


class Drawn:
    def __init__(self, seed):
        self.seed, self.counter = seed, 0

    def one(self):
        self.counter += 1
        return drawn(self.seed, self.counter - 1)

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


def sequence_pooling(x, weight, bias):
    """Hassani et al. 2021, section 3.3: softmax(g(x_L)^T) x_L."""
    scores = x @ weight + bias
    shares = numpy.exp(scores) / numpy.exp(scores).sum()
    return shares @ x


def largest(y, k):
    """Li et al. 2022, section 4: the k largest entries of each row."""
    kept = numpy.zeros_like(y)
    for row, to in zip(y, kept):
        best = numpy.argsort(-numpy.abs(row), kind="stable")[:k]
        to[best] = row[best]
    return kept


def mixture(x, router, experts, k, renormalised, capacity_factor):
    """Token by token. Gates: Fedus et al. 2021, eq. (2), or divided by their sum; capacity: eq. (3), first choices of
    all tokens before second ones; balance loss: eq. (4) to (6); z-loss: Zoph et al. 2022, eq. (5)."""
    tokens, count = len(x), len(router)
    scores = x @ router.T
    probabilities = numpy.exp(scores) / numpy.exp(scores).sum(-1, keepdims=True)
    choices = numpy.argsort(-scores, axis=-1, kind="stable")[:, :k]
    room = [tokens if capacity_factor is None else int(numpy.ceil(capacity_factor * tokens * k / count))] * count
    y = numpy.zeros_like(x)
    for choice in range(k):
        for t in range(tokens):
            e = choices[t, choice]
            if room[e] > 0:
                room[e] -= 1
                gate = probabilities[t, e] / (probabilities[t, choices[t]].sum() if renormalised else 1)
                y[t] += gate * experts[e](x[t])
    shares = numpy.array([(choices == e).sum() for e in range(count)]) / (tokens * k)
    balance = count * (shares * probabilities.mean(0)).sum()
    z = (numpy.log(numpy.exp(scores).sum(-1)) ** 2).mean()
    return y, balance, z


def main():
    lines = []

    def case(name, seed, x, y):
        lines.append(f"{name} {seed} {x.shape[0]} {x.shape[1]} {y.shape[1]}")
        lines.extend(" ".join(repr(float(value)) for value in row) for row in y)

    for name, function in (("poly_relu", poly_relu), ("poly_norm", poly_norm)):
        for seed, tokens, width in ((1, 3, 7), (2, 5, 40)):
            numbers = Drawn(seed)
            coefficients = [numbers.one() for _ in range(4)]
            x = numbers.input(tokens, width)
            case(name, seed, x, function(x, *coefficients))
    for seed, tokens, width, k, activation in ((3, 4, 9, 3, relu), (4, 3, 33, 16, silu)):
        x = Drawn(seed).input(tokens, width)
        case("top_k_activation", seed, x, largest(activation(x), k))
    for seed, tokens, width, hidden, count, k, gated, factor in ((5, 7, 6, 5, 4, 2, True, None),
                                                                 (6, 9, 5, 8, 3, 1, False, 1.0)):
        numbers = Drawn(seed)
        router, experts = numbers.array(count, width), []
        for _ in range(count):
            gate = numbers.array(hidden, width) if gated else None
            up, down = numbers.array(hidden, width), numbers.array(width, hidden)
            experts.append(lambda x, gate=gate, up=up, down=down:
                           down @ (silu(gate @ x) * (up @ x) if gated else relu(up @ x)))
        x = numbers.input(tokens, width)
        y, balance, z = mixture(x, router, experts, k, gated, factor)
        case("mixture", seed, x, y)
        case("mixture_losses", seed, numpy.zeros((1, 2)), numpy.array([[balance, z]]))
    for seed, tokens, width in ((7, 8, 6), (8, 4, 21)):
        numbers = Drawn(seed)
        weight, bias = numbers.array(width), numbers.one()
        x = numbers.input(tokens, width)
        y = numpy.stack([sequence_pooling(part, weight, bias) for part in (x[:3], x[3:])])
        case("sequence_pooling", seed, y, y)
    (HERE / "feed_forward.txt").write_text("\n".join(lines) + "\n")


main()
