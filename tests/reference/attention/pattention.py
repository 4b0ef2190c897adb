"""Attention to parameters. Wang et al. (2024), arXiv 2410.23168, section 3.2; the released tokenformer.py.

Y = gelu(tau S / |S|) values, S = X keys^T without another scale, |S| the row's l2 norm over the parameter tokens, gelu
by erf; keys (count, inputs), values (count, outputs). tau is a constant: count^(1/2) of the layer before it grew, and
the same afterwards (the released code takes the grown count, which changes the outputs).
projection: width -> outputs.
ffn:        4 width parameter tokens, width -> width, nothing else.
grown:      the projection's parameters and more tokens of key 0; same outputs.
layer:      causal attention whose query, key, value and output are such projections; softmax, scores over
            sqrt(head width).
"""
import math

import numpy

from support import Case, dense, differs, same, sees_only_the_past, softmax, triangle


def parameters(case, name, count, inputs, outputs):
    case.normal(f"{name}.keys", count, inputs, variance=1 / inputs)
    case.normal(f"{name}.values", count, outputs, variance=1 / count)
    return case.real(f"{name}.tau", round(count ** 0.5, 6))


def cases():
    case = Case("pattention_projection", 1701, tokens=21, width=24, outputs=16)
    projection = parameters(case, "projection", 24, 24, 16).normal("x", 21, 24)
    yield projection
    grown = Case("pattention_grown", 1702, tokens=21, width=24, outputs=16)
    more = numpy.round(grown.random.standard_normal((6, 16)) / 30 ** 0.5, 3)
    grown.tensor("projection.keys", numpy.concatenate([projection["projection.keys"], numpy.zeros((6, 24))]))
    grown.tensor("projection.values", numpy.concatenate([projection["projection.values"], more]))
    yield grown.real("projection.tau", projection["projection.tau"]).tensor("x", projection["x"])
    yield parameters(Case("pattention_ffn", 1703, tokens=19, width=16), "ffn", 64, 16, 16).normal("x", 19, 16)
    case = Case("pattention_layer", 1704, tokens=21, width=16, heads=2)
    for name in ("query", "key", "value", "output"):
        parameters(case, name, 16, 16, 16)
    yield case.normal("x", 21, 16)


def pattention(case, name, x):
    keys, values, tau = case[f"{name}.keys"], case[f"{name}.values"], case[f"{name}.tau"]
    rows = []
    for token in x:
        scores = [token @ key for key in keys]
        norm = math.sqrt(sum(score * score for score in scores))
        arguments = [tau * score / norm if norm > 0 else 0.0 for score in scores]
        weights = [z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in arguments]
        rows.append(sum(w * value for w, value in zip(weights, values)))
    return numpy.array(rows)


def compute(case):
    x = case["x"]
    for name in ("projection", "ffn"):
        if f"{name}.keys" in case:
            return {"y": pattention(case, name, x)}
    n, dh = len(x), case["width"] // case["heads"]
    q, k, v = (pattention(case, name, x) for name in ("query", "key", "value"))
    mixed = numpy.zeros(v.shape)
    for i in range(n):
        for first in range(0, case["width"], dh):
            part = slice(first, first + dh)
            weights = softmax([q[i, part] @ k[j, part] / math.sqrt(dh) for j in range(i + 1)])
            mixed[i, part] = weights @ v[:i + 1, part]
    return {"y": pattention(case, "output", mixed)}


def by_matrices(case, name, x):
    scores = x @ case[f"{name}.keys"].T
    z = case[f"{name}.tau"] * scores / numpy.linalg.norm(scores, axis=1, keepdims=True)
    return z * numpy.vectorize(math.erfc)(-z / 2 ** 0.5) / 2 @ case[f"{name}.values"]


def check(case, outputs):
    if case.name == "pattention_layer":
        n, dh = case["tokens"], case["width"] // case["heads"]
        q, k, v = (by_matrices(case, name, case["x"]) for name in ("query", "key", "value"))
        mixed = [dense(q[:, at:at + dh], k[:, at:at + dh], v[:, at:at + dh], triangle(n), dh ** -0.5)
                 for at in range(0, case["width"], dh)]
        same(outputs["y"], by_matrices(case, "output", numpy.concatenate(mixed, axis=1)))
        sees_only_the_past(compute, case, "y")
        return
    name = "ffn" if "ffn.keys" in case else "projection"
    keys, values = case[f"{name}.keys"], case[f"{name}.values"]
    order = numpy.random.default_rng(1).permutation(len(keys))
    same(compute(case.with_(**{f"{name}__keys": keys[order], f"{name}__values": values[order]}))["y"], outputs["y"])
    same(outputs["y"], by_matrices(case, name, case["x"]))
    # Positive multiples of the input do not matter: the row is divided by its norm.
    same(compute(case.with_(x=3 * case["x"]))["y"], outputs["y"])
    grown = case.with_(**{f"{name}__keys": numpy.concatenate([keys, numpy.zeros((5, keys.shape[1]))]),
                          f"{name}__values": numpy.concatenate([values, numpy.ones((5, values.shape[1]))])})
    same(compute(grown)["y"], outputs["y"])
    differs(compute(grown.with_(**{f"{name}__tau": len(grown[f"{name}.keys"]) ** 0.5}))["y"], outputs["y"])
    if case.name == "pattention_grown":
        original = next(cases())
        same(compute(original)["y"], outputs["y"])
