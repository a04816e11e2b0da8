# %% [markdown]
# # Lab 3: parallelism with data distribution
#
# Five machines, five files. Give every machine all of them, or each its own? The page beside this notebook tells the
# story and has the exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("03-data-distribution")
lab.deploy()
# %% [markdown]
# ## The events
#
# Five years to learn from and a sixth to test on, in the layout of GDELT 1.0. The files are made from a seed. Real ones
# may take their place: the program reads them as they come.
# %%
import subprocess

real, events = lab.place.work / "real-events", lab.place.work / "events"
if real.is_dir():
    events = real
else:
    subprocess.run([sys.executable, "code/make_events.py", str(events), "--rows", "12000"], check=True)
for channel in ("train", "test"):
    lab.yard("data", "put", str(events / channel), "--job", "tone-sharded", "--channel", channel)
# %% [markdown]
# ## Three runs on five machines
#
# 1. `replicated`: every machine has all files, and goes over all of them in each epoch. That is what the built-in
#    Linear Learner of the public lab does.
# 2. `sharded`: every machine has one file, and goes over that. S3 decides which, by the order of the keys.
# 3. `replicated, rows divided`: every machine has all files, and the machines share the rows of an epoch, as the data
#    readers of `training.data` do.
#
# All three begin with the same seed and take two epochs.
# %%
import json

from yard import train

KINDS = {
    "replicated": ("tone-replicated", {}),
    "sharded": ("tone-sharded", {}),
    "replicated, rows divided": ("tone-replicated", {"passes": "job"}),
}
runs = {kind: train(job, hyperparameters=given, name=kind).wait() for kind, (job, given) in KINDS.items()}
measured = {kind: run.metrics()[-1] for kind, run in runs.items()}
nodes = {
    kind: [json.loads(line.split("node ", 1)[1]) for line in run.logs(node=1) if "] node {" in line]
    for kind, run in runs.items()
}
# %% [markdown]
# ## Which machine got which file
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=3.0, columns=2)
for kind, files in (("replicated", 5), ("sharded", 1)):
    assert [len(node["files"]) for node in nodes[kind]] == [files] * 5, nodes[kind]
years = sorted({name for given in nodes.values() for node in given for name in node["files"]})
for place, kind in zip(axes, ("replicated", "sharded"), strict=True):
    for row, node in enumerate(sorted(nodes[kind], key=lambda one: one["host"])):
        for column, year in enumerate(years):
            has = year in node["files"]
            place.scatter(
                column, row, marker="s", s=320, color=pictures.COLOURS[column] if has else "white", edgecolor="0.7"
            )
            place.annotate("has it" if has else "", (column, row), ha="center", va="center", size=6, color="white")
    place.set_xticks(range(len(years)), [year.removesuffix(".csv") for year in years])
    place.set_yticks(range(len(nodes[kind])), sorted(node["host"] for node in nodes[kind]))
    place.set_xlabel("file (year)")
    place.set_title({"replicated": "FullyReplicated", "sharded": "ShardedByS3Key"}[kind])
    place.margins(0.15)
    place.invert_yaxis()
lab.picture(drawn, "files")
# %% [markdown]
# ## Side by side
#
# Processor time is what the machines worked; it hardly depends on what else this computer does. Here the five machines
# share one computer's processors, so that elapsed times are longer than on AWS, for all three runs alike.
# %%
receipts = {kind: run.receipt() for kind, run in runs.items()}


def work(kind: str) -> float:
    """Processor seconds per machine."""
    return measured[kind]["reading_processor_seconds"] + measured[kind]["learning_processor_seconds"]


def seconds(kind: str) -> float:
    """Elapsed, without the start of the machines."""
    return measured[kind]["reading_seconds"] + measured[kind]["learning_seconds"]


lab.table(
    "runs",
    [
        {
            "run": kind,
            "MB given to all machines": round(measured[kind]["megabytes_given"], 1),
            "rows gone over per machine": int(measured[kind]["rows_per_node"]),
            "steps": int(measured[kind]["step"]),
            "processor s per machine": round(work(kind), 2),
            "elapsed s": round(seconds(kind), 2),
            "MSE on the test year": round(measured[kind]["test_squared_error"], 4),
            "billed, USD": round(receipts[kind]["cost_usd"], 4),
        }
        for kind in runs
    ],
)
drawn, axes = pictures.figure(height=2.4)
pictures.bars(axes, {kind: work(kind) for kind in runs}, unit="processor time per machine, reading and learning (s)")
lab.picture(drawn, "work")
# %% [markdown]
# ## What must come out
#
# The public lab says "almost 4 times as fast" for sharded and "just slightly better" for the error of replicated. From
# replicated to sharded all but the error must fall:
#
# - Bytes by the number of machines, exactly.
# - Rows and work by nearly that, less where the largest file decides: the five years together have 4.04 times the rows
#   of the largest one.
# - Elapsed time by at least half of that. The exchange of each step, which no processor time counts, and this
#   computer's two processors, which five machines share, take the rest.
# - Cost by less, since the start of a machine is billed and no shorter. It may not rise.
#
# The error may not fall: the sharded run takes a quarter of the steps with the same learning rate, so it can come near
# the replicated one and not pass it, but by chance. Up to a tenth more is what we call slightly.
# %%
replicated, sharded, divided = (measured[kind] for kind in KINDS)
lab.result(
    "bytes_ratio",
    replicated["megabytes_given"] / sharded["megabytes_given"],
    unit="times",
    says="bytes moved, replicated against sharded",
    at_least=4.99,
    at_most=5.01,
)
lab.result(
    "work_ratio",
    work("replicated") / work("sharded"),
    unit="times",
    says="work of a machine, replicated against sharded",
    at_least=3,
    at_most=5,
)
lab.result(
    "elapsed_ratio",
    seconds("replicated") / seconds("sharded"),
    unit="times",
    says="elapsed time without the start, replicated against sharded",
    at_least=2,
    at_most=6,
)
lab.result(
    "cost_ratio",
    receipts["replicated"]["cost_usd"] / receipts["sharded"]["cost_usd"],
    unit="times",
    says="cost as billed, replicated against sharded",
    at_least=1,
    at_most=5,
)
lab.result(
    "rows_ratio",
    replicated["rows_per_node"] / sharded["rows_per_node"],
    unit="times",
    says="rows gone over per machine, replicated against sharded",
    at_least=3.5,
    at_most=5,
)
lab.result(
    "error_ratio",
    sharded["test_squared_error"] / replicated["test_squared_error"],
    unit="times",
    says="MSE on the test year, sharded against replicated",
    at_least=1,
    at_most=1.1,
)
lab.result(
    "learning_ratio",
    replicated["rows_per_node"] / divided["rows_per_node"],
    unit="times",
    says="rows gone over per machine, replicated against replicated with rows divided",
    at_least=4.8,
    at_most=5.2,
)
lab.result(
    "divided_error_ratio",
    divided["test_squared_error"] / sharded["test_squared_error"],
    unit="times",
    says="MSE on the test year, rows divided against sharded",
    at_least=0.95,
    at_most=1.1,
)
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## The end
# %%
lab.clean_up()
