"""In the style of a command of one's own: click, switches with two names, lists, a sub-command."""

import os

import click
import torch


@click.group()
def cli():
    """Train or look."""


@cli.command()
@click.option("--hidden", multiple=True, type=int, default=(32, 16), help="The width of each layer.")
@click.option("--lr", type=float, default=0.05)
@click.option("--steps", type=int, default=40)
@click.option("--schedule/--no-schedule", default=True)
@click.option("--out", type=click.Path(), envvar="SM_MODEL_DIR", required=True)
def train(hidden, lr, steps, schedule, out):
    """Fit a curve."""
    torch.manual_seed(0)
    x = torch.linspace(-3, 3, 256)[:, None]
    y = torch.sin(x)
    layers, width = [], 1
    for wide in hidden:
        layers += [torch.nn.Linear(width, wide), torch.nn.Tanh()]
        width = wide
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1 if schedule else 1.0, total_iters=steps)
    for step in range(1, steps + 1):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        if step % 10 == 0:
            click.echo(f"step {step}/{steps} loss={loss.item():.5f} lr={decay.get_last_lr()[0]:.4f}")
    torch.save(model.state_dict(), os.path.join(out, "curve.pt"))


if __name__ == "__main__":
    cli()
