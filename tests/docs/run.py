#!/usr/bin/env python3
"""Compiles and runs the code of README.md and docs/, and follows the links between pages.

A ```cpp block with an #include begins a program; blocks after it without one continue it, in order. A program with a
main function is run in the repository and has to return 0; one without is only compiled.
"""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof


def programs(page):
    """(line, source) of every program of a page; #line makes errors name the page."""
    found = []
    text = page.read_text()
    for block in re.finditer(r"^```cpp\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start()) + 2
        source = f'#line {line} "{page.relative_to(proof.REPOSITORY)}"\n{block[1]}'
        if "#include" in block[1] or not found:
            found.append((line, source))
        else:
            found[-1] = (found[-1][0], found[-1][1] + source)
    return found


def broken_links(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", text)  # code is no link
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
            yield target


def main():
    tally = proof.Tally()
    pages = [proof.REPOSITORY / "README.md", *sorted((proof.REPOSITORY / "docs").rglob("*.md"))]
    pages = [page for page in pages if page.exists()]
    jobs = [(page, *program) for page in pages for program in programs(page)]
    tally.check(jobs, f"{len(jobs)} programs on {len(pages)} pages")

    with tempfile.TemporaryDirectory() as folder:
        eigen = proof.eigen()

        def runs(job):
            page, line, source = job
            path = pathlib.Path(folder) / f"{pages.index(page)}_{line}.cpp"
            path.write_text(source)
            whole = "int main(" in source
            built = proof.run([proof.gxx(), "-std=c++20", "-O0", "-Wall", "-Wextra", f"-I{proof.INCLUDE}", *eigen, path,
                               *(["-o", path.with_suffix("")] if whole else ["-fsyntax-only"])])
            if built.returncode != 0 or not whole:
                return built
            return proof.run([path.with_suffix("")], cwd=proof.REPOSITORY)

        for (page, line, _), built in zip(jobs, proof.in_parallel(runs, jobs)):
            tally.check(built.returncode == 0, f"{page.relative_to(proof.REPOSITORY)}:{line}", built.stdout)
    for page in pages:
        bad = list(broken_links(page))
        tally.check(not bad, f"links of {page.relative_to(proof.REPOSITORY)}", "\n".join(bad))
    reference = proof.run([sys.executable, proof.REPOSITORY / "tools" / "make_reference.py", "--check"])
    tally.check(reference.returncode == 0, "the generated reference is up to date", reference.stdout)
    tally.finish()


main()
