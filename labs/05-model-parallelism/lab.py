# %% [markdown]
# # Lab 5: model parallelism
#
# One GPT, four ways to lay it over ranks: what each rank must hold, and what the advisor said it would. Then a sharded
# checkpoint goes from two ranks to four and to one. The page beside this notebook tells the story and has the
# exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("05-model-parallelism")
lab.deploy()
# %% [markdown]
# ## A text to learn from
#
# Python's own library, byte by byte: real text that is on every machine (under Python's licence). The model is a GPT of
# 45 million parameters, most of them in the rows of its vocabulary, which is GPT-2's.
# %%
import shutil
import sysconfig
from pathlib import Path

library = Path(sysconfig.get_paths()["stdlib"])
text = lab.place.work / "text"
text.mkdir(exist_ok=True)
for name in ("argparse", "ast", "inspect", "tarfile", "typing"):
    shutil.copy(library / f"{name}.py", text)
lab.yard("data", "put", str(text), "--job", "spread", "--channel", "train")
# %% [markdown]
# ## Four plans on two ranks
#
# `ddp`: each rank has the whole model. `fsdp`: weights, gradients and optimizer are cut over the ranks, and gathered
# block by block. Tensor parallel: every matrix is cut. Pipeline parallel: each rank has half of the layers. The batch
# of all ranks together is the same, so that all four must compute the same losses. One run does them one after the
# other, since a start takes longer than the steps.
# %%
import json
from typing import Any

from contract.plan import Layout
from yard import train
from yard.api import TrainingRun

STEPS = 6
PLANS = {  # and the samples of a step on each rank
    "ddp": (Layout(), 2),
    "fsdp": (Layout(data="fsdp"), 2),
    "tensor parallel": (Layout(tensor_parallel=2), 4),
    "pipeline parallel": (Layout(pipeline_parallel=2), 4),
}


def arguments(layout: Layout, batch_size: int, **more: int) -> list[str]:
    """A plan as the program's arguments."""
    options = {
        "plan": layout.data,
        "tensor_parallel": layout.tensor_parallel,
        "pipeline_parallel": layout.pipeline_parallel,
        "batch_size": batch_size,
        "max_steps": STEPS,
        **more,
    }
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def said(run: TrainingRun) -> list[dict[str, Any]]:
    """What each rank said of itself at each end of the run."""
    return [json.loads("{" + line.split("rank {", 1)[1]) for line in run.logs() if "rank {" in line]


def losses(found: list[dict[str, Any]]) -> dict[int, float]:
    """The losses by step, as the first rank said them."""
    return {int(step): loss for one in found if one["rank"] == 0 for step, loss in one["losses"].items()}


names = {
    f"{layout.data}:{layout.tensor_parallel}:{layout.pipeline_parallel}:{batch}": plan
    for plan, (layout, batch) in PLANS.items()
}
run = train("spread", arguments=["--plans", *names, "--max_steps", "4"], name="four plans").wait()
ranks: dict[str, list[dict[str, Any]]] = {plan: [] for plan in PLANS}
for one in said(run):
    ranks[names[one["plan"]]].append(one)
# %% [markdown]
# ## What the advisor says
#
# `yard advise` answers for GPUs. First what it says about a model of a size that matters; then, by the same arithmetic,
# what it expects of the lab's model. What it adds for CUDA itself is left out, since torch's allocator, which is what
# was measured, does not count that.
# %%
lab.yard("advise", "--params", "1.6B", "--instance", "ml.g5.12xlarge", "--count", "2", "--sequence", "1024")

from shardyard.spec.advise.memory import GB, RESERVED_GB, STATE_BYTES, memory, workload
from shardyard.spec.catalogue.instances import INSTANCES

LAYERS, WIDTH, CONTEXT, WORLD = 24, 256, 64, 2  # of the preset in code/spread.py
PARAMETERS = int(ranks["ddp"][0]["parameters"])


def expected(layout: Layout, batch_size: int) -> float:
    """Megabytes of a rank, by the advisor."""
    shape = {"layers": LAYERS, "hidden": WIDTH, "sequence": CONTEXT}
    work = workload(PARAMETERS, **shape, batch_size=batch_size, precision="fp32")
    return (memory(work, layout, INSTANCES["ml.g5.12xlarge"], WORLD).needed_gb - RESERVED_GB) * GB / 1e6


