#!/usr/bin/env python3
"""Checks every header of the library: house rules by text, then by compiling.

Each header compiles alone with all warnings, in one of the modes: g++ and clang, with and without exceptions and
run-time type information, which take turns. In every mode all together compile after macros named min, max, M, I and T.
One line per problem; exits 1 if there is any.
"""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

LIBRARY = proof.INCLUDE / "lacuna"
ROOMS = ("core tensor format op backend activation norm position attention ffn block token model io probe task train "
         "compress zoo").split()
HEAVY = set("iostream ranges format functional tuple regex memory".split())
LONGEST = 600
MACROS = """
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) < (b) ? (b) : (a))
#define M 1
#define I 1
#define T 1
"""


def room(name):
    return name.split("/")[0] if "/" in name else None


def place_of(include, name):
    """Why `name` may not include this header from outside the library, or None."""
    here = room(name)
    if include.startswith("nlohmann/"):
        return None if name == "io/safetensors.hpp" else "nlohmann-json belongs to io/safetensors.hpp"
    if include.startswith("Eigen/"):
        return None if here in ("backend", "compress") else "Eigen belongs to backend/ and compress/"
    if include.startswith(("xsimd/", "cuda")):
        return None if here == "backend" else f"{include.split('/')[0]} belongs to backend/"
    if include in HEAVY:
        return None if here in ("io", "compress") else "too slow to compile for every user"
    if include in ("vector", "string"):
        fits = here in ("token", "io", "compress") or name == "model/generate.hpp"
        return None if fits else "only token/, io/, compress/ and model/generate.hpp use the heap"
    return None


class Header:
    def __init__(self, path):
        self.name = path.relative_to(LIBRARY).as_posix()
        self.text = path.read_text()
        self.lines = self.text.splitlines()
        self.includes = []  # (line, included file, angle brackets)
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if found:
                self.includes.append((number, found[2], found[1] == "<"))

    def inside(self):
        return [include[len("lacuna/"):] for _, include, _ in self.includes if include.startswith("lacuna/")]

    def outside(self):
        return [include for _, include, _ in self.includes if not include.startswith("lacuna/")]


def reach(headers, name):
    """All headers of the library that `name` includes, itself among them."""
    seen, rest = set(), [name]
    while rest:
        current = rest.pop()
        if current in headers and current not in seen:
            seen.add(current)
            rest += headers[current].inside()
    return seen


