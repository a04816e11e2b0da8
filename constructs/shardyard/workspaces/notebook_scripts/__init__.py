"""The scripts that run on a notebook instance, and how they become one lifecycle script."""

from pathlib import Path

_FOLDER = Path(__file__).parent
MOST_CHARACTERS = 12_288
"""SageMaker takes 16384 characters of base64."""


def on_start(idle_minutes: int) -> str:
    """The whole script that runs at each start: the auto-stop and the timer that calls it."""
    shell = (_FOLDER / "on_start.sh").read_text()
    python = (_FOLDER / "auto_stop.py").read_text().rstrip("\n")
    first, _, rest = shell.partition("\n")
    return f"{first}\nIDLE_MINUTES={idle_minutes}\n{rest}".replace("@AUTO_STOP_PY@", python)
