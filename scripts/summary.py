#!/usr/bin/env python3
"""Adds up what ctest reported: summary.py [--failed NAME] [--skipped TEXT] [JUNIT_FILE]...

A test whose output ends in a line "N passed, N failed, N skipped" counts as these; any other counts as one.
Prints what failed and what was skipped, then the sum in the same form; exits 1 if anything failed.
"""
import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

TALLY = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*\Z")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--failed", action="append", default=[])
    options.add_argument("--skipped", action="append", default=[])
    options.add_argument("reports", nargs="*")
    given = options.parse_intermixed_args()

    passed, failed, skipped = 0, len(given.failed), len(given.skipped)
    failures, skips = list(given.failed), list(given.skipped)
    for report in given.reports:
        for case in xml.parse(report).iter("testcase"):
            output = case.findtext("system-out") or ""
            tally = TALLY.search(output)
            good, bad, without = (int(n) for n in tally.groups()) if tally else (0, 0, 0)
            skips += [line[len("skipped: "):] for line in output.splitlines() if line.startswith("skipped: ")]
            if case.find("skipped") is not None and case.get("status") == "notrun" and output:
                without = max(without, 1)
            elif case.get("status") != "run":
                bad = max(bad, 1)  # also one that crashed, ran out of time or was never built
            elif not tally:
                good = 1
            if bad:
                name = f"{case.get('name')} (build/{pathlib.Path(report).parent.name})"
                reasons = [line[len("FAILED: "):] for line in output.splitlines() if line.startswith("FAILED: ")]
                failures += [f"{name}: {reason}" for reason in reasons] or [name]
            passed, failed, skipped = passed + good, failed + bad, skipped + without

    for line in dict.fromkeys(skips):
        print(f"skipped: {line}")
    for line in failures:
        print(f"failed: {line}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
