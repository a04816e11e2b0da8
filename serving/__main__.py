"""`python -m serving`: what an image's entry becomes when SageMaker's argument is `serve`."""

import sys

from contract.serving import CANNOT_SERVE
from serving.settings import SettingsError, read


def main() -> int:
    """Serve until told to stop."""
    from serving import log

    try:
        settings = read()
    except SettingsError as error:
        log.say(f"the container's variables cannot be followed:\n{error}")
        return CANNOT_SERVE
    try:
        from serving.front.main import run
    except ImportError as error:
        log.say(f"the image lacks {error.name}: add uvloop and httptools to its requirements.txt")
        return CANNOT_SERVE
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
