#!/usr/bin/python3
"""Writes what an independent implementation says about single blocks: placements of norms, shared depth, adapters.

Usage: /usr/bin/python3 tests/reference/blocks.py          (a second; rewrites blocks.txt beside it)

Written from the papers' formulas in plain numpy, f64. Nothing is taken from the library. Read by
tests/laws/blocks_reference.cpp.

Versions:   Debian 12, python 3.11, numpy 1.24. Other versions or processors may move the last two digits.
Shapes:     narrow: 8 columns, 2 heads, 2 key/value heads, 12 neurons, 9 tokens; RMSNorm with epsilon 1e-5.
            wide:   12 columns, 3 heads, 1 key/value head, 10 neurons, 17 tokens; LayerNorm with epsilon 1e-3.
            Both: causal attention without positions, feed-forward gated by silu; adapters with 3 neurons.
Numbers:    no file; a counter runs over all parameters in the order of the tensors, row by row, then over the rows of
            the input, with the case's seed and the formula of make.py. A parameter is the number; a gain is 1 more;
            an input is 4 times the number. Exact in f32 and f64.
Seeds:      the number of the case, from 1.
Format:     `case NAME WIDTH TOKENS TENSORS`, TENSORS lines `PATH SIZE SUM` with the sum of the values, TOKENS lines of
            WIDTH numbers: the block's output.
Tolerances: f64: 1e-12 of the largest output. f32: 1e-5 of it.
"""
import math
import pathlib

import numpy as np

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent


class Shape:
    def __init__(self, name, width, heads, kv_heads, hidden, tokens, layer_norm, epsilon):
        self.name, self.width, self.heads, self.kv_heads, self.hidden = name, width, heads, kv_heads, hidden
        self.tokens, self.layer_norm, self.epsilon = tokens, layer_norm, float(np.float32(epsilon))

    def norm(self, name):
        return [(f"{name}.gain", (self.width,))] + [(f"{name}.shift", (self.width,))] * self.layer_norm

    def sublayer(self, name):
        if name.endswith("attention"):
            narrow = self.width // self.heads * self.kv_heads
            outputs = {"query": self.width, "key": narrow, "value": narrow, "output": self.width}
            return [(f"{name}.{which}.weight", (rows, self.width)) for which, rows in outputs.items()]
        return [(f"{name}.gate.weight", (self.hidden, self.width)), (f"{name}.up.weight", (self.hidden, self.width)),
                (f"{name}.down.weight", (self.width, self.hidden))]

    def adapter(self, name):
        return [(f"{name}.adapter.up.weight", (3, self.width)), (f"{name}.adapter.up.bias", (3,)),
                (f"{name}.adapter.down.weight", (self.width, 3)), (f"{name}.adapter.down.bias", (self.width,))]


class Block:
    """Tensors in the order in which they are drawn, and the formulas that use them."""

    def __init__(self, shape):
        self.shape, self.p = shape, {}

    def n(self, name, x):
        """Zhang and Sennrich 2019, eq. (4); Ba, Kiros and Hinton 2016, eq. (4)."""
        if not self.shape.layer_norm:
            return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + self.shape.epsilon) * self.p[f"{name}.gain"]
        centred = x - np.mean(x, -1, keepdims=True)
        spread = np.sqrt(np.mean(centred * centred, -1, keepdims=True) + self.shape.epsilon)
        return centred / spread * self.p[f"{name}.gain"] + self.p[f"{name}.shift"]

    def f(self, name, x):
        if name.endswith("attention"):
            return self.attention(name, x)
        gate = x @ self.p[f"{name}.gate.weight"].T
        return gate / (1 + np.exp(-gate)) * (x @ self.p[f"{name}.up.weight"].T) @ self.p[f"{name}.down.weight"].T

    def attention(self, name, x):
        """Vaswani et al. 2017, eq. (1), head by head and row by row."""
        heads, columns = self.shape.heads, self.shape.width // self.shape.heads
        query, key, value = (x @ self.p[f"{name}.{which}.weight"].T for which in ("query", "key", "value"))
        mixed = np.zeros_like(x)
        for head in range(heads):
            mine = slice(head * columns, (head + 1) * columns)
            group = head // (heads // self.shape.kv_heads)
            theirs = slice(group * columns, (group + 1) * columns)
            for row in range(len(x)):
                scores = key[: row + 1, theirs] @ query[row, mine] / np.sqrt(columns)
                weights = np.exp(scores - scores.max())
                mixed[row, mine] = weights / weights.sum() @ value[: row + 1, theirs]
        return mixed @ self.p[f"{name}.output.weight"].T

    def adapted(self, name, x):
        """Houlsby et al. 2019, figure 2, with the exact GELU (Hendrycks and Gimpel 2016, eq. (1))."""
        s = self.f(name, x)
        h = s @ self.p[f"{name}.adapter.up.weight"].T + self.p[f"{name}.adapter.up.bias"]
        h = h / 2 * (1 + np.vectorize(math.erf)(h / np.sqrt(2)))
        return s + h @ self.p[f"{name}.adapter.down.weight"].T + self.p[f"{name}.adapter.down.bias"]


