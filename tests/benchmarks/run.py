#!/usr/bin/env python3
"""Compiles every benchmark, with all warnings and without making programs of them, which takes long.

With the peers whose headers are found; one benchmark once more for AVX-512, where its support has code of its own.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

BENCH = proof.REPOSITORY / "bench"
PEERS = {"XSMM": "libxsmm.h", "OPENBLAS": "cblas.h", "ONEDNN": "dnnl.hpp", "XNNPACK": "xnnpack.h"}


def main():
    tally = proof.Tally()
    eigen = proof.eigen()
    for header, package in (("benchmark/benchmark.h", "libbenchmark-dev"), ("xsimd/xsimd.hpp", "libxsimd-dev"),
                            ("nlohmann/json.hpp", "nlohmann-json3-dev")):
        if not proof.finds(header):
            tally.skip(f"benchmarks ({header} not found; Debian: {package})")
            tally.finish()
    sources = sorted(BENCH.glob("*.cpp"))
    # g++ takes three times as long, and compiles them whenever somebody runs them.
    compiler = next(iter(proof.clangs().values()), proof.gxx())

    found = {name: proof.finds(header) for name, header in PEERS.items()}
    for name, there in found.items():
        if not there:
            tally.skip(f"benchmarks beside {name} ({PEERS[name]} not found)")
    peers = [f"-DLACUNA_BENCH_{name}=1" for name, there in found.items() if there]

    def compiles(job):
        source, options = job
        return proof.run([compiler, "-std=c++20", "-fsyntax-only", *options, *proof.WARNINGS, f"-I{proof.INCLUDE}", *eigen,
                          f"-DLACUNA_BENCH_EIGEN={int(bool(eigen))}", *peers, source])

    jobs = [(source, []) for source in sources]
    if os.uname().machine == "x86_64":
        jobs.append((BENCH / "gemm.cpp", ["-march=x86-64-v4"]))
    for (source, options), result in zip(jobs, proof.in_parallel(compiles, jobs)):
        tally.check(result.returncode == 0, " ".join([f"bench/{source.name}", *options]), result.stdout)
    tally.finish()


main()
