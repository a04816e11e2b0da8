"""The folders of running jobs."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any


def remove_folder(folder: Path) -> None:
    """Remove an attempt's folder with all that its programs left in it, files that they made unwritable too.

    The cell may be removing it at the same moment: what is gone already is no error.
    """

    def force(function: Any, path: str, problem: Any) -> None:
        if isinstance(problem[1], FileNotFoundError):
            return
        with contextlib.suppress(FileNotFoundError):
            os.chmod(os.path.dirname(path), 0o700)
            if os.path.isdir(path):
                os.chmod(path, 0o700)
                shutil.rmtree(path)
            else:
                os.unlink(path)

    shutil.rmtree(folder, onerror=force)
