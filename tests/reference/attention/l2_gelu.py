"""The normaliser of TokenFormer over tokens: gelu(tau s / |s|) in place of softmax(s).

Wang et al. (2024), arXiv 2410.23168, section 3.2, with tokens' keys and values in place of parameters:
s = q . k / sqrt(head width), |s| the l2 norm over the row's visible keys (a scale of s does not matter), gelu by erf,
tau = sqrt(tokens), one constant for all rows. No source has this form over tokens: it is what the two axes compose to.
`y` sees every key; `y.causal` j <= i.
"""
import math

import numpy

from support import Case, same, sees_only_the_past


def cases():
    for seed, tokens, width, heads in ((1801, 21, 24, 3), (1802, 40, 16, 2)):
        case = Case(f"l2_gelu_{tokens}", seed, tokens=tokens, width=width, heads=heads)
        yield case.real("tau", round(tokens ** 0.5, 6)).projections().normal("x", tokens, width)


def layer(case, causal):
    n, heads, tau = case["tokens"], case["heads"], case["tau"]
    dh = case["width"] // heads
    q, k, v = ((case["x"] @ case[f"{name}.weight"].T).reshape(n, heads, dh) for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads, dh))
    for h in range(heads):
        for i in range(n):
            scores = [q[i, h] @ k[j, h] / math.sqrt(dh) for j in range(i + 1 if causal else n)]
            norm = math.sqrt(sum(s * s for s in scores))
            for j, s in enumerate(scores):
                z = tau * s / norm
                mixed[i, h] += 0.5 * z * (1 + math.erf(z / math.sqrt(2))) * v[j, h]
    return mixed.reshape(n, heads * dh) @ case["output.weight"].T


def compute(case):
    return {"y": layer(case, False), "y.causal": layer(case, True)}


def check(case, outputs):
    n, heads, tau = case["tokens"], case["heads"], case["tau"]
    dh = case["width"] // heads
    same(compute(case.with_(query__weight=7 * case["query.weight"]))["y"], outputs["y"])  # scale does not matter
    sees_only_the_past(compute, case, "y.causal")
    # A mask that multiplies scores by 0 is the same as not seeing: gelu(0) = 0.
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    gelu = numpy.vectorize(lambda z: z * 0.5 * math.erfc(-z / math.sqrt(2)))
    for name, mask in (("y", numpy.ones((n, n))), ("y.causal", numpy.tril(numpy.ones((n, n))))):
        mixed = []
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            scores = q[:, part] @ k[:, part].T * mask
            mixed.append(gelu(tau * scores / numpy.linalg.norm(scores, axis=1, keepdims=True)) @ v[:, part])
        same(outputs[name], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
