"""Attention within clusters. Roy et al. (2020), arXiv 2003.05997, section 4; the released routing_transformer/utils.py.

Query and key are one projection, normalised per head by (a - mean) / (variance + epsilon)^(1/2) without gain; scores
are plain dot products (the released code: no scale). `centroids` (heads, clusters, head width); affinity a . centroid.

`y.balanced`        each centroid takes its `window` tokens of largest affinity (ties: the lower position), ascending in
                    `members`; within a cluster all see all; a token's output is the mean of its outputs over the
                    clusters that hold it (the released code adds 1e-2 to their count); in no cluster: 0. Not causal.
`y.balanced_causal` the same clusters, pairs j <= i only. The selection still looks ahead.
`y.argmax_causal`   each token belongs to its best centroid (ties: the lower), and sees j <= i of the same one.
"""
import math

import numpy

from support import Case, dense, differs, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads, clusters, window in ((901, 21, 24, 3, 3, 7), (902, 40, 16, 2, 5, 8)):
        case = Case(f"routing_{tokens}", seed, tokens=tokens, width=width, heads=heads, clusters=clusters,
                    window=window).real("epsilon", 1e-6)
        for name in ("query_key", "value", "output"):
            case.weight(f"{name}.weight", width, width)
        yield case.normal("centroids", heads, clusters, width // heads).normal("x", tokens, width)


def normalised(vector, epsilon):
    centred = vector - sum(vector) / len(vector)
    return centred / math.sqrt(sum(centred ** 2) / len(vector) + epsilon)


def within(a, v, i, keys):
    if not keys:
        return numpy.zeros(v.shape[1])
    weights = softmax([a[i] @ a[j] for j in keys])
    return sum(w * v[j] for w, j in zip(weights, keys))


def compute(case):
    n, heads, clusters, window = case["tokens"], case["heads"], case["clusters"], case["window"]
    dh = case["width"] // heads
    balanced, masked, assigned = numpy.zeros((n, heads, dh)), numpy.zeros((n, heads, dh)), numpy.zeros((n, heads, dh))
    members, best = numpy.zeros((heads, clusters, window), dtype=int), numpy.zeros((heads, n), dtype=int)
    for h in range(heads):
        rows = slice(h * dh, (h + 1) * dh)
        a = [normalised(case["query_key.weight"][rows] @ token, case["epsilon"]) for token in case["x"]]
        v = case["x"] @ case["value.weight"][rows].T
        affinity = numpy.array([[a[i] @ centroid for centroid in case["centroids"][h]] for i in range(n)])
        held = [0] * n
        for c in range(clusters):
            chosen = sorted(sorted(range(n), key=lambda i, c=c: (-affinity[i, c], i))[:window])
            members[h, c] = chosen
            for i in chosen:
                held[i] += 1
                balanced[i, h] += within(a, v, i, chosen)
                masked[i, h] += within(a, v, i, [j for j in chosen if j <= i])
        for i in range(n):
            if held[i] > 0:
                balanced[i, h] /= held[i]
                masked[i, h] /= held[i]
            best[h, i] = max(range(clusters), key=lambda c: (affinity[i, c], -c))
        for i in range(n):
            assigned[i, h] = within(a, v, i, [j for j in range(i + 1) if best[h, j] == best[h, i]])

    def projected(mixed):
        return mixed.reshape(n, heads * dh) @ case["output.weight"].T

    return {"members": members, "cluster": best, "y.balanced": projected(balanced),
            "y.balanced_causal": projected(masked), "y.argmax_causal": projected(assigned)}


def check(case, outputs):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    held = [numpy.bincount(outputs["members"][h].reshape(-1), minlength=n) for h in range(heads)]
    assert any((of == 0).any() for of in held) and any((of > 1).any() for of in held)
    # By masks: the clusters are where the centroids' affinities are largest; the mean is over a token's clusters.
    again = {name: [] for name in ("y.balanced", "y.balanced_causal", "y.argmax_causal")}
    for h in range(heads):
        q = case["x"] @ case["query_key.weight"][h * dh:(h + 1) * dh].T
        v = case["x"] @ case["value.weight"][h * dh:(h + 1) * dh].T
        a = (q - q.mean(axis=1, keepdims=True)) / numpy.sqrt(q.var(axis=1, keepdims=True) + case["epsilon"])
        affinity = a @ case["centroids"][h].T
        into = numpy.zeros(affinity.shape, dtype=bool)
        for c in range(case["clusters"]):
            into[numpy.argsort(-affinity[:, c], kind="stable")[:case["window"]], c] = True
            assert (numpy.flatnonzero(into[:, c]) == outputs["members"][h, c]).all()
        one = affinity == affinity.max(axis=1, keepdims=True)
        for name, clusters, mask in (("y.balanced", into, triangle(n) | True), ("y.balanced_causal", into, triangle(n)),
                                     ("y.argmax_causal", one, triangle(n))):
            total = sum(dense(a, a, v, numpy.outer(of, of) & mask, 1.0) for of in clusters.T)
            again[name].append(total / numpy.maximum(clusters.sum(axis=1, keepdims=True), 1))
    for name, mixed in again.items():
        same(outputs[name], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    # One cluster of all tokens is dense attention; with two equal centroids the mean changes nothing.
    mixed, causal = [], []
    for h in range(heads):
        q = case["x"] @ case["query_key.weight"][h * dh:(h + 1) * dh].T
        a = (q - q.mean(axis=1, keepdims=True)) / numpy.sqrt(q.var(axis=1, keepdims=True) + case["epsilon"])
        weights, v = numpy.exp(a @ a.T - dh), case["x"] @ case["value.weight"][h * dh:(h + 1) * dh].T
        for into, of in ((mixed, weights), (causal, numpy.tril(weights))):
            into.append(of / of.sum(axis=1, keepdims=True) @ v)
    for count in (1, 2):
        whole = case.with_(clusters=count, window=n, centroids=case["centroids"][:, [0] * count])
        whole = compute(whole)
        same(whole["y.balanced"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
        same(whole["y.balanced_causal"], numpy.concatenate(causal, axis=1) @ case["output.weight"].T)
        same(whole["y.argmax_causal"], numpy.concatenate(causal, axis=1) @ case["output.weight"].T)
    # What the future changes: the balanced selection, never the assignment.
    sees_only_the_past(compute, case, "y.argmax_causal")
    x = case["x"].copy()
    x[-1] *= -3
    differs(compute(case.with_(x=x))["y.balanced_causal"][:-1], outputs["y.balanced_causal"][:-1])
