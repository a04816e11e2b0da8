# %% [markdown]
# # Lab 2: TensorFlow distributed MNIST
#
# One network, two machines, two ways to train on both: equal workers that wait for each other in every step, and
# parameter servers, beside which each goes on alone. The page beside this notebook tells the story and has the
# exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("02-tensorflow-mnist")
lab.deploy()
# %% [markdown]
# ## The digits
#
# 1,797 handwritten digits that scikit-learn brings, enlarged to MNIST's 28 x 28. MNIST's own files may take their
# place: the program reads them as they come.
# %%
import subprocess

digits = lab.place.work / "digits"
subprocess.run([sys.executable, "-m", "training.programs.make_digits", str(digits)], check=True)
for channel in ("train", "test"):
    lab.yard("data", "put", str(digits / channel), "--job", "digits-workers", "--channel", channel)
# %% [markdown]
# ## Five runs over the same 6,000 samples
#
# The public lab's network and arguments (batch 100 of each worker, Adam, 1e-3), with fewer steps. A step of the two
# equal workers is 200 samples, a step beside the server is one worker's 100: 30 steps here are 60 there. One worker
# alone takes 60 steps of 100 as well, one after the other.
#
# In two of the runs the last worker shares one processor with four other programs, and so has a fifth of it.
# %%
import json
import re
from typing import Any

from yard import train

NEIGHBOURS = 4
RUNS: dict[str, tuple[str, int, dict[str, int]]] = {
    "one worker": ("digits-workers", 1, {"steps": 60}),
    "workers": ("digits-workers", 2, {}),
    "servers": ("digits-servers", 2, {}),
    "workers, one slow": ("digits-workers", 2, {"neighbours": NEIGHBOURS}),
    "servers, one slow": ("digits-servers", 2, {"neighbours": NEIGHBOURS}),
}
runs = {
    kind: train(job, instance_count=count, hyperparameters=given, name=kind).wait()
    for kind, (job, count, given) in RUNS.items()
}


def said(kind: str, word: str) -> Any:
    """The list that a run's log has behind this word."""
    return next(json.loads(found[1]) for line in runs[kind].logs() if (found := re.search(rf" {word} (\[.*)", line)))


half, whole = ({kind: run.metrics()[at] for kind, run in runs.items()} for at in (0, -1))
losses = {kind: said(kind, "losses") for kind in RUNS}
delays, machines = ({kind: said(kind, word) for kind in RUNS} for word in ("delays", "machines"))
# %% [markdown]
# ## Side by side
#
# Times are those of the steps alone. Here all tasks share this computer's processors, the chief and the server as well.
# %%
lab.table(
    "runs",
    [
        {
            "run": kind,
            "samples": int(whole[kind]["samples"]),
            "updates": int(whole[kind]["step"]),
            "s": round(whole[kind]["seconds"], 1),
            "MB between machines": round(whole[kind]["megabytes_between"]),
            "test accuracy": round(whole[kind]["accuracy"], 3),
            "test loss": round(whole[kind]["validation_loss"], 3),
            "mean delay, updates": round(whole[kind]["mean_delay"], 2),
            "updates not counted": int(whole[kind]["updates_lost_by_optimizer"]),
        }
        for kind in runs
    ],
)
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=2.6)
pictures.bars(
    axes,
    {kind: whole[kind]["seconds"] for kind in list(RUNS)[1:]},
    unit="time for 6,000 samples (s)",
    colours=(pictures.COLOURS[0], pictures.COLOURS[1]),
)
lab.picture(drawn, "seconds")
# %% [markdown]
# ## Where the workers win
#
# Equal workers compute one thing, however fast each is: the losses of the run with a slow machine are those of the run
# without, bit by bit.
# %%


def differing(one: str, other: str) -> int:
    """How many steps of two runs have losses that are not equal, bit by bit."""
    return sum(a != b for a, b in zip(losses[one], losses[other], strict=True))


