"""Dilated windows. Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section 3.1.

A row sees j with |i - j| <= window_each_side * dilation and i - j a multiple of the dilation; at the edges fewer keys.
`y.causal` keeps those with j <= i.
"""
import numpy

from support import Case, dense_layer, everything, same, sees_only_the_past, softmax


def cases():
    for seed, tokens, width, heads, window, dilation in ((701, 21, 24, 3, 3, 2), (702, 40, 16, 2, 4, 3)):
        yield Case(f"dilated_window_{tokens}", seed, tokens=tokens, width=width, heads=heads, window_each_side=window,
                   dilation=dilation).projections().normal("x", tokens, width)


def layer(case, causal):
    n, heads, window, dilation = case["tokens"], case["heads"], case["window_each_side"], case["dilation"]
    dh = case["width"] // heads
    q, k, v = ((case["x"] @ case[f"{name}.weight"].T).reshape(n, heads, dh) for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads, dh))
    for i in range(n):
        steps = range(-window, 1 if causal else window + 1)
        keys = [i + step * dilation for step in steps if 0 <= i + step * dilation < n]
        for h in range(heads):
            weights = softmax([numpy.dot(q[i, h], k[j, h]) / dh ** 0.5 for j in keys])
            for w, j in zip(weights, keys):
                mixed[i, h] += w * v[j, h]
    return mixed.reshape(n, heads * dh) @ case["output.weight"].T


def compute(case):
    return {"y": layer(case, False), "y.causal": layer(case, True)}


def check(case, outputs):
    n, reach = case["tokens"], case["window_each_side"] * case["dilation"]
    apart = numpy.subtract.outer(numpy.arange(n), numpy.arange(n))
    visible = (numpy.abs(apart) <= reach) & (apart % case["dilation"] == 0)
    same(outputs["y"], dense_layer(case, visible))
    same(outputs["y.causal"], dense_layer(case, visible & (apart >= 0)))
    same(compute(case.with_(window_each_side=n, dilation=1))["y"], dense_layer(case, everything(n)))
    sees_only_the_past(compute, case, "y.causal")
