#!/usr/bin/python3
"""Writes what an independent implementation says about sparse weights that learn, for tests/laws/masks_reference.cpp.

Usage: /usr/bin/python3 tests/reference/masks.py          (rewrites masks.txt beside it)

A feed-forward between two RMSNorms, with 2 of every 4 entries of its weights kept, learns by gradient descent with
momentum; gradients by torch's autograd through the papers' formulas, f64. Nothing is taken from the library.

Versions:   Debian 12, python 3.11, python3-torch 1.13.0a0.
Model:      e = embedding[token]; y = e + down relu(up norm(e)); logits = embedding final_norm(y); widths 7, 8, 16.
Parameters: the counter-based numbers of make.py in the order embedding, norm, up, down, final norm; gains are 1 + number.
Training:   STEPS steps on STREAM, each token predicting the next; rate 1/4, momentum 1/2. Before each of them the mask
            is chosen anew, the two largest of every four inputs; decaying masks multiply the rest by SHARES, rounded to
            a 2^24th.
Rules:      kept_entries: Zhou et al. 2021, arXiv 2102.04010, before eq. (5); what the mask leaves out is 0 after a step.
            straight_through: its eq. (5). sr_ste: its eq. (8), with lambda = 1/8.
            decaying: Bambhaniya et al. 2024, arXiv 2402.04744, section 3, MdGF, gradients decaying with the mask;
            decaying_straight_through: the same masks with the whole gradient.
Format:     per rule `RULE SEED`, then per step `LOSS CHANGED`, how many entries of the mask came or went, and last the
            line of all parameters.
Tolerance:  1e-10 of the largest parameter, in f64; losses 1e-10.
"""
import pathlib

import torch
import torch.nn.functional as functional

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent
STREAM = [3, 1, 4, 1, 5, 2, 6, 0]
SHAPES = [(7, 8), (8,), (16, 8), (8, 16), (8,)]
GAINS, MASKED = (1, 4), (2, 3)
RATE, MOMENTUM, SHRINKAGE = 0.25, 0.5, 0.125
SHARES = [1, 0.7, 0.4, 0.1, 0, 0]
STEPS = len(SHARES)


def two_of_four(w):
    """Ones where the two largest of every four neighbours are; equal ones are refused."""
    groups = w.detach().abs().reshape(-1, 4)
    ordered = groups.sort(1, descending=True).values
    assert (ordered[:, 1] > ordered[:, 2]).all(), "two candidates are equally large"
    return (groups >= ordered[:, 1:2]).double().reshape(w.shape)


def without_gradient(forward, w):
    """`forward` as a value, with the gradient of w."""
    return w + (forward - w).detach()


def rms_norm(x, gain):
    epsilon = torch.tensor(1e-5, dtype=torch.float32).item()
    return x / (x.pow(2).mean(-1, keepdim=True) + epsilon).sqrt() * gain


def train(rule, seed):
    counter, parameters = 0, []
    for at, shape in enumerate(SHAPES):
        size = torch.Size(shape).numel()
        numbers = torch.tensor([drawn(seed, counter + i) for i in range(size)], dtype=torch.float64).reshape(shape)
        counter += size
        parameters.append((numbers + (1 if at in GAINS else 0)).requires_grad_(True))
    moments = [torch.zeros_like(p) for p in parameters]
    masks = {at: torch.ones_like(parameters[at]) for at in MASKED}
    lines = []
    for step in range(STEPS):
        share = round(SHARES[step] * 2 ** 24) / 2 ** 24 if rule.startswith("decaying") else 0
        changed, used = 0, list(parameters)
        for at in MASKED:
            w = parameters[at]
            chosen = two_of_four(w)
            changed += int((chosen != masks[at]).sum())
            masks[at] = chosen
            used[at] = w * (chosen + share * (1 - chosen))
            if rule not in ("kept_entries", "decaying"):
                used[at] = without_gradient(used[at], w)
        embedding, gain, up, down, final = used
        e = embedding[torch.tensor(STREAM[:-1])]
        y = e + functional.linear(functional.relu(functional.linear(rms_norm(e, gain), up)), down)
        loss = functional.cross_entropy(rms_norm(y, final) @ embedding.T, torch.tensor(STREAM[1:]))
        for p in parameters:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for at, (p, moment) in enumerate(zip(parameters, moments)):
                gradient = p.grad
                if at in MASKED and rule == "sr_ste":
                    gradient = gradient + SHRINKAGE * (1 - masks[at]) * p
                moment.mul_(MOMENTUM).add_(gradient)
                p -= RATE * moment
                if at in MASKED and share == 0 and rule in ("kept_entries", "decaying"):
                    p *= masks[at]
                    moment *= masks[at]
        lines.append(f"{loss.item()!r} {changed}")
    lines.append(" ".join(repr(number.item()) for p in parameters for number in p.flatten()))
    return lines


def main():
    lines = []
    rules = ("kept_entries", "straight_through", "sr_ste", "decaying", "decaying_straight_through")
    for seed, rule in enumerate(rules, start=1):
        lines += [f"{rule} {seed}", *train(rule, seed)]
    (HERE / "masks.txt").write_text("\n".join(lines) + "\n")


main()
