#!/usr/bin/env python3
"""The SIMD backend on every instruction set, from the same source: its unit tests, and the tokens of a real model.

What this processor cannot run is compiled only; NEON runs in qemu. Needs Debian's g++-aarch64-linux-gnu and qemu-user
for that, and xsimd and doctest for all of it.
"""
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
# The slowest to compile first. SSE2 runs them as part of the ordinary build.
UNITS = ["simd", "simd_attention", "simd_operations", "simd_lanes"]
# name, compiler flags, what the processor has to have
X86 = [
    ("AVX-512", "-march=skylake-avx512".split(), {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}),
    ("AVX2", "-mavx2 -mfma -mf16c".split(), {"avx2", "fma", "f16c"}),
    ("SSE2", [], set()),
]
HEADERS = ["doctest", "xsimd", "nlohmann"]


def processor_flags():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.split())
    except OSError:
        pass
    return set()


def compile_and_run(compiler, flags, sources, arguments, program, runs):
    """The failed step's output, or None: `runs` is the command that runs programs, or None to compile only."""
    built = proof.run([compiler, "-std=c++20", "-O1", "-ffp-contract=off", *proof.WARNINGS, *flags,
                       f"-I{proof.INCLUDE}", f"-I{TESTS}", f'-DLACUNA_REPOSITORY="{proof.REPOSITORY}"', *sources,
                       "-o", program])
    if built.returncode != 0:
        return built.stdout, ""
    if runs is None:
        return None, ""
    ran = proof.run([*runs, program, *arguments])
    return (None if ran.returncode == 0 else ran.stdout), ran.stdout


def main():
    tally = proof.Tally()
    found = proof.run([proof.gxx(), "-E", "-x", "c++", "-include", "xsimd/xsimd.hpp", "-include", "doctest/doctest.h",
                       "-include", "nlohmann/json.hpp", "/dev/null"])
    if found.returncode != 0:
        tally.skip("xsimd, doctest or nlohmann-json not found (Debian: libxsimd-dev, doctest-dev, nlohmann-json3-dev)")
        tally.finish()
    data = pathlib.Path(os.environ.get("LACUNA_TEST_DATA", proof.REPOSITORY.parent / "shared"))
    model = data / "models" / "stories260K.bin"

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        machines = []
        flags = processor_flags()
        if os.uname().machine == "x86_64":
            machines = [(name, proof.gxx(), options, [] if needs <= flags else None) for name, options, needs in X86]
        cross = shutil.which("aarch64-linux-gnu-g++")
        emulator = shutil.which("qemu-aarch64")
        if os.uname().machine == "aarch64":
            machines.append(("NEON", proof.gxx(), [], []))
        elif cross:
            # The headers of the dependencies alone: the host's other headers are not the target's.
            headers = folder / "headers"
            headers.mkdir()
            for name in HEADERS:
                (headers / name).symlink_to(pathlib.Path("/usr/include") / name)
            machines.append(("NEON", cross, ["-isystem", headers],
                             [emulator, "-L", "/usr/aarch64-linux-gnu"] if emulator else None))
        else:
            tally.skip("NEON (no cross compiler; Debian: g++-aarch64-linux-gnu)")

        jobs = []
        for name, compiler, options, runs in machines:
            if runs is None:
                tally.skip(f"running {name}: " + ("this processor has none" if compiler != cross else
                                                  "no qemu-aarch64 (Debian: qemu-user)"))
            for unit in UNITS if name != "SSE2" else []:
                sources = [TESTS / "support" / "main.cpp", TESTS / "kernels" / f"{unit}.cpp"]
                # In the emulator the wide heads alone would take minutes.
                arguments = ["--test-case-exclude=head widths*"] if name == "NEON" and compiler == cross else []
                jobs.append((f"{name}: {unit}", compiler, options, sources, arguments, folder / f"{name}_{unit}", runs))
            if model.exists():
                jobs.append((f"{name}: tokens", compiler, options, [HERE / "tokens.cpp"], [model],
                             folder / f"{name}_tokens", runs))
        if not model.exists():
            tally.skip(f"tokens ({model} not found)")
        results = proof.in_parallel(lambda job: compile_and_run(*job[1:]), jobs)
        tokens = {}
        for (name, *_, runs), (wrong, output) in zip(jobs, results):
            tally.check(wrong is None, name + ("" if runs is not None else ", compiled only"), wrong or "")
            if name.endswith("tokens") and wrong is None and output:
                tokens[name] = output.split(":", 1)[1]
        if tokens:
            tally.check(len(set(tokens.values())) == 1, f"the same 256 tokens on {len(tokens)} instruction sets")
    tally.finish()


main()
