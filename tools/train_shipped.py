#!/usr/bin/python3
"""Trains the shipped character-level decoder and writes it as safetensors in bf16.

Usage: /usr/bin/python3 tools/train_shipped.py TEXT OUTPUT_DIRECTORY [--steps N] [--threads N]

TEXT is tinyshakespeare (public domain). The first 90 % trains, the last 10 % is held out and copied
beside the weights. Needs Debian's python3-torch (1.13) and nothing else.

The model is `lacuna::zoo::shipped`: 4 layers, width 128, 4 heads over 2 key/value heads, rotary positions
on interleaved pairs, RMSNorm before each sublayer, ReLU feed-forward of 512, context 256, tied head.
Held-out loss: mean nats per character over all non-overlapping windows of 256 predictions.
"""
import argparse
import json
import math
import pathlib
import struct
import time

import torch
import torch.nn.functional as functional

SEED = 20261124
LAYERS, WIDTH, HEADS, KV_HEADS, HIDDEN, CONTEXT = 4, 128, 4, 2, 512, 256
EPSILON, THETA = 1e-5, 10000.0
BATCH, PEAK_RATE, WARM_UP, DECAY = 32, 3e-3, 100, 0.1


def build(vocabulary):
    """Returns the parameters by lacuna's path names."""
    head = WIDTH // HEADS
    generator = torch.Generator().manual_seed(SEED)

    def normal(rows, columns, scale):
        return torch.randn(rows, columns, generator=generator) * scale

    deep = 0.08 / math.sqrt(2 * LAYERS)
    parameters = {"embedding.weight": normal(vocabulary, WIDTH, 0.08)}
    for layer in range(LAYERS):
        at = f"blocks.{layer}."
        parameters[at + "attention_norm.gain"] = torch.ones(WIDTH)
        parameters[at + "attention.query.weight"] = normal(HEADS * head, WIDTH, 0.08)
        parameters[at + "attention.key.weight"] = normal(KV_HEADS * head, WIDTH, 0.08)
        parameters[at + "attention.value.weight"] = normal(KV_HEADS * head, WIDTH, 0.08)
        parameters[at + "attention.output.weight"] = normal(WIDTH, HEADS * head, deep)
        parameters[at + "ffn_norm.gain"] = torch.ones(WIDTH)
        parameters[at + "ffn.up.weight"] = normal(HIDDEN, WIDTH, 0.08)
        parameters[at + "ffn.down.weight"] = normal(WIDTH, HIDDEN, deep)
    parameters["final_norm.gain"] = torch.ones(WIDTH)
    return parameters


def rms_norm(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * gain


def rotate(x, cosine, sine):
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2)


