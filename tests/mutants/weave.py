"""Weaves many mutations into one text of C++, each behind a number that is chosen when the program runs.

The statement around a mutation becomes `if (lacuna_mutant::active(17)) { changed } else { statement }`, and where it
returns or declares, its value becomes `lacuna_mutant::active(17) ? changed : value`.
"""
import re

# `return`, or a type and names with values up to the last name's.
DECLARATION = re.compile(r"(return|(?:const )?[\w:<>]+ (?:\w+ = \w+, )*\w+ =)\s+(.*);$", re.DOTALL)


class CannotWeave(Exception):
    pass


def difference(text, old, new):
    """Where `old`, which stands in the text once, becomes different from `new`: (begin, end, what comes there)."""
    begin = text.index(old) + len(old) - len(old.lstrip())
    old, new = old.strip(), new.strip()
    shorter = min(len(old), len(new))
    before = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    after = next((i for i in range(shorter - before) if old[-1 - i] != new[-1 - i]), shorter - before)
    return begin + before, begin + len(old) - after, new[before:len(new) - after]


def opens_block(before):
    """Whether a brace after this text opens a block, not a list of values."""
    return re.search(r"(\)|[;{}]|\b(else|do|try|const|noexcept|mutable))\s*$", before) is not None


def after_parentheses(text, place):
    """Where the code goes on after the first parentheses from a place on."""
    depth, place = 1, text.index("(", place) + 1
    while depth > 0:
        depth += (text[place] == "(") - (text[place] == ")")
        place += 1
    return place + re.match(r"\s*", text[place:]).end()


def statement_around(text, begin, end):
    """The (begin, end) of the innermost statement around a place."""
    depth, first = 0, begin
    while first > 0:
        here = text[first - 1]
        if here == "}" and depth == 0 and re.match(r"\s*[\w*(&]", text[first:]):
            break
        if here in ")}]":
            depth += 1
        elif here in "([{":
            if depth > 0:
                depth -= 1
            elif here == "{" and opens_block(text[:first - 1]):
                break
        elif here == ";" and depth == 0:
            break
        first -= 1
    while True:  # not what stands before it
        found = re.match(r"\s+|//[^\n]*\n|else\b", text[first:])
        if not found or first + found.end() > begin:
            break
        first += found.end()
    depth, last = 0, first
    while text[last] != ";" or depth > 0:
        depth += (text[last] in "([{") - (text[last] in ")]}")
        last += 1
        if depth < 0 or last >= len(text):
            raise CannotWeave("no statement")
    if re.match(r"\s*else\b", text[last + 1:]) and re.match(r"if\b", text[first:]):
        first = after_parentheses(text, first)
    if last + 1 < end or first > begin:
        raise CannotWeave("more than one statement")
    return first, last + 1


def weave(text, mutations):
    """The text with `mutations`, a list of (number, old, new), woven in."""
    statements = {}
    for number, old, new in mutations:
        begin, end, changed = difference(text, old, new)
        first, last = statement_around(text, begin, end)
        statements.setdefault((first, last), []).append((number, text[first:begin] + changed + text[end:last]))
    ordered = sorted(statements, reverse=True)
    for (first, _), (_, last) in zip(ordered, ordered[1:]):
        if last > first:
            raise CannotWeave("one statement is within another: " + text[first:last][:80])
    for first, last in ordered:
        original, variants = text[first:last], statements[first, last]
        declaration = DECLARATION.match(original)
        if declaration:
            start, woven = declaration[1], f"({declaration[2]})"
            for number, variant in variants:
                found = DECLARATION.match(variant)
                if not found or found[1] != start:
                    raise CannotWeave("the mutation changes what is declared: " + variant[:80])
                woven = f"(lacuna_mutant::active({number}) ? ({found[2]}) : {woven})"
            woven = f"{start} {woven};"
        else:
            if re.match(r"(const|auto|constexpr|static|using|case|template)\b", original):
                raise CannotWeave("no expression: " + original[:80])
            woven = "".join(f"if (lacuna_mutant::active({number})) {{ {variant} }} else " for number, variant in variants)
            # In braces, so that an `else` after an `if` before it stays its own.
            woven = f"{{ {woven}{{ {original} }} }}"
        text = text[:first] + woven + text[last:]
    return text
