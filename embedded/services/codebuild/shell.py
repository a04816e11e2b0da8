"""Runs a build's phases in one shell, as CodeBuild's agent does; in the build's own cell, with no package at hand.

Started with the path of its plan and a descriptor, on which it tells of each phase's beginning and end as JSON lines.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from typing import Any


class Shell:
    """One bash for all commands: what one exports, the next one has."""

    def __init__(self, folder: str) -> None:
        self._answers, theirs = os.pipe()
        self._descriptor = theirs
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            cwd=folder,
            pass_fds=(theirs,),
        )
        os.close(theirs)

    def run(self, command: str) -> int:
        """Run one command; a shell that ends with it ends the build."""
        line = f"eval {shlex.quote(command)} </dev/null\nprintf '%s\\n' $? >&{self._descriptor}\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._process.wait() or 1
        answer = b""
        while not answer.endswith(b"\n"):
            piece = os.read(self._answers, 16)
            if not piece:
                return self._process.wait() or 1
            answer += piece
        return int(answer)


def say(text: str) -> None:
    """A line of the agent's own."""
    print(f"[Container] {time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime())} {text}", flush=True)


def main(plan_path: str, answers: int) -> int:
    """Run the phases; exits with 1 where one failed that does not let the build go on."""
    with open(plan_path, encoding="utf-8") as file:
        plan = json.load(file)
    shell, failed = Shell(plan["folder"]), False
    shell.run("export CODEBUILD_BUILD_SUCCEEDING=1")
    for phase in plan["phases"]:
        if failed and phase["name"] != "post_build":
            continue
        _tell(answers, phase=phase["name"], event="begin")
        say(f"Entering phase {phase['name'].upper()}")
        wrong = _first_wrong(shell, phase["commands"])
        later = _first_wrong(shell, phase["afterwards"])
        wrong = later if wrong is None else wrong
        _tell(answers, phase=phase["name"], event="end", **({} if wrong is None else wrong))
        say(f"Phase complete: {phase['name'].upper()} State: {'SUCCEEDED' if wrong is None else 'FAILED'}")
        if wrong is not None and not phase["goes_on"]:
            failed = True
            shell.run("export CODEBUILD_BUILD_SUCCEEDING=0")
            if phase["name"] not in ("build", "post_build"):
                break
    return int(failed)


def _first_wrong(shell: Shell, commands: list[str]) -> dict[str, Any] | None:
    for command in commands:
        say(f"Running command {command}")
        code = shell.run(command)
        if code != 0:
            say(f"Command did not exit successfully {command} exit status {code}")
            return {"command": command, "code": code}
    return None


def _tell(answers: int, **what: Any) -> None:
    os.write(answers, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
