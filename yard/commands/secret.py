"""yard secret: what jobs name in [secrets]."""

import sys

import typer

from yard.errors import Exit, UserError
from yard.output import emit_json, say
from yard.project import find_project

app = typer.Typer(help="Secrets that jobs name in [secrets].", no_args_is_help=True)


@app.command(name="set")
def set_value(
    name: str = typer.Argument(help="The secret's name: team/wandb."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Give a secret its value, in Secrets Manager.

    The value is typed unseen, or read from standard input without its last line break; it is no argument, which others
    could see. A secret that is not there is made, with AWS's own key. It bills 0.40 USD a month.

    \b
      yard secret set team/wandb
      yard secret set team/hub < token.txt
    """
    from yard.account.secrets import set_secret
    from yard.aws import Aws

    made = set_secret(Aws(find_project()), name, _value(name))
    if as_json:
        emit_json({"secret": name, "made": made})
        return
    say(f'{name} is {"made" if made else "changed"}. A job reads it with: [secrets] MY_VARIABLE = "secret:{name}"')


def _value(name: str) -> str:
    """What a person types, or the whole of standard input."""
    if sys.stdin is None:
        raise UserError("There is no standard input to read the value from.", code=Exit.USAGE)
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    import getpass

    return getpass.getpass(f"Value of {name} (unseen): ")


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="secret")
