"""Block windows, global blocks and random blocks. Zaheer et al. (2020), arXiv 2007.14062, section 2, internal form.

Blocks of `block` tokens. The first and the last block are global: they see all, all see them. A block b between
sees blocks {0, last} and {b - 1, b, b + 1} and its random blocks, as a set: no key counts twice (blocks 1 and last - 1
see one block less). `random_blocks` (blocks, random) holds the draws, without replacement, outside the band and the
global blocks, -1 in the rows of the global blocks; shared by all heads (the released code draws per head). Not causal.
"""
import numpy

from support import Case, dense_layer, everything, same, softmax


def cases():
    for seed, tokens, width, heads, block, count in ((501, 48, 24, 3, 4, 2), (502, 48, 16, 2, 8, 1)):
        case = Case(f"bigbird_{block}", seed, tokens=tokens, width=width, heads=heads, block=block, random=count)
        blocks = tokens // block
        drawn = -numpy.ones((blocks, count), dtype=int)
        for b in range(1, blocks - 1):
            free = sorted(set(range(blocks)) - {0, blocks - 1, b - 1, b, b + 1})
            drawn[b] = sorted(case.random.choice(free, count, replace=False))
        yield case.indices("random_blocks", drawn).projections().normal("x", tokens, width)


def visible_blocks(case, b):
    last = case["tokens"] // case["block"] - 1
    if b in (0, last):
        return list(range(last + 1))
    return sorted({0, last, b - 1, b, b + 1} | {int(r) for r in case["random_blocks"][b]})


def compute(case):
    n, heads, block = case["tokens"], case["heads"], case["block"]
    dh = case["width"] // heads
    q, k, v = ((case["x"] @ case[f"{name}.weight"].T).reshape(n, heads, dh) for name in ("query", "key", "value"))
    mixed = numpy.zeros((n, heads, dh))
    for b in range(n // block):
        keys = [token for seen in visible_blocks(case, b) for token in range(seen * block, (seen + 1) * block)]
        for i in range(b * block, (b + 1) * block):
            for h in range(heads):
                weights = softmax([q[i, h] @ k[j, h] / dh ** 0.5 for j in keys])
                mixed[i, h] = sum(w * v[j, h] for w, j in zip(weights, keys))
    return {"y": mixed.reshape(n, heads * dh) @ case["output.weight"].T}


def check(case, outputs):
    n, block, count = case["tokens"], case["block"], case["random"]
    blocks = n // block
    seen = [len(visible_blocks(case, b)) for b in range(blocks)]
    assert seen[0] == seen[-1] == blocks and seen[1] == seen[-2] == 4 + count
    assert all(of == 5 + count for of in seen[2:-2])
    visible = numpy.zeros((n, n), dtype=bool)
    for b in range(blocks):
        for other in visible_blocks(case, b):
            visible[b * block:(b + 1) * block, other * block:(other + 1) * block] = True
    same(outputs["y"], dense_layer(case, visible))
    covered = case.with_(random_blocks=numpy.tile(numpy.arange(blocks), (blocks, 1)))
    same(compute(covered)["y"], dense_layer(case, everything(n)))