lab.result(
    "workers_differing",
    differing("workers", "workers, one slow"),
    unit=f"of {len(losses['workers'])}",
    says="steps of equal workers whose loss differs when one is slow",
    at_most=0,
)
lab.result(
    "workers_lost",
    whole["workers, one slow"]["updates_lost_by_optimizer"],
    says="updates that the optimizer of equal workers did not count",
    at_most=0,
)
lab.result(
    "accuracy",
    whole["workers"]["accuracy"],
    says="test accuracy of equal workers after 6,000 samples",
    at_least=0.9,
)
# %% [markdown]
# ## Where the server wins
#
# The other worker goes on while the slow one computes, at most two steps of each ahead.
# %%
lab.result(
    "workers_slowed",
    whole["workers, one slow"]["seconds"] / whole["workers"]["seconds"],
    unit="times",
    says="time of equal workers when one of the two is slow",
    at_least=1.1,
)
lab.result(
    "slow_ratio",
    whole["workers, one slow"]["seconds"] / whole["servers, one slow"]["seconds"],
    unit="times",
    says="time with a slow machine, equal workers against the server",
    at_least=1,
)
# %% [markdown]
# ## The trap of the asynchronous server
#
# A worker reads the model, computes for a while, and changes a model that others have changed meanwhile. The delay of a
# step counts their updates; each step also says on which machine it was computed. What a delay costs: the same 60 steps
# of the same batch, one after the other, reach a lower loss. And the counter by which Adam corrects its means reads,
# adds and writes: two workers that do so at once count one update. How often is chance; the table has it.
# %%
kinds, workers = ("servers", "servers, one slow"), (1, 2)  # the second worker is the slow one
own = {
    (kind, worker): [delay for delay, machine in zip(delays[kind], machines[kind], strict=True) if machine == worker]
    for kind in kinds
    for worker in workers
}
assert all(own.values()), "a worker took no step"
assert sum(map(len, own.values())) == 2 * len(losses["servers"]), machines
lab.table(
    "delays",
    [
        {
            "run": kind,
            "worker on": f"machine {worker}" + (", slow" if "slow" in kind and worker == workers[-1] else ""),
            "steps": len(found),
            "mean delay, updates": round(sum(found) / len(found), 2),
            "longest": max(found),
        }
        for (kind, worker), found in own.items()
    ],
)
drawn, axes = pictures.figure(height=2.8, columns=2)
most = max(map(max, own.values()))
for place, kind in zip(axes, kinds, strict=True):
    for number, worker in enumerate(workers):
        counts = [own[kind, worker].count(delay) for delay in range(most + 1)]
        places = [delay + 0.4 * number - 0.2 for delay in range(most + 1)]
        colour, hatch = pictures.COLOURS[number], ("", "//")[number]
        place.bar(places, counts, 0.4, label=f"machine {worker}", color=colour, hatch=hatch, edgecolor="white")
    place.set_title(kind)
    place.set_xlabel("delay (updates by others)")
    place.set_ylabel("steps (count)")
    place.set_xticks(range(most + 1))
    place.legend(frameon=False)
lab.picture(drawn, "delays")
# %%
lab.result(
    "servers_differing",
    differing("servers", "servers, one slow"),
    unit=f"of {len(losses['servers'])}",
    says="steps beside the server whose loss differs when one worker is slow",
    at_least=len(losses["servers"]) // 2,
)
lab.result(
    "delay",
    whole["servers"]["mean_delay"],
    unit="updates",
    says="mean delay of a step beside the server",
    at_least=0.2,
    at_most=2,
)
lab.result(
    "longest_delay",
    max(delays["servers, one slow"]),
    unit="updates",
    says="longest delay when one worker is slow",
    at_least=2,
)
slow, other = (sum(found) / len(found) for found in (own[kinds[1], 2], own[kinds[1], 1]))
lab.result(
    "slow_workers_delay",
    slow - other,
    unit="updates",
    says="mean delay of the slow worker's own steps, less that of the other's",
    at_least=0.2,
)
lab.result(
    "slow_workers_steps",
    len(own[kinds[1], 2]) / len(own[kinds[1], 1]),
    unit="times",
    says="steps of the slow worker against those of the other",
    at_most=0.9,
)
lab.result(
    "delay_costs",
    whole["servers"]["validation_loss"] / whole["one worker"]["validation_loss"],
    unit="times",
    says="test loss, 60 steps beside the server against 60 in turn",
    at_least=1,
)
# %% [markdown]
# The second trap is in the arguments. Who changes the strategy and keeps the number of steps trains on half of the
# samples, which looks twice as fast.
# %%
lab.result(
    "same_steps_samples",
    half["servers"]["samples"] / whole["workers"]["samples"],
    unit="times",
    says="samples of 30 steps, the server against equal workers",
    at_least=0.5,
    at_most=0.5,
)
lab.result(
    "same_steps_loss",
    half["servers"]["validation_loss"] / whole["workers"]["validation_loss"],
    unit="times",
    says="test loss after 30 steps, the server against equal workers",
    at_least=1.05,
)
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## The end
# %%
lab.clean_up()
