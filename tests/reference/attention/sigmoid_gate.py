"""Gated attention. Bondarenko, Nagel and Blankevoort (2023), arXiv 2306.12929, section 4.2, the linear gate.

A head's output at a token is multiplied by sigmoid(gate.weight[h] . x_h + gate.bias[h]), x_h the head's slice of the
layer's input (not of its output), before the output projection. `y` sees every key; `y.causal` j <= i.
"""
import math

import numpy

from support import Case, dense, dense_layer, differs, everything, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads in ((1601, 21, 24, 3), (1602, 40, 16, 2)):
        dh = width // heads
        case = Case(f"sigmoid_gate_{tokens}", seed, tokens=tokens, width=width, heads=heads).projections()
        case.normal("gate.weight", heads, dh, variance=1 / dh).normal("gate.bias", heads)
        yield case.normal("x", tokens, width)


def layer(case, causal):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    x = case["x"]
    y = numpy.zeros((n, case["width"]))
    for i in range(n):
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            q = case["query.weight"][part] @ x[i]
            keys = range(i + 1 if causal else n)
            weights = softmax([q @ (case["key.weight"][part] @ x[j]) / dh ** 0.5 for j in keys])
            mixed = sum(w * (case["value.weight"][part] @ x[j]) for w, j in zip(weights, keys))
            gate = 1 / (1 + math.exp(-(case["gate.weight"][h] @ x[i, part] + case["gate.bias"][h])))
            y[i] += case["output.weight"][:, part] @ (gate * mixed)
    return y


def compute(case):
    return {"y": layer(case, False), "y.causal": layer(case, True)}


def check(case, outputs):
    n = case["tokens"]
    opened = case.with_(gate__bias=numpy.full(case["heads"], 100.0))
    for name, visible in (("y", everything(n)), ("y.causal", triangle(n))):
        same(compute(opened)[name], dense_layer(case, visible))
        differs(outputs[name], dense_layer(case, visible))
    # By matrices: the gates of all heads are a block-diagonal map of the input.
    dh, mixed = case["width"] // case["heads"], []
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    blocks = numpy.zeros((case["heads"], case["width"]))
    for h in range(case["heads"]):
        blocks[h, h * dh:(h + 1) * dh] = case["gate.weight"][h]
    gates = 1 / (1 + numpy.exp(-(case["x"] @ blocks.T) - case["gate.bias"]))
    for h in range(case["heads"]):
        part = slice(h * dh, (h + 1) * dh)
        mixed.append(gates[:, h:h + 1] * dense(q[:, part], k[:, part], v[:, part], everything(n), dh ** -0.5))
    same(outputs["y"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    shut = case.with_(gate__bias=numpy.full(case["heads"], -100.0))
    same(compute(shut)["y"], numpy.zeros((n, case["width"])))
    half = case.with_(gate__weight=0 * case["gate.weight"], gate__bias=0 * case["gate.bias"])
    same(compute(half)["y"], dense_layer(case, everything(n)) / 2)
    sees_only_the_past(compute, case, "y.causal")
