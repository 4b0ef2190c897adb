#!/usr/bin/env python3
"""Builds every *.cu beside it with nvcc, without experimental switches, checks that all operations of op/ are among
what is built, and runs it where there is a device."""
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

NO_DEVICE = 77
# Machine code for compute capability 8.0, and an intermediate form that drivers of newer devices compile.
TARGETS = "-gencode=arch=compute_80,code=[sm_80,compute_80]"
OPERATION = re.compile(r'struct (\w+)[^{;]*{\n  static constexpr auto name = fixed_string\("\1"\)')


def missing_operations(programs):
    """The operations of op/ of which no program holds the reference kernel for the host, and so for the device."""
    headers = (proof.INCLUDE / "lacuna" / "op").glob("*.hpp")
    operations = {name for header in headers for name in OPERATION.findall(header.read_text())}
    symbols = "".join(proof.run(["nm", "-C", program]).stdout for program in programs)
    built = set(re.findall(r"operation::kernel<.*\(lacuna::\w+::operation::(\w+),", symbols))
    return sorted(operations - built) if operations else ["no operation found"]


def main():
    tally = proof.Tally()
    if not shutil.which("nvcc"):
        tally.skip("cuda (nvcc not found; it comes with NVIDIA's CUDA toolkit)")
        tally.finish()
    sources = sorted(pathlib.Path(__file__).resolve().parent.glob("*.cu"))
    tally.check(sources, f"{len(sources)} sources for nvcc")
    with tempfile.TemporaryDirectory() as folder:
        programs = []
        for source in sources:
            program = pathlib.Path(folder) / source.stem
            built = proof.run(["nvcc", "-std=c++20", TARGETS, "-Werror", "all-warnings", f"-I{proof.INCLUDE}", source,
                               "-o", program])
            if not tally.check(built.returncode == 0, f"{source.name} compiles with nvcc", built.stdout):
                continue
            programs.append(program)
            ran = proof.run([program])
            if ran.returncode == NO_DEVICE:
                tally.skip(f"{source.stem} agree on host and device ({ran.stdout.strip()})")
            else:
                tally.check(ran.returncode == 0, f"{source.stem} agree on host and device", ran.stdout)
        missing = missing_operations(programs)
        tally.check(not missing, "every operation is compiled for devices", ", ".join(missing))
    tally.finish()


main()