def state(layout: Layout) -> float:
    """Megabytes of weights, gradients and moments in it."""
    return PARAMETERS * STATE_BYTES / layout.model_parts / layout.shards(WORLD) / 1e6


def most(plan: str, what: str) -> float:
    """The megabytes of the rank that has the most."""
    return float(max(one[what] for one in ranks[plan])) / 1e6


lab.table(
    "memory",
    [
        {
            "plan": plan,
            "state expected, MB": round(state(layout), 1),
            "state measured, MB": round(most(plan, "kept_bytes"), 1),
            "peak expected, MB": round(expected(layout, batch)),
            "peak measured, MB": round(most(plan, "peak_bytes")),
            "the other rank's peak, MB": round(min(one["peak_bytes"] for one in ranks[plan]) / 1e6),
            "measured / expected": round(most(plan, "peak_bytes") / expected(layout, batch), 2),
        }
        for plan, (layout, batch) in PLANS.items()
    ],
)
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=3.2)
for row, (plan, (layout, batch)) in enumerate(PLANS.items()):
    for offset, kept, peak in (
        (-0.2, state(layout), expected(layout, batch)),
        (0.2, most(plan, "kept_bytes"), most(plan, "peak_bytes")),
    ):
        colour = pictures.COLOURS[0 if offset < 0 else 1]
        axes.barh(row + offset, kept, height=0.36, color=colour)
        axes.barh(row + offset, peak - kept, left=kept, height=0.36, color=colour, alpha=0.45, hatch="//")
        axes.annotate(f" {'expected' if offset < 0 else 'measured'}", (peak, row + offset), va="center", size=7)
axes.set_yticks(range(len(PLANS)), list(PLANS))
axes.invert_yaxis()
axes.set_xlabel("memory of the fullest rank (MB): full colour is state, hatched the rest of the peak")
axes.margins(x=0.12)
lab.picture(drawn, "memory")
# %% [markdown]
# ## Two ranks, then four, then one
#
# A model of the same kind with fewer layers, so that a save is small. One run takes its steps undisturbed, by `ddp`.
# Another begins on two ranks with `fsdp` and ends after step 2, as one that has lost its machine would. It is resumed
# on two machines with two ranks each, whose matrices are cut as well, and after step 4 by a single process. Each start
# reads the pieces that the one before it wrote. Nothing else is told to it.
# %%
SMALL = {"preset": "small"}
calm = train("spread", arguments=arguments(*PLANS["ddp"], checkpoint_steps=200), hyperparameters=SMALL, name="calm")
calm.wait()
words = arguments(*PLANS["fsdp"], checkpoint_steps=200, leave_after=2)
moved = train("spread", arguments=words, hyperparameters=SMALL, name="moved").wait(check=False)
both = Layout(data="fsdp", tensor_parallel=2)
for machines, processes, layout, batch, more in ((2, 2, both, 2, {"leave_after": 4}), (1, 1, Layout(), 4, {})):
    words = arguments(layout, batch, checkpoint_steps=200, **more)
    counts = ("--count", str(machines), "--processes-per-node", str(processes), "--arguments", " ".join(words))
    lab.yard("resume", moved.run_id, "--yes", "--follow", *counts, codes=(3,) if more else (0,))
lab.yard("checkpoints", "ls", moved.run_id)
whole, joined = losses(said(calm)), losses(said(moved))
# %%
drawn, axes = pictures.figure(height=2.8)
axes.plot(list(whole), list(whole.values()), color="0.6", linewidth=5, label="ddp on two ranks, undisturbed")
for number, (first, last, name) in enumerate(((1, 2, "2 ranks, fsdp"), (3, 4, "4, fsdp and tensor"), (5, 6, "1"))):
    steps = range(first, last + 1)
    axes.plot(steps, [joined[step] for step in steps], "os^"[number] + "-", color=pictures.COLOURS[number], label=name)
