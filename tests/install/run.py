#!/usr/bin/env python3
"""Uses lacuna as its users do: installed, as a subfolder, as bare headers, and in parts with different options."""
import itertools
import os
import pathlib
import platform
import re
import shlex
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
EXPECTED = re.compile(r"lacuna \d+\.\d+\.\d+, logit -?\d+\.\d{4}\n")
GENERATOR = ["-G", "Ninja"] if shutil.which("ninja") else []


def steps(*commands):
    """Runs commands until one fails; the output, and whether all went well."""
    output = ""
    for command in commands:
        result = proof.run(command)
        output += result.stdout
        if result.returncode != 0:
            return output, False
    return output, True


def check_dispatch(tally, name, folder, output, built):
    """The best of the instruction sets that this processor has is chosen, and computes what the others do."""
    found = None
    if built:
        plain, chosen = proof.run([folder / "consumer"]).stdout, proof.run([folder / "dispatching"]).stdout
        output += plain + chosen
        found = re.fullmatch(r"(\w+) (-?\d+\.\d{4})\n", chosen)
        logit = re.search(r"logit (-?\d+\.\d{4})", plain)
        built = found is not None and logit is not None and abs(float(found[2]) - float(logit[1])) < 2e-4
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    features = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    if platform.machine() == "x86_64" and features:
        best = ("avx512" if {f"avx512{f}" for f in ("f", "bw", "cd", "dq", "vl")} <= features
                else "avx2" if {"avx2", "fma", "bmi1", "bmi2"} <= features else "sse2")
        built = built and found[1] == best
    tally.check(built, f"{name}: lacuna_add_dispatch{' chose ' + found[1] if found else ''}", output)


def check_program(tally, name, program, output, built):
    if built:
        result = proof.run([program])
        built = result.returncode == 0 and EXPECTED.fullmatch(result.stdout) is not None
        output += result.stdout
    tally.check(built, name, output)


def check_cmake(tally, folder):
    prefix = folder / "a prefix"  # paths with spaces have to work
    quiet = ["-DLACUNA_BUILD_TESTS=OFF", "-DLACUNA_BUILD_EXAMPLES=OFF", "-DLACUNA_BUILD_BENCH=OFF"]
    compiler = f"-DCMAKE_CXX_COMPILER={proof.gxx()}"
    output, good = steps(
        ["cmake", *GENERATOR, "-S", proof.REPOSITORY, "-B", folder / "install", compiler, *quiet],
        ["cmake", "--install", folder / "install", "--prefix", prefix])
    if not tally.check(good, "cmake --install", output):
        return

    build = folder / "find_package"
    find = ["cmake", *GENERATOR, "-S", CONSUMER, "-B", build, compiler, f"-DCMAKE_PREFIX_PATH={prefix}"]
    output, good = steps(find, ["cmake", "--build", build])
    check_program(tally, "find_package", build / "consumer", output, good)
    check_dispatch(tally, "find_package", build, output, good)
    output, good = steps([*find, "-DLACUNA_WANTED=0.0.1"])
    tally.check(not good and "version" in output, "find_package refuses another minor version", output)

    build = folder / "add_subdirectory"
    output, good = steps(["cmake", *GENERATOR, "-S", CONSUMER, "-B", build, compiler,
                          f"-DLACUNA_SOURCE={proof.REPOSITORY}"], ["cmake", "--build", build])
    check_program(tally, "add_subdirectory", build / "consumer", output, good)
    check_dispatch(tally, "add_subdirectory", build, output, good)

    if not shutil.which("pkg-config"):
        tally.skip("pkg-config consumer (pkg-config not found; scripts/test --all installs it)")
        return
    asked = proof.run(["pkg-config", "--cflags", "lacuna"],
                      env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "share" / "pkgconfig")})
    flags = shlex.split(asked.stdout) if asked.returncode == 0 else []
    program = folder / "pkg_config"
    output, good = steps([proof.gxx(), "-std=c++20", *flags, CONSUMER / "main.cpp", "-o", program])
    check_program(tally, "pkg-config", program, asked.stdout + output, good)


def check_bare(tally, folder):
    program = folder / "bare"
    output, good = steps([proof.gxx(), "-std=c++20", f"-I{proof.INCLUDE}", CONSUMER / "main.cpp", "-o", program])
    check_program(tally, "one g++ line", program, output, good)


def shareable_symbols(part):
    """Symbols of an object file of which the linker keeps one copy per program."""
    listing = proof.run(["nm", "-C", "--defined-only", part]).stdout
    return {line.split(" ", 2)[2] for line in listing.splitlines() if line.split(" ", 2)[1] in "WVu"}


def check_parts(tally, folder):
    options = {"part_plain": [], "part_release": ["-DNDEBUG"], "part_values": ["-fno-exceptions", "-fno-rtti"]}
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    features = cpuinfo.read_text().split() if cpuinfo.exists() else []
    fused = platform.machine() == "x86_64" and {"avx2", "fma"} <= set(features)
    if fused:
        options["part_fused"] = ["-mavx2", "-mfma"]
    else:
        tally.skip("parts with different -m options (this processor has no AVX2 and FMA)")

    # Without optimisation nothing is inlined away, so that every symbol that could be shared is there to be seen.
    compiler = [proof.gxx(), "-std=c++20", "-O0", f"-I{proof.INCLUDE}", *(["-DWITH_FUSED"] if fused else [])]
    objects = {name: folder / f"{name}.o" for name in options}
    output, good = steps(
        [*compiler, "-c", CONSUMER / "parts.cpp", "-o", folder / "parts.o"],
        *([*compiler, *flags, f"-DPART={name}", "-c", CONSUMER / "part.cpp", "-o", objects[name]]
          for name, flags in options.items()))
    if not tally.check(good, "parts with different options compile", output):
        return

    symbols = {name: {symbol for symbol in shareable_symbols(path) if "lacuna::" in symbol}
               for name, path in objects.items()}
    tags = {name: set(re.findall(r"\blacuna::(\w+)", " ".join(found))) for name, found in symbols.items()}
    tally.check(all(len(found) == 1 for found in tags.values()), "each part has one ABI namespace", str(tags))
    tally.check(len(set.union(*tags.values())) == len(tags), "and no other part has it", str(tags))
    shared = [f"{one} and {other}: {symbol}" for one, other in itertools.combinations(symbols, 2)
              for symbol in sorted(symbols[one] & symbols[other])]
    tally.check(not shared, "no two parts share code of lacuna", "\n".join(shared[:10]))

    for order in (list(objects.values()), list(reversed(objects.values()))):
        program = folder / "parts"
        names = ", ".join(path.stem for path in order)
        output, good = steps([proof.gxx(), folder / "parts.o", *order, "-o", program], [program])
        tally.check(good, f"linked as {names}: each ran its own kernels", output)


def main():
    tally = proof.Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        groups = [check_parts, check_bare]
        if shutil.which("cmake"):
            groups.insert(0, check_cmake)
        else:
            tally.skip("cmake consumers (cmake not found)")
        tally.side_by_side([lambda own, group=group: group(own, folder) for group in groups])
    tally.finish()


main()
