#!/usr/bin/env python3
"""Writes docs/reference/ from the docstrings of the headers: one page per room, one entry per documented declaration.

Usage: tools/make_reference.py [--check]     --check writes nothing and fails when a page is out of date.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = ROOT / "include" / "lacuna"
PAGES = ROOT / "docs" / "reference"
ROOMS = ("core tensor format op backend activation norm position attention ffn block token model io probe task train "
         "compress zoo").split()


def declaration(lines, start):
    """The declaration that begins at a line, cut before its body, on one line."""
    text = ""
    for line in lines[start:start + 12]:
        text += " " + line.strip()
        plain, nested = re.sub(r"<[^<>]*>", lambda of: "x" * len(of[0]), text), ""
        while plain.startswith(" template") and plain != nested:
            nested, plain = plain, re.sub(r"<[^<>]*>", lambda of: "x" * len(of[0]), plain)
        # An alias is shown with what it stands for, unless that is private.
        if re.match(r"( template x+)? using ", plain):
            if ";" not in text:
                continue
            text = text[:text.index(";")]
            private = re.search(r" = .*(detail::|typename|decltype|conditional_t)", text)
            text = text[:private.start()] if private else text
            break
        cut = re.search(r"[{;]|(?<![<>=!])=(?![=>])\s*[^0]", plain)
        if cut and not text.strip().startswith("template") or (cut and ">" in text[:cut.start()]):
            text = text[:cut.start()]
            break
    text = re.sub(r"\b(LACUNA_HD|LACUNA_INLINE|LACUNA_ANY_CALLEE|static|inline|constexpr|noexcept|consteval)\b ?", "", text)
    return re.sub(r"\s+", " ", text).strip()


def entries(header):
    """(header's own text, [(declaration, docstring, indented)]) of one header; private namespaces are left out."""
    lines = header.read_text().splitlines()
    opening, found, doc, hidden = [], [], [], None
    for number, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        if re.match(r"namespace detail \{", line):
            hidden = depth
        elif hidden is not None and re.match(r"\}  // namespace detail", line):
            hidden = None
        text = line.strip()
        if text.startswith("///") and not text.startswith("///<"):
            doc.append(text[3:].strip())
            continue
        if doc and number < 12 and not found and not opening and (not text or text.startswith("#")):
            opening, doc = doc, []
        elif doc and text and hidden is None and depth <= 2 and not text.startswith(("#", "//")):
            found.append((declaration(lines, number), doc, depth > 0))
            doc = []
        elif not text or text.startswith("//"):
            continue
        else:
            doc = []
    return opening, found


def page(room):
    headers = sorted((HEADERS / room).rglob("*.hpp"))
    if not headers:
        return None
    out = [f"# {room}/", "", "Generated from the headers by `tools/make_reference.py`; do not edit.", ""]
    for header in headers:
        opening, found = entries(header)
        out += [f"## `lacuna/{header.relative_to(HEADERS)}`", "", " ".join(opening), ""]
        for what, doc, inner in found:
            out += [f"{'- ' if inner else ''}**`{what}`**" + ("" if inner else "  "),
                    ("  " if inner else "") + " ".join(doc), ""]
    return "\n".join(out).rstrip() + "\n"


def main():
    pages = {f"{room}.md": text for room in ROOMS if (text := page(room))}
    index = ["# Reference", "", "Generated from the headers by `tools/make_reference.py`; do not edit.", ""]
    index += [f"- [{name[:-3]}/]({name})" for name in pages]
    pages["README.md"] = "\n".join(index) + "\n"
    if "--check" in sys.argv[1:]:
        stale = [name for name, text in pages.items()
                 if not (PAGES / name).exists() or (PAGES / name).read_text() != text]
        stale += [path.name for path in PAGES.glob("*.md") if path.name not in pages]
        for name in stale:
            print(f"docs/reference/{name} is out of date (run tools/make_reference.py)")
        return 1 if stale else 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in PAGES.glob("*.md"):
        path.unlink()
    for name, text in pages.items():
        (PAGES / name).write_text(text)
    print(f"{len(pages)} pages written to docs/reference/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
