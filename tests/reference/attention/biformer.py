"""Attention between the tokens of routed regions. Zhu et al. (2023), arXiv 2303.08810, section 3; the released
bra_legacy.py; here along one dimension: a region is a run of tokens / regions tokens.

A region's query and key are the means of its tokens' over all columns; a region keeps the `kept` regions of largest
query . key (ties: the lower), ascending in `routes`, the same for all heads. Scores are scaled by width^(-1/2), the
full width, in place of the head's (the released code). `y` has no local enhancement. `y.enhanced` adds to the heads'
output, before the output projection, the values convolved per column with `local.weight` (width, 3): the sum over u of
weight[u] value[t + u - 1], 0 outside; `y.enhanced_bias` adds `local.bias` as well, as the released convolution does.
"""
import numpy

from support import Case, dense_layer, differs, everything, same, softmax


def cases():
    for seed, tokens, width, heads, regions, kept in ((1001, 21, 24, 3, 7, 2), (1002, 36, 16, 2, 6, 3)):
        case = Case(f"biformer_{tokens}", seed, tokens=tokens, width=width, heads=heads, regions=regions, kept=kept)
        case.projections().normal("local.weight", width, 3, variance=1 / 3).normal("local.bias", width, variance=1 / 3)
        yield case.normal("x", tokens, width)


def compute(case):
    n, width, heads, regions = case["tokens"], case["width"], case["heads"], case["regions"]
    dh, size = width // heads, n // regions
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    routes = []
    for r in range(regions):
        mine = sum(q[r * size:(r + 1) * size]) / size
        affinity = [mine @ (sum(k[s * size:(s + 1) * size]) / size) for s in range(regions)]
        routes.append(sorted(sorted(range(regions), key=lambda s: (-affinity[s], s))[:case["kept"]]))
    mixed = numpy.zeros((n, width))
    for i in range(n):
        keys = [s * size + t for s in routes[i // size] for t in range(size)]
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            weights = softmax([q[i, part] @ k[j, part] * width ** -0.5 for j in keys])
            mixed[i, part] = sum(w * v[j, part] for w, j in zip(weights, keys))
    local = numpy.zeros((n, width))
    for t in range(n):
        for u in range(3):
            if 0 <= t + u - 1 < n:
                local[t] += case["local.weight"][:, u] * v[t + u - 1]
    out = case["output.weight"].T
    return {"routes": numpy.array(routes), "y": mixed @ out, "y.enhanced": (mixed + local) @ out,
            "y.enhanced_bias": (mixed + local + case["local.bias"]) @ out}


def check(case, outputs):
    n, width, regions = case["tokens"], case["width"], case["regions"]
    whole = dense_layer(case, everything(n), width ** -0.5)
    same(compute(case.with_(kept=regions))["y"], whole)
    same(compute(case.with_(regions=1, kept=1))["y"], whole)
    visible = numpy.zeros((n, n), dtype=bool)
    size = n // regions
    for r, route in enumerate(outputs["routes"]):
        for s in route:
            visible[r * size:(r + 1) * size, s * size:(s + 1) * size] = True
    same(outputs["y"], dense_layer(case, visible, width ** -0.5))
    middle = numpy.zeros((width, 3))
    middle[:, 1] = 1
    same(compute(case.with_(local__weight=middle))["y.enhanced"] - outputs["y"],
         case["x"] @ case["value.weight"].T @ case["output.weight"].T)
    v = case["x"] @ case["value.weight"].T
    convolved = numpy.stack([numpy.convolve(v[:, c], case["local.weight"][c, ::-1], "same") for c in range(width)], 1)
    same(outputs["y.enhanced"] - outputs["y"], convolved @ case["output.weight"].T)
    # Tokens may change places within a region: the routes stay.
    order = numpy.arange(n).reshape(regions, size)[:, ::-1].reshape(-1)
    assert (compute(case.with_(x=case["x"][order]))["routes"] == outputs["routes"]).all()
    differs(outputs["y"], whole)
