#!/usr/bin/python3
"""Writes what independent implementations say about the attention mechanisms: the *.txt files beside it.

Usage: /usr/bin/python3 tests/reference/attention/make.py [mechanism...]          (all of them: under a minute)

Each mechanism is a script of its own, written from its source with plain loops and dense masks in f64; nothing is taken
from the library, and nothing but a softmax is shared. Every run asserts the identities of each mechanism, that a change
of its inputs by 1e-6 changes no selection and no output by more than 1e-5, and that the file says all that is needed to
compute its outputs again.

Versions: Debian 12, python 3.11, numpy 1.24.2. Another numpy may draw the same numbers and move the last digits.
Seeds:    printed, and stored with each case.
Format:   README.md.
"""
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import support  # noqa: E402

MECHANISMS = ("multi_head grouped_query alibi longformer bigbird masformer dilated_window reformer routing biformer "
              "linformer performer scatterbrain combiner clipped_softmax sigmoid_gate pattention l2_gelu sinks top_k "
              "branches graph laplacian").split()


def main():
    size = 0
    for name in sys.argv[1:] or MECHANISMS:
        mechanism = importlib.import_module(name)
        size += support.make(name, list(mechanism.cases()), mechanism.compute, mechanism.check)
    print(f"{size:,} bytes")


main()
