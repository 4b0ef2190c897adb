#!/usr/bin/env python3
"""PyTorch's CSR product on the shapes and sparsities of bench_sparse, on one thread, beside its own dense product.

Usage: bench/torch_csr.py [--core N]

Needs the package torch (Debian: python3-torch); without it, it says so and ends. Weights are random, activations lie as
a model holds them: (tokens, inputs), results (tokens, outputs); what PyTorch turns is inside the timing. It prints, for
each case, the median of 11 runs in turn with the dense product, and the ratio of the two.
"""
import argparse
import os
import statistics
import time

SHAPES = [(64, 172), (288, 768), (768, 3072), (384, 1536)]  # inputs, outputs
SPARSITIES = [50, 60, 70, 80, 90, 95]


def seconds(function, least=0.02):
    """How long one call takes, of as many as last for `least` seconds."""
    calls, start = 0, time.perf_counter()
    while True:
        function()
        calls += 1
        passed = time.perf_counter() - start
        if passed >= least:
            return passed / calls


def main():
    arguments = argparse.ArgumentParser(description="PyTorch CSR beside bench_sparse")
    arguments.add_argument("--core", type=int, help="the core to stay on; the last one that the process may use")
    core = arguments.parse_args().core
    # OpenBLAS, which Debian's PyTorch uses, takes newer processors for old ones.
    os.environ.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX" if "avx512f" in open("/proc/cpuinfo").read() else "HASWELL")
    try:
        import torch
    except ModuleNotFoundError:
        print("PyTorch is not installed (Debian: python3-torch): nothing was measured")
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if core is None else core})
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(f"torch {torch.__version__}")
    with torch.no_grad():
        for tokens in (1, 128):
            for inputs, outputs in SHAPES:
                x, dense = torch.randn(tokens, inputs), torch.randn(outputs, inputs)
                for sparsity in SPARSITIES:
                    kept = dense * (torch.rand(outputs, inputs) * 100 >= sparsity)
                    csr = kept.to_sparse_csr()
                    assert torch.allclose((csr @ x.t()).t(), x @ kept.t(), atol=1e-3)
                    runs = [(seconds(lambda: (csr @ x.t()).t().contiguous()), seconds(lambda: x @ dense.t()))
                            for _ in range(11)]
                    sparse = statistics.median(run[0] for run in runs)
                    ratio = statistics.median(run[1] / run[0] for run in runs)
                    print(f"M={tokens} ({inputs},{outputs}) csr {sparsity} %: {sparse * 1e6:.1f} us, "
                          f"{ratio:.2f} times as fast as torch's dense", flush=True)


if __name__ == "__main__":
    main()
