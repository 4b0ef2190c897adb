#!/usr/bin/python3
"""Writes what an independent implementation says about the recipes of tests/support/recipes.hpp and the shipped model.

Usage: /usr/bin/python3 tests/reference/make.py          (a few seconds; rewrites *.txt beside it)

The models below are written from the papers' formulas in plain torch, f64, with torch's own layer_norm, gelu, silu,
softmax, cross_entropy and autograd; rotations are products of complex numbers. Nothing is taken from the library.
Read by tests/laws/reference.cpp (llama.txt, gpt.txt, mixed.txt, mixtures.txt, bert.txt) and tests/laws/checkpoints.cpp
(shipped.txt).

Versions:   Debian 12, python 3.11, python3-torch 1.13.0a0. Other versions may move the last two digits.
Parameters: no file; a counter runs over all parameters in the order of `tensors`, row by row. With 32-bit arithmetic
            h = seed * 0x9E3779B9 + counter
            h ^= h >> 16; h *= 0x85EBCA6B; h ^= h >> 13; h *= 0xC2B2AE35; h ^= h >> 16   (MurmurHash3's finaliser)
            value = (h >> 12) / 2^20 - 1/2, in [-1/2, 1/2); gains are 1 + value; a polynomial's
            coefficients, other than its constant, are f32(1/3) + value. All but these are exact in f32 and f64.
Seeds:      llama 1, gpt 2, mixed 3, mixtures 9 (each expert gets tokens, two of them more than they have room for),
            bert 5.
Epsilons:   rounded to f32, as they stand in the recipes' types.
Loss:       the mean cross-entropy over STREAM, each token predicting the next, the last one predicting LAST, and the
            weighted losses that mixtures carry themselves. Of the rows y of bert's sequences: the sum of (i mod 5 - 2)
            y_i + y_i^2 / 2, i counting the numbers row by row.
Format:     `loss L`; `logits ROWS COLUMNS` and ROWS lines; `tensors N` and per tensor the line
            PATH RANK EXTENTS... W LARGEST SUM SQUARES E0 E1 E2 E3 E4
            W the sum of its parameters, then of its gradient: the largest absolute value, the sum, the sum of squares,
            the entries i (size - 1) / 4, rounded down, for i = 0 .. 4.
Tolerances: f64: logits 1e-10 of the largest logit, loss 1e-12, each entry of a gradient 1e-9 of the tensor's largest
            (of the model's largest where the true gradient is 0). f32: logits 1e-5 of the largest logit.
Shipped:    shipped.txt has the mean loss over the first WINDOWS windows of the held-out text, and over all of them;
            the weights are the file's bf16 values, widened to f64. Tolerance: 1e-4.
"""
import functools
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as functional

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parents[1] / "examples" / "models"
STREAM = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 10, 4]
LAST = 6
WINDOWS = 1, 24
LENGTHS = 7, 1, 11  # bert's sequences, and its kinds of tokens
KINDS = [t % 3 if 4 <= t < 12 else 0 for t in range(len(STREAM))]
POWERS = "activation.linear", "activation.quadratic", "activation.cubic"


# Parameters.

def draw(tensors, seed):
    counter, parameters = 0, {}
    for path, shape in tensors:
        size = functools.reduce(lambda a, b: a * b, shape)
        values = torch.tensor([drawn(seed, counter + i) for i in range(size)], dtype=torch.float64).reshape(shape)
        counter += size
        first = 1 if path.endswith(".gain") else f32(1 / 3) if path.endswith(POWERS) else 0
        parameters[path] = (values + first).requires_grad_(True)
    return parameters


def f32(number):
    return torch.tensor(number, dtype=torch.float32).item()


# Formulas.

def linear(p, path, x):
    return functional.linear(x, p[path + ".weight"], p.get(path + ".bias"))


def rms_norm(p, path, x, epsilon):
    """Zhang and Sennrich 2019, eq. (4)."""
    return x / (x.pow(2).mean(-1, keepdim=True) + f32(epsilon)).sqrt() * p[path + ".gain"]


def layer_norm(p, path, x, epsilon):
    return functional.layer_norm(x, x.shape[-1:], p[path + ".gain"], p[path + ".shift"], f32(epsilon))


