#!/usr/bin/env python3
"""Sparse products of Python packages as the other side of bench_sparse: PyTorch's CSR, or DeepSparse.

Usage: bench/sparse_peers.py torch|deepsparse [--core N]

Needs the package torch (Debian: python3-torch, or PyPI's), or PyPI's deepsparse (its last wheels are of version 1.8, for
Python 3.8 to 3.11). One thread, which is kept on core N (the last one that the process may use). Activations lie as a
model holds them: (tokens, inputs), results (tokens, outputs); what a package turns is inside the timing, and so are the
microseconds that a call from Python costs it. DeepSparse gets the weight as a constant of an ONNX graph.

Protocol, by lines:
  it writes   ready <package> <version>, ...             once: the format, and the core
  it reads    load <tokens> <inputs> <outputs> <path>    a file of f32: the weight (outputs, inputs), the activations
  it writes   ok, or error and why                       once it has compared its product with NumPy's
  it reads    run <times>
  it writes   <seconds>                                  of all of them, with what was loaded last
It ends when its input ends.
"""
import argparse
import os
import sys
import tempfile
import time

# OpenBLAS, which Debian's PyTorch uses, takes newer processors for old ones.
FLAGS = open("/proc/cpuinfo").read()
os.environ["OPENBLAS_CORETYPE"] = "SKYLAKEX" if "avx512f" in FLAGS else "HASWELL" if "avx2" in FLAGS else "NEHALEM"
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy  # noqa: E402


class Torch:
    def __init__(self):
        import torch
        self.torch = torch
        torch.set_num_threads(1)
        self.name = f"torch {torch.__version__}, CSR"

    def load(self, weight, x):
        """A function without arguments that returns the product."""
        csr, x = self.torch.from_numpy(weight).to_sparse_csr(), self.torch.from_numpy(x)
        return lambda: (csr @ x.t()).t().contiguous()


class DeepSparse:
    def __init__(self):
        import deepsparse
        import onnx
        self.deepsparse, self.onnx = deepsparse, onnx
        self.name = f"deepsparse {deepsparse.__version__}, one core"

    def load(self, weight, x):
        make, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = make.make_graph(
            [make.make_node("MatMul", ["x", "weight"], ["y"])], "product",
            [make.make_tensor_value_info("x", kind, [x.shape[0], weight.shape[1]])],
            [make.make_tensor_value_info("y", kind, [x.shape[0], weight.shape[0]])],
            [self.onnx.numpy_helper.from_array(numpy.ascontiguousarray(weight.T), "weight")])
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)])
        model.ir_version = 8  # the last one that it reads
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            self.onnx.save(model, file.name)
            engine = self.deepsparse.Engine(model=file.name, batch_size=x.shape[0], num_cores=1)
        return lambda: engine.run([x], val_inp=False)[0]


def read(tokens, inputs, outputs, path):
    numbers = numpy.fromfile(path, dtype=numpy.float32)
    if numbers.size != (outputs + tokens) * inputs:
        raise ValueError(f"{path}: expected {(outputs + tokens) * inputs} numbers, found {numbers.size}")
    return numbers[:outputs * inputs].reshape(outputs, inputs), numbers[outputs * inputs:].reshape(tokens, inputs)


def main():
    arguments = argparse.ArgumentParser(description="a sparse product beside bench_sparse")
    arguments.add_argument("package", choices=("torch", "deepsparse"))
    arguments.add_argument("--core", type=int, help="the core to stay on; the last one that the process may use")
    asked = arguments.parse_args()
    core = max(os.sched_getaffinity(0)) if asked.core is None else asked.core
    os.sched_setaffinity(0, {core})
    package = {"torch": Torch, "deepsparse": DeepSparse}[asked.package]()
    print(f"ready {package.name}, core {core}", flush=True)
    loaded, product = {}, None
    for line in sys.stdin:
        command, *rest = line.split(maxsplit=4)
        if command == "load":
            try:
                path = rest[3].rstrip("\n")
                if path not in loaded:
                    weight, x = read(*map(int, rest[:3]), path)
                    loaded[path] = package.load(weight, x)
                    difference = abs(numpy.asarray(loaded[path]()) - x @ weight.T).max()
                    if not difference < 1e-3:
                        raise ValueError(f"its product is NumPy's to {difference} only")
                product = loaded[path]
                print("ok", flush=True)
            except Exception as why:  # whatever a package says: the other side prints it
                print("error", *str(why).split("\n")[:1], flush=True)
        else:
            start = time.perf_counter()
            for _ in range(int(rest[0])):
                product()
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
