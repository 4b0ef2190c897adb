"""Spans that stand for their tokens. Ren et al. (2021), arXiv 2107.05768, section 4; the released combiner code.

A row's keys before and at it are cut into single tokens and spans; one softmax over both kinds, scores scaled by
head width^(-1/2) once. A span's key and query are the maxima, column by column, of its tokens' (the released jax code);
its value is its own attention from that query to its tokens, with the same scale, independent of the row.
`y.fixed`:     segments of `segment` tokens; single: the own segment up to the row; spans: every segment before.
`y.logsparse`: single: the row itself; for every bit l that is set in its position: the aligned span of 2^l tokens that
               ends at the position with its lower l bits cleared. A span of one token is that token.
"""
import numpy

from support import Case, dense_layer, differs, same, sees_only_the_past, softmax, triangle


def cases():
    for seed, tokens, width, heads, segment in ((1401, 21, 24, 3, 5), (1402, 40, 16, 2, 8)):
        yield Case(f"combiner_{tokens}", seed, tokens=tokens, width=width, heads=heads,
                   segment=segment).projections().normal("x", tokens, width)


def fixed(i, segment):
    own = i // segment
    return list(range(own * segment, i + 1)), [(s * segment, (s + 1) * segment) for s in range(own)]


def logsparse(i, _):
    spans, level = [], 0
    while i >> level:
        if i >> level & 1:
            spans.append((((i >> level) - 1) << level, (i >> level) << level))
        level += 1
    return [i], spans


def distributions(case, cut, h):
    """Per row, what each token weighs: (tokens, tokens)."""
    n, dh = case["tokens"], case["width"] // case["heads"]
    part = slice(h * dh, (h + 1) * dh)
    q, k = (case["x"] @ case[f"{name}.weight"][part].T for name in ("query", "key"))
    expanded = numpy.zeros((n, n))
    for i in range(n):
        single, spans = cut(i, case["segment"])
        scores = [q[i] @ k[j] / dh ** 0.5 for j in single]
        scores += [q[i] @ k[begin:end].max(axis=0) / dh ** 0.5 for begin, end in spans]
        weights = softmax(scores)
        for weight, j in zip(weights, single):
            expanded[i, j] += weight
        for weight, (begin, end) in zip(weights[len(single):], spans):
            asks = q[begin:end].max(axis=0)
            inner = softmax([asks @ k[j] / dh ** 0.5 for j in range(begin, end)])
            expanded[i, begin:end] += weight * inner
    return expanded


def layer(case, cut):
    n, heads = case["tokens"], case["heads"]
    dh = case["width"] // heads
    mixed = numpy.zeros((n, heads * dh))
    for h in range(heads):
        part = slice(h * dh, (h + 1) * dh)
        mixed[:, part] = distributions(case, cut, h) @ (case["x"] @ case["value.weight"][part].T)
    return mixed @ case["output.weight"].T


def compute(case):
    return {"y.fixed": layer(case, fixed), "y.logsparse": layer(case, logsparse)}


def check(case, outputs):
    n = case["tokens"]
    for cut, name in ((fixed, "y.fixed"), (logsparse, "y.logsparse")):
        for i in range(n):  # a partition of 0..i
            single, spans = cut(i, case["segment"])
            covered = single + [j for begin, end in spans for j in range(begin, end)]
            assert sorted(covered) == list(range(i + 1))
            assert cut is fixed or len(spans) == bin(i).count("1")
        for h in range(case["heads"]):
            expanded = distributions(case, cut, h)
            same(expanded.sum(axis=1), numpy.ones(n))
            # Within a span, the span's query weighs: ratios are exponentials of differences of its scores.
            dh = case["width"] // case["heads"]
            part = slice(h * dh, (h + 1) * dh)
            q, k = (case["x"] @ case[f"{name}.weight"][part].T for name in ("query", "key"))
            for i in range(n):
                for begin, end in cut(i, case["segment"])[1]:
                    scores = k[begin:end] @ numpy.max(q[begin:end], axis=0) / dh ** 0.5
                    same(numpy.log(expanded[i, begin:end] / expanded[i, begin]), scores - scores[0], 1e-10)
                    # And a span has the weight of one key, the columns' largest: compared with the row itself.
                    whole = q[i] @ numpy.max(k[begin:end], axis=0) - q[i] @ k[i]
                    same(numpy.log(expanded[i, begin:end].sum() / expanded[i, i]), whole / dh ** 0.5, 1e-10)
            assert (expanded[triangle(n)] > 0).all() and (expanded[~triangle(n)] == 0).all()
        sees_only_the_past(compute, case, name)
        differs(outputs[name], dense_layer(case, triangle(n)))
    for segment in (1, n):
        same(compute(case.with_(segment=segment))["y.fixed"], dense_layer(case, triangle(n)))
    differs(outputs["y.fixed"], outputs["y.logsparse"])
