#!/usr/bin/python3
"""Writes what an independent implementation says about losses and their gradients.

Usage: /usr/bin/python3 tests/reference/losses.py          (rewrites losses.txt beside it)

Values by torch's own losses where it has them, otherwise by the papers' formulas written with its tensors; gradients by
its automatic differentiation; all f64. Nothing is taken from the library. Read by tests/laws/losses_reference.cpp.

Versions:   Debian 12, python 3.11, torch 1.13.1.
Numbers:    the counter-based ones of make.py, in [-1/2, 1/2), times 4: first what is predicted, then the target, row by
            row. Each case has a seed of its own. All are exact in f32.
Format:     per case `NAME SEED ROWS COLUMNS TARGET_COLUMNS`, the value, and ROWS lines of COLUMNS numbers, the
            gradient by what is predicted. `info_nce_both` has the target's gradient behind it.
Tolerance:  1e-10 of the largest number in f64, 1e-5 in f32.
"""
import pathlib

import torch
import torch.nn.functional as F

from drawn import drawn

HERE = pathlib.Path(__file__).resolve().parent


def arrays(seed, *shapes):
    counter, made = 0, []
    for rows, columns in shapes:
        numbers = [4 * drawn(seed, counter + i) for i in range(rows * columns)]
        counter += rows * columns
        made.append(torch.tensor(numbers, dtype=torch.float64).reshape(rows, columns))
    return made


def soft_cross_entropy(x, y, temperature):
    """Hinton et al. 2015, section 2: y are the teacher's logits."""
    return temperature ** 2 * F.cross_entropy(x / temperature, F.softmax(y / temperature, dim=-1))


def kl_divergence(x, y, temperature):
    return temperature ** 2 * F.kl_div(F.log_softmax(x / temperature, dim=-1), F.log_softmax(y / temperature, dim=-1),
                                       reduction="batchmean", log_target=True)


def square_head(x, y):
    """Kurtic et al. 2023."""
    return F.mse_loss(x, y) / (F.mse_loss(y, torch.zeros_like(y)) + 2.0 ** -7)


def info_nce(x, y, temperature, cosine):
    if cosine:
        x, y = F.normalize(x, dim=-1), F.normalize(y, dim=-1)
    return F.cross_entropy(x @ y.T / temperature, torch.arange(len(x)))


def density(x, y, epsilon):
    return (x ** 2 / (x ** 2 + epsilon)).mean()


def hsic(k, l):
    """Song et al. 2012, the unbiased estimator."""
    n = len(k)
    k, l = k - torch.diag(torch.diag(k)), l - torch.diag(torch.diag(l))
    one = torch.ones(n, 1, dtype=torch.float64)
    sums = (one.T @ k @ one) * (one.T @ l @ one) / ((n - 1) * (n - 2))
    return ((k @ l).trace() + sums - 2 / (n - 2) * (one.T @ k @ l @ one)).squeeze() / (n * (n - 3))


def hsic_biased(k, l):
    n = len(k)
    h = torch.eye(n, dtype=torch.float64) - 1 / n
    return (k @ h @ l @ h).trace() / (n - 1) ** 2


def alignment(x, y, estimate):
    """Kornblith et al. 2019, eq. (4), linear."""
    k, l = x @ x.T, y @ y.T
    return 1 - estimate(k, l) / (estimate(k, k) * estimate(l, l)).sqrt()


CASES = [
    ("soft_cross_entropy", 1, 5, 7, 7, lambda x, y: soft_cross_entropy(x, y, 1)),
    ("soft_cross_entropy_warm", 2, 5, 7, 7, lambda x, y: soft_cross_entropy(x, y, 2.5)),
    ("kl_divergence", 3, 4, 9, 9, lambda x, y: kl_divergence(x, y, 1)),
    ("kl_divergence_warm", 4, 4, 9, 9, lambda x, y: kl_divergence(x, y, 3)),
    ("mean_squared_error", 5, 6, 5, 5, F.mse_loss),
    ("square_head", 6, 6, 5, 5, square_head),
    ("info_nce", 7, 6, 4, 4, lambda x, y: info_nce(x, y, 0.2, True)),
    ("info_nce_dot", 8, 6, 4, 4, lambda x, y: info_nce(x, y, 1, False)),
    ("info_nce_both", 9, 6, 4, 4, lambda x, y: info_nce(x, y, 0.5, True)),
    ("density_penalty", 10, 6, 5, 5, lambda x, y: density(x, y, 0.04)),
    ("alignment", 11, 8, 5, 3, lambda x, y: alignment(x, y, hsic)),
    ("alignment_biased", 12, 8, 5, 3, lambda x, y: alignment(x, y, hsic_biased)),
]


def line(numbers):
    return " ".join(repr(float(number)) for number in numbers)


def main():
    lines = []
    for name, seed, rows, columns, target_columns, loss in CASES:
        x, y = arrays(seed, (rows, columns), (rows, target_columns))
        x.requires_grad_(True), y.requires_grad_(True)
        value = loss(x, y)
        value.backward()
        lines += [f"{name} {seed} {rows} {columns} {target_columns}", line([value])]
        lines += [line(row) for row in x.grad]
        if name == "info_nce_both":
            lines += [line(row) for row in y.grad]
    (HERE / "losses.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
