"""The launcher as one zip with `__main__.py`, for images that are not ours: `python -m training.launcher.bundle OUT`.

Under an AWS Deep Learning Container the job's ContainerEntrypoint is then `python3 <channel>/launcher.zip`.
"""

import io
import sys
import zipfile
from pathlib import Path

_MAIN = '''"""Run the launcher from this zip."""

import sys

from training.launcher.__main__ import main

sys.exit(main(sys.argv[1:]))
'''
_EPOCH = (1980, 1, 1, 0, 0, 0)


def make_bundle() -> bytes:
    """Everything in training/, the same bytes every time."""
    package = Path(__file__).parent.parent
    files = sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.relative_to(package).parts
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(zipfile.ZipInfo("__main__.py", _EPOCH), _MAIN, zipfile.ZIP_DEFLATED)
        for path in files:
            name = f"training/{path.relative_to(package).as_posix()}"
            bundle.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(make_bundle())
