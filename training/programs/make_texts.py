"""Write lines of Python's own library as texts of three kinds: code (0), comments (1), documentation (2).

python -m training.programs.make_texts DIR --shards 4 --lines 6000            # DIR/train/ and DIR/test/, JSON lines
"""

import argparse
import ast
import io
import json
import random
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path

from training.programs.arguments import positive

CODE, COMMENT, DOCUMENTATION = range(3)
TEST_PART = 6
"""Every sixth line is for testing."""
_SHORTEST = 12


def texts_of(source: str) -> Iterator[tuple[str, int]]:
    """The lines of one module by their kind."""
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            documented |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    for number, line in enumerate(source.splitlines(), start=1):
        kind = DOCUMENTATION if number in documented else COMMENT if number in comments else CODE
        text = comments[number] if kind == COMMENT else line.strip().strip("\"'")
        if len(text) >= _SHORTEST:
            yield text, kind


def balanced(count: int, *, seed: int) -> list[tuple[str, int]]:
    """So many texts, as many of each kind, each once, in a random order."""
    draw = random.Random(seed)
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    found: dict[int, dict[str, None]] = {CODE: {}, COMMENT: {}, DOCUMENTATION: {}}
    draw.shuffle(modules)
    for module in modules:
        for text, kind in texts_of(module.read_text(errors="replace")):
            found[kind][text] = None
        if min(map(len, found.values())) >= count // 3 + 1:
            break
    each = min(count // 3, *map(len, found.values()))
    rows = [(text, kind) for kind, texts in found.items() for text in draw.sample(list(texts), each)]
    draw.shuffle(rows)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Write the shards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=positive, default=4, help="files of each of train and test")
    parser.add_argument("--lines", type=positive, default=6000, help="texts, at most as many as the library has")
    parser.add_argument("--seed", type=int, default=1, help="which texts, and in which order")
    options = parser.parse_args(arguments)
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    rows = balanced(options.lines, seed=options.seed)
    parts = {
        "train": [row for number, row in enumerate(rows) if number % TEST_PART],
        "test": [row for number, row in enumerate(rows) if number % TEST_PART == 0],
    }
    if len(parts["test"]) < options.shards:
        parser.error(f"--lines {options.lines} do not fill {options.shards} shards: take more lines or fewer shards")
    for part, chosen in parts.items():
        folder = options.folder / part
        folder.mkdir(parents=True, exist_ok=True)
        for shard in range(options.shards):
            lines = [json.dumps({"text": text, "label": kind}) for text, kind in chosen[shard :: options.shards]]
            (folder / f"texts-{shard:04d}.jsonl").write_text("\n".join(lines) + "\n")
        print(f"{len(chosen)} texts for {part} in {options.shards} shards under {folder}")


if __name__ == "__main__":
    main()
