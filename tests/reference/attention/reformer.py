"""Attention by locality-sensitive hashing. Kitaev, Kaiser and Levskaya (2020), arXiv 2001.04451, section 2; and trax.

Query and key are one projection; a key is its query divided by (mean square + epsilon)^(1/2) and by the square root of
the head width: a unit vector (trax). score = query . key, without another scale. A token's own key has its score
lowered by 1e5. Round r puts token t into bucket argmax [q R ; -q R], R = `hash`[head][r] (head width, buckets / 2).

y.*:       as trax. All rounds' tokens in one list, sorted by (round, bucket, position): `order`. It is cut in chunks;
           a chunk sees itself and the one before it in the list (the first: the last), whatever the buckets.
           `y.causal`, `y.full`: each place of the list is a softmax of its own, the rounds' outputs are weighed by
           softmax of their log-denominators: a key that is met c times counts c times (`times`, of the full form).
           `y.causal_distinct`, `y.full_distinct`: scores lowered by log c, so that each key counts once.
y.paper_*: as the paper, section 2 and appendix A: within a round, own chunk and the one before (the first: none), same
           bucket only, scores lowered by log N, N the number of rounds in which the pair meets; weighed as above.
"""
import math

import numpy

from support import Case, differs, same, softmax

OWN = 1e5


