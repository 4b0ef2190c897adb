#!/usr/bin/env python3
"""Times what lacuna costs to compile (g++ -O2, the shortest of 3, of 7 where it takes little) and prints a table. Probes cost no machine code where they are
absent: a model is compiled with their headers and without them.

The targets are those of a quiet machine; a machine may be slower, so only three times a target fails. What else runs there
only adds, so the shortest time is what compiling costs.
"""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

HERE = pathlib.Path(__file__).resolve().parent
ALLOWANCE = 3.0
RUNS, MORE_RUNS, LITTLE = 3, 7, 1.5
# name, source, options, target in seconds
ROWS = [
    ("include lacuna.hpp", "include.cpp", [], 0.3),
    ("include the parts of one decoder", "parts.cpp", [], 0.3),
    ("12 equal layers, inference", "equal.cpp", ["-DLAYERS=12"], 2.0),
    ("12 equal layers, inference, simd", "equal.cpp", ["-DLAYERS=12", "-DWITH_SIMD=1", "-march=x86-64-v3"], 5.0),
    ("12 different layers, training", "different.cpp", [], 4.0),
    ("36 variants, counted and named", "space.cpp", [], 3.0),
    ("2 equal layers", "equal.cpp", ["-DLAYERS=2"], None),
    ("64 equal layers", "equal.cpp", ["-DLAYERS=64"], None),
    ("5 equal layers by the parts' headers", "parts.cpp", ["-DWITH_MODEL=1"], None),
]


def compile_model(include, output, *options):
    return proof.run([proof.gxx(), "-std=c++20", "-O2", f"-I{include}", f"-I{proof.INCLUDE}", "-DLAYERS=2", *options, "-c",
                      HERE / "equal.cpp", "-o", output])


def absent_probes(tally, folder):
    """The same object file with the headers of probes and without; a larger one where a forward is watched."""
    (folder / "lacuna").mkdir()
    text = (proof.INCLUDE / "lacuna" / "lacuna.hpp").read_text()
    without = "".join(line for line in text.splitlines(keepends=True) if "<lacuna/probe/" not in line)
    (folder / "lacuna" / "lacuna.hpp").write_text(without)
    names = ("with", "without", "watched")
    built = [compile_model(proof.INCLUDE, folder / "with"), compile_model(folder, folder / "without"),
             compile_model(proof.INCLUDE, folder / "watched", "-DWATCHED=1")]
    objects = [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in names]
    tally.check(without != text and all(result.returncode == 0 for result in built) and objects[0] == objects[1],
                f"absent probes leave the object file as it is: {len(objects[0])} bytes",
                "\n".join(result.stdout for result in built))
    tally.check(len(objects[2]) > len(objects[0]) > 0, f"a watched forward has code of its own: {len(objects[2])} bytes")


def main():
    tally = proof.Tally()
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        absent_probes(tally, pathlib.Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        xsimd = proof.finds("xsimd/xsimd.hpp")
        for name, source, options, target in ROWS:
            if "-DWITH_SIMD=1" in options and not xsimd:
                tally.skip(f"{name} (xsimd not found; Debian: libxsimd-dev)")
                continue
            times = []
            while len(times) < (MORE_RUNS if times and min(times) < LITTLE else RUNS):
                start = time.perf_counter()
                built = proof.run([proof.gxx(), "-std=c++20", "-O2", f"-I{proof.INCLUDE}", *options, "-c",
                                   HERE / source, "-o", pathlib.Path(folder) / "cost.o"])
                times.append(time.perf_counter() - start)
                if built.returncode != 0:
                    break
            if built.returncode != 0:
                tally.check(False, name, built.stdout)
                continue
            seconds[name] = min(times)
            if target is None:
                print(f"    {name:32} {seconds[name]:6.2f} s")
            else:
                tally.check(seconds[name] <= ALLOWANCE * target, f"{name:32} {seconds[name]:6.2f} s, target {target} s")
    few, many = seconds.get("2 equal layers"), seconds.get("64 equal layers")
    if few and many:
        tally.check(many <= ALLOWANCE * few, f"{'64 layers against 2':32} {many / few:6.2f}  , target 1.0")
    tally.finish()


main()
