#!/usr/bin/python3
"""Writes what torch's automatic differentiation says about the gradients of the attention mechanisms: gradients.txt.

Usage: /usr/bin/python3 tests/reference/attention/gradients.py          (seconds; rewrites gradients.txt beside it)

Each mechanism is written once more, with torch's tensors and dense masks in f64, from the definitions that the script
of its name states; of those scripts nothing is imported. Inputs, parameters, draws and selections are read from their
*.txt files. Every output must agree with the stored one to 1e-8 of its largest number before anything is written.
Nothing is taken from the library. All outputs `y` and `y.*` of all cases, but for laplacian (it learns nothing) and
top_k_ties (where a change of the inputs changes the selection).

Versions:   Debian 12, python 3.11, python3-torch 1.13.1 (it calls itself 1.13.0a0).
Loss:       the sum of dy * y, with dy[t, c] = 4 drawn(seed, t * width + c), width the output's, `drawn` of ../drawn.py,
            seed the case's.
Constants:  draws (`hash`, `features`, `centroids`) and selections (`order`, `bucket`, `members`, `cluster`, `routes`,
            `kept_keys`, `random_blocks`, `global_tokens`). What is clipped or clamped has no gradient; that of a
            maximum is its largest entry's.
Numbers:    the gradient G of a tensor is a matrix of R rows, all extents but the last, and C columns; a vector is one
            row. `rows` is G v, v[j] = drawn(seed + 100000, j); `columns` is u G, u[i] = drawn(seed + 200000, i).
Format:     README.md's. A case is named `CASE/OUTPUT`; it has the case's `seed`, and of every tensor that the output
            reads, by its name, `NAME.rows` and `NAME.columns`: of the parameters, of `x`, and of the graph's `edges`.
            A parameter that an output does not read is left out.
Tolerance:  1e-8 of the tensor's largest number in f64.
"""
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from drawn import drawn  # noqa: E402

LEARNED = (".weight", ".bias", ".key", ".value", ".keys", ".values")
INPUTS = ("x", "edges")
LEAST = torch.finfo(torch.float64).min


# What mechanisms share: heads, masks, a softmax.

