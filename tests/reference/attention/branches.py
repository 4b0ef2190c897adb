"""Two branches over the same projections, merged in three ways.

Branch 1: causal, the last `window` keys (i - j < window). Branch 2: the keys of earlier chunks (j / chunk < i / chunk);
in the first chunk it sees nothing and gives 0. Each branch is a softmax of its own.
`y.mean_of_two`:  half the sum of both outputs.
`y.mean_of_seen`: the mean over the branches that see anything (as the Routing Transformer's released code averages over
                  clusters: Roy et al. 2020, arXiv 2003.05997).
`y.folded`:       one softmax over both branches' keys, in which a key of both counts twice.
"""
import math

import numpy

from support import Case, dense_layer, differs, same, sees_only_the_past, softmax


def cases():
    for seed, tokens, width, heads, window, chunk in ((2101, 21, 24, 3, 6, 4), (2102, 34, 16, 2, 11, 8)):
        yield Case(f"branches_{tokens}", seed, tokens=tokens, width=width, heads=heads, window=window,
                   chunk=chunk).projections().normal("x", tokens, width)


def compute(case):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    two, seen, folded = (numpy.zeros((n, heads * dh)) for _ in range(3))
    for i in range(n):
        near = [j for j in range(i + 1) if i - j < case["window"]]
        far = [j for j in range(i + 1) if j // case["chunk"] < i // case["chunk"]]
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            outputs = []
            for keys in (near, far):
                weights = softmax([q[i, part] @ k[j, part] / math.sqrt(dh) for j in keys])
                outputs.append(sum((w * v[j, part] for w, j in zip(weights, keys)), numpy.zeros(dh)))
            two[i, part] = (outputs[0] + outputs[1]) / 2
            seen[i, part] = (outputs[0] + outputs[1]) / (2 if far else 1)
            keys = near + far
            weights = softmax([q[i, part] @ k[j, part] / math.sqrt(dh) for j in keys])
            folded[i, part] = sum(w * v[j, part] for w, j in zip(weights, keys))
    return {name: of @ case["output.weight"].T
            for name, of in (("y.mean_of_two", two), ("y.mean_of_seen", seen), ("y.folded", folded))}


def check(case, outputs):
    n, chunk = case["tokens"], case["chunk"]
    apart = numpy.subtract.outer(numpy.arange(n), numpy.arange(n))
    near = (apart >= 0) & (apart < case["window"])
    far = numpy.array([[j < i // chunk * chunk for j in range(n)] for i in range(n)])
    assert (near & far).any()
    one, other = dense_layer(case, near), dense_layer(case, far)
    same(outputs["y.mean_of_two"], (one + other) / 2)
    same(outputs["y.mean_of_seen"][chunk:], ((one + other) / 2)[chunk:])
    same(outputs["y.mean_of_seen"][:chunk], one[:chunk])
    differs(outputs["y.mean_of_two"][chunk:], outputs["y.folded"][chunk:])
    # A key of both branches counts twice.
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    dh, mixed = case["width"] // case["heads"], []
    for h in range(case["heads"]):
        part = slice(h * dh, (h + 1) * dh)
        weights = (near.astype(int) + far) * numpy.exp(q[:, part] @ k[:, part].T / math.sqrt(dh))
        mixed.append(weights @ v[:, part] / weights.sum(axis=1, keepdims=True))
    same(outputs["y.folded"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    # Branches without a common key fold to the softmax over their union.
    apart_from_far = case.with_(window=1)
    same(compute(apart_from_far)["y.folded"], dense_layer(case, far | (apart == 0)))
    for name in outputs:
        sees_only_the_past(compute, case, name)
