"""Attention over projected keys and values. Wang et al. (2020), arXiv 2006.04768, section 4, eq. (7).

Keys E^T K and values F^T V: `rank` rows, mixed from all positions by `key_mix.weight` = E and `value_mix.weight` = F,
both (context, rank), shared by all heads; a stream shorter than the context uses their first rows. Not causal.
"""
import numpy

from support import Case, dense_layer, everything, same, softmax


def cases():
    for seed, tokens, context, width, heads, rank in ((1101, 21, 24, 24, 3, 6), (1102, 40, 40, 16, 2, 16)):
        case = Case(f"linformer_{tokens}", seed, tokens=tokens, context=context, width=width, heads=heads, rank=rank)
        case.projections()
        for name in ("key_mix", "value_mix"):
            case.normal(f"{name}.weight", context, rank, variance=1 / rank)
        yield case.normal("x", tokens, width)


def compute(case):
    n, heads, rank = case["tokens"], case["heads"], case["rank"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads * dh))
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        keys = [sum(case["key_mix.weight"][j, r] * k[j, part] for j in range(n)) for r in range(rank)]
        values = [sum(case["value_mix.weight"][j, r] * v[j, part] for j in range(n)) for r in range(rank)]
        for i in range(n):
            weights = softmax([q[i, part] @ keys[r] / dh ** 0.5 for r in range(rank)])
            mixed[i, part] = sum(weights[r] * values[r] for r in range(rank))
    return {"y": mixed @ case["output.weight"].T}


def check(case, outputs):
    n, rank = case["tokens"], case["rank"]
    whole = numpy.eye(case["context"])[:, :n]
    same(compute(case.with_(rank=n, key_mix__weight=whole, value_mix__weight=whole))["y"],
         dense_layer(case, everything(n)))
    # Weights sum to 1 over the mixed rows: equal values there come out as they are.
    first = numpy.zeros((case["context"], rank))
    first[0] = 1
    wanted = case["x"][0] @ case["value.weight"].T @ case["output.weight"].T
    same(compute(case.with_(value_mix__weight=first))["y"], numpy.tile(wanted, (n, 1)))
    # Mixing commutes with projecting the width.
    heads, dh = case["heads"], case["width"] // case["heads"]
    k = case["key_mix.weight"][:n].T @ case["x"] @ case["key.weight"].T
    v = case["value_mix.weight"][:n].T @ case["x"] @ case["value.weight"].T
    q, mixed = case["x"] @ case["query.weight"].T, []
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        weights = numpy.exp(q[:, part] @ k[:, part].T / dh ** 0.5)
        mixed.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
    same(outputs["y"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