def of_heads(case, matrix):
    """(tokens, columns) as (heads, tokens, head width); where there are fewer key/value heads, each is repeated."""
    heads = case["heads"]
    split = matrix.reshape(len(matrix), -1, case["width"] // heads).transpose(0, 1)
    return split.repeat_interleave(heads // len(split), 0)


def project(case, *names):
    return [of_heads(case, case["x"] @ case[f"{name}.weight"].T) for name in names]


def joined(mixed):
    return mixed.transpose(0, 1).flatten(1)


def output(case, mixed):
    return joined(mixed) @ case["output.weight"].T


def scaled(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def softmax(scores, visible):
    """Of the visible ones along the last axis; a row that sees nothing weighs nothing."""
    return torch.softmax(scores.masked_fill(~visible, LEAST), -1) * visible


def layer(case, visible, bias=0.0):
    q, k, v = project(case, "query", "key", "value")
    return output(case, softmax(scaled(q, k) + bias, visible) @ v)


def apart(case):
    """i - j for row i and key j."""
    positions = torch.arange(len(case["x"]))
    return positions[:, None] - positions


def causal(case):
    return apart(case) >= 0


def full(case):
    return apart(case).abs() >= 0


def listed(indices, count):
    """Lists along the last axis as masks of `count`; -1 is nothing."""
    return (indices[..., None] == torch.arange(count)).any(-2)


def rotated(vectors, positions, theta, halves=False):
    """Su et al. 2021, eq. (34), as a product of complex numbers."""
    width = vectors.shape[-1]
    angles = positions[..., None] * theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    turn = torch.complex(angles.cos(), angles.sin())
    if halves:
        turned = torch.complex(vectors[..., :width // 2], vectors[..., width // 2:]) * turn
        return torch.cat((turned.real, turned.imag), -1)
    turned = torch.complex(vectors[..., 0::2], vectors[..., 1::2]) * turn
    return torch.stack((turned.real, turned.imag), -1).flatten(-2)


def positive_features(case, vectors, signs=(1,)):
    """Choromanski et al. 2020, lemma 1, of the draws and, with sign -1, of their negatives."""
    z = vectors / vectors.shape[-1] ** 0.25
    w = torch.cat([sign * case["features"] for sign in signs])
    return (z @ w.T - z.square().sum(-1, keepdim=True) / 2).exp() / math.sqrt(len(w))


def averaged(weights, v):
    return weights @ v / weights.sum(-1, keepdim=True)


# The mechanisms: from a case to its outputs.

def multi_head(case):
    """Vaswani et al. 2017, eq. (1)."""
    return {"y": layer(case, causal(case))}


def grouped_query(case):
    """Ainslie et al. 2023, section 2.2; Su et al. 2021."""
    q, k, v = project(case, "query", "key", "value")
    positions = torch.arange(len(case["x"]))

    def rotary(halves):
        turned = [rotated(of, positions, case["theta"], halves) for of in (q, k)]
        return output(case, softmax(scaled(*turned), causal(case)) @ v)

    return {"y": rotary(False), "y.halves": rotary(True)}


def alibi(case):
    """Press et al. 2021, section 3; beyond a power of two, the odd ones of the slopes twice as fine."""
    heads = case["heads"]
    power = 2 ** int(math.log2(heads))
    exponents = [8 * a / power for a in range(1, power + 1)] + [4 * a / power for a in range(1, 2 * power, 2)]
    slopes = 2.0 ** -torch.tensor(exponents[:heads], dtype=torch.float64)
    bias = -slopes[:, None, None] * apart(case).abs()
    return {"y": layer(case, causal(case), bias), "y.full": layer(case, full(case), bias)}


def longformer(case):
    """Beltagy et al. 2020, section 3, with the projections of the released code."""
    chosen = listed(case["global_tokens"], len(case["x"]))
    q, k, v = project(case, "query", "key", "value")
    near = apart(case).abs() <= case["window_each_side"]
    local = softmax(scaled(q, k), near | chosen) @ v
    q, k, v = project(case, "global_query", "global_key", "global_value")
    return {"y": output(case, torch.where(chosen[:, None], softmax(scaled(q, k), full(case)) @ v, local))}


def bigbird(case):
    """Zaheer et al. 2020, section 2."""
    blocks = torch.arange(len(case["x"]) // case["block"])
    ends = (blocks == 0) | (blocks == blocks[-1])
    band = (blocks[:, None] - blocks).abs() <= 1
    seen = band | ends | ends[:, None] | listed(case["random_blocks"], len(blocks))
    return {"y": layer(case, seen.repeat_interleave(case["block"], 0).repeat_interleave(case["block"], 1))}


def masformer(case):
    """Zhang et al. 2023, section 3, the local layer."""
    chunk = torch.arange(len(case["x"])) // case["chunk"]
    return {"y": layer(case, causal(case) & (chunk[:, None] - chunk <= 1))}


def dilated_window(case):
    """Beltagy et al. 2020, section 3.1."""
    distance, dilation = apart(case), case["dilation"]
    near = (distance.abs() <= case["window_each_side"] * dilation) & (distance % dilation == 0)
    return {"y": layer(case, near), "y.causal": layer(case, near & causal(case))}


def reformer(case):
    """Kitaev et al. 2020, section 2; trax. The rounds' outputs, weighed by their denominators, are one softmax over all
    rounds' keys: a key that is met several times stands there several times."""
    n, heads, rounds, chunk = len(case["x"]), case["heads"], case["rounds"], case["chunk"]
    q, v = project(case, "query_key", "value")
    k = q / (q.square().mean(-1, keepdim=True) + case["epsilon"]).sqrt() / math.sqrt(q.shape[-1])
    own = torch.eye(n, dtype=torch.bool)
    scores = q @ k.mT - 1e5 * own

    held = F.one_hot(case["order"].reshape(heads, -1, chunk), n).sum(2)
    times = torch.einsum("hci,hcj->hij", held, held + held.roll(1, 1))
    assert (times == case["times"]).all()
    counted = scores + times.clamp(min=1).double().log()

    place = case["order"].reshape(heads, rounds, n).argsort(-1) // chunk
    back = place[..., :, None] - place[..., None, :]
    same_bucket = case["bucket"][..., :, None] == case["bucket"][..., None, :]
    together = same_bucket & ((back == 0) | (back == 1))

    def paper(pairs):
        met = together & pairs
        shared = met.sum(1).clamp(min=1).double().log().masked_fill(own, 0)
        every = (scores - shared).repeat(1, 1, rounds)
        return softmax(every, met.transpose(1, 2).flatten(2)) @ v.repeat(1, rounds, 1)

    past, whole, met = causal(case), full(case), times > 0
    mixed = {"y.causal": softmax(counted, met & past) @ v, "y.full": softmax(counted, met) @ v,
             "y.causal_distinct": softmax(scores, met & past) @ v, "y.full_distinct": softmax(scores, met) @ v,
             "y.paper_causal": paper(past), "y.paper_full": paper(whole)}
    return {name: output(case, of) for name, of in mixed.items()}


def routing(case):
    """Roy et al. 2020, section 4; without scale, as the released code."""
    query_key, v = project(case, "query_key", "value")
    a = F.layer_norm(query_key, query_key.shape[-1:], eps=case["epsilon"])
    scores, past = a @ a.mT, causal(case)
    into = listed(case["members"], len(case["x"]))
    pairs = into[..., :, None] & into[..., None, :]
    held = into.sum(1).clamp(min=1)[..., None]

    def balanced(mask):
        return (softmax(scores[:, None], pairs & mask) @ v[:, None]).sum(1) / held

    one = case["cluster"][:, :, None] == case["cluster"][:, None, :]
    mixed = {"y.balanced": balanced(full(case)), "y.balanced_causal": balanced(past),
             "y.argmax_causal": softmax(scores, one & past) @ v}
    return {name: output(case, of) for name, of in mixed.items()}


def biformer(case):
    """Zhu et al. 2023, section 3; the released code's scale, by the full width."""
    size = len(case["x"]) // case["regions"]
    routed = listed(case["routes"], case["regions"]).repeat_interleave(size, 0).repeat_interleave(size, 1)
    q, k, v = project(case, "query", "key", "value")
    mixed = joined(softmax(q @ k.mT / math.sqrt(case["width"]), routed) @ v)
    columns = joined(v).T[None]
    kernel, width = case["local.weight"][:, None], case["width"]
    local = F.conv1d(columns, kernel, padding=1, groups=width)[0].T
    shifted = F.conv1d(columns, kernel, case["local.bias"], padding=1, groups=width)[0].T
    out = case["output.weight"].T
    return {"y": mixed @ out, "y.enhanced": (mixed + local) @ out, "y.enhanced_bias": (mixed + shifted) @ out}


def linformer(case):
    """Wang et al. 2020, eq. (7)."""
    n = len(case["x"])
    q, k, v = project(case, "query", "key", "value")
    k, v = case["key_mix.weight"][:n].T @ k, case["value_mix.weight"][:n].T @ v
    return {"y": output(case, torch.softmax(scaled(q, k), -1) @ v)}


def performer(case):
    """Choromanski et al. 2020; the released generalised kernel."""
    q, k, v = project(case, "query", "key", "value")
    phi_q, phi_k = positive_features(case, q), positive_features(case, k)
    relu_q, relu_k = (F.relu(of / of.shape[-1] ** 0.25) + case["relu_epsilon"] for of in (q, k))
    favor, relu = phi_q @ phi_k.mT, relu_q @ relu_k.mT
    forms = {"y": favor, "y.causal": favor.tril(), "y.relu": relu, "y.relu_causal": relu.tril()}
    return {name: output(case, averaged(weights, v)) for name, weights in forms.items()}


def scatterbrain(case):
    """Chen et al. 2021, section 4; the hyperbolic features of the released code."""
    q, k, v = project(case, "query", "key", "value")
    near = apart(case).abs() <= case["window_each_side"]

    def weights(signs):
        low_rank = positive_features(case, q, signs) @ positive_features(case, k, signs).mT
        return torch.where(near, scaled(q, k).exp(), low_rank)

    positive, hyperbolic = weights((1,)), weights((1, -1))
    forms = {"y": positive, "y.causal": positive.tril(), "y.hyperbolic": hyperbolic,
             "y.hyperbolic_causal": hyperbolic.tril()}
    return {name: output(case, averaged(of, v)) for name, of in forms.items()}


def combiner(case):
    """Ren et al. 2021, section 4; maxima and one scale, as the released code. Spans are further keys and values."""
    q, k, v = project(case, "query", "key", "value")

    def attend(single, spans_of):
        spans = sorted({span for i in range(len(case["x"])) for span in spans_of(i)})
        visible = torch.tensor([[span in spans_of(i) for span in spans] for i in range(len(case["x"]))])
        keys, values = [k], [v]
        for begin, end in spans:
            part = slice(begin, end)
            asks = q[:, part].max(1, keepdim=True).values
            keys.append(k[:, part].max(1, keepdim=True).values)
            values.append(torch.softmax(scaled(asks, k[:, part]), -1) @ v[:, part])
        scores = scaled(q, torch.cat(keys, 1))
        return output(case, softmax(scores, torch.cat((single, visible), 1)) @ torch.cat(values, 1))

    def segments(i):
        return [(begin, begin + case["segment"]) for begin in range(0, i - i % case["segment"], case["segment"])]

    def powers(i):
        """The runs of a position's binary digits, the largest first."""
        spans, begin = [], 0
        for bit in reversed(range(i.bit_length())):
            if i & 1 << bit:
                spans.append((begin, begin + (1 << bit)))
                begin += 1 << bit
        return spans

    segment = torch.arange(len(case["x"])) // case["segment"]
    own = causal(case) & (segment[:, None] == segment)
    return {"y.fixed": attend(own, segments), "y.logsparse": attend(apart(case) == 0, powers)}


def clipped_softmax(case):
    """Bondarenko et al. 2023, section 4.1."""
    q, k, v = project(case, "query", "key", "value")

    def clipped(visible):
        stretched = (case["zeta"] - case["gamma"]) * softmax(scaled(q, k), visible) + case["gamma"]
        return output(case, (stretched.clamp(0, 1) * visible) @ v)

    return {"y": clipped(full(case)), "y.causal": clipped(causal(case))}


def sigmoid_gate(case):
    """Bondarenko et al. 2023, section 4.2; the gate reads the head's slice of the input, as the released code."""
    q, k, v = project(case, "query", "key", "value")
    slices = of_heads(case, case["x"])
    gate = torch.sigmoid(torch.einsum("htc,hc->ht", slices, case["gate.weight"]) + case["gate.bias"][:, None])
    return {name: output(case, gate[..., None] * (softmax(scaled(q, k), visible) @ v))
            for name, visible in (("y", full(case)), ("y.causal", causal(case)))}


def normalised_gelu(scores, tau):
    """Wang et al. 2024, section 3.2."""
    return F.gelu(tau * scores / scores.norm(dim=-1, keepdim=True))


def pattention(case):
    """Wang et al. 2024, section 3.2; a projection by parameter tokens, or a layer of four; rotated in part as Black et
    al. 2022."""
    def tokens(name, x):
        return normalised_gelu(x @ case[f"{name}.keys"].T, case[f"{name}.tau"]) @ case[f"{name}.values"]

    for name in ("projection", "ffn"):
        if f"{name}.keys" in case:
            return {"y": tokens(name, case["x"])}
    q, k, v = (of_heads(case, tokens(name, case["x"])) for name in ("query", "key", "value"))
    if "rotated" in case:
        positions, columns = torch.arange(len(case["x"])), case["rotated"]
        q, k = (torch.cat((rotated(of[..., :columns], positions, case["theta"], True), of[..., columns:]), -1)
                for of in (q, k))
    return {"y": tokens("output", joined(softmax(scaled(q, k), causal(case)) @ v))}


def l2_gelu(case):
    """The same normaliser over tokens; a score of 0 is a key that is not seen."""
    q, k, v = project(case, "query", "key", "value")
    return {name: output(case, normalised_gelu(scaled(q, k) * visible, case["tau"]) @ v)
            for name, visible in (("y", full(case)), ("y.causal", causal(case)))}


def sinks(case):
    """Xiao et al. 2023, sections 3.1 to 3.3; learned keys and values as Sukhbaatar et al. 2019."""
    n, past = len(case["x"]), causal(case)
    q, k, v = project(case, "query", "key", "value")
    kept = past & ((torch.arange(n) < case["first"]) | (apart(case) < case["recent"]))

    place = kept.cumsum(1) - 1
    last = rotated(q, place[:, -1], case["theta"])
    in_cache = rotated(k[:, None].expand(-1, n, -1, -1), place, case["theta"])
    cached = torch.einsum("hic,hijc->hij", last, in_cache) / math.sqrt(q.shape[-1])

    grown = scaled(q, k).exp() * past
    sink_k, sink_v = of_heads(case, case["sink.key"]), of_heads(case, case["sink.value"])
    seen = torch.cat((torch.ones(n, case["sinks"], dtype=torch.bool), past), 1)
    mixed = {"y.window": softmax(scaled(q, k), kept) @ v, "y.in_cache": softmax(cached, kept) @ v,
             "y.softmax1": grown / (1 + grown.sum(-1, keepdim=True)) @ v,
             "y.learned": softmax(scaled(q, torch.cat((sink_k, k), 1)), seen) @ torch.cat((sink_v, v), 1)}
    return {name: output(case, of) for name, of in mixed.items()}


def top_k(case):
    """Gupta et al. 2021, section 2."""
    return {"y": layer(case, listed(case["kept_keys"], len(case["x"])))}


def branches(case):
    """Two softmaxes, averaged; and one over the keys of both, a common one twice."""
    q, k, v = project(case, "query", "key", "value")
    scores, chunk = scaled(q, k), torch.arange(len(case["x"])) // case["chunk"]
    near, far = causal(case) & (apart(case) < case["window"]), chunk < chunk[:, None]
    total = softmax(scores, near) @ v + softmax(scores, far) @ v
    seeing = 1 + far.any(1, keepdim=True).double()
    folded = softmax(torch.cat((scores, scores), -1), torch.cat((near, far), -1)) @ torch.cat((v, v), 1)
    return {"y.mean_of_two": output(case, total / 2), "y.mean_of_seen": output(case, total / seeing),
            "y.folded": output(case, folded)}


def graph(case):
    """Dwivedi and Bresson 2020, with the clamp of the released code; with edges, `y.released` with its 1e-6 as well."""
    n = len(case["x"])
    row = torch.arange(n).repeat_interleave(case["offsets"].diff())
    visible = torch.zeros(n, n, dtype=torch.bool)
    visible[row, case["neighbours"]] = True
    q, k, v = project(case, "query", "key", "value")
    if "edges" not in case:
        scores = scaled(q, k)
    else:
        of_edges = torch.zeros(n, n, case["width"], dtype=torch.float64)
        of_edges[row, case["neighbours"]] = case["edges"] @ case["edge.weight"].T
        between = of_edges.reshape(n, n, case["heads"], -1)
        scores = torch.einsum("hic,hjc,ijhc->hij", q, k, between) / math.sqrt(q.shape[-1])
    weights = scores.clamp(-5, 5).exp() * visible
    total = weights.sum(-1, keepdim=True)
    outputs = {"y": output(case, weights @ v / (total + (total == 0)))}  # without neighbours: 0 / 1
    if "edges" in case:
        outputs["y.released"] = output(case, weights @ v / (total + 1e-6))
    return outputs


MECHANISMS = (multi_head, grouped_query, alibi, longformer, bigbird, masformer, dilated_window, reformer, routing,
              biformer, linformer, performer, scatterbrain, combiner, clipped_softmax, sigmoid_gate, pattention,
              l2_gelu, sinks, top_k, branches, graph)


def read(path):
    """The cases of a file: README.md. Tensors in f64; those that are learned or are inputs ask for their gradient."""
    words = iter(path.read_text("ascii").split())
    cases = []
    for word in words:
        if word == "end":
            continue
        key = next(words)
        if word == "case":
            cases.append({"case": key})
        elif word in ("integer", "real"):
            cases[-1][key] = (int if word == "integer" else float)(next(words))
        else:
            extents = [int(next(words)) for _ in range(int(next(words)))]
            number, kind = {"tensor": (float, torch.float64), "indices": (int, torch.int64)}[word]
            numbers = [number(next(words)) for _ in range(math.prod(extents))]
            asks = word == "tensor" and (key in INPUTS or key.endswith(LEARNED))
            cases[-1][key] = torch.tensor(numbers, dtype=kind).reshape(extents).requires_grad_(asks)
    return cases


def numbers_of(seed, count):
    return torch.tensor([drawn(seed, counter) for counter in range(count)], dtype=torch.float64)


def contracted(name, gradient, seed):
    matrix = gradient.reshape(-1, gradient.shape[-1])
    rows, columns = matrix.shape
    lines = []
    for side, numbers in (("rows", matrix @ numbers_of(seed + 100000, columns)),
                          ("columns", numbers_of(seed + 200000, rows) @ matrix)):
        assert numbers.isfinite().all(), name
        lines += [f"tensor {name}.{side} 1 {len(numbers)}",
                  " ".join(f"{number + 0.0:.9g}" for number in numbers.tolist())]  # + 0.0 for the sign of -0
    return lines


def differentiated(case, name, y):
    """Checks an output and gives the lines of its gradients."""
    key, seed, stored = f"{case['case']}/{name}", case["seed"], case[name]
    assert y.shape == stored.shape and (y - stored).abs().max() <= 1e-8 * stored.abs().max(), key
    tensors = [of for of, value in case.items() if torch.is_tensor(value) and value.requires_grad]
    dy = 4 * numbers_of(seed, y.numel()).reshape(y.shape)
    # Outputs of a case share their projections.
    gradients = torch.autograd.grad((dy * y).sum(), [case[of] for of in tensors], retain_graph=True, allow_unused=True)
    lines = [f"case {key}", f"integer seed {seed}"]
    for of, gradient in zip(tensors, gradients, strict=True):
        if gradient is not None:
            lines += contracted(of, gradient, seed)
    return lines + ["end"]


def main():
    torch.set_num_threads(1)  # sums in the same order on every run
    lines, count = [], 0
    for mechanism in MECHANISMS:
        for case in read(HERE / f"{mechanism.__name__}.txt"):
            if case["case"] == "top_k_ties":
                continue
            outputs = mechanism(case)
            assert set(outputs) == {key for key in case if key == "y" or key.startswith("y.")}, case["case"]
            for name, y in outputs.items():
                lines += differentiated(case, name, y)
            count += len(outputs)
    path = HERE / "gradients.txt"
    path.write_text("\n".join(lines) + "\n", "ascii")
    print(f"{count} outputs, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
