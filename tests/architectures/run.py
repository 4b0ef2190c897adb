#!/usr/bin/env python3
"""The SIMD backend on every instruction set, from the same source: its unit tests, and the tokens of a real model.

What this processor cannot run is compiled only; NEON runs in an emulator. A file of tests per program, so that two
cores share the work evenly. The files are those whose loops depend on the number of lanes: products, those of bytes,
expressions and the other operations, attention, and lanes themselves; where there are 32 registers, sparse blocks and
the steps of optimisers; with AVX-512 scans, for which the emulator needs a minute; and products of bytes once more with
each instruction that is made for them. Other mechanisms run these same loops. The ordinary build runs all of them with
AVX2 by g++ where the machine has it, the sanitizers with SSE2 by clang++.
"""
import os
import pathlib
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
DATA = pathlib.Path(os.environ.get("LACUNA_TEST_DATA") or proof.REPOSITORY.parent / "shared")
# The slowest first.
UNITS = ["simd_attention", "simd_operations", "simd_quantized", "simd", "simd_lanes"]
MORE_UNITS = ["simd_blocks", "simd_learning"]
AVX2 = set("avx avx2 bmi1 bmi2 f16c fma abm movbe".split())
AVX512 = AVX2 | set("avx512f avx512bw avx512cd avx512dq avx512vl".split())
AARCH64_GXX = "aarch64-linux-gnu-g++"
DOT_PRODUCTS = "-march=armv8.2-a+dotprod"
NEEDED = {"xsimd/xsimd.hpp": "libxsimd-dev", "doctest/doctest.h": "doctest-dev",
          "nlohmann/json.hpp": "nlohmann-json3-dev"}


@dataclass
class Machine:
    name: str
    compiler: str
    options: list = field(default_factory=list)
    cannot_run: str = ""  # why, or nothing
    runner: list = field(default_factory=list)
    units: list = field(default_factory=lambda: UNITS)
    level: str = "-O1"
    tokens: bool = True  # whether a model decodes, too


def processor_flags():
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return set(found[1].split()) if found else set()


def folder_of(header):
    """The include folder in which g++ finds a header, or None."""
    listed = proof.run([proof.gxx(), "-M", "-x", "c++", "-include", header, "/dev/null"])
    found = re.search(rf"(\S+)/{re.escape(header)}(?=\s)", listed.stdout)
    return pathlib.Path(found[1]) if listed.returncode == 0 and found else None


def lacks(needs):
    """Why this processor cannot run something, or nothing."""
    missing = " ".join(sorted(needs - processor_flags()))
    return missing and f"this processor lacks {missing}"


def x86_machines():
    clang = next(iter(proof.clangs().values()), None)
    # What the build that calls this runs all kernels with: g++ and AVX2, where it can.
    by_gxx = [] if os.environ.get("LACUNA_KERNELS_BY_GXX") == "AVX2" else UNITS
    with_blocks = UNITS if clang else [*UNITS, "simd_blocks"]
    machines = [("AVX-512", proof.gxx(), ["-march=x86-64-v4"], AVX512, with_blocks),
                ("AVX2", proof.gxx(), ["-march=x86-64-v3"], AVX2, by_gxx),
                # The sanitizers run every unit with SSE2, without optimisation.
                ("SSE2", proof.gxx(), ["-march=x86-64"], set(), ["simd_operations", "simd_lanes"])]
    if clang:
        machines.append(("AVX2 by clang", clang, ["-march=x86-64-v3"], AVX2, ["simd_attention", "simd_lanes"]))
    for name, compiler, options, needs, units in machines:
        yield Machine(name, compiler, options, lacks(needs), units=units)
    if clang:
        yield quickly_built("AVX-512 by clang", clang, ["-march=x86-64-v4"], [*MORE_UNITS, "simd_scan"], lacks(AVX512))
    for name, options, needs in (("AVX-512 VNNI", ["-march=x86-64-v4", "-mavx512vnni"], AVX512 | {"avx512_vnni"}),
                                 ("AVX-VNNI", ["-march=x86-64-v3", "-mavxvnni"], AVX2 | {"avx_vnni"})):
        yield quickly_built(name, clang or proof.gxx(), options, ["simd_quantized"], lacks(needs))


def quickly_built(name, compiler, options, units, cannot_run, runner=()):
    """Tests whose time is the compiler's: most take clang++ without optimisation half as long as g++, or less."""
    return Machine(name, compiler, options, cannot_run, list(runner), units, level="-O0", tokens=False)


def clang_for_aarch64():
    """A clang++ and the option that makes it one for this target, or nothing: some are built without."""
    for clang in proof.clangs().values():
        command = [clang, "--target=aarch64-linux-gnu"]
        if proof.run([*command, "-fsyntax-only", "-x", "c++", "-include", "vector", "/dev/null"]).returncode == 0:
            return command
    return None


