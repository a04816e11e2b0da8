"""The folders of running jobs."""

import os
import shutil
from pathlib import Path
from typing import Any


def remove_folder(folder: Path) -> None:
    """Remove an attempt's folder; files that a program made unwritable are removed all the same."""

    def force(function: Any, path: str, _: Any) -> None:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path):
            os.chmod(path, 0o700)
        function(path)

    shutil.rmtree(folder, onerror=force)
