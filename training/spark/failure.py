"""What ends a Spark job with a sentence, in the log and in the job's ExitMessage."""

from pathlib import Path

from contract.paths import base_folder

MESSAGE_CHARACTERS = 1024


class SparkError(Exception):
    """The job fails; the message says why, and the code becomes the container's."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """Print a line of our own."""
    print(f"[spark] {text}", flush=True)


def conclude(error: SparkError) -> int:
    """Leave the message where DescribeProcessingJob finds it; returns the exit code."""
    text = f"Algorithm Error: {error}"
    say(text)
    message: Path = base_folder() / "output" / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(text[:MESSAGE_CHARACTERS], encoding="utf-8")
    return error.code
