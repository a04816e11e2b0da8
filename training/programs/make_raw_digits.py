"""Write scikit-learn's real handwritten digits as single pictures, for `training.processing.digits` to prepare.

python -m training.programs.make_raw_digits DIR            # DIR/raw/<label>/<number>.png
"""

import argparse
from pathlib import Path

import numpy

from training.processing import pictures
from training.programs.make_digits import real_digits


def main(arguments: list[str] | None = None) -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    parts = [real_digits(test=test) for test in (False, True)]
    images = numpy.concatenate([images for images, _ in parts])
    labels = numpy.concatenate([labels for _, labels in parts])
    for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        folder = options.folder / "raw" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        pictures.write_png(folder / f"{number:05d}.png", pixels)
    print(f"{len(images)} pictures under {options.folder / 'raw'}")


if __name__ == "__main__":
    main()
