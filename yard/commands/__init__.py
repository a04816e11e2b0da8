"""One module per group of commands. They import heavy packages only when a command runs."""

import typer


def register(app: typer.Typer) -> None:
    """Put every command on the app."""
    from yard.commands import (
        account,
        cloud,
        data,
        define,
        export,
        follow,
        image,
        launch,
        move,
        project,
        queue,
        secret,
        upkeep,
        visit,
        watch,
    )
    from yard.commands.governance import audit, diff, stacks
    from yard.commands.results import artifacts, plot, reports

    running = (project, define, launch, queue, follow, watch, visit, reports, plot, artifacts)
    deployed = (account, export, diff, stacks, audit, upkeep, move)
    for module in (*running, data, secret, image, *deployed, cloud):
        module.register(app)
