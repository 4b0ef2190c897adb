"""Window and global tokens. Beltagy, Peters and Cohan (2020), arXiv 2004.05150, section 3; the released longformer.py.

A local row sees |i - j| <= window_each_side and the global tokens, each once, through query, key and value. A global
row sees every token through global_query, global_key and global_value, and replaces what was computed locally. One
output projection. A local row reads global tokens through the local key and value, as the released code does.
"""
import numpy

from support import Case, dense_layer, differs, everything, same, softmax


def cases():
    for seed, tokens, width, heads, window, chosen in ((401, 21, 24, 3, 3, [0, 12]), (402, 40, 16, 2, 4, [0, 1, 39])):
        case = Case(f"longformer_{tokens}", seed, tokens=tokens, width=width, heads=heads, window_each_side=window)
        case.indices("global_tokens", chosen).projections()
        for name in ("global_query", "global_key", "global_value"):
            case.weight(f"{name}.weight", width, width)
        yield case.normal("x", tokens, width)


def compute(case):
    n, heads, window = case["tokens"], case["heads"], case["window_each_side"]
    dh = case["width"] // heads
    chosen = set(int(token) for token in case["global_tokens"])
    x = case["x"]
    mixed = numpy.zeros((n, heads, dh))

    def project(name):
        return (x @ case[f"{name}.weight"].T).reshape(n, heads, dh)

    q, k, v = project("query"), project("key"), project("value")
    for i in range(n):
        visible = sorted(chosen | {j for j in range(n) if abs(i - j) <= window})
        for h in range(heads):
            weights = softmax([(q[i, h] / dh ** 0.5) @ k[j, h] for j in visible])
            mixed[i, h] = sum(w * v[j, h] for w, j in zip(weights, visible))
    q, k, v = project("global_query"), project("global_key"), project("global_value")
    for i in chosen:
        for h in range(heads):
            weights = softmax([(q[i, h] / dh ** 0.5) @ k[j, h] for j in range(n)])
            mixed[i, h] = sum(weights[j] * v[j, h] for j in range(n))
    return {"y": mixed.reshape(n, heads * dh) @ case["output.weight"].T}


def check(case, outputs):
    n = case["tokens"]
    none, all_of_them = numpy.array([], dtype=int), numpy.arange(n)
    local = {f"global_{name}__weight": case[f"{name}.weight"] for name in ("query", "key", "value")}
    whole = dense_layer(case, everything(n))
    same(compute(case.with_(window_each_side=n - 1, global_tokens=none))["y"], whole)
    same(compute(case.with_(window_each_side=0, global_tokens=none))["y"],
         case["x"] @ case["value.weight"].T @ case["output.weight"].T)
    same(compute(case.with_(global_tokens=all_of_them, **local))["y"], whole)
    distance = numpy.abs(numpy.subtract.outer(range(n), range(n)))
    visible = distance <= case["window_each_side"]
    visible[:, case["global_tokens"]] = True
    rows = [i for i in range(n) if i not in case["global_tokens"]]
    same(outputs["y"][rows], dense_layer(case, visible)[rows])
    differs(outputs["y"], compute(case.with_(**local))["y"])
    others = case.with_(**{f"{name}__weight": case[f"global_{name}.weight"] for name in ("query", "key", "value")})
    same(outputs["y"][case["global_tokens"]], dense_layer(others, everything(n))[case["global_tokens"]])
