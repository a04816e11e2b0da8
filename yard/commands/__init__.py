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
    from yard.commands.notebooks import notebook, submit
    from yard.commands.results import artifacts, plot, reports, spark_ui
    from yard.commands.serving import container, deploy, endpoint, transform
    from yard.commands.tuning import tune

    running = (project, define, launch, tune, queue, follow, watch, visit, reports, plot, artifacts, spark_ui)
    deployed = (account, export, diff, stacks, audit, upkeep, move)
    serving = (deploy, endpoint, container, transform)
    for module in (*running, *serving, notebook, submit, data, secret, image, *deployed, cloud):
        module.register(app)
