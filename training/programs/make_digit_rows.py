"""Write scikit-learn's real handwritten digits as JSON lines, for a transform job to answer.

python -m training.programs.make_digit_rows DIR            # DIR/rows/digits-0000.jsonl, ...
"""

import argparse
import json
from pathlib import Path

from training.programs.make_digits import real_digits

SHARDS = 2
"""Objects: one for each of two instances."""


def main(arguments: list[str] | None = None) -> None:
    """Write the rows: each picture's id and its pixels, as uint8 as the model was trained on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    images, _ = real_digits(test=True)
    folder = options.folder / "rows"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"id": number, "features": image.tolist()}) for number, image in enumerate(images)]
    for shard in range(SHARDS):
        lines = "".join(f"{row}\n" for row in rows[shard::SHARDS])
        (folder / f"digits-{shard:04d}.jsonl").write_text(lines)
    print(f"{len(rows)} pictures in {SHARDS} files under {folder}")


if __name__ == "__main__":
    main()
