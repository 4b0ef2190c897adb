"""What the scripts of this folder share: drawing inputs, the text format, a softmax, and a dense oracle for checks.

No mechanism computes its output through anything here but `softmax`.
"""
import copy
import pathlib

import numpy

HERE = pathlib.Path(__file__).resolve().parent


def softmax(scores):
    """Of a list of scores, as an array. A list without entries has no weights."""
    scores = numpy.asarray(scores, dtype=float)
    if scores.size == 0:
        return scores
    weights = numpy.exp(scores - scores.max())
    return weights / weights.sum()


class Case:
    """Named integers, reals, tensors (f64) and indices of one example, in the order in which they were given."""

    def __init__(self, name, seed, **integers):
        self.name, self.seed = name, seed
        self.random = numpy.random.default_rng(seed)
        self.values = {key: int(value) for key, value in integers.items()}
        self.exact_ties = False  # whether selections depend on equal numbers, which noise would break

    def __getitem__(self, key):
        return self.values[key]

    def __contains__(self, key):
        return key in self.values

    def real(self, key, value):
        self.values[key] = float(value)
        return self

    def tensor(self, key, values):
        """Rounded to three decimals, so that the file is short and holds exactly what was computed with."""
        self.values[key] = numpy.round(numpy.asarray(values, dtype=float), 3) + 0.0
        return self

    def indices(self, key, values):
        self.values[key] = numpy.asarray(values, dtype=int)
        return self

    def normal(self, key, *extents, variance=1.0):
        return self.tensor(key, self.random.standard_normal(extents) * variance ** 0.5)

    def weight(self, key, outputs, inputs):
        """A projection (outputs, inputs): N(0, 1 / inputs)."""
        return self.normal(key, outputs, inputs, variance=1 / inputs)

    def projections(self, key_value_width=None):
        """query, key, value, output of an attention whose heads together are as wide as the stream."""
        width = self["width"]
        narrow = key_value_width or width
        for key, outputs in (("query", width), ("key", narrow), ("value", narrow), ("output", width)):
            self.weight(f"{key}.weight", outputs, width)
        return self

    def with_(self, **changes):
        """A copy with other values; `__` stands for a dot."""
        other = copy.copy(self)
        other.values = dict(self.values)
        for key, value in changes.items():
            other.values[key.replace("__", ".")] = value
        return other

    def moved(self, move):
        """A copy with every tensor changed by a function."""
        return self.with_(**{key.replace(".", "__"): move(value) for key, value in self.values.items()
                             if isinstance(value, numpy.ndarray) and value.dtype.kind == "f"})


def dense(query, key, value, visible, scale):
    """For checks only: softmax attention of one head by matrices; rows that see nothing give 0."""
    scores = numpy.where(visible, query @ key.T * scale, -numpy.inf)
    top = scores.max(axis=1, keepdims=True)
    weights = numpy.where(visible, numpy.exp(scores - numpy.where(numpy.isfinite(top), top, 0)), 0)
    total = weights.sum(axis=1, keepdims=True)
    return numpy.divide(weights, total, out=numpy.zeros_like(weights), where=total > 0) @ value


