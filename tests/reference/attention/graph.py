"""Attention between neighbours of a graph. Dwivedi and Bresson (2020), arXiv 2012.09699, the layers without and with
edge features; the released graph_transformer_layer.py and graph_transformer_edge_layer.py.

Row i sees `neighbours`[offsets[i] .. offsets[i + 1]), not itself unless it is listed. Weights exp(clamp(score, -5, 5))
over their sum; a row without neighbours gives 0. `y` with score q . k / sqrt(head width).
With edges: t = q * k / sqrt(head width) * (edge.weight e), column by column, for the features e of the edge, `edges`
(edges, edge width) in the order of `neighbours`; score = the sum of the head's columns of t. `edge_terms` is t, before
clamp and exponential; `edge_y` is edge_output.weight t.
`y.released` has the released code's 1e-6 added to the sum of weights.
"""
import math

import numpy

from support import Case, dense_layer, differs, same


def lists(random, n, mean, isolated):
    """Sorted neighbours of each row, none for `isolated`."""
    return [[] if i == isolated else sorted(random.choice(n, 1 + random.poisson(mean), replace=False).tolist())
            for i in range(n)]


def cases():
    for name, seed, n, width, heads, mean, isolated, edge_width, sharper in (
            ("graph_nodes_21", 2201, 21, 24, 3, 4, 5, 0, 1), ("graph_nodes_26", 2202, 26, 16, 2, 3, 25, 0, 4),
            ("graph_edges_21", 2203, 21, 16, 2, 2, 0, 6, 4), ("graph_edges_26", 2204, 26, 24, 3, 2, 13, 4, 4)):
        case = Case(name, seed, tokens=n, width=width, heads=heads)
        rows = lists(case.random, n, mean, isolated)
        case.indices("offsets", numpy.cumsum([0] + [len(row) for row in rows]))
        case.indices("neighbours", [j for row in rows for j in row]).projections()
        case.tensor("query.weight", sharper * case["query.weight"])  # so that some scores are clamped
        if edge_width > 0:
            case.weight("edge.weight", width, edge_width).weight("edge_output.weight", width, width)
            case.normal("edges", len(case["neighbours"]), edge_width)
        yield case.normal("x", n, width)


def compute(case, clamp=5.0):
    n, heads, width = case["tokens"], case["heads"], case["width"]
    dh = width // heads
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    edged = "edges" in case
    terms = numpy.zeros((len(case["neighbours"]), width))
    mixed, released = numpy.zeros((n, width)), numpy.zeros((n, width))
    for i in range(n):
        at = range(case["offsets"][i], case["offsets"][i + 1])
        for e in at:
            terms[e] = q[i] * k[case["neighbours"][e]] / math.sqrt(dh)
            if edged:
                terms[e] *= case["edge.weight"] @ case["edges"][e]
        for h in range(heads):
            part = slice(h * dh, (h + 1) * dh)
            weights = [math.exp(min(max(terms[e, part].sum(), -clamp), clamp)) for e in at]
            total = sum((w * v[case["neighbours"][e], part] for w, e in zip(weights, at)), numpy.zeros(dh))
            if weights:
                mixed[i, part] = total / sum(weights)
            released[i, part] = total / (sum(weights) + 1e-6)
    outputs = {"y": mixed @ case["output.weight"].T}
    if edged:
        outputs |= {"y.released": released @ case["output.weight"].T, "edge_terms": terms,
                    "edge_y": terms @ case["edge_output.weight"].T}
    return outputs


def check(case, outputs):
    n, width, heads = case["tokens"], case["width"], case["heads"]
    neighbours, offsets = case["neighbours"], case["offsets"]
    alone = [i for i in range(n) if offsets[i] == offsets[i + 1]]
    assert alone and (outputs["y"][alone] == 0).all() and not numpy.isnan(outputs["y"]).any()
    visible = numpy.zeros((n, n), dtype=bool)
    for i in range(n):
        visible[i, neighbours[offsets[i]:offsets[i + 1]]] = True
    edged = "edges" in case
    if edged:
        ones = {"edges": numpy.ones((len(neighbours), 1)), "edge__weight": numpy.ones((width, 1))}
        same(compute(case.with_(**ones), 1e9)["y"], dense_layer(case, visible))
        same(outputs["y.released"], outputs["y"], 1e-3)
    else:
        same(compute(case, 1e9)["y"], dense_layer(case, visible))
    if case.name != "graph_nodes_21":
        differs(outputs["y"], compute(case, 1e9)["y"])  # some scores are clamped
    # By matrices, with the clamp.
    dh, mixed = width // heads, []
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    between = numpy.ones((n, n, width))
    if edged:
        for i in range(n):
            for e in range(offsets[i], offsets[i + 1]):
                between[i, neighbours[e]] = case["edges"][e] @ case["edge.weight"].T
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        scores = numpy.einsum("ic,jc,ijc->ij", q[:, part], k[:, part], between[:, :, part]) / dh ** 0.5
        weights = visible * numpy.exp(numpy.clip(scores, -5, 5))
        mixed.append(weights @ v[:, part] / numpy.maximum(weights.sum(axis=1, keepdims=True), 1e-300))
    same(outputs["y"], numpy.concatenate(mixed, axis=1) @ case["output.weight"].T)
    # The complete graph with loops, unclamped, is dense attention.
    if not edged:
        complete = case.with_(offsets=n * numpy.arange(n + 1), neighbours=numpy.tile(numpy.arange(n), n))
        same(compute(complete, 1e9)["y"], dense_layer(case, numpy.ones((n, n), dtype=bool)))
        # Nodes may be numbered otherwise.
        order = numpy.random.default_rng(3).permutation(n)
        place = numpy.argsort(order)
        rows = [sorted(place[j] for j in neighbours[offsets[i]:offsets[i + 1]]) for i in order]
        renamed = case.with_(x=case["x"][order], offsets=numpy.cumsum([0] + [len(row) for row in rows]),
                             neighbours=numpy.array([j for row in rows for j in row]))
        same(compute(renamed)["y"], outputs["y"][order])
