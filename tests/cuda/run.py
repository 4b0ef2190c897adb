#!/usr/bin/env python3
"""Compiles every *.cu beside it with nvcc: all operations for host and device, without experimental switches."""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof


def main():
    tally = proof.Tally()
    if not shutil.which("nvcc"):
        tally.skip("cuda (nvcc not found; it comes with NVIDIA's CUDA toolkit)")
        tally.finish()
    sources = sorted(pathlib.Path(__file__).resolve().parent.glob("*.cu"))
    tally.check(sources, f"{len(sources)} sources for nvcc")
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            built = proof.run(["nvcc", "-std=c++20", "-arch=sm_80", "-Werror", "all-warnings", f"-I{proof.INCLUDE}",
                               "-c", source, "-o", pathlib.Path(folder) / f"{source.stem}.o"])
            tally.check(built.returncode == 0, f"{source.name} compiles with nvcc", built.stdout)
    tally.finish()


main()
