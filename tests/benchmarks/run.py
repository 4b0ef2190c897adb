#!/usr/bin/env python3
"""Compiles every benchmark, with all warnings and without making programs of them, which takes long.

Peers are left out, except Eigen where it is found.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

BENCH = proof.REPOSITORY / "bench"


def has(header, *options):
    return proof.run([proof.gxx(), "-E", *options, "-x", "c++", "-include", header, "/dev/null"]).returncode == 0


def main():
    tally = proof.Tally()
    eigen = [flag for folder in ("/usr/include/eigen3", "/usr/local/include/eigen3")
             if pathlib.Path(folder).is_dir() for flag in ("-isystem", folder)]
    for header, package in (("benchmark/benchmark.h", "libbenchmark-dev"), ("xsimd/xsimd.hpp", "libxsimd-dev"),
                            ("nlohmann/json.hpp", "nlohmann-json3-dev")):
        if not has(header):
            tally.skip(f"benchmarks ({header} not found; Debian: {package})")
            tally.finish()
    sources = sorted(BENCH.glob("*.cpp"))
    # g++ takes three times as long, and compiles them whenever somebody runs them.
    compiler = next(iter(proof.clangs().values()), proof.gxx())

    def compiles(source):
        return proof.run([compiler, "-std=c++20", "-fsyntax-only", *proof.WARNINGS, f"-I{proof.INCLUDE}", *eigen,
                          f"-DLACUNA_BENCH_EIGEN={int(bool(eigen))}", source])

    for source, result in zip(sources, proof.in_parallel(compiles, sources)):
        tally.check(result.returncode == 0, f"bench/{source.name}", result.stdout)
    tally.finish()


main()
