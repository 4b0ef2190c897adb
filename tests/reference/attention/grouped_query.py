"""Causal attention with grouped heads and rotated queries and keys.

Groups: Ainslie et al. (2023), arXiv 2305.13245, section 2.2: query head h reads key/value head h // (heads / kv_heads).
Rotation: Su et al. (2021), arXiv 2104.09864, eq. (34): pair i of a head turns by position * theta^(-2i / head width);
`y` pairs columns 2i and 2i + 1 as the paper does, `y.halves` pairs columns i and i + head width / 2.
"""
import math

import numpy

from support import Case, differs, same, sees_only_the_past, softmax


def cases():
    for seed, tokens, width, heads, kv_heads in ((201, 21, 24, 3, 1), (202, 40, 32, 4, 2)):
        case = Case(f"grouped_query_{tokens}", seed, tokens=tokens, width=width, heads=heads, kv_heads=kv_heads)
        yield case.real("theta", 10000).projections(width // heads * kv_heads).normal("x", tokens, width)


def rotated(vector, position, theta, halves):
    dh = len(vector)
    turned = numpy.zeros(dh)
    for i in range(dh // 2):
        a, b = (i, i + dh // 2) if halves else (2 * i, 2 * i + 1)
        angle = position * theta ** (-2 * i / dh)
        turned[a] = vector[a] * math.cos(angle) - vector[b] * math.sin(angle)
        turned[b] = vector[a] * math.sin(angle) + vector[b] * math.cos(angle)
    return turned


def layer(case, halves, shift=0):
    n, heads, kv_heads = case["tokens"], case["heads"], case["kv_heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads * dh))
    for h in range(heads):
        shared = h // (heads // kv_heads)
        queries = [rotated(q[i, h * dh:(h + 1) * dh], i + shift, case["theta"], halves) for i in range(n)]
        keys = [rotated(k[j, shared * dh:(shared + 1) * dh], j + shift, case["theta"], halves) for j in range(n)]
        for i in range(n):
            weights = softmax([queries[i] @ keys[j] / math.sqrt(dh) for j in range(i + 1)])
            for j in range(i + 1):
                mixed[i, h * dh:(h + 1) * dh] += weights[j] * v[j, shared * dh:(shared + 1) * dh]
    return mixed @ case["output.weight"].T


def compute(case):
    return {"y": layer(case, False), "y.halves": layer(case, True)}


def check(case, outputs):
    heads, kv_heads = case["heads"], case["kv_heads"]
    dh = case["width"] // heads
    repeated = {f"{name}__weight": numpy.concatenate([case[f"{name}.weight"][h // (heads // kv_heads) * dh:][:dh]
                                                      for h in range(heads)]) for name in ("key", "value")}
    same(layer(case.with_(kv_heads=heads, **repeated), False), outputs["y"])
    for halves, name in ((False, "y"), (True, "y.halves")):
        same(layer(case, halves, shift=17), outputs[name], 1e-11)  # distances alone count
        sees_only_the_past(compute, case, name)
    differs(outputs["y"], outputs["y.halves"])
    # Halves are neighbours of permuted columns.
    order = [column for i in range(dh // 2) for column in (i, i + dh // 2)]
    mixed = {f"{name}__weight": numpy.concatenate([case[f"{name}.weight"][h * dh:][:dh][order]
                                                   for h in range(count)])
             for name, count in (("query", heads), ("key", kv_heads))}
    same(layer(case.with_(**mixed), False), outputs["y.halves"])
    vector = numpy.arange(1.0, dh + 1)
    angles = 5 * 100.0 ** (-numpy.arange(0, dh, 2) / dh)  # the first pair turns by its position, the others slower
    same((vector[0::2] + 1j * vector[1::2]) * numpy.exp(1j * angles),
         rotated(vector, 5, 100.0, False)[0::2] + 1j * rotated(vector, 5, 100.0, False)[1::2])
    same(rotated(vector, 0, 100.0, False), vector)
    same(numpy.linalg.norm(rotated(vector, 9, 100.0, False)), numpy.linalg.norm(vector))
