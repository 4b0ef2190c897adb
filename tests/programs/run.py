#!/usr/bin/env python3
"""Runs the built examples as a user does: what they write, and what they say to wrong input."""
import json
import math
import os
import pathlib
import re
import sys
import subprocess
import tempfile
import time
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

BIN = pathlib.Path(os.environ.get("LACUNA_BUILD", proof.REPOSITORY / "build" / "release")) / "bin"
DATA = pathlib.Path(os.environ.get("LACUNA_TEST_DATA") or proof.REPOSITORY.parent / "shared")


def call(program, *arguments):
    return subprocess.run([str(BIN / program), *map(str, arguments)], capture_output=True, text=True, errors="replace")


def refuses(tally, what, arguments, *parts, shown=""):
    """A wrong call: a failing exit code, nothing but the prompt on standard output, one sentence that says why."""
    ran = call("02_generate", *arguments)
    tally.check(ran.returncode not in (0, -6, -11) and ran.stdout.strip() == shown.strip()
                and all(part in ran.stderr for part in parts), f"02_generate refuses {what}",
                f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")


def with_stories(tally, folder):
    model, vocabulary = DATA / "models/stories260K.bin", DATA / "models/tok512.bin"
    expected = DATA / "models/stories260K.greedy256.txt"
    if not all(path.exists() for path in (model, vocabulary, expected)):
        if os.environ.get("LACUNA_REQUIRE_DATA") == "1":
            tally.check(False, f"test data in {DATA}")
        else:
            tally.skip(f"programs on stories260K ({model} not found; LACUNA_TEST_DATA names its folder)")
        return
    stories = ["--model", model, "--tokenizer", vocabulary]
    ran = call("02_generate", *stories, "--temperature", "0", "--tokens", "256")
    tally.check(ran.stdout == expected.read_text(), "stories260K writes the reference text", ran.stdout + ran.stderr)
    prompted = call("02_generate", *stories, "--temperature", "0", "--tokens", "20", "--prompt", "One day, Tim")
    tally.check(prompted.returncode == 0 and prompted.stdout.startswith("One day, Tim"),
                "the prompt comes first", prompted.stdout + prompted.stderr)
    refuses(tally, "a missing tokenizer", ["--model", model], "--tokenizer")
    refuses(tally, "a tokenizer that is a model", ["--model", model, "--tokenizer", model], "tokenizer", "expected", "found")
    refuses(tally, "a prompt longer than the context", [*stories, "--prompt", "Lily had a dog. " * 200], "context 512",
            shown="Lily had a dog. " * 200)
    data = model.read_bytes()
    for name, bytes_of in (("truncated", data[:-100]), ("longer", data + b"x"), ("wide", b"\x80" + data[1:])):
        path = folder / f"{name}.bin"
        path.write_bytes(bytes_of)
        refuses(tally, f"a {name} checkpoint", ["--model", path, "--tokenizer", vocabulary], "expected", "found")
    # A model of llama2.c of other sizes, whole: both types of the program are named.
    import struct
    dim, hidden, layers, heads, vocabulary_size, length = 8, 12, 1, 2, 16, 4
    elements = vocabulary_size * dim + layers * (2 * dim + 4 * dim * dim + 3 * hidden * dim) + dim + length * dim // heads
    path = folder / "other.bin"
    path.write_bytes(struct.pack("<7i", dim, hidden, layers, heads, heads, vocabulary_size, length) + b"\0" * 4 * elements)
    refuses(tally, "a model of other sizes", ["--model", path, "--tokenizer", vocabulary], "zoo::shipped", "zoo::stories260k",
            "expected", "found")


def design_space(tally, folder):
    """A table of at least 12 variants, two pictures that are well-formed, and what wrong calls are told."""
    ran = call("04_design_space", folder, "1")
    rows = re.findall(r"^ *(\d+) (\S.*\S)" + 6 * r" +(\d+)" + r" +(\d\.\d+|-) +(\d+\.\d %|-)$", ran.stdout, re.MULTILINE)
    names, losses = {row[1] for row in rows}, [row[8] for row in rows]
    tally.check(ran.returncode == 0 and len(rows) >= 12 and len(names) == len(rows)
                and [int(row[0]) for row in rows] == list(range(len(rows))), "04_design_space prints its variants",
                ran.stdout + ran.stderr)
    # Where the tensors are not the shipped model's there is no loss; a ring that holds the window changes none.
    tally.check(all((loss == "-") == (row[2] != "730368") for row, loss in zip(rows, losses)) and "-" in losses
                and len({row[8] for row in rows if re.match("window 64, .*, relu$", row[1])}) == 1,
                "04_design_space measures a loss where the weights apply", ran.stdout)
    tally.check(f"{len(rows)} of {len(rows)}" in ran.stderr, "04_design_space says how far it is", ran.stderr)
    for name, part in (("design_space.svg", "tokens per second"), ("routes.svg", "query")):
        try:
            root = xml.etree.ElementTree.parse(folder / name).getroot()
            texts = [of.text for of in root.iter("{http://www.w3.org/2000/svg}text")]
            tally.check(root.tag.endswith("svg") and any(part in text for text in texts),
                        f"{name} is a picture with labels")
        except (OSError, xml.etree.ElementTree.ParseError) as wrong:
            tally.check(False, f"{name} is a picture with labels", str(wrong))
    for what, arguments, part in (("no folder", [], "usage"), ("no pieces", [folder, "0"], "PIECES: expected a whole"),
                                  ("pieces with a letter", [folder, "8x"], "found '8x'"),
                                  ("a folder that is none", [folder / "none"], "expected a file that can be written")):
        ran = call("04_design_space", *arguments)
        tally.check(ran.returncode not in (0, -6, -11) and part in ran.stderr and ran.stdout == "",
                    f"04_design_space refuses {what}", ran.stdout + ran.stderr)


def fewer_characters(tally, folder):
    """A model with more tokens than characters shows those that are none."""
    whole = (proof.REPOSITORY / "examples/models/shipped.safetensors").read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:8 + size])
    header["__metadata__"]["lacuna.characters"] = header["__metadata__"]["lacuna.characters"][:50]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    model = folder / "fewer.safetensors"
    model.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size:])
    ran = call("02_generate", "--model", model, "--tokens", "60")
    tally.check(ran.returncode == 0 and "\ufffd" in ran.stdout and ran.stdout.startswith("ROMEO:\n")
                and "60 generated" in ran.stderr, "02_generate shows tokens that have no character",
                f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")


def trained_space(tally, folder):
    """Every variant learns: the same losses when the training is repeated, on any number of threads."""
    text = folder / "text.txt"
    text.write_text((proof.REPOSITORY / "examples/models/shipped.held_out.txt").read_text()[:3000])
    data = ["--data", text]
    folders = [folder / "alone", folder / "shared", folder / "hurried"]
    for each in folders:
        each.mkdir()
    lengths = (["--steps", "2", "--threads", "1"], ["--steps", "2", "--threads", "2"], ["--train", "0.01"])
    *both, hurried = proof.in_parallel(lambda of: call("04_design_space", of[0], "1", *data, *of[1]),
                                       list(zip(folders, lengths)))
    losses = []
    for ran in both:
        rows = re.findall(r"^ *(\d+) (\S.*\S)" + 6 * r" +(\d+)" + r" +(?:\d\.\d+|-) +(?:\d+\.\d %|-)"
                          r" +(\d\.\d{4}) +- +([1-9]\d*)$", ran.stdout, re.MULTILINE)
        losses.append([row[8] for row in rows])
        tally.check(ran.returncode == 0 and [int(row[0]) for row in rows] == list(range(15))
                    and "after 2 steps" in ran.stdout and "training 9 of 9, step 2 of 2" in ran.stderr,
                    "04_design_space trains its variants", ran.stdout + ran.stderr)
    tally.check(hurried.returncode not in (0, -6, -11) and hurried.stdout == ""
                and re.search(r"^04_design_space: --train: expected at least \d+\.\d minutes, .* found 0\.01",
                              hurried.stderr, re.MULTILINE), "04_design_space refuses minutes that are too few",
                hurried.stdout + hurried.stderr)
    # A ring learns by its twin without one; other variants are other models. An even guess costs ln(65) = 4.174.
    by_name = dict(zip((row[1] for row in rows), losses[0]))
    tally.check(losses[0] == losses[1] and len(set(losses[0])) == 9 and all(float(loss) < 4.1 for loss in losses[0])
                and all(by_name[name.replace("ring", "linear")] == loss for name, loss in by_name.items()),
                "a training of the design space is repeated", f"{losses}")
    root = xml.etree.ElementTree.parse(folder / "shared" / "trained.svg").getroot()
    texts = [of.text for of in root.iter("{http://www.w3.org/2000/svg}text")]
    tally.check(root.tag.endswith("svg") and texts.count("loss, nats per character") == 3
                and all(any(part in shown for shown in texts) for part in ("MB of", "MFLOP", "tokens per second")),
                "trained.svg is a picture of three plots with labels", f"{texts}")
    (folder / "short.txt").write_text("too short\n" * 256)
    (folder / "wide.txt").write_text("".join(chr(0x100 + i) for i in range(100)) * 30)
    (folder / "latin.txt").write_bytes(b"caf\xe9 " * 600)
    for what, arguments, parts in (
            ("a training without a text", ["--train", "1"], ["add --data FILE"]),
            ("a text without a length", data, ["give --train MINUTES or --steps N"]),
            ("two lengths", [*data, "--train", "1", "--steps", "1"], ["give --train MINUTES or --steps N"]),
            ("a missing text", ["--data", folder / "none.txt", "--steps", "1"], ["expected a file, found none"]),
            ("a text that is too short", ["--data", folder / "short.txt", "--steps", "1"], ["at least 2561", "found 2560"]),
            ("too many characters", ["--data", folder / "wide.txt", "--steps", "1"], ["at most 65", "found 100"]),
            ("a text that is not UTF-8", ["--data", folder / "latin.txt", "--steps", "1"], ["UTF-8"]),
            ("no minutes", [*data, "--train", "0"], ["--train", "found '0'"]),
            ("minutes that are no number", [*data, "--train", "many"], ["--train", "found 'many'"]),
            ("half a step", [*data, "--steps", "0.5"], ["--steps", "found '0.5'"])):
        ran = call("04_design_space", *arguments)
        lines = ran.stderr.strip().splitlines()
        tally.check(ran.returncode not in (0, -6, -11) and ran.stdout == "" and all(part in lines[-1] for part in parts),
                    f"04_design_space refuses {what}", ran.stdout + ran.stderr)


def sparse_weights(tally, folder):
    """A table of at least eight formats, a picture that is well-formed, and what wrong calls are told."""
    if not (BIN / "06_sparse_weights").exists():
        if os.environ.get("LACUNA_REQUIRE_DATA"):
            tally.check(False, "06_sparse_weights is built (Debian: libeigen3-dev)")
        else:
            tally.skip("06_sparse_weights (not built: no Eigen)")
        return
    ran = call("06_sparse_weights", folder, "1")
    rows = re.findall(r"^(\S.*\S) +(\d+) +(\d+) +(\d+\.\d) % +(\d+) +(\d+\.\d+)$", ran.stdout, re.MULTILINE)
    tally.check(ran.returncode == 0 and len(rows) >= 9 and rows[0][0] == "dense" and float(rows[0][3]) == 0,
                "06_sparse_weights prints its formats", ran.stdout + ran.stderr)
    if rows:
        # Eight bits lose little; every other format takes less room than the dense weights, and loses some.
        dense, eight = rows[0], rows[1]
        tally.check(abs(float(eight[5]) - float(dense[5])) < 0.01 and int(eight[1]) < 0.3 * int(dense[1]),
                    "06_sparse_weights keeps the loss in eight bits", ran.stdout)
        tally.check(all(int(row[1]) < int(dense[1]) and float(row[3]) > 0 for row in rows[1:]),
                    "06_sparse_weights stores less, and says what it lost", ran.stdout)
    try:
        root = xml.etree.ElementTree.parse(folder / "sparse_weights.svg").getroot()
        texts = [of.text for of in root.iter("{http://www.w3.org/2000/svg}text")]
        tally.check(root.tag.endswith("svg") and any("tokens per second" in text for text in texts),
                    "sparse_weights.svg is a picture with labels")
    except (OSError, xml.etree.ElementTree.ParseError) as wrong:
        tally.check(False, "sparse_weights.svg is a picture with labels", str(wrong))
    for what, arguments, part in (("no folder", [], "usage"), ("no pieces", [folder, "0"], "PIECES: expected a whole"),
                                  ("pieces with a letter", [folder, "8x"], "found '8x'"),
                                  ("a folder that is none", [folder / "none"], "expected a file that can be written")):
        ran = call("06_sparse_weights", *arguments)
        tally.check(ran.returncode not in (0, -6, -11) and part in ran.stderr and ran.stdout == "",
                    f"06_sparse_weights refuses {what}", ran.stdout + ran.stderr)


def minilm_folder():
    """Where scripts/fetch_minilm puts the model of sentences."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return pathlib.Path(os.environ.get("LACUNA_MINILM") or cache / "lacuna" / "all-MiniLM-L6-v2")


def semantic_search(tally, folder):
    """Passages by meaning, across languages' letters; what cannot be searched is said, whatever else is found."""
    def search(*arguments, model=minilm_folder()):
        return subprocess.run([str(BIN / "05_semantic_search"), *map(str, arguments)], capture_output=True, text=True,
                              errors="replace", env={**os.environ, "LACUNA_MINILM": str(model)})

    if not (BIN / "05_semantic_search").exists():
        if os.environ.get("LACUNA_REQUIRE_DATA") == "1":
            tally.check(False, "05_semantic_search is built (Debian: libicu-dev)")
        else:
            tally.skip("05_semantic_search (not built: no ICU)")
        return
    pets, facts = folder / "pets.txt", folder / "facts.txt"
    pets.write_text("Stocks fell after the bank raised its rates.\r\n\r\nThe kitten sleeps on the rug.\n"
                    "Une recette de cr\u00e8me br\u00fbl\u00e9e.\n", newline="")
    facts.write_text("\ufeffWater boils at 100 degrees.\n\u732b\n")
    (folder / "nothing.txt").write_bytes(b"")
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    (folder / "long.txt").write_text("A short line.\n" + "Many words make a line that is long. " * 100 + "\n")
    (folder / "controls.txt").write_text("A line.\n\x01\x02\n")
    (folder / "part.txt").write_text("many words " * 150 + "\x01" * 3000 + "\n")

    def refused(what, ran, *parts):
        tally.check(ran.returncode not in (0, -6, -11) and ran.stdout == "" and all(part in ran.stderr for part in parts),
                    f"05_semantic_search refuses {what}", f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")

    refused("a model that is not there", search("cats", pets, model=folder / "none"), "found no vocab.txt",
            "scripts/fetch_minilm")
    refused("no files", search("cats"), "usage")
    for number in ("0", "x", "-1", "1e9"):
        refused(f"-n {number}", search("-n", number, "cats", pets), "expected a whole number", f"'{number}'")
    model = minilm_folder()
    if not (model / "model.safetensors").exists():
        if os.environ.get("LACUNA_REQUIRE_DATA") == "1":
            tally.check(False, f"model of sentences in {model} (scripts/fetch_minilm)")
        else:
            tally.skip(f"05_semantic_search ({model}/model.safetensors not found: scripts/fetch_minilm)")
        return

    ran = search("a cat having a nap", pets, facts)
    rows = re.findall(r"^ *(-?\d\.\d{3})  (\S+):(\d+): (.*)$", ran.stdout, re.MULTILINE)
    tally.check(ran.returncode == 0 and len(rows) == 5 and rows[0][1:] == (str(pets), "3", "The kitten sleeps on the rug.")
                and [float(row[0]) for row in rows] == sorted((float(row[0]) for row in rows), reverse=True)
                and float(rows[0][0]) > 0.4 and float(rows[-1][0]) < 0.3, "05_semantic_search finds by meaning",
                ran.stdout + ran.stderr)
    tally.check("passage 5 of 5" in ran.stderr, "05_semantic_search says how far it is", ran.stderr)
    # One and the same text has the cosine 1 with itself, whatever else is in the pass.
    ran = search("-n", "1", "Une recette de cr\u00e8me br\u00fbl\u00e9e.", pets, facts)
    tally.check(ran.returncode == 0 and ran.stdout == f" 1.000  {pets}:4: Une recette de cr\u00e8me br\u00fbl\u00e9e.\n",
                "05_semantic_search finds a text itself", ran.stdout + ran.stderr)
    ran = search("-p", "a nap", pets)
    tally.check(ran.returncode == 0 and len(ran.stdout.splitlines()) == 2
                and f"{pets}:3: The kitten sleeps on the rug. Une recette" in ran.stdout.splitlines()[0],
                "05_semantic_search takes paragraphs", ran.stdout + ran.stderr)
    ran = search("-n", "50", "words", folder / "long.txt")
    cut = re.search(r"long.txt:2: (\d+) tokens are more than 256: cut into (\d+) passages", ran.stderr)
    tally.check(ran.returncode == 0 and cut is not None and int(cut.group(1)) > 800
                and len(ran.stdout.splitlines()) == 1 + int(cut.group(2))
                and sum(len(line.split()) - 2 for line in ran.stdout.splitlines()) == 3 + 100 * 8,
                "05_semantic_search says what it cut, and searches all of it", ran.stdout + ran.stderr)
    ran = search("words", folder / "controls.txt")
    tally.check(ran.returncode == 0 and "controls.txt:2: left out" in ran.stderr and len(ran.stdout.splitlines()) == 1,
                "05_semantic_search says what it left out", ran.stdout + ran.stderr)
    ran = search("words", folder / "part.txt")
    tally.check(ran.returncode == 0 and len(ran.stdout.splitlines()) == 2
                and "into 2 passages; pieces left out, the tokenizer knows none of their characters: 1\n" in ran.stderr,
                "05_semantic_search says that pieces of a line had nothing to search", ran.stdout + ran.stderr)
    for name, part in (("nothing.txt", "an empty file"), ("latin.txt", "expected UTF-8"), ("none.txt", "found none")):
        refused(f"{name} alone", search("words", folder / name), name, part, "nothing to search")
        ran = search("boiling", folder / name, facts)
        tally.check(ran.returncode == 1 and part in ran.stderr and "1 of 2 files could not be searched" in ran.stderr
                    and ran.stdout.count("\n") == 2, f"05_semantic_search goes on behind {name}, and fails in the end",
                    ran.stdout + ran.stderr)
    refused("an empty query", search("", pets), "expected at least one word")
    refused("a query of blanks", search(" \t", pets), "expected at least one word")
    refused("a query that is too long", search("word " * 300, pets), "expected at most 256 tokens, found 302")
    ran = subprocess.run([BIN / "05_semantic_search", b"caf\xe9", pets], capture_output=True, text=True, errors="replace",
                         env={**os.environ, "LACUNA_MINILM": str(model)})
    refused("a query that is not UTF-8", ran, "expected UTF-8")
    other = folder / "other_model"
    other.mkdir()
    pieces = (model / "vocab.txt").read_text(encoding="utf-8").split("\n")
    (other / "vocab.txt").write_text("\n".join(pieces[:20000]) + "\n", encoding="utf-8")
    (other / "model.safetensors").symlink_to(model / "model.safetensors")
    refused("another model's vocabulary", search("cats", pets, model=other), "vocab.txt", "expected 30522 pieces",
            "found 20000", "another model")
    # As many pieces, in another order; and one special token elsewhere.
    moved = pieces[:1000] + sorted(pieces[1000:30522])
    (other / "vocab.txt").write_text("\n".join(moved) + "\n", encoding="utf-8")
    refused("a vocabulary in another order", search("cats", pets, model=other), "vocab.txt", "bert-base-uncased in their",
            "another model")
    (other / "vocab.txt").write_text("\n".join([pieces[101], *pieces[1:101], pieces[0], *pieces[102:30522]]) + "\n",
                                     encoding="utf-8")
    refused("a vocabulary with [CLS] elsewhere", search("cats", pets, model=other), "vocab.txt",
            "expected [CLS] on line 102", "found it on line 1 ", "another model")
    (other / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    (other / "model.safetensors").unlink()
    (other / "model.safetensors").write_bytes((proof.REPOSITORY / "examples/models/shipped.safetensors").read_bytes())
    refused("another model's weights", search("cats", pets, model=other), "expected", "found")
    (other / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:1_000_000])
    refused("a model that is not whole", search("cats", pets, model=other), "model.safetensors", "expected", "found")


def fetching(tally, folder):
    """scripts/fetch_minilm without a network: what is there is found, what is wrong is said, nothing is left behind."""
    script = proof.REPOSITORY / "scripts" / "fetch_minilm"

    def fetch(to, *arguments):
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "",
                   "PIP_RETRIES": "0", "LACUNA_MINILM": str(to)}
        return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, errors="replace",
                              env={**os.environ, **nowhere})

    inside = proof.REPOSITORY / "build" / "minilm"
    ran = fetch(inside)
    tally.check(ran.returncode == 1 and ran.stdout == "" and "outside the repository" in ran.stderr and not inside.exists(),
                "fetch_minilm writes nothing into the repository", ran.stdout + ran.stderr)
    ran = fetch(folder / "minilm")
    tally.check(ran.returncode == 1 and ran.stdout == "" and not list((folder / "minilm").iterdir())
                and ("is there a network" in ran.stderr or "expected pip" in ran.stderr),
                "fetch_minilm says what it lacks", ran.stdout + ran.stderr)
    (folder / "file").write_text("")
    ran = fetch(folder / "file")
    tally.check(ran.returncode == 1 and ran.stdout == "" and "expected a folder to write to" in ran.stderr,
                "fetch_minilm refuses a file for a folder", ran.stdout + ran.stderr)
    tally.check(fetch(folder / "minilm", "now").returncode == 2, "fetch_minilm takes no arguments")


