#!/usr/bin/env python3
"""Compiles wrong programs: run.py [CASE]...

A case is cases/<name>.cpp:

    // sentence: lacuna::what: rule (how to fix it)
    // flags: -fno-exceptions                          (this line is optional)
    ... a program with one mistake, and its correction, under #if defined(CORRECTED) ... #else ... #endif

With g++ and clang, the wrong program must give exactly one error, with the sentence, in at most 30 lines; the corrected
one must compile. No two cases share a sentence, and there are at least 25 of them. lacuna.hpp is compiled beforehand.
Where there are several clangs, they take turns from case to case; every eighth case meets all of them, and reads the
headers themselves, as users do. The cases that are named as arguments do so, too.
"""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

CASES = pathlib.Path(__file__).resolve().parent / "cases"
FEWEST_CASES = 25
MOST_LINES = 30
EVERY = 8


def header_line(text, key):
    found = re.search(rf"^// {key}: (.*\S)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def judge(job):
    """Why this case fails with this compiler, or an empty text."""
    path, command, beforehand = job
    text = path.read_text()
    sentence = header_line(text, "sentence")
    flags = header_line(text, "flags").split()
    # A header that was compiled with other flags is none for this case.
    if flags:
        beforehand = []
    compiler = [command, "-std=c++20", "-fsyntax-only", *beforehand, f"-I{proof.INCLUDE}", *flags, path]

    wrong = proof.run(compiler)
    lines = wrong.stdout.splitlines()
    errors = sum(bool(re.match(r"\S.*?: (?:fatal )?error: ", line)) for line in lines)
    complaints = []
    if errors != 1:
        complaints.append(f"{errors} errors; exactly one is wanted")
    if sentence not in wrong.stdout:
        complaints.append(f"the sentence is missing: {sentence}")
    if len(lines) > MOST_LINES:
        complaints.append(f"{len(lines)} lines; at most {MOST_LINES}")
    if complaints:
        complaints.append("\n".join(lines[:60]))
    corrected = proof.run([*compiler, "-DCORRECTED"])
    if corrected.returncode != 0:
        complaints += ["the corrected program does not compile:", "\n".join(corrected.stdout.splitlines()[:30])]
    return "\n".join(complaints)


def compiled_beforehand(name, command, folder):
    """The options with which a compiler finds lacuna.hpp compiled; none if it cannot be."""
    clang = name != "g++"
    output = folder / f"{name}.pch" if clang else folder / "lacuna" / "lacuna.hpp.gch"
    output.parent.mkdir(exist_ok=True)
    built = proof.run([command, "-std=c++20", f"-I{proof.INCLUDE}", "-x", "c++-header",
                       proof.INCLUDE / "lacuna" / "lacuna.hpp", "-o", output])
    if built.returncode != 0:
        return []
    return ["-include-pch", output] if clang else [f"-I{folder}"]


def main():
    paths = [pathlib.Path(argument) for argument in sys.argv[1:]]
    whole = not paths
    paths = paths or sorted(CASES.glob("*.cpp"))
    tally = proof.Tally()

    by_sentence = {}
    for path in paths:
        by_sentence.setdefault(header_line(path.read_text(), "sentence"), []).append(path.stem)
    bad = [f"{', '.join(names)}: {sentence or 'no sentence'}" for sentence, names in by_sentence.items()
           if len(names) > 1 or not sentence]
    # A sentence says how to fix it, in parentheses, to its end.
    bad += [f"{', '.join(names)}: cut off: {sentence}" for sentence, names in by_sentence.items() if not sentence.endswith(")")]
    tally.check(not bad, f"{len(by_sentence)} different sentences", "\n".join(bad))
    if whole:
        tally.check(len(paths) >= FEWEST_CASES, f"{len(paths)} cases, at least {FEWEST_CASES}")

    compilers = {"g++": proof.gxx(), **proof.clangs()}
    if len(compilers) == 1:
        tally.skip("misuse with clang (clang++ not found; scripts/test --all installs it)")
    clangs = list(compilers)[1:]
    jobs = []  # path, compiler, whether lacuna.hpp is compiled beforehand
    for number, path in enumerate(paths):
        if number % EVERY == 0 or not whole:
            jobs += [(path, name, False) for name in compilers]
        else:
            jobs += [(path, name, True) for name in ["g++", *([clangs[number % len(clangs)]] if clangs else [])]]
    with tempfile.TemporaryDirectory() as folder:
        options = {name: compiled_beforehand(name, command, pathlib.Path(folder)) if whole else []
                   for name, command in compilers.items()}
        results = proof.in_parallel(judge, [(path, compilers[name], options[name] if beforehand else [])
                                            for path, name, beforehand in jobs])
    for (path, name, _), why in zip(jobs, results):
        tally.check(not why, f"{path.stem}, {name}", why)
    tally.finish()


main()