def text_problems(header, headers):
    here = room(header.name)
    if here is not None and here not in ROOMS:
        yield 1, f"{here}/ is not a room of the house"
        return
    if "#pragma once" not in header.lines[:1]:
        yield 1, "the first line is not #pragma once"
    if len(header.lines) > LONGEST:
        yield LONGEST, f"{len(header.lines)} lines; at most {LONGEST}"
    for number, line in enumerate(header.lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield number, "unfinished business"
        code = re.sub(r'"(\\.|[^"\\])*"|//.*', "", line)
        for macro in re.findall(r"\b(?:[MIT]\b|(?:min|max)\s*\()", code):
            yield number, f"{macro.rstrip('( ')} is a macro in many a user's program"
        defined = re.match(r"\s*#\s*define\s+(\w+)", line)
        if defined and not defined[1].startswith("LACUNA_"):
            yield number, f"{defined[1]} is defined for every user: macros are called LACUNA_..."
        condition = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b\s*(.*)", line)
        if condition and header.name != "core/config.hpp" and here != "backend":
            if condition[2].split("//")[0].strip() != "LACUNA_EXCEPTIONS" or condition[1] != "if":
                yield number, "conditions belong to core/config.hpp (only #if LACUNA_EXCEPTIONS may be elsewhere)"
    for number, include, angle in header.includes:
        if not angle:
            yield number, "includes are written <lacuna/room/name.hpp>"
        if not include.startswith("lacuna/"):
            reason = place_of(include, header.name)
            if reason:
                yield number, f"includes <{include}>: {reason}"
            continue
        target = include[len("lacuna/"):]
        if target not in headers:
            yield number, f"includes <{include}>, which does not exist"
        elif here is None:
            pass
        elif room(target) is None:
            yield number, f"includes <{include}>: a room includes no umbrella header"
        elif ROOMS.index(room(target)) > ROOMS.index(here):
            yield number, f"includes <{include}>: {room(target)}/ is below {here}/"
        elif room(target) == "backend" and here != "backend":
            yield number, f"includes <{include}>: backends are reached through with_*.hpp only"
    if header.name == "lacuna.hpp":
        for target in sorted(reach(headers, header.name)):
            if room(target) in ("io", "backend"):
                yield 1, f"lacuna.hpp reaches {target}"


def first_problem(output):
    """The line that says what is wrong, without the repository's path."""
    lines = [line for line in output.splitlines() if "error:" in line] or [output.strip() or "no message"]
    return lines[0].replace(f"{proof.INCLUDE}/", "")


def main():
    headers = {header.name: header for header in map(Header, sorted(LIBRARY.rglob("*.hpp")))}
    tally = proof.Tally()
    problems = [f"lacuna/{name}:{line}: {what}" for name, header in headers.items()
                for line, what in text_problems(header, headers)]
    tally.check(not problems, f"house rules of {len(headers)} headers", "\n".join(problems))

    system = proof.eigen()
    flags = ["-std=c++20", "-fsyntax-only", *proof.WARNINGS, f"-I{proof.INCLUDE}", *system]
    outside = sorted({include for header in headers.values() for include in header.outside()})

    def is_there(include):
        return proof.finds(include, *system)

    absent = {include for include, there in zip(outside, proof.in_parallel(is_there, outside)) if not there}
    usable = [name for name in headers
              if not any(include in absent for part in reach(headers, name) for include in headers[part].outside())]
    if len(usable) < len(headers):
        tally.skip(f"headers that need {', '.join(sorted(absent))} (not found)")

    compilers = {"g++": proof.gxx(), **dict(list(proof.clangs().items())[:1])}
    if len(compilers) == 1:
        tally.skip("headers with clang (clang++ not found; scripts/test --all installs it)")
    modes = {"": [], " without exceptions": ["-fno-exceptions", "-fno-rtti"]}

    with tempfile.TemporaryDirectory() as folder:
        together = pathlib.Path(folder) / "together.cpp"
        # Everything from outside comes before the macros, so that only the library's own text meets them.
        before = "".join(f"#include <{include}>\n" for include in outside if include not in absent)
        together.write_text(before + MACROS + "".join(f"#include <lacuna/{name}>\n" for name in usable))

        def compile_alone(job):
            compiler, mode, name = job
            return proof.run([compilers[compiler], *flags, *modes[mode], "-x", "c++", "-include", f"lacuna/{name}",
                              "/dev/null"])

        turns = [(compiler, mode) for compiler in compilers for mode in modes]
        # What a header lacks, it lacks in every mode; what a mode refuses, it refuses below.
        jobs = [(*turns[number % len(turns)], name) for number, name in enumerate(usable)]
        bad = [f"lacuna/{name} alone, {compiler}{mode}: {first_problem(result.stdout)}"
               for (compiler, mode, name), result in zip(jobs, proof.in_parallel(compile_alone, jobs))
               if result.returncode != 0]
        tally.check(not bad, f"{len(usable)} headers alone", "\n".join(bad))

        def compile_together(turn):
            compiler, mode = turn
            where = ["-ftrack-macro-expansion=0"] if compiler == "g++" else []
            return proof.run([compilers[compiler], *flags, *modes[mode], *where, together])

        for (compiler, mode), result in zip(turns, proof.in_parallel(compile_together, turns)):
            tally.check(result.returncode == 0, f"after macros min, max, M, I, T, {compiler}{mode}",
                        first_problem(result.stdout) if result.returncode else "")
    tally.finish()


main()