def training(tally, folder):
    """A text is learnt: the same file on any number of threads, and by a training that was killed."""
    text = proof.REPOSITORY / "examples/models/shipped.held_out.txt"
    settings = proof.REPOSITORY / "examples/08_train_text/nano.json"
    common = ["--data", text, "--settings", settings, "--steps", "12"]
    whole = call("08_train_text", *common, "--threads", "1", "--out", folder / "whole.safetensors")
    tally.check(whole.returncode == 0 and "held-out loss" in whole.stdout and "left" in whole.stderr
                and not (folder / "whole.safetensors.training").exists(), "08_train_text learns a text",
                whole.stdout + whole.stderr)
    again, state = [*common, "--threads", "2", "--save-every", "1", "--out", folder / "again.safetensors"], \
        folder / "again.safetensors.training"
    killed = subprocess.Popen([str(part) for part in (BIN / "08_train_text", *again)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not state.exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    tally.check(state.exists(), "08_train_text is killed while it trains")
    other = call("08_train_text", *again, "--seed", "9")
    tally.check(other.returncode != 0 and "other settings" in other.stderr, "a training of other settings is not resumed",
                other.stdout + other.stderr)
    (folder / "other.txt").write_text(text.read_text().replace("the", "het", 1))
    (folder / "short.txt").write_text(text.read_text()[:-1])
    (folder / "letters.txt").write_text(text.read_text().replace("e", "~"))
    before = state.read_bytes()
    for what in ("other", "short", "letters"):
        another = [folder / f"{what}.txt" if part == text else part for part in again]
        ran = call("08_train_text", *another)
        tally.check(ran.returncode not in (0, -6, -11) and "is of a training with another text" in ran.stderr
                    and state.read_bytes() == before, f"a training of another text is not resumed: {what}.txt",
                    ran.stdout + ran.stderr)
    resumed = call("08_train_text", *again)
    tally.check(resumed.returncode == 0 and "goes on behind step" in resumed.stderr
                and (folder / "again.safetensors").read_bytes() == (folder / "whole.safetensors").read_bytes(),
                "a training that was killed writes the same bytes, on another number of threads",
                resumed.stdout + resumed.stderr)
    explodes = folder / "explodes.json"
    explodes.write_text(settings.read_text().replace('"rate": 0.002', '"rate": 1e4').replace(
        '"warm_up_steps": 100', '"warm_up_steps": 1000000000000'))
    fast = ["--data", text, "--settings", explodes, "--steps", "2000", "--save-every", "1", "--out",
            folder / "explodes.safetensors"]
    exploded, good = call("08_train_text", *fast), folder / "explodes.safetensors.training"
    kept = good.read_bytes() if good.exists() else b""
    again_exploded = call("08_train_text", *fast)
    tally.check(exploded.returncode not in (0, -6, -11) and "the last good state is" in exploded.stderr and kept != b""
                and "goes on behind step" in again_exploded.stderr and again_exploded.returncode not in (0, -6, -11)
                and good.read_bytes() == kept and not (folder / "explodes.safetensors").exists(),
                "a training that explodes leaves its last good state, and no model",
                exploded.stdout + exploded.stderr + again_exploded.stderr)
    state.write_bytes(b"broken")
    broken = call("08_train_text", *again)
    tally.check(broken.returncode != 0 and "expected" in broken.stderr and state.read_bytes() == b"broken",
                "a broken training is refused", broken.stdout + broken.stderr)
    (folder / "settings.json").write_text(settings.read_text().replace('"batch": 12', '"batch": "many"'))
    (folder / "other.json").write_text(settings.read_text().replace('"seed"', '"sead"'))
    (folder / "dropped.json").write_text(settings.read_text().replace('"dropout": 0', '"dropout": 0.5'))
    (folder / "fast.json").write_text(settings.read_text().replace('"rate": 0.002', '"rate": 1e30').replace(
        '"warm_up_steps": 100', '"warm_up_steps": 0'))
    (folder / "no_adam.json").write_text(settings.read_text().replace('"beta1": 0.9', '"beta1": 1.5'))
    (folder / "wide.txt").write_text("".join(chr(0x100 + i) for i in range(100)) * 20)
    ran = call("08_train_text", *common, "--out", folder / "no_folder" / "model.safetensors")
    tally.check(ran.returncode not in (0, -6, -11) and "expected a writable folder" in ran.stderr
                and "step" not in ran.stderr, "08_train_text asks for its folder before it learns", ran.stdout + ran.stderr)
    for what, arguments, parts in (
            ("no data", [], ["add --data FILE"]),
            ("a beta that is none", ["--data", text, "--settings", folder / "no_adam.json"],
             ["beta1: expected a number from 0 to below 1, found 1.5"]),
            ("a missing text", ["--data", folder / "none.txt"], ["expected a file, found none"]),
            ("too many characters", ["--data", folder / "wide.txt"], ["at most 65", "found 100"]),
            ("a batch that is no number", ["--data", text, "--settings", folder / "settings.json"], ["batch", "many"]),
            ("a key that is missing", ["--data", text, "--settings", folder / "other.json"], ["expected a key 'seed'"]),
            ("dropout that the recipe has not", ["--data", text, "--settings", folder / "dropped.json"],
             ["dropout: expected 0.0", "found 0.5"]),
            ("a rate that explodes", ["--data", text, "--settings", folder / "fast.json"],
             ["step 1: expected finite weights and moments", "found"]),
            ("a bare word", [text], ["expected options only"]),
            ("a step that is none", ["--data", text, "--steps", "0"], ["--steps", "found '0'"])):
        ran = call("08_train_text", *arguments, "--out", folder / "refused.safetensors")
        tally.check(ran.returncode not in (0, -6, -11) and all(part in ran.stderr for part in parts),
                    f"08_train_text refuses {what}", f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")


def low_entropy(tally, folder):
    """The study at the size of tests: identities on every training, and what holds of the paper's claims, with margins."""
    ran = call("07_low_entropy", folder, "--preset", "check", "--threads", "2")
    tally.check(ran.returncode == 0, "07_low_entropy runs", ran.stdout + ran.stderr)
    if ran.returncode != 0:
        return
    runs = json.loads((folder / "low_entropy.json").read_text())["trainings"]

    def close(a, b):
        return abs(a - b) <= 1e-9 * max(1, abs(b))
    tally.check(all(close(r["total"], 1) and close(r["cross_entropy"], r["source_entropy"] + r["divergence"])
                    and close(r["chain_entropy"], r["model_entropy"]) and r["divergence"] > 0
                    and r["reverse_divergence"] > 0 for r in runs),
                f"the identities of entropies hold on {len(runs)} trainings")

    def mean(model, width, sample, number):
        values = [number(r) for r in runs if r["model"] == model and r["width"] == width and r["sample"] == sample
                  and r["decays"]]
        assert len(values) == 3, (model, width, sample)
        return sum(values) / 3
    full, alone = "with feed-forwards", "attention alone"

    def excess(r):
        return r["model_entropy"] - r["source_entropy"]

    def over_sample(r):
        return r["model_entropy"] - r["sample_entropy"]

    def said(what, *values):
        return f"{what}: {', '.join(f'{value:.3f}' for value in values)}"
    found = [mean(full, width, 500, over_sample) for width in (8, 16, 32)]
    tally.check(found[0] - 0.03 > found[1] and found[1] - 0.03 > found[2],
                said("larger models are nearer to the entropy of their sample", *found))
    floor = min(excess(r) - (r["sample_entropy"] - r["source_entropy"]) for r in runs if r["sample"] == 500)
    tally.check(floor > -0.1, said("none falls far below the entropy of its sample", floor))
    found = [mean(full, width, 500, excess) for width in (16, 32)]
    tally.check(max(found) < 0, said("from few sequences models have less entropy than the source", *found))
    found = [mean(full, width, 0, excess) for width in (8, 16, 32)]
    tally.check(min(found) > 0, said("from fresh sequences they have more", *found))
    found = [mean(alone, width, 500, excess) - mean(full, width, 500, excess) for width in (8, 16)]
    tally.check(min(found) > 0.03, said("without feed-forwards they have more entropy", *found))
    found = [mean(full, width, 0, lambda r: r["layers"][-1]["ratio"]) for width in (8, 32)]
    tally.check(found[0] - 0.05 > found[1], said("the last attention adds less in larger models", *found))
    found = [mean(full, width, 0, lambda r: r["active"]) for width in (8, 32)]
    tally.check(found[0] - 0.03 > found[1], said("larger models have fewer active neurons", *found))
    found = [sum(r["dead"] for r in runs if r["judged"] and r["beta2"] == beta2) / 3 for beta2 in (0.95, 0.999)]
    tally.check(found[0] > 3 * found[1], said("a short memory of squares kills neurons at a high rate", *found))
    report = (folder / "low_entropy.md").read_text()
    lines = [line for line in report.splitlines() if line.startswith("|")]
    tally.check(len({line.count("|") for line in lines[:10]}) == 1 and report.count("reproduced") >= 6
                and "<title>" in (folder / "low_entropy.svg").read_text(), "the report has a table and a picture")
    for what, arguments, part in (
            ("a preset that is none", ["--preset", "huge"], "expected usual, check or full, found 'huge'"),
            ("a folder that is none", [folder / "none"], "expected a folder to write to"),
            ("two folders", [folder, folder], "one folder is enough")):
        ran = call("07_low_entropy", *arguments)
        tally.check(ran.returncode not in (0, -6, -11) and part in ran.stderr, f"07_low_entropy refuses {what}",
                    f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")


def forecast(tally, folder):
    """Series of waves, which a model that reads them forecasts better than their mean does."""
    header = "date," + ",".join(f"wave{i}" for i in range(7))
    lines = [",".join([str(t)] + [f"{math.sin(t / (3 + i)) + 0.01 * i:.5f}" for i in range(7)]) for t in range(1400)]
    table = folder / "waves.csv"
    table.write_text("\n".join([header, *lines]) + "\n")
    ran = call("15_forecast", "--data", table, "--split", "tenths", "--epochs", "2")
    found = re.search(r"^test: MSE (\d\.\d+), MAE (\d\.\d+) over 185 windows", ran.stdout, re.M)
    tally.check(ran.returncode == 0 and found is not None and float(found.group(1)) < 0.7,
                "15_forecast forecasts waves", ran.stdout + ran.stderr)
    for what, text, parts in (
            ("a column that is missing", "\n".join([header.replace(",wave6", ""), *(x.rsplit(",", 1)[0] for x in lines)]),
             ["expected 7 columns, found 6"]),
            ("a value that is no number", "\n".join([header, *lines[:7], lines[7].replace(",", ",x", 1)]), ["line 9"]),
            ("a series that is too short", "\n".join([header, *lines[:150]]), ["expected at least"]),
            # Scaled they fit f32, and their squares do not.
            ("a validation part without an error", "\n".join([header, *lines[:985], *(x.rsplit(",", 1)[0] + ",1e25"
                                                                                      for x in lines[985:])]),
             ["expected a finite error over the validation part, found"])):
        table.write_text(text + "\n")
        ran = call("15_forecast", "--data", table, "--split", "tenths")
        tally.check(ran.returncode not in (0, -6, -11) and all(part in ran.stderr for part in parts)
                    and "test:" not in ran.stdout,
                    f"15_forecast refuses {what}", f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
    table.write_text("\n".join([header, *lines]) + "\n")
    ran = call("15_forecast", "--data", table, "--split", "tenths", "--out", folder / "no_folder" / "model.safetensors")
    tally.check(ran.returncode not in (0, -6, -11) and ran.stdout == "" and "expected a writable folder" in ran.stderr,
                "15_forecast asks for its folder before it learns", ran.stdout + ran.stderr)


def theory(tally, _):
    """Theorems that programs check on their own parts, to the bounds that they state; the numbers again, from what they print."""
    ran = call("16_mixture_regret")
    rows = re.findall(r"^ +(\d+)" + 6 * r" +(-?\d+\.\d+)" + "$", ran.stdout, re.M)
    tally.check(ran.returncode == 0 and len(rows) == 4
                and all(float(row[5]) <= math.log(11) + 5e-4 and float(row[6]) <= math.log(16 / 11) + 5e-4
                        and float(row[2]) <= float(row[1]) < float(row[2]) + 2.5 and float(row[3]) > 3 * float(row[1])
                        for row in rows), "16_mixture_regret: within ln 11 of the best member", ran.stdout + ran.stderr)
    ran = call("18_scaling_law", "--steps", "400")
    floor = re.search(r"^floor (\d\.\d+) nats .* entropy of the source (\d\.\d+)", ran.stdout, re.M)
    tally.check(ran.returncode == 0 and floor is not None
                and abs(float(floor[1]) - float(floor[2])) <= 0.01 * float(floor[2])
                and len(re.findall(r"^ +\d+" + 3 * r" +\d\.\d+" + "$", ran.stdout, re.M)) == 6,
                "18_scaling_law: the floor is the entropy", ran.stdout + ran.stderr)
    if not (BIN / "17_attention_as_svm").exists():
        tally.skip("17_attention_as_svm (not built)")
        return
    ran = call("17_attention_as_svm")
    rows = re.findall(r"^ +(\d)" + 4 * r" +(\d\.\d+)" + r"  (best|local) +(\d\.\d+) +(\d\.\d+)  (\d\.\d+) and (\d\.\d+)"
                      r"(, of another choice)?$",
                      ran.stdout, re.M)
    tally.check(ran.returncode == 0 and len(rows) == 6
                and sum(row[10] == "" for row in rows) >= 4
                and all(float(row[3]) > 0.995 and float(row[4]) > float(row[3])
                        and (row[10] or (float(row[7]) < float(row[6]) and float(row[9]) < float(row[8]))) for row in rows),
                "17_attention_as_svm: the directions of support vector machines", ran.stdout + ran.stderr)


def shipped_loss(tally, _):
    """What three places say of it."""
    card = json.loads((proof.REPOSITORY / "examples" / "models" / "shipped.json").read_text())
    reference = (proof.REPOSITORY / "tests" / "reference" / "shipped.txt").read_text().splitlines()[-1].split()
    readme = (proof.REPOSITORY / "README.md").read_text()
    tally.check(reference[:2] == ["windows", "435"] and abs(float(reference[2]) - card["held_out_loss_nats"]) < 1e-3
                and f"{card['held_out_loss_nats']:.3f} nats per character" in readme
                and card["held_out_loss_nats"] <= 1.6, "the shipped model's loss: PyTorch, the card and README agree",
                f"{reference}, {card['held_out_loss_nats']}")


def comparisons(tally, _):
    """The programs that compare variants in a table of their own."""
    one, again = call("02_generate", "--seed", "5", "--tokens", "80"), call("02_generate", "--seed", "5", "--tokens", "80")
    other = call("02_generate", "--seed", "6", "--tokens", "80")
    tally.check(one.returncode == 0 and one.stdout == again.stdout and one.stdout != other.stdout
                and one.stdout.startswith("ROMEO:\n"), "the shipped model writes the same text for the same seed",
                one.stdout + one.stderr)
    tally.check("730368 parameters" in one.stderr and "active neurons" in one.stderr, "figures go to standard error",
                one.stderr)
    mine = call("09_your_own_parts")
    tally.check(mine.returncode == 0 and "loss on new tokens" in mine.stdout
                and "schedule of every_other_block: plain dot product, one-pass normaliser, route with spans" in mine.stdout
                and ("backend simd" not in mine.stdout or re.search(r"attend +runs on simd", mine.stdout)),
                "parts of a user's own learn, on the fast schedule", mine.stdout + mine.stderr)
    attentions = call("10_attentions", "1")
    tally.check(attentions.returncode == 0 and re.search(r"^causal, as trained +\d\.\d+ +100.0 %", attentions.stdout, re.M)
                and re.search(r"^window of 16 ", attentions.stdout, re.M), "attentions of one model are compared",
                attentions.stdout + attentions.stderr)
    wirings = call("11_blocks")
    tally.check(wirings.returncode == 0 and re.search(r"^post_norm +\d+ +0\.", wirings.stdout, re.M),
                "wirings of one model are compared", wirings.stdout + wirings.stderr)
    silent = call("12_silent_neurons", "1")
    tally.check(silent.returncode == 0 and re.search(r"^zeros skipped +\d\.\d+ +[4-8]\d\.", silent.stdout, re.M),
                "silent neurons of the shipped model are left out", silent.stdout + silent.stderr)
    mixtures = call("13_mixtures")
    spread = re.search(r"per token, spread +\d+ +\d+ +\d\.\d+ +(\d\.\d+)", mixtures.stdout)
    tally.check(mixtures.returncode == 0 and spread is not None and float(spread.group(1)) < 1.5,
                "experts are compared, and the loss spreads tokens over them", mixtures.stdout + mixtures.stderr)
    for program, pieces in (("10_attentions", "8x"), ("12_silent_neurons", "0")):
        ran = call(program, pieces)
        tally.check(ran.returncode == 2 and ran.stdout == "" and ran.stderr ==
                    f"{program}: PIECES: expected a whole number from 1 to 400, found '{pieces}'\n",
                    f"{program} refuses {pieces} pieces", ran.stdout + ran.stderr)
    described = call("03_describe", "stories260k")
    tally.check("260,032" in described.stdout and "attend" in described.stdout, "03_describe prints the figures",
                described.stdout)
    tally.check(call("01_hello_decoder").stdout.startswith("hello"), "01_hello_decoder writes its line")
    graph = call("14_graph").stdout
    tally.check("without positions: 0 of 8" in graph
                and ("of the Laplacian: 8 of 8" in graph or "built without Eigen" in graph)
                and "node 0 says" in graph and "1: 33%  2: 33%  3: 33%" in graph,
                "14_graph tells cliques apart by positions alone", graph)


def generation(tally, folder):
    """Models of other files, and what is said of files and options that are wrong."""
    (folder / "text.bin").write_text("no model at all, " * 100)
    (folder / "empty.bin").write_bytes(b"")
    refuses(tally, "a missing file", ["--model", folder / "none.bin"], "expected a file, found none")
    refuses(tally, "a folder", ["--model", folder], "found a directory")
    refuses(tally, "a text", ["--model", folder / "text.bin"], "expected", "found")
    refuses(tally, "an empty file", ["--model", folder / "empty.bin"], "expected", "found")
    refuses(tally, "an empty prompt without a begin token", ["--prompt", ""], "expected at least one token, found none")
    refuses(tally, "a character that the alphabet lacks", ["--prompt", "caf\u00e9"], "byte 3", "expected one of the 65")
    refuses(tally, "a prompt longer than the context", ["--prompt", "a" * 300], "context 256", "found 300", shown="a" * 300)
    for option, value in (("tokens", "0"), ("tokens", "x"), ("temperature", "-1"), ("temperature", "nan"),
                          ("top-p", "1.5"), ("top-k", "1.5"), ("seed", "-3")):
        refuses(tally, f"--{option} {value}", [f"--{option}", value], f"--{option}", "expected", "found")
    refuses(tally, "an unknown option", ["--colour"], "usage")
    refuses(tally, "a bare word", ["hello"], "found 'hello'")
    with_stories(tally, folder)


def main():
    tally = proof.Tally()
    if not (BIN / "02_generate").exists():
        tally.skip(f"programs ({BIN}/02_generate is not built)")
        tally.finish()
    # The longest first.
    groups = (low_entropy, training, trained_space, theory, comparisons, design_space, sparse_weights, forecast,
              semantic_search, fewer_characters, generation, fetching, shipped_loss)
    with tempfile.TemporaryDirectory() as name:
        def in_its_folder(group):
            folder = pathlib.Path(name) / group.__name__
            folder.mkdir()
            return lambda own: group(own, folder)

        tally.side_by_side([in_its_folder(group) for group in groups])
    tally.finish()


main()
