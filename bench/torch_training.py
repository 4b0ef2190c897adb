#!/usr/bin/env python3
"""PyTorch's training step as the other side of bench_training: it takes some steps for every line that it is sent.

Usage: bench/torch_training.py [--core N] [--optimiser auto|foreach|fused|loop]

Needs the package torch (Debian: python3-torch, or PyPI's). One thread, which is kept on core N (the last one that the
process may use). The model is nanoGPT's without biases and dropout: learned positions, LayerNorm before attention and
feed-forward, four heads, GELU by tanh, one matrix for embedding and head; attention by scaled_dot_product_attention
where there is one. The optimiser is AdamW, fused where this version has that for CPUs, else foreach.

What PyTorch compiles ahead (torch.compile) is not used: it is run as most programs run it.

Protocol, by lines:
  it writes   ready torch <version>, ...                      once: optimiser, attention, core
  it reads    <layers> <width> <streams> <steps>
  it writes   <seconds> <parameters>                         the median of the steps' seconds, and the model's size
It ends when its input ends.
"""
import argparse
import os
import statistics
import sys
import time

# OpenBLAS, which Debian's PyTorch uses, takes newer processors for old ones.
FLAGS = open("/proc/cpuinfo").read()
os.environ["OPENBLAS_CORETYPE"] = "SKYLAKEX" if "avx512f" in FLAGS else "HASWELL" if "avx2" in FLAGS else "NEHALEM"
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
if "avx512f" in FLAGS:
    os.environ["ATEN_CPU_CAPABILITY"] = "avx512"
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

VOCABULARY, CONTEXT, HEADS = 65, 64, 4
HIDDEN_AFTER = torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1)
FUSED_ATTENTION = hasattr(functional, "scaled_dot_product_attention")


class Norm(nn.Module):
    """LayerNorm with gain and shift, as the other side's."""

    def __init__(self, width):
        super().__init__()
        self.gain, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return functional.layer_norm(x, self.gain.shape, self.gain, self.shift, 1e-5)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention_norm, self.ffn_norm = Norm(width), Norm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        streams, tokens, width = x.shape
        parts = self.query_key_value(self.attention_norm(x)).split(width, 2)
        query, key, value = (part.view(streams, tokens, HEADS, width // HEADS).transpose(1, 2) for part in parts)
        if FUSED_ATTENTION:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            scores = (query @ key.transpose(-2, -1)) * (width // HEADS) ** -0.5
            mixed = torch.softmax(scores.masked_fill(HIDDEN_AFTER[:tokens, :tokens], -torch.inf), -1) @ value
        x = x + self.output(mixed.transpose(1, 2).reshape(streams, tokens, width))
        return x + self.down(functional.gelu(self.up(self.ffn_norm(x)), approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.position = nn.Parameter(torch.randn(CONTEXT, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.final_norm = Norm(width)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return self.final_norm(x) @ self.embedding.weight.t()


def make_optimiser(model, kind):
    for choice in ("fused", "foreach") if kind == "auto" else (kind,):
        try:
            flags = {choice: True} if choice != "loop" else {"foreach": False}
            made = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01, **flags)
            next(model.parameters()).grad = torch.zeros_like(next(model.parameters()))
            made.step()
            return made, choice
        except (RuntimeError, TypeError):
            if kind != "auto":
                raise
    raise SystemExit("torch_training: this PyTorch has neither a fused nor a foreach AdamW")


def main():
    arguments = argparse.ArgumentParser(description="PyTorch beside bench_training")
    arguments.add_argument("--core", type=int, help="the core to stay on; the last one that the process may use")
    arguments.add_argument("--optimiser", choices=("auto", "foreach", "fused", "loop"), default="auto")
    asked = arguments.parse_args()
    core = max(os.sched_getaffinity(0)) if asked.core is None else asked.core
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    torch.manual_seed(1)
    kind = make_optimiser(nn.Linear(2, 2), asked.optimiser)[1]
    attention = "fused attention" if FUSED_ATTENTION else "plain attention"
    print(f"ready torch {torch.__version__}, eager, {kind} AdamW, {attention}, core {core}", flush=True)
    trained = {}
    for line in sys.stdin:
        layers, width, streams, steps = map(int, line.split())
        if (layers, width, streams) not in trained:
            model = Decoder(layers, width)
            text = torch.randint(0, VOCABULARY, (streams, CONTEXT + 1))
            trained[layers, width, streams] = (model, make_optimiser(model, kind)[0], text)
        model, optimiser, text = trained[layers, width, streams]
        seconds = []
        for _ in range(steps):
            start = time.perf_counter()
            optimiser.zero_grad(set_to_none=True)
            logits = model(text[:, :-1])
            functional.cross_entropy(logits.reshape(-1, VOCABULARY), text[:, 1:].reshape(-1)).backward()
            optimiser.step()
            seconds.append(time.perf_counter() - start)
        print(statistics.median(seconds), sum(p.numel() for p in model.parameters()), flush=True)


if __name__ == "__main__":
    main()
