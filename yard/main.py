"""The `yard` command; its subcommands are in yard/commands/."""

import gc
import io
import os
import sys
from collections.abc import Callable

import typer

from yard.errors import Exit, explain
from yard.output import complain

_EPILOG = """\b
Begin with:  yard doctor; yard check; yard train JOB --dry-run
Exit codes:  0 done; 1 something that you can fix; 2 not understood, or a
             question without a terminal; 3 the job failed or was refused;
             4 it was stopped; 5 yard diff --exit-code found a difference;
             130 Ctrl-C
More:        docs/do/yard.md"""

app = typer.Typer(
    name="yard",
    help="Launch, watch, compare and clean up training and processing jobs, on AWS or on the embedded cloud.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    embedded: bool = typer.Option(False, "--embedded", "-e", help="Talk to the embedded cloud (yard cloud up)."),
    stage: str | None = typer.Option(
        None, "--stage", help="Another stage than cdk.json's, as for cdk -c stage=.", envvar="YARD_STAGE"
    ),
    context: list[str] = typer.Option(
        [], "--context", "-c", help="A setting, as for cdk -c; may be repeated.", metavar="KEY=VALUE"
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Options for every command, given before its name."""
    if context:
        from yard.project import CONTEXT_VARIABLE

        os.environ[CONTEXT_VARIABLE] = "\n".join(context)
    if stage is not None:
        from yard.project import STAGE_VARIABLE

        os.environ[STAGE_VARIABLE] = stage
    if embedded:
        from yard.aws import use_embedded_cloud
        from yard.project import find_project

        use_embedded_cloud(find_project())


def guard(run: Callable[[], None], *, debug: bool) -> int:
    """Run a command and return its exit code; print a sentence, not a traceback, for errors that a user can cause."""
    try:
        run()
    except KeyboardInterrupt:
        complain("Interrupted.")
        return Exit.INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else Exit.OK
    except BrokenPipeError:  # `| head` has closed the pipe: drop what is left in the buffer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FIX
    except Exception as error:
        known = explain(error)
        if debug or known is None:
            raise
        complain(known.happened, known.fix)
        return known.code
    return Exit.OK


_COLLECT_AFTER = 200_000
"""New objects between two collections: a command's start makes fewer, and all of them stay."""


def main() -> None:
    """The console script."""
    gc.set_threshold(_COLLECT_AFTER)
    from shardyard.spec.product import hidden_module

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name or a line that this terminal's letters cannot say
    hidden = hidden_module()
    if hidden is not None:
        complain(hidden)
        sys.exit(Exit.FIX)
    from yard import commands

    commands.register(app)
    code = guard(lambda: app(prog_name="yard"), debug="--debug" in sys.argv)
    gc.freeze()  # the exit would look through every module for garbage
    sys.exit(code)


if __name__ == "__main__":
    main()
