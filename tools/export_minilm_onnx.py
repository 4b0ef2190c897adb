#!/usr/bin/env python3
"""Writes all-MiniLM-L6-v2 as an ONNX graph, from ids to the sentence's embedding: for comparisons with ONNX Runtime.

Usage: tools/export_minilm_onnx.py [--check] FOLDER MODEL.onnx

FOLDER holds model.safetensors (scripts/fetch_minilm prints it). Needs the packages onnx, numpy and safetensors; --check
needs onnxruntime, too, and compares what it makes of random ids with the same network computed by numpy in f64.

Inputs:  ids (batch, tokens) int64, and mask (batch, tokens) int64: 1 where there is a token, 0 where there is padding.
Output:  embedding (batch, 384) f32: the mean of the tokens' rows, of length 1.

Attention is the fused operation of ONNX Runtime (com.microsoft), which is a few per cent faster than single operations
and which its optimiser makes of them only where it knows their pattern. The optimiser fuses norms with the sums before
them, and GELU with its bias.
"""
import math
import pathlib
import sys

import numpy

WIDTH, HEADS, LAYERS, HEAD = 384, 12, 6, 32
EPSILON = 1e-12


def read_weights(folder):
    """{name: array} in f32."""
    from safetensors.numpy import load_file
    return load_file(pathlib.Path(folder) / "model.safetensors")


def make_graph(weights):
    """The model as an onnx.ModelProto."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], {}

    def constant(name, value, kind=numpy.float32):
        if name not in constants:
            constants[name] = numpy_helper.from_array(numpy.array(value, dtype=kind, order="C"), name)
        return name

    def node(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", **attributes))
        return name

    def linear(x, name, to):
        weight = constant(f"{name}.weight", weights[f"{name}.weight"].T)
        product = node("MatMul", [x, weight], f"{to}.product")
        return node("Add", [product, constant(f"{name}.bias", weights[f"{name}.bias"])], to)

    def norm(x, name, to):
        gain, shift = (constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return node("LayerNormalization", [x, gain, shift], to, axis=-1, epsilon=EPSILON)

    table = "embeddings.{}_embeddings.weight".format
    words = node("Gather", [constant("words", weights[table("word")]), "ids"], "word_rows")
    # Every token is of type 0.
    typed = node("Add", [words, constant("type", weights[table("token_type")][0])], "typed_rows")
    length = node("Gather", [node("Shape", ["ids"], "ids_shape"), constant("one", [1], numpy.int64)], "length")
    places = constant("positions", weights[table("position")])
    positions = node("Slice", [places, constant("zero", [0], numpy.int64), length], "position_rows")
    x = norm(node("Add", [typed, positions], "embedding_sum"), "embeddings.LayerNorm", "embedded")

    seen = node("Cast", ["mask"], "mask_i32", to=TensorProto.INT32)
    for layer in range(LAYERS):
        of, to = f"encoder.layer.{layer}.", f"layer{layer}."
        three = [f"{of}attention.self.{which}" for which in ("query", "key", "value")]
        weight = constant(f"{to}qkv.weight", numpy.concatenate([weights[f"{name}.weight"].T for name in three], axis=1))
        bias = constant(f"{to}qkv.bias", numpy.concatenate([weights[f"{name}.bias"] for name in three]))
        mixed = node("Attention", [x, weight, bias, seen], f"{to}mixed", domain="com.microsoft", num_heads=HEADS)
        out = linear(mixed, f"{of}attention.output.dense", f"{to}attention")
        summed = node("Add", [out, x], f"{to}attention.sum")
        x = norm(summed, f"{of}attention.output.LayerNorm", f"{to}attention.normed")

        hidden = linear(x, f"{of}intermediate.dense", f"{to}hidden")
        # In the order in which PyTorch's exporter writes it: the optimiser knows that one.
        scaled = node("Div", [hidden, constant("root_two", math.sqrt(2))], f"{to}hidden.scaled")
        share = node("Add", [node("Erf", [scaled], f"{to}erf"), constant("unit", 1.0)], f"{to}erf.plus")
        gelu = node("Mul", [node("Mul", [hidden, share], f"{to}hidden.gated"), constant("half", 0.5)], f"{to}gelu")
        out = linear(gelu, f"{of}output.dense", f"{to}ffn")
        x = norm(node("Add", [out, x], f"{to}ffn.sum"), f"{of}output.LayerNorm", f"{to}normed")

    column = node("Unsqueeze", [node("Cast", ["mask"], "mask_rows", to=TensorProto.FLOAT),
                                constant("axis_2", [2], numpy.int64)], "mask_column")
    axis_1 = constant("axis_1", [1], numpy.int64)
    total = node("ReduceSum", [node("Mul", [x, column], "kept_rows"), axis_1], "total", keepdims=0)
    count = node("ReduceSum", [column, axis_1], "count", keepdims=0)
    count = node("Max", [count, constant("least", 1e-9)], "count_safe")
    mean = node("Div", [total, count], "mean")
    size = node("ReduceL2", [mean], "size", axes=[1], keepdims=1)
    size = node("Max", [size, constant("least_size", 1e-12)], "size_safe")
    node("Div", [mean, size], "embedding")

    def tensor(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes, "all-MiniLM-L6-v2",
        [tensor("ids", TensorProto.INT64, ["batch", "tokens"]), tensor("mask", TensorProto.INT64, ["batch", "tokens"])],
        [tensor("embedding", TensorProto.FLOAT, ["batch", WIDTH])], list(constants.values()),
        # What inference of shapes does not find out, and the fusion of norms needs.
        value_info=[tensor("embedding_sum", TensorProto.FLOAT, ["batch", "tokens", WIDTH])])
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=versions, producer_name="lacuna")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def embed_by_numpy(weights, ids, cast=numpy.float64):
    """The embedding of one list of ids, computed without ONNX, one head after the other."""
    erf = numpy.vectorize(math.erf, otypes=[cast])

    def get(name):
        return weights[name].astype(cast)

    def linear(x, name):
        return x @ get(f"{name}.weight").T + get(f"{name}.bias")

    def norm(x, name):
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = numpy.sqrt((centred * centred).mean(axis=1, keepdims=True) + EPSILON)
        return centred / deviation * get(f"{name}.weight") + get(f"{name}.bias")

    rows = get("embeddings.word_embeddings.weight")[numpy.asarray(ids)]
    rows = rows + get("embeddings.token_type_embeddings.weight")[0]
    x = norm(rows + get("embeddings.position_embeddings.weight")[:len(ids)], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        of = f"encoder.layer.{layer}."
        query, key, value = (linear(x, f"{of}attention.self.{which}") for which in ("query", "key", "value"))
        mixed = numpy.empty_like(x)
        for head in range(HEADS):
            columns = slice(head * HEAD, (head + 1) * HEAD)
            scores = query[:, columns] @ key[:, columns].T / math.sqrt(HEAD)
            powers = numpy.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, columns] = powers / powers.sum(axis=1, keepdims=True) @ value[:, columns]
        x = norm(x + linear(mixed, f"{of}attention.output.dense"), f"{of}attention.output.LayerNorm")
        hidden = linear(x, f"{of}intermediate.dense")
        gelu = hidden * (1 + erf(hidden / math.sqrt(2))) / 2
        x = norm(x + linear(gelu, f"{of}output.dense"), f"{of}output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / numpy.sqrt((mean * mean).sum())


def open_session(path_or_bytes, optimised_to=None):
    """An ONNX Runtime session: f32, every optimisation of graphs, one thread."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    if optimised_to:
        options.optimized_model_filepath = str(optimised_to)
    return onnxruntime.InferenceSession(path_or_bytes, options, providers=["CPUExecutionProvider"])