def forward(parameters, tokens):
    """(batch, tokens) -> (batch, tokens, vocabulary)"""
    batch, count = tokens.shape
    head = WIDTH // HEADS
    frequency = THETA ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    angle = torch.arange(count, dtype=torch.float64)[:, None] * frequency
    cosine, sine = angle.cos().float(), angle.sin().float()
    hidden_from = torch.full((count, count), float("-inf")).triu(1)
    x = parameters["embedding.weight"][tokens]
    for layer in range(LAYERS):
        at = f"blocks.{layer}."
        normed = rms_norm(x, parameters[at + "attention_norm.gain"])

        def project(name, heads):
            y = normed @ parameters[at + f"attention.{name}.weight"].T
            return y.view(batch, count, heads, head).transpose(1, 2)

        query = rotate(project("query", HEADS), cosine, sine)
        key = rotate(project("key", KV_HEADS), cosine, sine).repeat_interleave(HEADS // KV_HEADS, dim=1)
        value = project("value", KV_HEADS).repeat_interleave(HEADS // KV_HEADS, dim=1)
        scores = query @ key.transpose(-1, -2) / math.sqrt(head) + hidden_from
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, count, HEADS * head)
        x = x + mixed @ parameters[at + "attention.output.weight"].T
        normed = rms_norm(x, parameters[at + "ffn_norm.gain"])
        x = x + functional.relu(normed @ parameters[at + "ffn.up.weight"].T) @ parameters[at + "ffn.down.weight"].T
    return rms_norm(x, parameters["final_norm.gain"]) @ parameters["embedding.weight"].T


@torch.no_grad()
def held_out_loss(parameters, data):
    windows = (len(data) - 1) // CONTEXT
    x = data[: windows * CONTEXT].view(windows, CONTEXT)
    y = data[1 : windows * CONTEXT + 1].view(windows, CONTEXT)
    total = 0.0
    for first in range(0, windows, 64):
        logits = forward(parameters, x[first : first + 64])
        total += functional.cross_entropy(
            logits.flatten(0, 1).double(), y[first : first + 64].flatten(), reduction="sum"
        ).item()
    return total / (windows * CONTEXT)


def train(parameters, data, steps, held_out):
    for value in parameters.values():
        value.requires_grad_(True)
    matrices = [value for value in parameters.values() if value.dim() == 2]
    gains = [value for value in parameters.values() if value.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": gains, "weight_decay": 0.0}],
        lr=PEAK_RATE, betas=(0.9, 0.98),
    )
    generator = torch.Generator().manual_seed(SEED + 1)
    start = time.time()
    for step in range(steps):
        progress = max(0, step - WARM_UP) / max(1, steps - WARM_UP)
        rate = PEAK_RATE * min((step + 1) / WARM_UP, 0.5 * (1 + math.cos(math.pi * progress)) * 0.98 + 0.02)
        for group in optimiser.param_groups:
            group["lr"] = rate
        at = torch.randint(len(data) - CONTEXT, (BATCH,), generator=generator)
        window = torch.stack([data[i : i + CONTEXT + 1] for i in at.tolist()])
        loss = functional.cross_entropy(forward(parameters, window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
        optimiser.step()
        if step % 100 == 99 or step == 0:
            line = f"step {step + 1:5d}  loss {loss.item():.4f}  {time.time() - start:6.0f} s"
            if step % 500 == 499:
                line += f"  held-out {held_out_loss(parameters, held_out):.4f}"
            print(line, flush=True)


def write_safetensors(path, parameters, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, value in parameters.items():
        blob = struct.pack(f"<{value.numel()}h", *value.view(torch.int16).flatten().tolist())
        header[name] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text", type=pathlib.Path)
    arguments.add_argument("output", type=pathlib.Path)
    arguments.add_argument("--steps", type=int, default=3000)
    arguments.add_argument("--threads", type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    text = options.text.read_bytes().decode("ascii")
    alphabet = "".join(sorted(set(text)))
    data = torch.tensor([alphabet.index(character) for character in text])
    split = len(data) * 9 // 10
    parameters = build(len(alphabet))
    train(parameters, data[:split], options.steps, data[split:])
    exact = held_out_loss(parameters, data[split:])
    rounded = {name: value.detach().bfloat16() for name, value in parameters.items()}
    loss = held_out_loss({name: value.float() for name, value in rounded.items()}, data[split:])
    print(f"held-out loss: f32 {exact:.6f}, bf16 {loss:.6f} nats per character", flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "shipped.held_out.txt").write_bytes(text[split:].encode("ascii"))
    write_safetensors(options.output / "shipped.safetensors", rounded, {
        "lacuna.format": "1", "lacuna.recipe": "shipped", "lacuna.characters": alphabet,
        "lacuna.vocabulary": str(len(alphabet)), "lacuna.width": str(WIDTH), "lacuna.context": str(CONTEXT),
        "lacuna.layers": str(LAYERS), "lacuna.heads": str(HEADS), "lacuna.kv_heads": str(KV_HEADS),
        "lacuna.hidden": str(HIDDEN),
    })
    card = {
        "recipe": "lacuna::zoo::shipped", "parameters": sum(value.numel() for value in rounded.values()),
        "held_out_loss_nats": round(loss, 6), "held_out_loss_f32_nats": round(exact, 6), "seed": SEED,
        "steps": options.steps, "batch": BATCH, "context": CONTEXT, "peak_rate": PEAK_RATE, "weight_decay": DECAY,
        "script": "tools/train_shipped.py", "torch": torch.__version__,
        "data": "tinyshakespeare (William Shakespeare, public domain), first 90 % of the characters",
        "held_out": "the last 10 % of the characters, in shipped.held_out.txt",
    }
    (options.output / "shipped.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
