"""The k largest scores of a row. Gupta et al. (2021), arXiv 2106.06899, section 2, exactly k kept.

Causal: a row keeps its `kept` keys of largest score, or all where it has no more; of equal scores the key of lower
position. Softmax over the kept ones. `kept_keys` (heads, tokens, kept) ascending, -1 behind the last. In the case
`ties`, some keys are equal bit for bit, with different values.
"""
import numpy

from support import Case, dense_layer, differs, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads, kept in ((2001, 21, 24, 3, 4), (2002, 40, 16, 2, 8)):
        yield Case(f"top_k_{tokens}", seed, tokens=tokens, width=width, heads=heads, kept=kept).projections().normal(
            "x", tokens, width)
    # Keys do not read the last columns, in which alone these tokens differ; their values do.
    case = Case("top_k_ties", 2003, tokens=21, width=16, heads=2, kept=4).projections().normal("x", 21, 16)
    key, x = case["key.weight"].copy(), case["x"].copy()
    key[:, 12:] = 0
    for token, other in ((5, 3), (6, 3), (9, 1), (14, 3)):
        x[token, :12] = x[other, :12]
    case.tensor("key.weight", key).tensor("x", x).exact_ties = True
    yield case


def compute(case):
    n, heads, kept = case["tokens"], case["heads"], case["kept"]
    dh = case["width"] // heads
    q, k, v = ((case["x"] @ case[f"{name}.weight"].T).reshape(n, heads, dh) for name in ("query", "key", "value"))
    mixed, chosen = numpy.zeros((n, heads, dh)), -numpy.ones((heads, n, kept), dtype=int)
    for h in range(heads):
        for i in range(n):
            # Sums in one order for every key, so that equal keys have equal scores.
            scores = [sum(float(a) * float(b) for a, b in zip(q[i, h], k[j, h])) / dh ** 0.5 for j in range(i + 1)]
            keys = sorted(sorted(range(i + 1), key=lambda j: (-scores[j], j))[:kept])
            chosen[h, i, :len(keys)] = keys
            for w, j in zip(softmax([scores[j] for j in keys]), keys):
                mixed[i, h] += w * v[j, h]
    return {"kept_keys": chosen, "y": mixed.reshape(n, heads * dh) @ case["output.weight"].T}


def check(case, outputs):
    n, kept = case["tokens"], case["kept"]
    same(compute(case.with_(kept=n))["y"], dense_layer(case, triangle(n)))
    differs(outputs["y"], dense_layer(case, triangle(n)))
    assert ((outputs["kept_keys"] >= 0).sum(axis=2) == numpy.minimum(numpy.arange(n) + 1, kept)).all()
    sees_only_the_past(compute, case, "y")
    k = case["x"] @ case["key.weight"].T
    if case.exact_ties:
        assert (k[3] == k[14]).all() and (k[3] == k[5]).all() and (k[1] == k[9]).all()
        split = [1 for of in outputs["kept_keys"].reshape(-1, kept) if (3 in of and 5 not in of and 6 not in of)]
        rows = [i for h in outputs["kept_keys"] for i, of in enumerate(h) if i >= 6 and 3 in of and 6 not in of]
        assert split and rows  # the boundary of what is kept runs between equal scores