def embed(session, ids):
    """The embedding of one list of ids, without padding."""
    row = numpy.array([ids], dtype=numpy.int64)
    return session.run(["embedding"], {"ids": row, "mask": numpy.ones_like(row)})[0][0]


def check(weights, model):
    session = open_session(model.SerializeToString())
    draw = numpy.random.default_rng(5)
    worst = 0.0
    for length in (2, 3, 16, 50, 128, 256):
        ids = [101, *draw.integers(1000, 30522, length - 2).tolist(), 102]
        expected = embed_by_numpy(weights, ids)
        # Padding changes nothing: once without, once with a longer row.
        padded = numpy.zeros((1, length + 5), dtype=numpy.int64)
        padded[0, :length] = ids
        mask = (numpy.arange(length + 5) < length).astype(numpy.int64)[None]
        with_padding = session.run(None, {"ids": padded, "mask": mask})[0][0]
        worst = max(worst, abs(embed(session, ids) - expected).max(), abs(with_padding - expected).max())
    print(f"largest difference from numpy in f64: {worst:.2e}")
    if not worst <= 1e-6:
        sys.exit("export_minilm_onnx: expected a difference of at most 1e-6")


def main():
    arguments = [word for word in sys.argv[1:] if word != "--check"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    weights = read_weights(arguments[0])
    model = make_graph(weights)
    pathlib.Path(arguments[1]).write_bytes(model.SerializeToString())
    if "--check" in sys.argv:
        check(weights, model)


if __name__ == "__main__":
    main()
