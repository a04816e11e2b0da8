"""The launcher as one zip with `__main__.py`, for images that are not ours: `python -m training.launcher.bundle OUT`.

Under an AWS Deep Learning Container the job's ContainerEntrypoint is then `python3 <channel>/launcher.zip`.
"""

import sys
from pathlib import Path

from contract.zips import launcher_zip


def main(arguments: list[str]) -> int:
    """Write the zip where the one argument says."""
    if len(arguments) != 1:
        print("give one path: python -m training.launcher.bundle launcher.zip", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_bytes(launcher_zip(Path(__file__).parents[2]))
    except OSError as error:
        print(f"the zip could not be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
