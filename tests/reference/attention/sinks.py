"""Attention sinks. Xiao et al. (2023), arXiv 2309.17453, sections 3.1 to 3.3.

`y.window`:   causal; a row sees the first `first` keys and the last `recent`, itself among them, each once.
`y.in_cache`: the same keys, and queries and keys rotated (neighbours, theta) by their positions in the cache: the
              visible keys are 0, 1, ... in order, the query has the last one's position (the released kv cache).
`y.softmax1`: causal, weights e^s / (1 + sum e^s): a sink of score 0 and value 0 (the paper's zero sink).
`y.learned`:  causal, and before the first token the keys `sink.key` (sinks, kv width) with values `sink.value`, seen by
              every row. The paper learns a token, whose key and value these are; Sukhbaatar et al. (2019), arXiv
              1907.01470, learn them directly.
"""
import math

import numpy

import grouped_query
from support import Case, dense, dense_layer, differs, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads, kv_heads, first, recent, count in ((1901, 21, 24, 3, 3, 2, 5, 2),
                                                                        (1902, 33, 16, 2, 1, 4, 9, 1)):
        kv_width = width // heads * kv_heads
        case = Case(f"sinks_{tokens}", seed, tokens=tokens, width=width, heads=heads, kv_heads=kv_heads, first=first,
                    recent=recent, sinks=count).real("theta", 10000).projections(kv_width)
        yield case.normal("sink.key", count, kv_width).normal("sink.value", count, kv_width).normal("x", tokens, width)


def turned(vector, position, theta):
    out = vector.copy()
    for i in range(0, len(vector), 2):
        number = complex(vector[i], vector[i + 1])
        angle = position * theta ** (-i / len(vector))
        number *= complex(math.cos(angle), math.sin(angle))
        out[i], out[i + 1] = number.real, number.imag
    return out


def compute(case):
    n, heads, theta = case["tokens"], case["heads"], case["theta"]
    dh, group = case["width"] // heads, heads // case["kv_heads"]
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = {name: numpy.zeros((n, heads * dh)) for name in ("y.window", "y.in_cache", "y.softmax1", "y.learned")}
    for h in range(heads):
        mine, shared = slice(h * dh, (h + 1) * dh), slice(h // group * dh, (h // group + 1) * dh)
        for i in range(n):
            kept = [j for j in range(i + 1) if j < case["first"] or i - j < case["recent"]]
            query = q[i, mine]
            scores = [query @ k[j, shared] / math.sqrt(dh) for j in kept]
            mixed["y.window"][i, mine] = softmax(scores) @ v[kept, shared]

            last = turned(query, len(kept) - 1, theta)
            scores = [last @ turned(k[j, shared], at, theta) / math.sqrt(dh) for at, j in enumerate(kept)]
            mixed["y.in_cache"][i, mine] = softmax(scores) @ v[kept, shared]

            grown = [math.exp(query @ k[j, shared] / math.sqrt(dh)) for j in range(i + 1)]
            mixed["y.softmax1"][i, mine] = sum(e * v[j, shared] for j, e in enumerate(grown)) / (1 + sum(grown))

            scores = [query @ key / math.sqrt(dh) for key in case["sink.key"][:, shared]]
            scores += [query @ k[j, shared] / math.sqrt(dh) for j in range(i + 1)]
            values = numpy.concatenate([case["sink.value"][:, shared], v[:i + 1, shared]])
            mixed["y.learned"][i, mine] = softmax(scores) @ values
    return {name: of @ case["output.weight"].T for name, of in mixed.items()}


def check(case, outputs):
    n, first, recent = case["tokens"], case["first"], case["recent"]
    whole = dense_layer(case, triangle(n))
    visible = numpy.array([[j <= i and (j < first or j > i - recent) for j in range(n)] for i in range(n)])
    same(outputs["y.window"], dense_layer(case, visible))
    differs(outputs["y.window"], whole)
    same(compute(case.with_(recent=n))["y.window"], whole)
    # A zero key and value is softmax1; a cache that lost nothing rotates by positions in the text.
    nothing = numpy.zeros((1, case["sink.key"].shape[1]))
    same(compute(case.with_(sink__key=nothing, sink__value=nothing))["y.learned"], outputs["y.softmax1"])
    same(compute(case.with_(recent=n))["y.in_cache"][:first + recent], outputs["y.in_cache"][:first + recent])
    differs(compute(case.with_(recent=n))["y.in_cache"], outputs["y.in_cache"])
    same(compute(case.with_(recent=n))["y.in_cache"], grouped_query.layer(case, False))
    for i in range(0, n, 4):  # a cache that lost tokens is as if the stream never had them
        kept = [j for j in range(i + 1) if j < first or j > i - recent]
        short = case.with_(x=case["x"][kept], tokens=len(kept), recent=n)
        same(compute(short)["y.in_cache"][-1], outputs["y.in_cache"][i])
    dh, group, mixed = case["width"] // case["heads"], case["heads"] // case["kv_heads"], []
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    k, v = numpy.concatenate([case["sink.key"], k]), numpy.concatenate([case["sink.value"], v])
    seen = numpy.concatenate([numpy.ones((n, case["sinks"]), dtype=bool), triangle(n)], axis=1)
    for h in range(case["heads"]):
        shared = slice(h // group * dh, (h // group + 1) * dh)
        mixed.append(dense(q[:, h * dh:(h + 1) * dh], k[:, shared], v[:, shared], seen, dh ** -0.5))
    same(outputs["y.learned"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    for name in outputs:
        sees_only_the_past(compute, case, name)
