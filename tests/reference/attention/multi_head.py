"""Causal attention with several heads. Vaswani et al. (2017), arXiv 1706.03762, section 3.2, eq. (1)."""
import numpy

from support import Case, dense_layer, sees_only_the_past, same, softmax, triangle


def cases():
    for seed, tokens, width, heads in ((101, 21, 24, 3), (102, 33, 32, 4)):
        yield Case(f"multi_head_{tokens}", seed, tokens=tokens, width=width, heads=heads).projections().normal(
            "x", tokens, width)


def compute(case):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads * dh))
    for h in range(heads):
        of_head = slice(h * dh, (h + 1) * dh)
        for i in range(n):
            weights = softmax([q[i, of_head] @ k[j, of_head] / dh ** 0.5 for j in range(i + 1)])
            mixed[i, of_head] = sum(weights[j] * v[j, of_head] for j in range(i + 1))
    return {"y": mixed @ case["output.weight"].T}


def check(case, outputs):
    same(outputs["y"], dense_layer(case, triangle(case["tokens"])))
    same(outputs["y"][0], case["x"][0] @ case["value.weight"].T @ case["output.weight"].T)
    sees_only_the_past(compute, case, "y")
