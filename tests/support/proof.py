"""What the proof scripts share: tools, running commands two at a time, and the tally that scripts/test adds up."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import traceback

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = REPOSITORY / "include"
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
JOBS = 2


def gxx():
    """The g++ to use: CXX where that is one."""
    wanted = os.environ.get("CXX", "")
    return wanted if "g++" in pathlib.Path(wanted).name else "g++"


def clangs():
    """Every clang++ present, newest first, each version once: {name: command}."""
    found = {}
    for command in ["clang++", *(f"clang++-{version}" for version in range(30, 13, -1))]:
        if shutil.which(command):
            text = subprocess.run([command, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"version (\d+)", text)
            if version and int(version[1]) >= 14:
                found.setdefault(int(version[1]), command)
    return {f"clang {version}": found[version] for version in sorted(found, reverse=True)}


def eigen():
    """The options with which a compiler finds Eigen, where a system has it."""
    return [flag for folder in ("/usr/include/eigen3", "/usr/local/include/eigen3") if pathlib.Path(folder).is_dir()
            for flag in ("-isystem", folder)]


def finds(header, *options):
    """Whether g++ finds a header."""
    return run([gxx(), "-std=c++20", "-E", *options, "-x", "c++", "-include", header, "/dev/null"]).returncode == 0


def run(command, **options):
    """Runs a command and returns its result, with standard error in `stdout` as well."""
    return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **options)


def in_parallel(function, items):
    """The results of `function` over `items`, in order, on two cores."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(function, items))


class Tally:
    """Counts and prints checks; `finish` prints the last line and exits."""

    def __init__(self, show=print):
        self.passed = self.failed = self.skipped = 0
        self.show = show

    def check(self, good, name, details=""):
        if good:
            self.passed += 1
            self.show(f"ok: {name}")
        else:
            self.failed += 1
            self.show(f"FAILED: {name}")
            if details:
                self.show("    " + details.rstrip().replace("\n", "\n    "))
        return good

    def skip(self, what):
        self.skipped += 1
        self.show(f"skipped: {what}")

    def side_by_side(self, groups):
        """Runs groups of checks, functions of a tally, on two cores. What each says is printed in one piece."""
        def run_group(group):
            lines = []
            own = Tally(lines.append)
            try:
                group(own)
            except Exception:
                own.check(False, "a group of checks goes on to its end", traceback.format_exc())
            return own, lines

        for own, lines in in_parallel(run_group, groups):
            self.passed, self.failed, self.skipped = (self.passed + own.passed, self.failed + own.failed,
                                                      self.skipped + own.skipped)
            for line in lines:
                self.show(line)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0 if self.passed else 77)
