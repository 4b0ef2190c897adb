#!/usr/bin/python3
"""Writes what torch's own encoder says about a small iTransformer: the forecast and every gradient.

Usage: /usr/bin/python3 tests/reference/series.py          (a second; rewrites series.txt beside it)

The blocks are torch.nn.TransformerEncoder, in f64, with autograd; around them stand the paper's formulas. Nothing is
taken from the library. Read by tests/laws/regressor.cpp.

Versions:   Debian 12, python 3.11, python3-torch 1.13.0a0. Other versions may move the last two digits.
Recipe:     `recipes::inverted`: 3 variates and a covariate, 10 steps to 5, 8 columns, 2 heads, 12 neurons, 2 blocks.
Parameters: no file; a counter runs over all of them in the order of the tensors, row by row, with seed 1 and the formula
            of make.py; gains are 1 more. Exact in f32 and f64.
Window:     step t, column c: 2 - c + (1 + c / 2) 4 n, where n has seed 2 and counter 4 t + c.
Loss:       the mean square of forecast - target; target h, v has seed 3 and counter 3 h + v.
Epsilons:   1e-5, rounded to f32, as in the recipe's types.
Format:     `loss L`; `NAME SIZE` and SIZE numbers each for `forecast`, `window` (the gradient of the window), and every
            parameter's gradient by its path, in order.
Detaching:  the released code takes the mean for a constant and not the standard deviation. The script checks that the
            parameters' gradients are the same either way; `window` is the gradient through both.
Tolerances: f64: 1e-10 of the largest number of the forecast, 1e-9 of the tensor's largest gradient (of the model's
            where the true gradient is 0). f32: 1e-5 of the forecast's largest.
"""
import pathlib

import torch

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent
VARIATES, COVARIATES, LOOKBACK, HORIZON, WIDTH, HEADS, HIDDEN, BLOCKS = 3, 1, 10, 5, 8, 2, 12, 2
SERIES = VARIATES + COVARIATES
EPSILON = torch.tensor(1e-5, dtype=torch.float32).item()


def norm(module, path):
    return [(f"{path}.gain", module.weight), (f"{path}.shift", module.bias)]


def linear(module, path):
    return [(f"{path}.weight", module.weight), (f"{path}.bias", module.bias)]


class Forecaster(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Linear(LOOKBACK, WIDTH)
        layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.0, torch.nn.functional.gelu, EPSILON,
                                                 batch_first=True, norm_first=False)
        self.encoder = torch.nn.TransformerEncoder(layer, BLOCKS, torch.nn.LayerNorm(WIDTH, EPSILON))
        self.head = torch.nn.Linear(WIDTH, HORIZON)

    def forward(self, window, detached):
        """Liu et al. 2024, section 3.1; a window (steps, series) to (steps, variates)."""
        variates, rest = window[:, :VARIATES], window[:, VARIATES:]
        mean = variates.mean(0, keepdim=True)
        if detached:
            mean = mean.detach()
        deviation = torch.sqrt(torch.var(variates - mean, 0, unbiased=False, keepdim=True) + EPSILON)
        tokens = self.embedding(torch.cat(((variates - mean) / deviation, rest), 1).T)
        out = self.head(self.encoder(tokens[None])[0])
        return out[:VARIATES].T * deviation + mean

    def tensors(self):
        """The library's paths and the parameters, or parts of parameters, that they are."""
        yield from linear(self.embedding, "embedding")
        for number, block in enumerate(self.encoder.layers):
            at = f"blocks.{number}"
            yield from norm(block.norm1, f"{at}.attention_norm")
            for part, name in enumerate(("query", "key", "value")):
                rows = slice(part * WIDTH, (part + 1) * WIDTH)
                yield f"{at}.attention.{name}.weight", (block.self_attn.in_proj_weight, rows)
                yield f"{at}.attention.{name}.bias", (block.self_attn.in_proj_bias, rows)
            yield from linear(block.self_attn.out_proj, f"{at}.attention.output")
            yield from norm(block.norm2, f"{at}.ffn_norm")
            yield from linear(block.linear1, f"{at}.ffn.up")
            yield from linear(block.linear2, f"{at}.ffn.down")
        yield from norm(self.encoder.norm, "final_norm")
        yield from linear(self.head, "head")


def part_of(which, gradient=False):
    whole, rows = which if isinstance(which, tuple) else (which, slice(None))
    return (whole.grad if gradient else whole)[rows]


@torch.no_grad()
def draw(model):
    counter = 0
    for path, which in model.tensors():
        tensor = part_of(which)
        numbers = [drawn(1, counter + i) for i in range(tensor.numel())]
        counter += tensor.numel()
        tensor.copy_(torch.tensor(numbers, dtype=torch.float64).reshape(tensor.shape) + path.endswith(".gain"))


def evaluate(model, window, target, detached):
    model.zero_grad()
    window.grad = None
    forecast = model(window, detached)
    loss = (forecast - target).square().mean()
    loss.backward()
    return forecast, loss, [part_of(which, True).clone() for _, which in model.tensors()]


def main():
    torch.set_num_threads(1)
    model = Forecaster().double()
    draw(model)
    window = torch.tensor([[2 - c + (1 + c / 2) * 4 * drawn(2, SERIES * t + c) for c in range(SERIES)]
                           for t in range(LOOKBACK)], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[drawn(3, VARIATES * h + v) for v in range(VARIATES)] for h in range(HORIZON)],
                          dtype=torch.float64)
    _, _, detached = evaluate(model, window, target, True)
    of_window = window.grad.clone()
    forecast, loss, gradients = evaluate(model, window, target, False)
    assert all(torch.equal(left, right) for left, right in zip(detached, gradients))
    assert not torch.allclose(of_window, window.grad)

    written = [("forecast", forecast), ("window", window.grad)]
    written += [(path, gradient) for (path, _), gradient in zip(model.tensors(), gradients)]
    lines = [f"loss {loss.item()!r}"]
    for name, tensor in written:
        lines += [f"{name} {tensor.numel()}", " ".join(f"{value:.14g}" for value in tensor.flatten().tolist())]
    (HERE / "series.txt").write_text("\n".join(lines) + "\n")
    print(f"loss {loss.item():.6f}, largest forecast {forecast.abs().max().item():.3f}")


main()