def turned(x, theta, neighbours):
    """Su et al. 2021, section 3.2.1: pair i of (tokens, heads, d), as a complex number, times e^{i t theta^(-2i/d)}."""
    count, _, d = x.shape
    angle = torch.arange(count, dtype=torch.float64)[:, None] * theta ** (-2 * torch.arange(d // 2).double() / d)
    unit = torch.polar(torch.ones_like(angle), angle)[:, None, :]
    if neighbours:
        return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (d // 2, 2)).contiguous()) * unit).flatten(-2)
    product = torch.complex(x[..., : d // 2], x[..., d // 2:]) * unit
    return torch.cat((product.real, product.imag), -1)


def attention(p, path, x, heads, kv_heads, sees, turn=None):
    """Vaswani et al. 2017, eq. (1), per head; query head h reads key/value head h / (heads / kv_heads)."""
    count = x.shape[0]
    query = linear(p, path + ".query", x).unflatten(-1, (heads, -1))
    key = linear(p, path + ".key", x).unflatten(-1, (kv_heads, -1))
    value = linear(p, path + ".value", x).unflatten(-1, (kv_heads, -1))
    if turn:
        query, key = turn(query), turn(key)
    visible = torch.tensor([[sees(q, k) for k in range(count)] for q in range(count)])
    mixed = []
    for h in range(heads):
        shared = h // (heads // kv_heads)
        scores = query[:, h] @ key[:, shared].T / query.shape[-1] ** 0.5
        mixed.append(scores.masked_fill(~visible, float("-inf")).softmax(-1) @ value[:, shared])
    return linear(p, path + ".output", torch.cat(mixed, -1))


def plain(p, path, x, activation):
    return linear(p, path + ".down", activation(linear(p, path + ".up", x)))


def gated(p, path, x):
    """Shazeer 2020, eq. (6)."""
    return linear(p, path + ".down", functional.silu(linear(p, path + ".gate", x)) * linear(p, path + ".up", x))


def poly_relu(p, path, x):
    """Zhuo et al. 2024, eq. (3), order 3."""
    r = functional.relu(x)
    return (p[f"{path}.constant"] + p[f"{path}.linear"] * r + p[f"{path}.quadratic"] * r.square()
            + p[f"{path}.cubic"] * r.pow(3))


def mixture(p, path, x, experts, k, expert, renormalised=False, factor=None, balance=0.0, z=0.0):
    """Token by token; and its losses. Gates: Fedus et al. 2021, eq. (2), or divided by their sum; capacity: eq. (3),
    first choices of all tokens before second ones; balance loss: eq. (4) to (6); z-loss: Zoph et al. 2022, eq. (5)."""
    tokens = len(x)
    scores = linear(p, path + ".router", x)
    shares = scores.softmax(-1)
    choices = scores.sort(dim=-1, descending=True, stable=True).indices[:, :k]
    room = [tokens if factor is None else math.ceil(factor * tokens * k / experts)] * experts
    mixed = [torch.zeros_like(row) for row in x]
    for choice in range(k):
        for t in range(tokens):
            e = choices[t, choice].item()
            if room[e] > 0:
                room[e] -= 1
                gate = shares[t, e] / (shares[t, choices[t]].sum() if renormalised else 1)
                mixed[t] = mixed[t] + gate * expert(p, f"{path}.experts.{e}", x[t])
    asked = torch.bincount(choices.flatten(), minlength=experts).double() / (tokens * k)
    return torch.stack(mixed), (balance * experts * (asked * shares.mean(0)).sum()
                                + z * scores.logsumexp(-1).square().mean())


def everything(query, key):
    return True


def past(query, key):
    return key <= query


# The recipes: tensors in the library's order, and the function from tokens to logits.

def projections(at, width, query, kv, bias):
    for name, outputs, inputs in (("query", query, width), ("key", kv, width), ("value", kv, width),
                                  ("output", width, query)):
        yield f"{at}.{name}.weight", (outputs, inputs)
        if bias:
            yield f"{at}.{name}.bias", (outputs,)


def up_and_down(at, width, hidden, bias=False):
    for name, outputs, inputs in (("up", hidden, width), ("down", width, hidden)):
        yield f"{at}.{name}.weight", (outputs, inputs)
        if bias:
            yield f"{at}.{name}.bias", (outputs,)


def llama_tensors():
    yield "embedding.weight", (11, 8)
    for b in ("blocks.0", "blocks.1"):
        yield f"{b}.attention_norm.gain", (8,)
        yield from projections(f"{b}.attention", 8, 8, 4, False)
        yield f"{b}.ffn_norm.gain", (8,)
        yield f"{b}.ffn.gate.weight", (12, 8)
        yield from up_and_down(f"{b}.ffn", 8, 12)
    yield "final_norm.gain", (8,)


def llama(p, tokens):
    x = p["embedding.weight"][tokens]
    turn = functools.partial(turned, theta=10000.0, neighbours=True)
    for b in ("blocks.0", "blocks.1"):
        x = x + attention(p, f"{b}.attention", rms_norm(p, f"{b}.attention_norm", x, 1e-5), 4, 2, past, turn)
        x = x + gated(p, f"{b}.ffn", rms_norm(p, f"{b}.ffn_norm", x, 1e-5))
    return rms_norm(p, "final_norm", x, 1e-5) @ p["embedding.weight"].T


def blocks_with_biases():
    for b in ("blocks.0", "blocks.1"):
        yield f"{b}.attention_norm.gain", (8,)
        yield f"{b}.attention_norm.shift", (8,)
        yield from projections(f"{b}.attention", 8, 8, 8, True)
        yield f"{b}.ffn_norm.gain", (8,)
        yield f"{b}.ffn_norm.shift", (8,)
        yield from up_and_down(f"{b}.ffn", 8, 12, True)


def gpt_tensors():
    yield "embedding.weight", (11, 8)
    yield "position.weight", (20, 8)
    yield from blocks_with_biases()
    yield "final_norm.gain", (8,)
    yield "final_norm.shift", (8,)
    yield "head.weight", (11, 8)
    yield "head.bias", (11,)


def gpt(p, tokens):
    x = p["embedding.weight"][tokens] + p["position.weight"][: len(tokens)]
    gelu = functools.partial(functional.gelu, approximate="tanh")
    for b in ("blocks.0", "blocks.1"):
        x = x + attention(p, f"{b}.attention", layer_norm(p, f"{b}.attention_norm", x, 1e-5), 2, 2,
                          lambda query, key: query - 5 < key <= query)
        x = x + plain(p, f"{b}.ffn", layer_norm(p, f"{b}.ffn_norm", x, 1e-5), gelu)
    return linear(p, "head", layer_norm(p, "final_norm", x, 1e-5))


def mixed_tensors():
    yield "embedding.weight", (11, 6)
    yield "blocks.0.attention_norm.gain", (6,)
    yield "blocks.0.attention_norm.shift", (6,)
    yield from projections("blocks.0.attention", 6, 8, 8, False)
    yield "blocks.0.ffn_norm.gain", (6,)
    yield "blocks.0.ffn_norm.shift", (6,)
    yield from up_and_down("blocks.0.ffn", 6, 7)
    for b in ("blocks.1", "blocks.2"):
        yield from projections(f"{b}.attention", 6, 6, 2, False)
        yield from projections(f"{b}.attention_2", 6, 6, 6, True)
    yield "blocks.3.ffn_norm.gain", (6,)
    yield from up_and_down("blocks.3.ffn", 6, 9)
    yield "blocks.3.ffn_2_norm.gain", (6,)
    yield from up_and_down("blocks.3.ffn_2", 6, 5)
    yield "blocks.4.ffn_norm.gain", (6,)
    yield from up_and_down("blocks.4.ffn", 6, 10)
    yield "final_norm.gain", (6,)
    yield "head.weight", (11, 6)


def mixed(p, tokens):
    x = p["embedding.weight"][tokens]
    halves = functools.partial(turned, theta=100.0, neighbours=False)
    x = layer_norm(p, "blocks.0.attention_norm",
                   x + attention(p, "blocks.0.attention", x, 2, 2, everything, halves), 1e-3)
    x = layer_norm(p, "blocks.0.ffn_norm", x + plain(p, "blocks.0.ffn", x, functional.gelu), 1e-3)
    neighbours = functools.partial(turned, theta=10000.0, neighbours=True)
    for b in ("blocks.1", "blocks.2"):
        x = x + attention(p, f"{b}.attention", x, 3, 1, past, neighbours)
        x = x + attention(p, f"{b}.attention_2", x, 2, 2, lambda query, key: abs(query - key) < 3)
    x = x + plain(p, "blocks.3.ffn", rms_norm(p, "blocks.3.ffn_norm", x, 1e-5), lambda u: functional.relu(u).square())
    x = x + plain(p, "blocks.3.ffn_2", rms_norm(p, "blocks.3.ffn_2_norm", x, 1e-5), torch.sigmoid)
    x = x + plain(p, "blocks.4.ffn", rms_norm(p, "blocks.4.ffn_norm", x, 1e-5), functional.relu)
    return linear(p, "head", rms_norm(p, "final_norm", x, 1e-2))


def mixtures_tensors():
    yield "embedding.weight", (11, 6)
    yield "blocks.0.mixture_norm.gain", (6,)
    yield "blocks.0.mixture.router.weight", (3, 6)
    for e in range(3):
        yield from up_and_down(f"blocks.0.mixture.experts.{e}", 6, 5)
    yield "blocks.1.mixture_norm.gain", (6,)
    yield "blocks.1.mixture_norm.shift", (6,)
    yield "blocks.1.mixture.router.weight", (4, 6)
    for e in range(4):
        yield f"blocks.1.mixture.experts.{e}.gate.weight", (4, 6)
        yield f"blocks.1.mixture.experts.{e}.gate.bias", (4,)
        yield from up_and_down(f"blocks.1.mixture.experts.{e}", 6, 4, True)
    yield "blocks.1.mixture_2_norm.gain", (6,)
    yield "blocks.1.mixture_2_norm.shift", (6,)
    yield "blocks.1.mixture_2.router.weight", (2, 6)
    for e in range(2):
        yield from up_and_down(f"blocks.1.mixture_2.experts.{e}", 6, 5)
        for power in ("linear", "quadratic", "cubic", "constant"):
            yield f"blocks.1.mixture_2.experts.{e}.activation.{power}", (1,)
    yield "final_norm.gain", (6,)
    yield "final_norm.shift", (6,)
    yield "head.weight", (11, 6)


def mixtures(p, tokens):
    x = p["embedding.weight"][tokens]
    first, losses = mixture(p, "blocks.0.mixture", rms_norm(p, "blocks.0.mixture_norm", x, 1e-5), 3, 1,
                            lambda p, at, row: plain(p, at, row, functional.relu), factor=0.75, balance=0.5, z=0.25)
    x = x + first
    second, more = mixture(p, "blocks.1.mixture", layer_norm(p, "blocks.1.mixture_norm", x, 1e-5), 4, 2, gated,
                           renormalised=True, balance=0.5)
    x = x + second
    third, _ = mixture(p, "blocks.1.mixture_2", layer_norm(p, "blocks.1.mixture_2_norm", x, 1e-5), 2, 2,
                       lambda p, at, row: plain(p, at, row, lambda u: poly_relu(p, at + ".activation", u)))
    return linear(p, "head", layer_norm(p, "final_norm", x + third, 1e-5)), losses + more


def bert_tensors():
    yield "embedding.weight", (11, 8)
    yield "position.weight", (20, 8)
    yield "token_type.weight", (3, 8)
    yield "embedding_norm.gain", (8,)
    yield "embedding_norm.shift", (8,)
    yield from blocks_with_biases()


def bert(p, tokens):
    """Devlin et al. 2018; the mean of each sequence's rows, as Reimers and Gurevych 2019 take it."""
    rows, first = [], 0
    for length in LENGTHS:
        kinds = torch.tensor(KINDS[first : first + length])
        x = (p["embedding.weight"][tokens[first : first + length]] + p["position.weight"][:length]
             + p["token_type.weight"][kinds])
        first += length
        x = layer_norm(p, "embedding_norm", x, 1e-12)
        for b in ("blocks.0", "blocks.1"):
            x = layer_norm(p, f"{b}.attention_norm", x + attention(p, f"{b}.attention", x, 2, 2, everything), 1e-12)
            x = layer_norm(p, f"{b}.ffn_norm", x + plain(p, f"{b}.ffn", x, functional.gelu), 1e-12)
        rows.append(x.mean(0))
    return torch.stack(rows)


def shipped(p, tokens):
    x = p["embedding.weight"][tokens]
    turn = functools.partial(turned, theta=10000.0, neighbours=True)
    for b in (f"blocks.{layer}" for layer in range(4)):
        x = x + attention(p, f"{b}.attention", rms_norm(p, f"{b}.attention_norm", x, 1e-5), 4, 2, past, turn)
        x = x + plain(p, f"{b}.ffn", rms_norm(p, f"{b}.ffn_norm", x, 1e-5), functional.relu)
    return rms_norm(p, "final_norm", x, 1e-5) @ p["embedding.weight"].T


# Files.

def numbers(values):
    return " ".join(repr(float(value)) for value in values)


def next_token_loss(logits):
    return functional.cross_entropy(logits, torch.tensor(STREAM[1:] + [LAST]))


def loss_of_rows(rows):
    y = rows.flatten()
    return ((torch.arange(y.numel()) % 5 - 2) * y + y.square() / 2).sum()


def write(name, model, tensors, seed, loss_of=next_token_loss):
    tensors = list(tensors)
    parameters = draw(tensors, seed)
    logits, losses = model(parameters, torch.tensor(STREAM)), 0.0
    if isinstance(logits, tuple):
        logits, losses = logits
    loss = loss_of(logits) + losses
    loss.backward()
    lines = [f"loss {numbers([loss])}", f"logits {logits.shape[0]} {logits.shape[1]}"]
    lines += [numbers(row) for row in logits]
    lines.append(f"tensors {len(tensors)}")
    for path, shape in tensors:
        gradient = parameters[path].grad.flatten()
        entries = [gradient[i * (gradient.numel() - 1) // 4] for i in range(5)]
        lines.append(f"{path} {len(shape)} {' '.join(map(str, shape))} " + numbers(
            [parameters[path].sum(), gradient.abs().max(), gradient.sum(), gradient.square().sum(), *entries]))
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    print(f"{name}: loss {loss.item():.6f}, largest logit {logits.abs().max().item():.3f}")


def read_safetensors(path):
    """Its bf16 tensors in f64, and its metadata."""
    blob = path.read_bytes()
    (length,) = struct.unpack_from("<Q", blob)
    header = json.loads(blob[8 : 8 + length])
    metadata, tensors = header.pop("__metadata__"), {}
    for name, of in header.items():
        first, end = of["data_offsets"]
        assert of["dtype"] == "BF16", name
        bits = struct.unpack(f"<{(end - first) // 2}H", blob[8 + length + first : 8 + length + end])
        # A bf16 number is the upper half of an f32 number.
        wide = struct.unpack(f"<{len(bits)}f", struct.pack(f"<{len(bits)}I", *(word << 16 for word in bits)))
        tensors[name] = torch.tensor(wide, dtype=torch.float64).reshape(of["shape"])
    return tensors, metadata


@torch.no_grad()
def write_shipped():
    parameters, metadata = read_safetensors(MODELS / "shipped.safetensors")
    text = (MODELS / "shipped.held_out.txt").read_text("ascii")
    data = torch.tensor([metadata["lacuna.characters"].index(character) for character in text])
    context, losses = 256, []
    for window in range((len(data) - 1) // context):
        part = data[window * context : (window + 1) * context + 1]
        losses.append(functional.cross_entropy(shipped(parameters, part[:-1]), part[1:]).item())
    lines = []
    for count in (*WINDOWS, len(losses)):
        lines.append(f"windows {count} {sum(losses[:count]) / count!r}")
    (HERE / "shipped.txt").write_text("\n".join(lines) + "\n")
    print(f"shipped: {lines}")


def main():
    torch.set_num_threads(1)
    write("llama", llama, llama_tensors(), 1)
    write("gpt", gpt, gpt_tensors(), 2)
    write("mixed", mixed, mixed_tensors(), 3)
    write("mixtures", mixtures, mixtures_tensors(), 9)
    write("bert", bert, bert_tensors(), 5, loss_of_rows)
    write_shipped()


main()
