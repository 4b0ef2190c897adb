"""Scores lowered by distance. Press, Smith and Lewis (2021), arXiv 2108.12409, section 3.

-m_a |i - j| is added after the scaling by head width^(-1/2); m_a = 2^(-8a / heads) for a = 1..heads where heads is a
power of two, otherwise the slopes of the power p below, then every other slope of 2p (the authors' code).
`y` is causal, `y.full` sees every key, with the distance in both directions.
"""
import numpy

from support import Case, differs, everything, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads in ((301, 21, 24, 3), (302, 27, 24, 4)):
        yield Case(f"alibi_{tokens}", seed, tokens=tokens, width=width, heads=heads).projections().normal(
            "x", tokens, width)


def slopes(heads):
    if heads & (heads - 1) == 0:
        return [2.0 ** (-8 * a / heads) for a in range(1, heads + 1)]
    below = 1
    while 2 * below < heads:
        below *= 2
    return slopes(below) + slopes(2 * below)[0::2][:heads - below]


def layer(case, causal):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (numpy.einsum("tc,hdc->htd", case["x"], case[f"{name}.weight"].reshape(heads, dh, -1))
               for name in ("query", "key", "value"))
    y = numpy.zeros((n, case["width"]))
    for h, slope in enumerate(slopes(heads)):
        for i in range(n):
            visible = range(i + 1) if causal else range(n)
            weights = softmax([q[h, i] @ k[h, j] * dh ** -0.5 - slope * abs(i - j) for j in visible])
            mixed = sum(w * v[h, j] for w, j in zip(weights, visible))
            y[i] += case["output.weight"][:, h * dh:(h + 1) * dh] @ mixed
    return y


def compute(case):
    return {"slopes": numpy.array(slopes(case["heads"])), "y": layer(case, True), "y.full": layer(case, False)}


def check(case, outputs):
    assert slopes(6) == [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]
    assert slopes(3) == [0.0625, 0.00390625, 0.25]
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    apart = numpy.abs(numpy.subtract.outer(numpy.arange(n), numpy.arange(n)))
    # Under a causal mask, the row may be shifted: adding +m j is the same.
    shifted = numpy.tile(numpy.arange(n), (n, 1))
    for name, bias, mask in (("y", shifted, triangle(n)), ("y.full", -apart, everything(n))):
        mixed = []
        for h, slope in enumerate(slopes(heads)):
            part = slice(h * dh, (h + 1) * dh)
            scores = numpy.where(mask, q[:, part] @ k[:, part].T / dh ** 0.5 + slope * bias, -numpy.inf)
            weights = numpy.exp(scores - scores.max(axis=1, keepdims=True))
            mixed.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
        same(outputs[name], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    sees_only_the_past(compute, case, "y")
    differs(outputs["y"], outputs["y.full"])
