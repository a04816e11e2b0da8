"""One module per group of commands. They import heavy packages only when a command runs."""

import typer


def register(app: typer.Typer) -> None:
    """Put every command on the app."""
    from yard.commands import (
        account,
        artifacts,
        cloud,
        data,
        define,
        export,
        follow,
        image,
        launch,
        move,
        plot,
        project,
        queue,
        results,
        secret,
        upkeep,
        visit,
        watch,
    )
    from yard.commands.governance import audit, diff, stacks

    for module in (
        project,
        queue,
        define,
        launch,
        plot,
        follow,
        watch,
        visit,
        results,
        artifacts,
        data,
        secret,
        image,
        account,
        export,
        diff,
        stacks,
        audit,
        upkeep,
        move,
        cloud,
    ):
        module.register(app)