# Placements: (tensors of a shape, output of a block for an input).

def in_turn(order, step):
    """Tensors per sublayer in the given order of parts, and one step for each sublayer."""
    def tensors(shape):
        for name in ("attention", "ffn"):
            for part in order:
                yield from shape.sublayer(name) if part == "f" else shape.norm(name + part)

    def output(block, x):
        for name in ("attention", "ffn"):
            x = step(block, name, x)
        return x

    return tensors, output


def pre(b, name, x):
    return x + b.f(name, b.n(name + "_norm", x))


def post(b, name, x):
    return b.n(name + "_norm", x + b.f(name, x))


def peri(b, name, x):
    return x + b.n(name + "_output_norm", b.f(name, b.n(name + "_norm", x)))


def output(b, name, x):
    return x + b.n(name + "_output_norm", b.f(name, x))


def deep(b, name, x):
    """Alpha for two blocks: (2 * 2)^(1/4), rounded to f32."""
    return b.n(name + "_norm", float(np.float32(4 ** 0.25)) * x + b.f(name, x))


def beside(tensors, branch):
    return tensors, lambda b, x: x + branch(b, "attention", x) + branch(b, "ffn", x)


def gpt_j():
    def tensors(shape):
        return [*shape.norm("norm"), *shape.sublayer("attention"), *shape.sublayer("ffn")]

    return beside(tensors, lambda b, name, x: b.f(name, b.n("norm", x)))


def gpt_neox():
    return beside(in_turn(("_norm", "f"), None)[0], lambda b, name, x: b.f(name, b.n(name + "_norm", x)))


def parallel_peri():
    return beside(in_turn(("_norm", "f", "_output_norm"), None)[0],
                  lambda b, name, x: b.n(name + "_output_norm", b.f(name, b.n(name + "_norm", x))))


def adapted():
    """Pre-norm, an adapter behind each sublayer."""
    def tensors(shape):
        for name in ("attention", "ffn"):
            yield from [*shape.norm(name + "_norm"), *shape.sublayer(name), *shape.adapter(name)]

    def output_of(b, x):
        for name in ("attention", "ffn"):
            x = x + b.adapted(name, b.n(name + "_norm", x))
        return x

    return tensors, output_of


def shared(own):
    """Three applications of one pre-norm block: norms of their own, or the same."""
    def norms(shape, layer, name):
        return shape.norm(f"blocks.{layer}.{name}_norm")

    def tensors(shape):
        for name in ("attention", "ffn"):
            if not own:
                yield from norms(shape, 0, name)
            yield from shape.sublayer(f"blocks.0.{name}")
        for layer in range(3 if own else 0):
            for name in ("attention", "ffn"):
                yield from norms(shape, layer, name)

    def output_of(b, x):
        for layer in range(3):
            for name in ("attention", "ffn"):
                x = x + b.f(f"blocks.0.{name}", b.n(f"blocks.{layer if own else 0}.{name}_norm", x))
        return x

    return tensors, output_of


CASES = {
    "pre_norm": in_turn(("_norm", "f"), pre),
    "post_norm": in_turn(("_norm", "f"), post),
    "peri_norm": in_turn(("_norm", "f", "_output_norm"), peri),
    "output_norm": in_turn(("f", "_output_norm"), output),
    "deep_norm": in_turn(("_norm", "f"), deep),
    "parallel": gpt_j(),
    "parallel_own_norms": gpt_neox(),
    "parallel_peri": parallel_peri(),
    "shared_own_norms": shared(True),
    "shared_norms": shared(False),
    "adapted": adapted(),
}
SHAPES = [Shape("narrow", 8, 2, 2, 12, 9, False, 1e-5), Shape("wide", 12, 3, 1, 10, 17, True, 1e-3)]


def main():
    lines, seed = [], 0
    for shape in SHAPES:
        for name, (tensors, output_of) in CASES.items():
            seed += 1
            counter, block, listed = 0, Block(shape), list(tensors(shape))
            lines.append(f"case {shape.name}_{name} {shape.width} {shape.tokens} {len(listed)}")
            for path, size in listed:
                count = int(np.prod(size))
                values = np.array([drawn(seed, counter + i) for i in range(count)]).reshape(size)
                counter += count
                block.p[path] = values + 1 if path.endswith(".gain") else values
                lines.append(f"{path} {count} {float(block.p[path].sum())!r}")
            count = shape.tokens * shape.width
            x = 4 * np.array([drawn(seed, counter + i) for i in range(count)]).reshape(shape.tokens, shape.width)
            lines += [" ".join(repr(float(number)) for number in row) for row in output_of(block, x)]
    (HERE / "blocks.txt").write_text("\n".join(lines) + "\n")
    print(f"{seed} cases")


main()
