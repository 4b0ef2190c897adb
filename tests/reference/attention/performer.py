"""Attention by positive features. Choromanski et al. (2020), arXiv 2009.14794; the released fast_attention.py.

With z = a / head width^(1/4) for queries and keys alike, and `features` (count, head width) for W, shared by the heads:
`y`, `y.causal`: phi(a) = count^(-1/2) exp(W z - |z|^2 / 2), lemma 1, without the code's small constants; W as given.
`y.relu`, `y.relu_causal`: phi(a) = max(z, 0) + relu_epsilon, the released generalised kernel without W.
Weights phi(q_i) . phi(k_j) over their sum.
"""
import math

import numpy

from support import Case, differs, same, sees_only_the_past


def cases():
    for seed, tokens, width, heads, count in ((1201, 21, 24, 3, 16), (1202, 28, 16, 2, 32)):
        case = Case(f"performer_{tokens}", seed, tokens=tokens, width=width, heads=heads, count=count)
        case.real("relu_epsilon", 1e-3).projections().normal("features", count, width // heads)
        yield case.normal("x", tokens, width)


def favor(case, vector):
    z = vector / len(vector) ** 0.25
    w = case["features"]
    return numpy.array([math.exp(of @ z - z @ z / 2) for of in w]) / math.sqrt(len(w))


def relu(case, vector):
    return numpy.maximum(vector / len(vector) ** 0.25, 0) + case["relu_epsilon"]


def layer(case, phi, causal):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads * dh))
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        queries, keys = [phi(case, of) for of in q[:, part]], [phi(case, of) for of in k[:, part]]
        for i in range(n):
            weights = [queries[i] @ keys[j] for j in range(i + 1 if causal else n)]
            mixed[i, part] = sum(w * v[j, part] for j, w in enumerate(weights)) / sum(weights)
    return mixed @ case["output.weight"].T


def compute(case):
    return {"y": layer(case, favor, False), "y.causal": layer(case, favor, True),
            "y.relu": layer(case, relu, False), "y.relu_causal": layer(case, relu, True)}


def check(case, outputs):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    # The other order of the sums: a state of features x values, whole or running.
    for name, phi in (("y", favor), ("y.relu", relu)):
        whole, running = [], []
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            fq, fk = (numpy.array([phi(case, row) for row in of[:, part]]) for of in (q, k))
            whole.append(fq @ (fk.T @ v[:, part]) / (fq @ fk.sum(axis=0))[:, None])
            states = numpy.cumsum(fk[:, :, None] * v[:, None, part], axis=0)
            running.append(numpy.einsum("nf,nfv->nv", fq, states)
                           / numpy.einsum("nf,nf->n", fq, numpy.cumsum(fk, axis=0))[:, None])
        same(outputs[name], numpy.concatenate(whole, axis=1) @ case["output.weight"].T)
        same(outputs[f"{name}.causal" if name == "y" else f"{name}_causal"],
             numpy.concatenate(running, axis=1) @ case["output.weight"].T)
        differs(outputs["y"], outputs["y.relu"])
    for name in ("y.causal", "y.relu_causal"):
        sees_only_the_past(compute, case, name)
    # Unbiased: the mean over many draws is e^(q.k / sqrt(head width)).
    a, b = 0.5 * q[3, :dh], 0.5 * k[8, :dh]
    many = case.with_(features=numpy.random.default_rng(case.seed).standard_normal((200_000, dh)))
    wanted = math.exp(a @ b / math.sqrt(dh))
    assert abs(favor(many, a) @ favor(many, b) / wanted - 1) < 0.02