def cases():
    for seed, tokens, width, heads, chunk, buckets in ((801, 21, 24, 3, 7, 4), (802, 32, 16, 2, 8, 4)):
        case = Case(f"reformer_{tokens}", seed, tokens=tokens, width=width, heads=heads, rounds=2, chunk=chunk,
                    buckets=buckets).real("epsilon", 1e-6)
        for name in ("query_key", "value", "output"):
            case.weight(f"{name}.weight", width, width)
        yield case.normal("hash", heads, 2, width // heads, buckets // 2).normal("x", tokens, width)


def vectors(case, h):
    dh = case["width"] // case["heads"]
    part = slice(h * dh, (h + 1) * dh)
    q = case["x"] @ case["query_key.weight"][part].T
    k = numpy.array([of / math.sqrt((of ** 2).mean() + case["epsilon"]) / math.sqrt(dh) for of in q])
    return q, k, case["x"] @ case["value.weight"][part].T


def hashed(case, h, q):
    found = []
    for r in range(case["rounds"]):
        turned = q @ case["hash"][h, r]
        found.append([int(numpy.argmax(numpy.concatenate([of, -of]))) for of in turned])
    return found


def log_sum(scores):
    top = max(scores)
    return top + math.log(sum(math.exp(score - top) for score in scores))


def merged(partial, n, dh):
    """From (token, log-denominator, output) of every round."""
    out = numpy.zeros((n, dh))
    for i in range(n):
        mine = [(scale, of) for token, scale, of in partial if token == i]
        for weight, (_, of) in zip(softmax([scale for scale, _ in mine]), mine):
            out[i] += weight * of
    return out


def listed(case, buckets):
    """Per place of the sorted list of all rounds: its token, and the tokens that it sees, with repetitions."""
    n, chunk = case["tokens"], case["chunk"]
    order = []
    for of_round in buckets:
        order += sorted(range(n), key=lambda t, b=of_round: (b[t], t))
    chunks = [order[at:at + chunk] for at in range(0, len(order), chunk)]
    return order, [(token, chunks[c - 1] + chunks[c]) for c, tokens in enumerate(chunks) for token in tokens]


def trax(case, q, k, v, places, causal, distinct):
    n, dh = q.shape
    times = numpy.zeros((n, n), dtype=int)
    for i, seen in places:
        for j in seen:
            times[i, j] += 1
    partial = []
    for i, seen in places:
        keys = [j for j in seen if j <= i or not causal]
        scores = [q[i] @ k[j] - (OWN if i == j else 0) - (math.log(times[i, j]) if distinct else 0) for j in keys]
        partial.append((i, log_sum(scores), sum(w * v[j] for w, j in zip(softmax(scores), keys))))
    return merged(partial, n, dh), times


def paper(case, q, k, v, buckets, causal):
    n, dh = q.shape
    seen = []
    for of_round in buckets:
        place = {t: at for at, t in enumerate(sorted(range(n), key=lambda t, b=of_round: (b[t], t)))}
        chunk_of = [place[t] // case["chunk"] for t in range(n)]
        seen.append([[j for j in range(n) if chunk_of[j] in (chunk_of[i] - 1, chunk_of[i])
                      and of_round[i] == of_round[j] and (j <= i or not causal)] for i in range(n)])
    partial = []
    for of_round in seen:
        for i, keys in enumerate(of_round):
            scores = [q[i] @ k[j] - (OWN if i == j else math.log(sum(j in other[i] for other in seen))) for j in keys]
            partial.append((i, log_sum(scores), sum(w * v[j] for w, j in zip(softmax(scores), keys))))
    return merged(partial, n, dh)


FORMS = (("y.causal", True, False), ("y.full", False, False), ("y.causal_distinct", True, True),
         ("y.full_distinct", False, True))


def compute(case):
    n, heads, width = case["tokens"], case["heads"], case["width"]
    dh = width // heads
    found = {"bucket": [], "order": [], "times": []}
    mixed = {name: numpy.zeros((n, width)) for name in [form[0] for form in FORMS] + ["y.paper_causal", "y.paper_full"]}
    for h in range(heads):
        q, k, v = vectors(case, h)
        buckets = hashed(case, h, q)
        order, places = listed(case, buckets)
        part = slice(h * dh, (h + 1) * dh)
        for name, causal, distinct in FORMS:
            mixed[name][:, part], times = trax(case, q, k, v, places, causal, distinct)
        for name, causal in (("y.paper_causal", True), ("y.paper_full", False)):
            mixed[name][:, part] = paper(case, q, k, v, buckets, causal)
        found["bucket"].append(buckets), found["order"].append(order), found["times"].append(times)
    outputs = {key: numpy.array(value) for key, value in found.items()}
    return outputs | {name: of @ case["output.weight"].T for name, of in mixed.items()}


def counted(case, times):
    """The layer with weights times e^score over all keys: what the merged rounds must be."""
    mixed = []
    for h in range(case["heads"]):
        q, k, v = vectors(case, h)
        scores = q @ k.T - OWN * numpy.eye(len(q))
        scores = numpy.where(times[h] > 0, scores, -numpy.inf)
        weights = times[h] * numpy.exp(scores - scores.max(axis=1, keepdims=True))
        mixed.append(weights / weights.sum(axis=1, keepdims=True) @ v)
    return numpy.concatenate(mixed, axis=1) @ case["output.weight"].T


def check(case, outputs):
    n = case["tokens"]
    past = numpy.tril(numpy.ones((n, n), dtype=int))
    times = outputs["times"]
    assert times.max() > 1 and (times == 0).any() and (times.sum(axis=2) == 2 * case["rounds"] * case["chunk"]).all()
    same(outputs["y.full"], counted(case, times))
    same(outputs["y.causal"], counted(case, times * past))
    same(outputs["y.full_distinct"], counted(case, times > 0))
    same(outputs["y.causal_distinct"], counted(case, (times > 0) * past))
    differs(outputs["y.causal"], outputs["y.causal_distinct"])
    differs(outputs["y.full"], outputs["y.full_distinct"])
    # A causal row sees itself only if nothing else: the first row, at least.
    first = case["x"][0] @ case["value.weight"].T @ case["output.weight"].T
    same(outputs["y.causal"][0], first), same(outputs["y.paper_causal"][0], first)
    # One round, one chunk: dense attention with the penalty on the own key. All in one bucket: the paper's as well.
    one = case.with_(rounds=1, chunk=n, hash=case["hash"][:, :1])
    whole = numpy.ones((case["heads"], n, n))
    for name, wanted in (("y.full", whole), ("y.full_distinct", whole), ("y.causal", whole * past)):
        same(compute(one)[name], counted(case, wanted))
    alike = one.with_(hash=numpy.zeros_like(one["hash"]))
    same(compute(alike)["y.paper_full"], counted(case, whole))
    same(compute(alike)["y.paper_causal"], counted(case, whole * past))
    for h in range(case["heads"]):
        same(numpy.linalg.norm(vectors(case, h)[1], axis=1), numpy.ones(n), 1e-5)
    # The paper's rounds, merged, are one softmax over the keys that share chunks and bucket in any round.
    union = numpy.zeros((case["heads"], n, n), dtype=bool)
    for h in range(case["heads"]):
        for bucket in outputs["bucket"][h]:
            rank = numpy.argsort(numpy.argsort(bucket * n + numpy.arange(n))) // case["chunk"]
            back = rank[:, None] - rank[None, :]
            union[h] |= (bucket[:, None] == bucket[None, :]) & ((back == 0) | (back == 1))
    same(outputs["y.paper_full"], counted(case, union))
    same(outputs["y.paper_causal"], counted(case, union * past))
    differs(outputs["y.paper_causal"], outputs["y.causal_distinct"])
    # The list is cut where it should be: every token once per round, in ascending buckets.
    for h in range(case["heads"]):
        for r, of_round in enumerate(outputs["order"][h].reshape(case["rounds"], n)):
            assert sorted(of_round) == list(range(n)) and (numpy.diff(outputs["bucket"][h][r][of_round]) >= 0).all()
    # Only the pairs are causal: where the chunks are cut depends on all tokens.
    x = case["x"].copy()
    x[-1] *= -3
    differs(compute(case.with_(x=x))["y.causal"][:-1], outputs["y.causal"][:-1], 1e-6)
