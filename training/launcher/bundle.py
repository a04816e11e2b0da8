"""The launcher as one zip with `__main__.py`, for images that are not ours: `python -m training.launcher.bundle OUT`.

Under an AWS Deep Learning Container the job's ContainerEntrypoint is then `python3 <channel>/launcher.zip`.
"""

import io
import sys
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)


def make_bundle() -> bytes:
    """Everything in contract/ and training/, the same bytes every time."""
    root = Path(__file__).parents[2]
    packages = (root / "contract", root / "training")
    files = [
        path
        for package in packages
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.relative_to(root).parts
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        named = [(path.relative_to(root).as_posix(), path) for path in files]
        for name, path in [("__main__.py", root / "training" / "launcher" / "__main__.py"), *named]:
            bundle.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def main(arguments: list[str]) -> int:
    """Write the zip where the one argument says."""
    if len(arguments) != 1:
        print("give one path: python -m training.launcher.bundle launcher.zip", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_bytes(make_bundle())
    except OSError as error:
        print(f"the zip could not be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