def dense_layer(case, visible, scale=None):
    """For checks only: the layer of `dense` heads; `visible` (tokens, tokens)."""
    heads, dh = case["heads"], case["width"] // case["heads"]
    group = heads // (case["kv_heads"] if "kv_heads" in case else heads)
    q, k, v = (case["x"] @ case[f"{name}.weight"].T for name in ("query", "key", "value"))
    mixed = [dense(q[:, h * dh:(h + 1) * dh], k[:, h // group * dh:(h // group + 1) * dh],
                   v[:, h // group * dh:(h // group + 1) * dh], visible, scale or dh ** -0.5) for h in range(heads)]
    return numpy.concatenate(mixed, axis=1) @ case["output.weight"].T


def triangle(tokens):
    return numpy.tril(numpy.ones((tokens, tokens), dtype=bool))


def everything(tokens):
    return numpy.ones((tokens, tokens), dtype=bool)


def same(left, right, tolerance=1e-12):
    """Asserts that two arrays agree up to rounding."""
    left, right = numpy.asarray(left), numpy.asarray(right)
    assert left.shape == right.shape, (left.shape, right.shape)
    difference = float(numpy.abs(left - right).max(initial=0))
    assert difference <= tolerance * max(1.0, float(numpy.abs(right).max(initial=0))), difference


def differs(left, right, least=1e-3):
    """Asserts that two arrays are not the same: what distinguishes them is at work in this case."""
    assert float(numpy.abs(numpy.asarray(left) - numpy.asarray(right)).max()) > least


def sees_only_the_past(compute, case, name, token=None):
    """Asserts that changing a token's input leaves the output of all earlier ones as it is, bit for bit."""
    token = case["tokens"] * 2 // 3 if token is None else token
    x = case["x"].copy()
    x[token] += 1
    before, after = compute(case)[name], compute(case.with_(x=x))[name]
    assert (before[:token] == after[:token]).all()
    differs(before[token], after[token], 1e-6)


# The text format: README.md.

def text_of(key, value):
    if isinstance(value, int):
        return [f"integer {key} {value}"]
    if isinstance(value, float):
        return [f"real {key} {value:.9g}"]
    value = numpy.asarray(value)
    kind, form = ("tensor", "{:.9g}") if value.dtype.kind == "f" else ("indices", "{}")
    extents = " ".join(map(str, value.shape))
    rows = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value.reshape(1, -1)
    return [f"{kind} {key} {value.ndim} {extents}"] + [" ".join(form.format(of) for of in row) for row in rows]


def written(case, outputs):
    lines = [f"case {case.name}", f"integer seed {case.seed}"]
    for values in (case.values, outputs):
        for key, value in values.items():
            lines += text_of(key, value)
    return lines + ["end"]


def read(path):
    """The cases of a file, as dictionaries with the case's name under `case`."""
    words = iter(path.read_text("ascii").split())
    cases = []
    for word in words:
        if word == "case":
            cases.append({"case": next(words)})
        elif word in ("integer", "real"):
            key = next(words)
            cases[-1][key] = (int if word == "integer" else float)(next(words))
        elif word in ("tensor", "indices"):
            key = next(words)
            extents = [int(next(words)) for _ in range(int(next(words)))]
            number = float if word == "tensor" else int
            numbers = [number(next(words)) for _ in range(int(numpy.prod(extents)))]
            cases[-1][key] = numpy.array(numbers, dtype=number).reshape(extents)
        else:
            assert word == "end", word
    return cases


def make(name, cases, compute, check):
    """Computes, checks and writes a mechanism's cases; then reads the file and computes again from what it says."""
    lines = []
    for case in cases:
        outputs = compute(case)
        check(case, outputs)
        noise = numpy.random.default_rng(case.seed + 1)
        moves = [lambda tensor: tensor.astype(numpy.float32).astype(float)]
        if not case.exact_ties:
            moves.append(lambda tensor: tensor * (1 + 1e-6 * noise.standard_normal(tensor.shape)))
        for move in moves:
            # f32 selects as f64 does, and the outputs do not magnify rounding.
            for key, value in compute(case.moved(move)).items():
                wanted = outputs[key]
                if wanted.dtype.kind == "i":
                    assert (value == wanted).all(), (case.name, key)
                else:
                    assert numpy.abs(value - wanted).max() <= 1e-5 * numpy.abs(wanted).max(), (case.name, key)
        lines += written(case, outputs)
    path = HERE / f"{name}.txt"
    path.write_text("\n".join(lines) + "\n", "ascii")
    for case, stored in zip(cases, read(path), strict=True):
        assert stored.pop("case") == case.name and stored.pop("seed") == case.seed
        again = case.with_()
        again.values = {key: stored[key] for key in case.values}
        outputs = compute(again)
        assert set(stored) == set(case.values) | set(outputs)
        for key, value in outputs.items():
            same(stored[key], value, 1e-8)
        largest = max(float(numpy.abs(value).max()) for value in outputs.values() if value.dtype.kind == "f")
        print(f"{name}: {case.name}, seed {case.seed}, largest output {largest:.3f}")
    return path.stat().st_size