def emulated_neon(headers, folders):
    """With a folder of the dependencies' headers alone: the others of this machine are not the target's."""
    headers.mkdir()
    for header, folder in folders.items():
        top = pathlib.PurePath(header).parts[0]
        (headers / top).symlink_to(folder / top)
    without = "" if shutil.which("qemu-aarch64") else "qemu-aarch64 not found (Debian: qemu-user)"
    runner = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
    # Without notes on what g++ 10 changed in the calling convention.
    options = ["-Wno-psabi", "-isystem", headers]
    yield Machine("NEON", AARCH64_GXX, options, without, runner)
    compiler = [AARCH64_GXX]
    if clang := clang_for_aarch64():
        compiler = clang
        yield quickly_built("NEON by clang", clang[0], [*clang[1:], *options], MORE_UNITS, without, runner)
    yield quickly_built("NEON with dot products", compiler[0], [*compiler[1:], *options, DOT_PRODUCTS],
                        ["simd_quantized"], without, runner)


def compile_for(machine, sources, output, *options):
    # What cannot run need not be fast: that there are instructions for all of it shows without optimisation.
    level = "-O0" if machine.cannot_run else machine.level
    return proof.run([machine.compiler, "-std=c++20", level, "-ffp-contract=off", *proof.WARNINGS, *machine.options,
                      f"-I{proof.INCLUDE}", f"-I{TESTS}", f'-DLACUNA_REPOSITORY="{proof.REPOSITORY}"', *options,
                      *sources, "-o", output])


def compile_and_run(job):
    """The result of the compiler, or of the program where it compiles and can run."""
    machine, _, sources, program, arguments = job
    result = compile_for(machine, sources, program)
    if result.returncode == 0 and not machine.cannot_run:
        result = proof.run([*machine.runner, program, *arguments])
    return result


def main():
    tally = proof.Tally()
    folders = {header: folder_of(header) for header in NEEDED}
    absent = [header for header, folder in folders.items() if folder is None]
    if absent:
        tally.skip(f"architectures ({', '.join(absent)} not found; "
                   f"Debian: {', '.join(NEEDED[header] for header in absent)})")
        tally.finish()
    model = DATA / "models" / "stories260K.bin"
    if not model.exists():
        if os.environ.get("LACUNA_REQUIRE_DATA") == "1":
            tally.check(False, f"test data in {DATA}")
        else:
            tally.skip(f"tokens of stories260K ({model} not found; LACUNA_TEST_DATA names its folder)")

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        machines = []
        if os.uname().machine == "aarch64":
            machines.append(Machine("NEON", proof.gxx(), ["-Wno-psabi"], units=[]))
            machines.append(quickly_built("NEON with dot products", proof.gxx(), ["-Wno-psabi", DOT_PRODUCTS],
                                          ["simd_quantized"], lacks({"asimddp"})))
        elif shutil.which(AARCH64_GXX):
            machines += emulated_neon(folder / "headers", folders)
        else:
            tally.skip(f"NEON ({AARCH64_GXX} not found; Debian: g++-aarch64-linux-gnu)")
        if os.uname().machine == "x86_64":
            machines += x86_machines()
        for machine in machines:
            if machine.cannot_run:
                tally.skip(f"running on {machine.name} ({machine.cannot_run})")

        def compile_main(machine):
            return compile_for(machine, [TESTS / "support" / "main.cpp"], folder / f"{machine.name}.o", "-c")

        with_units = [machine for machine in machines if machine.units]
        for machine, built in zip(with_units, proof.in_parallel(compile_main, with_units)):
            if not tally.check(built.returncode == 0, f"{machine.name}: main.cpp compiles", built.stdout):
                machine.units = []
        jobs = []
        for machine in machines:
            for unit in machine.units:
                jobs.append((machine, unit, [TESTS / "kernels" / f"{unit}.cpp", folder / f"{machine.name}.o"],
                             folder / f"{machine.name}_{unit}", []))
            if model.exists() and machine.tokens:
                jobs.append((machine, "tokens", [HERE / "tokens.cpp"], folder / f"{machine.name}_tokens", [model]))
        tokens = {}
        for (machine, what, *_), result in zip(jobs, proof.in_parallel(compile_and_run, jobs)):
            good = result.returncode == 0
            tally.check(good, f"{machine.name}: {what} {'compiles' if machine.cannot_run else 'runs'}", result.stdout)
            if what == "tokens" and good and not machine.cannot_run:
                tokens[machine.name] = result.stdout.split(":", 1)[1]
        if tokens:
            tally.check(len(set(tokens.values())) == 1, f"the same 256 tokens on {', '.join(tokens)}",
                        "\n".join(f"{machine}:{some}" for machine, some in tokens.items()))
    tally.finish()


main()
