#!/usr/bin/env python3
"""ONNX Runtime on all-MiniLM-L6-v2 as the other side of a benchmark: it times one call for every line that it is sent.

Usage: bench/onnxruntime_minilm.py [--core N] [--embeddings] FOLDER

FOLDER holds model.safetensors (scripts/fetch_minilm prints it). Needs the packages onnxruntime, onnx, numpy and
safetensors. The session is f32, with every optimisation of graphs, on one thread, which is kept on core N (the last one
that the process may use). The graph is that of tools/export_minilm_onnx.py: ids to embedding, no padding.

Protocol, by lines, so that a benchmark can start this as a process beside it and take turns with it:
  it writes   ready onnxruntime <version> core <N>       once, when the model is loaded
  it reads    <id> <id> ...                              token ids, [CLS] and [SEP] among them, 1 to 512 of them
  it writes   <seconds>                                  how long the one call for them took; with --embeddings, the 384
                                                         numbers of the embedding behind it
          or  error <sentence>                           for a line that is not that; nothing was run
It ends when its input ends. While it waits it computes nothing. The first calls of a length are slower, as memory is
laid out for them: send a line a few times before you count.
"""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import export_minilm_onnx as minilm  # noqa: E402
import numpy  # noqa: E402
import onnxruntime  # noqa: E402

LONGEST, VOCABULARY = 512, 30522


def ids_of(line):
    """The ids of a line, or a sentence that says what is wrong with it."""
    try:
        ids = [int(word) for word in line.split()]
    except ValueError:
        return None, "expected ids, found something else"
    if not 1 <= len(ids) <= LONGEST:
        return None, f"expected 1 to {LONGEST} ids, found {len(ids)}"
    if not all(0 <= number < VOCABULARY for number in ids):
        return None, f"expected ids below {VOCABULARY}, found another"
    return ids, None


def main():
    arguments = sys.argv[1:]
    with_embeddings = "--embeddings" in arguments
    if with_embeddings:
        arguments.remove("--embeddings")
    core = max(os.sched_getaffinity(0))
    if "--core" in arguments:
        at = arguments.index("--core")
        core = int(arguments[at + 1])
        del arguments[at:at + 2]
    if len(arguments) != 1:
        sys.exit(__doc__)
    os.sched_setaffinity(0, {core})
    session = minilm.open_session(minilm.make_graph(minilm.read_weights(arguments[0])).SerializeToString())
    print(f"ready onnxruntime {onnxruntime.__version__} core {core}", flush=True)
    for line in sys.stdin:
        ids, wrong = ids_of(line)
        if wrong:
            print(f"error {wrong}", flush=True)
            continue
        row = numpy.array([ids], dtype=numpy.int64)
        inputs = {"ids": row, "mask": numpy.ones_like(row)}
        start = time.perf_counter()
        embedding = session.run(["embedding"], inputs)[0]
        seconds = time.perf_counter() - start
        values = [f"{value:.9g}" for value in embedding[0]] if with_embeddings else []
        print(" ".join([f"{seconds:.9f}", *values]), flush=True)


main()