axes.set_xlabel("step")
axes.set_ylabel("loss (nats per token)")
axes.legend(frameon=False)
lab.picture(drawn, "moved")
# %% [markdown]
# ## The public lab's settings
#
# Four processes on eight GPUs, bfloat16 on a V100, EFA where there is none: `yard check` says it before anything bills.
# %%
trap = lab.place.project / "jobs/public-lab.toml"
shutil.copy(lab.place.folder / "traps/public-lab.toml", trap)
lab.yard("check", "public-lab", "--offline", codes=(1,))
found = lab.json("check", "public-lab", "--offline", codes=(1,))
lab.edit(  # what avoids them, on the same machine
    "jobs/public-lab.toml",
    {
        "processes_per_node = 4": "#",
        "FI_PROVIDER": "# FI_PROVIDER",
        'precision = "bf16"': 'precision = "fp32"\nactivation_checkpointing = true',
    },
)
lab.yard("check", "public-lab", "--offline")
mended = lab.json("check", "public-lab", "--offline")
trap.unlink()  # no deploy may meet it
# %% [markdown]
# And a save every 200 steps of 100, with the final one switched off: the run succeeds, and leaves nothing. The command
# says so at its end. The undisturbed run above had the same interval and six steps, and kept the last one: our
# `Checkpointer` saves when it is left, whatever the interval is.
# %%
lab.yard("train", "never-saves", "--yes", "--follow")
nothing = lab.json("checkpoints", "ls", "never-saves")
something = lab.json("checkpoints", "ls", calm.run_id)
lab.table(
    "traps",
    [
        {"where": one["where"].split(": ")[1], "what yard check says": one["message"].split(" (yard")[0]}
        for one in found["problems"]
    ],
)
# %% [markdown]
# ## What must come out
#
# The arithmetic of losses and of state is exact, but for the order in which floats are added. The advisor's arithmetic
# is for GPUs and rounds where torch does not: on a processor a norm keeps a copy more, and a pipeline's last stage has
# the head and all scores, so that its peak is more than was expected. The peaks hardly differ from run to run; their
# ranges leave room for another version of torch. Of the whole of `ddp`, `fsdp` saves least, since embedding and head
# are gathered, and the pipeline most, since each stage has only one of the two.
# %%
lab.result(
    "plans_differ",
    max(abs(losses(ranks[plan])[step] - loss) for plan in PLANS for step, loss in losses(ranks["ddp"]).items()),
    unit="nats",
    says="largest difference of any plan's loss in any step from ddp's",
    at_most=1e-4,
)
WITHIN = {  # state and peak: ddp's against the plan's; advised: the plan's peak against the advisor's
    "ddp": {"advised": (0.95, 1.15)},
    "fsdp": {"state": (1.99, 2.01), "peak": (1.2, 1.5), "advised": (0.8, 1.0)},
    "tensor parallel": {"state": (1.99, 2.01), "peak": (1.5, 1.9), "advised": (0.85, 1.05)},
    "pipeline parallel": {"state": (1.99, 2.01), "peak": (1.5, 2.0), "advised": (1.05, 1.3)},
}
for plan, limits in WITHIN.items():
    peak, of_ddp = most(plan, "peak_bytes"), most("ddp", "peak_bytes")
    ratios = {
        "state": ("weights, gradients and moments of a rank", most("ddp", "kept_bytes") / most(plan, "kept_bytes")),
        "peak": ("peak of a rank", of_ddp / peak),
        "advised": ("peak of a rank against the advisor's", peak / expected(*PLANS[plan])),
    }
    for name, (low, high) in limits.items():
        says, ratio = ratios[name]
        says += f", {plan}" if name == "advised" else f", ddp against {plan}"
        lab.result(f"{name} {plan}", ratio, unit="times", says=says, at_least=low, at_most=high)
lab.result(
    "moved_differs",
    max(abs(joined[step] - loss) for step, loss in whole.items()),
    unit="nats",
    says="largest difference of the run on 2, 4 and 1 ranks from the undisturbed one",
    at_most=1e-4,
)
lab.result(
    "trap_findings", len(found["problems"]), says="settings of the public lab that yard check refuses", at_least=4
)
lab.result("mended_findings", len(mended["problems"]), says="what it refuses once they are mended", at_most=0)
lab.result("saved_by_public", len(nothing), says="checkpoints of 100 steps with the public lab's settings", at_most=0)
lab.result("saved_by_ours", len(something), says="checkpoints of our Checkpointer with the same interval", at_least=1)
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## The end
# %%
lab.clean_up()
