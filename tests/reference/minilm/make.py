#!/usr/bin/env python3
"""Writes what independent implementations say about sentences.txt: ids.txt, pieces.txt, unicode.txt and
embeddings.safetensors.

Usage: python3 tests/reference/minilm/make.py [FOLDER]                                              (a few minutes)

FOLDER holds the model; without one, scripts/fetch_minilm fetches it.

Versions: tokenizers 0.23.3, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, safetensors 0.8.0; README.md says how to get
them. Others may move the last bits of the embeddings; ids may differ where Unicode does.

Nothing is drawn at random. Every run asserts that ONNX Runtime and a computation by numpy in f64 agree to 1e-6, that
rounding to f16 keeps every cosine to 1e-7, and that the pieces of pieces.txt alone give the same ids.
"""
import pathlib
import subprocess
import sys

import numpy
import safetensors.numpy
import tokenizers

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))
import export_minilm_onnx as minilm  # noqa: E402

LONGEST = 256  # max_seq_length of the model's sentence_bert_config.json
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def sentences():
    lines = (HERE / "sentences.txt").read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == "" and len(lines) == 200 and len(set(lines)) == 200
    return lines


def reachable(tokenizer, lines):
    """The pieces that a search for the longest could meet in these sentences: [(id, piece)], in order of ids."""
    starts, others = set(SPECIAL), set()
    for line in lines:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(line)):
            starts.update(word[:end] for end in range(1, len(word) + 1))
            others.update("##" + word[start:end + 1] for end in range(1, len(word)) for start in range(1, end + 1))
    return sorted((number, piece) for piece, number in tokenizer.get_vocab().items() if piece in starts | others)


def ranges(codes):
    """`41-5A 61` for code points in ascending order."""
    made = []
    for code in codes:
        if made and made[-1][1] == code - 1:
            made[-1][1] = code
        else:
            made.append([code, code])
    return " ".join(f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in made)


def properties():
    """What the tokenizer does to each code point beyond ASCII, found by asking it: the lines of unicode.txt."""
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean = tokenizers.normalizers.BertNormalizer(**{**off, "clean_text": True})
    strip = tokenizers.normalizers.BertNormalizer(**{**off, "strip_accents": True})
    decompose, cut = tokenizers.normalizers.NFD(), tokenizers.pre_tokenizers.BertPreTokenizer()
    found = {"control": [], "space": [], "punctuation": [], "mark": [], "decomposes": []}
    digest = 0xCBF29CE484222325  # FNV-1a over all parts of all decompositions
    for code in range(0x80, 0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        inside = f"a{chr(code)}b"
        cleaned = clean.normalize_str(inside)
        parts = decompose.normalize_str(chr(code))
        if cleaned == "ab":
            found["control"].append(code)
        elif cleaned == "a b":
            found["space"].append(code)
        if len(cut.pre_tokenize_str(inside)) == 3:
            found["punctuation"].append(code)
        if parts != chr(code):
            found["decomposes"].append(code)
            for part in parts:
                digest = (digest ^ ord(part)) * 0x100000001B3 % (1 << 64)
        elif strip.normalize_str(inside) == "ab":
            found["mark"].append(code)
    return "".join(f"{name} {ranges(codes)}\n" for name, codes in found.items()) + f"digest {digest:X}\n"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    if folder is None:
        folder = subprocess.run([REPOSITORY / "scripts" / "fetch_minilm"], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.strip()
    folder = pathlib.Path(folder)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    # The file asks for exactly 128 tokens; a text is a text here.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lines = sentences()
    ids = [tokenizer.encode(line).ids for line in lines]
    assert max(map(len, ids)) <= LONGEST and sum(len(row) > 128 for row in ids) >= 3
    (HERE / "ids.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in ids))

    pieces = reachable(tokenizer, lines)
    few = tokenizers.Tokenizer.from_str(tokenizer.to_str())
    places = {piece: place for place, (_, piece) in enumerate(pieces)}
    few.model = tokenizers.models.WordPiece(places, unk_token="[UNK]", max_input_chars_per_word=100)
    number_of = [number for number, _ in pieces]
    for line, row in zip(lines, ids):
        # Special tokens have the numbers of the whole vocabulary in what is left of the tokenizer's own file.
        words = [few.model.token_to_id(token) for token in few.encode(line).tokens]
        assert [number_of[place] for place in words] == row, line
    (HERE / "pieces.txt").write_bytes("".join(f"{number} {piece}\n" for number, piece in pieces).encode("utf-8"))
    (HERE / "unicode.txt").write_text(properties())

    weights = minilm.read_weights(folder)
    session = minilm.open_session(minilm.make_graph(weights).SerializeToString())
    embeddings = numpy.stack([minilm.embed(session, row) for row in ids])
    worst = max(abs(minilm.embed_by_numpy(weights, row) - embedding).max() for row, embedding in zip(ids, embeddings))
    assert worst <= 1e-6, worst
    stored = embeddings.astype(numpy.float16)
    wide, exact = stored.astype(numpy.float64), embeddings.astype(numpy.float64)
    cosines = (wide * exact).sum(axis=1) / numpy.linalg.norm(wide, axis=1) / numpy.linalg.norm(exact, axis=1)
    assert cosines.min() >= 1 - 1e-7, cosines.min()
    (HERE / "embeddings.safetensors").write_bytes(safetensors.numpy.save({"embeddings": stored}))
    print(f"{sum(map(len, ids))} ids, {len(pieces)} pieces; ONNX Runtime and numpy differ by {worst:.1e} at most; "
          f"1 - cosine of what is stored: {1 - cosines.min():.1e} at most")


main()
