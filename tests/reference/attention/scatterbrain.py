"""Sparse and low rank. Chen et al. (2021), arXiv 2110.15343, section 4; the released sblocal_attention.py.

Weights w_ij = e^(q_i . k_j / sqrt(head width)) where |i - j| <= window_each_side, elsewhere phi(q_i) . phi(k_j): the
sparse part replaces the low-rank part on its support; o_i = sum w v / sum w. With z = a / head width^(1/4) and W =
`features` (count, head width), shared by the heads:
`y`, `y.causal`: phi of Choromanski et al. (2020), lemma 1, count^(-1/2) exp(W z - |z|^2 / 2).
`y.hyperbolic`, `y.hyperbolic_causal`: the released (2 count)^(-1/2) [exp(W z - |z|^2 / 2) ; exp(-W z - |z|^2 / 2)].
The causal forms sum over j <= i.
"""
import math

import numpy

from support import Case, dense_layer, differs, everything, same, sees_only_the_past, triangle


def cases():
    for seed, tokens, width, heads, window, count in ((1301, 21, 24, 3, 2, 16), (1302, 28, 16, 2, 4, 24)):
        case = Case(f"scatterbrain_{tokens}", seed, tokens=tokens, width=width, heads=heads, window_each_side=window,
                    count=count)
        yield case.projections().normal("features", count, width // heads).normal("x", tokens, width)


def low_rank(case, q, k, hyperbolic):
    """phi(q) . phi(k) as a sum over the features."""
    total, fourth = 0.0, len(q) ** 0.25
    q, k = q / fourth, k / fourth
    signs = (1, -1) if hyperbolic else (1,)
    for w in case["features"]:
        for sign in signs:
            total += math.exp(sign * (w @ q) - q @ q / 2) * math.exp(sign * (w @ k) - k @ k / 2)
    return total / (len(signs) * case["count"])


def layer(case, hyperbolic, causal):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = ((case["x"] @ case[f"{name}.weight"].T).reshape(n, heads, dh) for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads, dh))
    for h in range(heads):
        for i in range(n):
            numerator, denominator = numpy.zeros(dh), 0.0
            for j in range(i + 1 if causal else n):
                near = abs(i - j) <= case["window_each_side"]
                weight = (math.exp(q[i, h] @ k[j, h] / math.sqrt(dh)) if near
                          else low_rank(case, q[i, h], k[j, h], hyperbolic))
                numerator += weight * v[j, h]
                denominator += weight
            mixed[i, h] = numerator / denominator
    return mixed.reshape(n, heads * dh) @ case["output.weight"].T


def compute(case):
    return {"y": layer(case, False, False), "y.causal": layer(case, False, True),
            "y.hyperbolic": layer(case, True, False), "y.hyperbolic_causal": layer(case, True, True)}


def check(case, outputs):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    dense = compute(case.with_(window_each_side=n))
    for name in ("y", "y.hyperbolic"):
        same(dense[name], dense_layer(case, everything(n)))
        causal = f"{name}{'.' if name == 'y' else '_'}causal"
        same(dense[causal], dense_layer(case, triangle(n)))
        sees_only_the_past(compute, case, causal)
        differs(outputs[name], dense[name])
    differs(outputs["y"], outputs["y.hyperbolic"])
    # An empty support is the low-rank attention; the support's correction is signed: e^s - phi.phi.
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    w, near = case["features"], numpy.abs(numpy.subtract.outer(range(n), range(n))) <= case["window_each_side"]
    empty, corrected, negative, both = [], [], False, []
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        fq, fk = (numpy.exp(of[:, part] @ w.T / dh ** 0.25 - (of[:, part] ** 2).sum(axis=1, keepdims=True)
                            / dh ** 0.5 / 2) / len(w) ** 0.5 for of in (q, k))
        correction = numpy.where(near, numpy.exp(q[:, part] @ k[:, part].T / dh ** 0.5) - fq @ fk.T, 0)
        negative = negative or bool((correction < 0).any())
        state, total = fk.T @ v[:, part], fk.sum(axis=0)
        empty.append(fq @ state / (fq @ total)[:, None])
        corrected.append((fq @ state + correction @ v[:, part]) / (fq @ total + correction.sum(axis=1))[:, None])
        # Hyperbolic features are those of W and of -W together.
        w2 = numpy.concatenate([w, -w])
        fq, fk = (numpy.exp(of[:, part] @ w2.T / dh ** 0.25 - (of[:, part] ** 2).sum(axis=1, keepdims=True)
                            / dh ** 0.5 / 2) / len(w2) ** 0.5 for of in (q, k))
        weights = numpy.where(near, numpy.exp(q[:, part] @ k[:, part].T / dh ** 0.5), fq @ fk.T)
        both.append(weights @ v[:, part] / weights.sum(axis=1, keepdims=True))
    assert negative
    same(outputs["y.hyperbolic"], numpy.concatenate(both, axis=1) @ case["output.weight"].T)
    same(compute(case.with_(window_each_side=-1))["y"], numpy.concatenate(empty, axis=1) @ case["output.weight"].T)
    same(outputs["y"], numpy.concatenate(corrected, axis=1) @ case["output.weight"].T)
