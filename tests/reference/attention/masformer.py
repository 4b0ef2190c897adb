"""The local layer of MASFormer: Zhang et al. (2023), arXiv 2310.12442, section 3; the full layers are plain causal.

Causal, by chunks: token i sees [(i / chunk - 1) chunk, i], its own chunk and the one before.
"""
import numpy

from support import Case, dense_layer, differs, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads, chunk in ((601, 21, 24, 3, 4), (602, 40, 16, 2, 8)):
        yield Case(f"masformer_{tokens}", seed, tokens=tokens, width=width, heads=heads,
                   chunk=chunk).projections().normal("x", tokens, width)


def compute(case):
    n, heads, chunk = case["tokens"], case["heads"], case["chunk"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    rows = []
    for i in range(n):
        visible = [j for j in range(n) if j <= i and i // chunk - j // chunk <= 1]
        row = []
        for first in range(0, heads * dh, dh):
            part = slice(first, first + dh)
            weights = softmax([q[i, part] @ k[j, part] / dh ** 0.5 for j in visible])
            row.append(weights @ v[visible, part])
        rows.append(case["output.weight"] @ numpy.concatenate(row))
    return {"y": numpy.array(rows)}


def check(case, outputs):
    n, chunk = case["tokens"], case["chunk"]
    whole = dense_layer(case, triangle(n))
    same(compute(case.with_(chunk=n))["y"], whole)
    visible = numpy.array([[max(0, i // chunk - 1) * chunk <= j <= i for j in range(n)] for i in range(n)])
    assert visible.sum() == sum(min(i + 1, i % chunk + 1 + chunk) for i in range(n))
    same(outputs["y"], dense_layer(case, visible))
    differs(outputs["y"], whole)
    sees_only_the_past(compute, case, "y")
