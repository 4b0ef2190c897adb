"""Attention to parameters. Wang et al. (2024), arXiv 2410.23168, section 3.2; the released tokenformer.py.

Y = gelu(tau S / |S|) values, S = X keys^T without another scale, |S| the row's l2 norm over the parameter tokens, gelu
by erf; keys (count, inputs), values (count, outputs). tau is a constant: count^(1/2) of the layer before it grew, and
the same afterwards (the released code takes the grown count, which changes the outputs).
projection: width -> outputs.
ffn:        4 width parameter tokens, width -> width, nothing else.
grown:      the projection's parameters and more tokens of key 0; same outputs.
layer:      causal attention whose query, key, value and output are such projections; softmax, scores over
            sqrt(head width).
rotated:    that layer, of whose queries and keys the first quarter of each head's columns turns, `rotated` of them
            (Black et al. (2022), arXiv 2204.06745, section 2.1, as the release): pair (i, i + rotated / 2) by
            position theta^(-2i / rotated).
"""
import math

import numpy

from support import Case, dense, differs, same, sees_only_the_past, softmax, triangle


def parameters(case, name, count, inputs, outputs, decimals=6):
    case.normal(f"{name}.keys", count, inputs, variance=1 / inputs)
    case.normal(f"{name}.values", count, outputs, variance=1 / count)
    return case.real(f"{name}.tau", round(count ** 0.5, decimals))


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
    # Two pairs of columns turn in each head. The root is no short number here: as many digits as a file has.
    case = Case("pattention_rotated", 1705, tokens=26, width=48, heads=3, rotated=4).real("theta", 10000)
    for name in ("query", "key", "value", "output"):
        parameters(case, name, 48, 48, 48, 8)
    yield case.normal("x", 26, 48)
    case = Case("pattention_ffn_33", 1706, tokens=33, width=12)
    yield parameters(case, "ffn", 48, 12, 12, 8).normal("x", 33, 12)


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


def turned(case, vectors, start):
    """Queries or keys of tokens from position `start` on, (tokens, width)."""
    out, head_width, half = vectors.copy(), case["width"] // case["heads"], case["rotated"] // 2
    for t in range(len(vectors)):
        for h in range(case["heads"]):
            for i in range(half):
                a, b = h * head_width + i, h * head_width + i + half
                angle = (start + t) * case["theta"] ** (-2 * i / case["rotated"])
                out[t, a] = vectors[t, a] * math.cos(angle) - vectors[t, b] * math.sin(angle)
                out[t, b] = vectors[t, a] * math.sin(angle) + vectors[t, b] * math.cos(angle)
    return out


def compute(case, start=0):
    x = case["x"]
    for name in ("projection", "ffn"):
        if f"{name}.keys" in case:
            return {"y": pattention(case, name, x)}
    n, dh = len(x), case["width"] // case["heads"]
    q, k, v = (pattention(case, name, x) for name in ("query", "key", "value"))
    if "rotated" in case:
        q, k = turned(case, q, start), turned(case, k, start)
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


def turned_at_once(case, vectors):
    heads = vectors.reshape(len(vectors), case["heads"], -1)
    turning, half = heads[:, :, :case["rotated"]], case["rotated"] // 2
    steps = case["theta"] ** (-numpy.arange(half) / half)
    pairs = turning[:, :, :half] + 1j * turning[:, :, half:]
    pairs = pairs * numpy.exp(1j * numpy.outer(numpy.arange(len(vectors)), steps))[:, None]
    return numpy.concatenate([pairs.real, pairs.imag, heads[:, :, case["rotated"]:]], axis=2).reshape(vectors.shape)


def check(case, outputs):
    if "heads" in case:
        n, dh = case["tokens"], case["width"] // case["heads"]
        q, k, v = (by_matrices(case, name, case["x"]) for name in ("query", "key", "value"))
        if "rotated" in case:
            # Scores depend on distances; and they do depend on them.
            same(compute(case, 100)["y"], outputs["y"], 1e-11)
            differs(compute(case.with_(rotated=0))["y"], outputs["y"])
            differs(compute(case.with_(theta=100.0))["y"], outputs["y"], 1e-4)
            q, k = turned_at_once(case, q), turned_at_once(case, k)
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
