"""Clipped softmax. Bondarenko, Nagel and Blankevoort (2023), arXiv 2306.12929, section 4.1.

Weights clip((zeta - gamma) softmax(score) + gamma, 0, 1), after the mask and without another normalisation: rows do not
sum to 1. `y` sees every key; `y.causal` j <= i. `zeros` and `causal_zeros` count the visible pairs of weight exactly 0.
"""
import numpy

from support import Case, dense_layer, differs, everything, same, sees_only_the_past, softmax, triangle


def cases():
    case = Case("clipped_softmax_21", 1501, tokens=21, width=24, heads=3).real("gamma", -0.025).real("zeta", 1)
    yield case.projections().normal("x", 21, 24)
    case = Case("clipped_softmax_40", 1502, tokens=40, width=16, heads=2).real("gamma", -0.03).real("zeta", 1.1)
    yield case.projections().normal("x", 40, 16)


def layer(case, causal):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed, zeros = numpy.zeros((n, heads * dh)), 0
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        for i in range(n):
            seen = i + 1 if causal else n
            weights = softmax([q[i, part] @ k[j, part] / dh ** 0.5 for j in range(seen)])
            for j, weight in enumerate(weights):
                clipped = min(max((case["zeta"] - case["gamma"]) * weight + case["gamma"], 0.0), 1.0)
                zeros += clipped == 0
                mixed[i, part] += clipped * v[j, part]
    return mixed @ case["output.weight"].T, zeros


def compute(case):
    (y, zeros), (causal, causal_zeros) = layer(case, False), layer(case, True)
    return {"zeros": numpy.array([zeros]), "causal_zeros": numpy.array([causal_zeros]), "y": y, "y.causal": causal}


def check(case, outputs):
    n, heads = case["tokens"], case["heads"]
    pairs = heads * n * n
    assert 0.1 * pairs < outputs["zeros"][0] < 0.9 * pairs and outputs["causal_zeros"][0] > 0
    plain = case.with_(gamma=0.0, zeta=1.0)
    same(compute(plain)["y"], dense_layer(case, everything(n)))
    same(compute(plain)["y.causal"], dense_layer(case, triangle(n)))
    differs(outputs["y"], dense_layer(case, everything(n)))
    # The first causal row's only weight is 1 whatever zeta.
    same(outputs["y.causal"][0], case["x"][0] @ case["value.weight"].T @ case["output.weight"].T)
    sees_only_the_past(compute, case, "y.causal")
