# %% [markdown]
# # Lab 4: data parallelism
#
# One model, copied to every machine; each learns from its part of a batch, and all of them average their gradients.
# What stays the same on 1, 2 and 4 machines, what a larger batch asks of the learning rate, where the journey of the
# gradients hides, and two ways in which it goes wrong. The page beside this notebook tells the story and has the
# exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("04-data-parallelism")
lab.deploy()
# %% [markdown]
# ## The data
#
# Scikit-learn's 1,797 handwritten digits, enlarged to the 28 x 28 of MNIST, for the network of the public lab; Python's
# own library, byte by byte, for a small GPT.
# %%
import shutil
import subprocess
import sysconfig
from pathlib import Path

digits, text = lab.place.work / "digits", lab.place.work / "text"
subprocess.run([sys.executable, "-m", "training.programs.make_digits", str(digits), "--shards", "4"], check=True)
text.mkdir(exist_ok=True)
for name in ("argparse", "ast", "inspect", "tarfile", "typing"):
    shutil.copy(Path(sysconfig.get_paths()["stdlib"]) / f"{name}.py", text)
for job, channel, folder in (
    ("spread", "train", digits / "train"),
    ("spread", "test", digits / "test"),
    ("spread", "text", text),
):
    lab.yard("data", "put", str(folder), "--job", job, "--channel", channel)
# %% [markdown]
# ## 1, 2 and 4 machines
#
# The global batch stays 128, so each machine has 128, 64 and 32 of it. All three must learn the same.
# %%
import json
from typing import Any

from yard import train
from yard.api import TrainingRun

NODES = (1, 2, 4)


def said(run: TrainingRun, word: str) -> list[dict[str, Any]]:
    """The lines of JSON that a run printed behind a word."""
    return [json.loads("{" + line.split(f"{word} {{", 1)[1]) for line in run.logs() if f"{word} {{" in line]


# A start takes longer than the work: two machines also make the tries and ways of the next parts
BATCHES, RATES, SEEDS = (16, 128, 512), (0.0005, 0.002, 0.008, 0.032, 0.128), (1, 2, 3)
SAME = (128, 0.001, 1)
tries = [":".join(map(str, (batch, rate, seed))) for batch in BATCHES for rate in RATES for seed in SEEDS]
made, gpts = {}, {}
for nodes in NODES:
    words = ["--tries", ":".join(map(str, SAME)), "--ways", "many"]
    if nodes == 2:
        words = [*words[:2], *tries, *words[2:], "one", "summed"]
    run = train("spread", instance_count=nodes, arguments=words, name=f"{nodes} nodes").wait()
    made[nodes] = {(one["global_batch"], one["learning_rate"], one["seed"]): one for one in said(run, "try")}
    gpts[nodes] = {one["way"]: one for one in said(run, "way")}
spread = {nodes: made[nodes][SAME] for nodes in NODES}
lab.table(
    "nodes",
    [
        {
            "machines": nodes,
            "digits of a machine": spread[nodes]["samples"],
            "test loss": round(spread[nodes]["test_loss"], 5),
            "GPT: last loss": round(gpts[nodes]["many"]["losses"][-1], 5),
            "GPT: processor s of a machine": round(gpts[nodes]["many"]["processor_seconds"], 2),
            "GPT: MB of gradients that a machine gives to the exchange": round(
                gpts[nodes]["many"]["sent_bytes"] / 1e6, 1
            ),
        }
        for nodes in NODES
    ],
)
# %% [markdown]
# ## Global batch against learning rate
#
# Each try learns from the same 12,288 digits: with a batch of 512 that is 24 steps, with one of 16 it is 768. So a
# large batch has to go further in each. Three seeds, since a single one decides too much; the table has their mean.
# %%
from statistics import mean

found = {
    (batch, rate): mean(made[2][batch, rate, seed]["test_loss"] for seed in SEEDS)
    for batch in BATCHES
    for rate in RATES
}
best = {batch: min((found[batch, rate], rate) for rate in RATES)[1] for batch in BATCHES}
lab.table(
    "batches",
    [
        {
            "global batch": batch,
            "steps": made[2][batch, RATES[0], 1]["steps"],
            "digits of a machine": made[2][batch, RATES[0], 1]["samples"],
            **{f"test loss at {rate:g}": round(found[batch, rate], 3) for rate in RATES},
            "best rate": best[batch],
        }
        for batch in BATCHES
    ],
)
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=3.0)
for number, batch in enumerate(BATCHES):
    values = [found[batch, rate] for rate in RATES]
    axes.plot(RATES, values, "os^"[number] + "-", color=pictures.COLOURS[number], label=f"global batch {batch}")
axes.set_xscale("log")
axes.set_yscale("log")
axes.set_xlabel("learning rate of Adam")
axes.set_ylabel("loss on the test digits (nats)")
axes.legend(frameon=False)
lab.picture(drawn, "batches")
# %% [markdown]
# ## Where communication hides
#
# Gradients are ready from the last layer to the first. DDP collects them in buckets, and a bucket leaves as soon as it
# is full, while the backward pass goes on. In one bucket for all, everything waits for the end. Of four batches that
# are summed before they are sent, only the last one sends.
# %%
two = gpts[2]
drawn, axes = pictures.figure(height=2.8, columns=2)
for place, way in zip(axes, ("many", "one"), strict=True):
    buckets = two[way]["buckets"]
    for row, bucket in enumerate(buckets):
        wide = (bucket["done"] - bucket["ready"]) * 1000
        place.barh(row, wide, left=bucket["ready"] * 1000, color=pictures.COLOURS[0])
    last = max(bucket["ready"] for bucket in buckets) * 1000
    place.axvline(last, color=pictures.COLOURS[1], linestyle="--")
    place.annotate(
        " all gradients\n are ready", (last, -0.4), size=7, va="top", ha="right" if way == "many" else "left"
    )
    place.set_xlim(left=0)
    place.set_ylim(len(buckets) - 0.4, -1.6)
    place.set_yticks(range(len(buckets)), [f"bucket {number + 1}" for number in range(len(buckets))])
    place.set_xlabel("time since the step began (ms)")
    place.set_title({"many": "buckets of 1 MB", "one": "one bucket"}[way])
lab.picture(drawn, "buckets")
# %% [markdown]
# ## The public lab's trap
#
# SageMaker names the machines in `SM_HOSTS`: `["algo-1"]`. `len` of that text is 10. `yard init job` reads a script
# before anything runs, and says so with its line.
# %%
advice = lab.json("init", "job", "read", "--script", "code/public_lab.py")["to_do"]
print(*advice, sep="\n")
(lab.place.project / "jobs/read.toml").unlink()  # the lab has a job file of its own for it
trapped, right = said(train("public-lab").wait(), "trap")
lab.table(
    "trap",
    [
        {
            "nodes are": name,
            "num_nodes": one["num_nodes"],
            "ranks that there are": one["ranks"],
            "of an epoch is read": f"{one['read_of_an_epoch']:.0%}",
            "accuracy": round(one["accuracy"], 3),
        }
        for name, one in (("letters of the list", trapped), ("hosts in the list", right))
    ],
)
# %% [markdown]
# ## Uneven shards
#
# Two machines with a file each, of 300 and of 100 digits. `yard data balance` says it before a launch. A loop over the
# own rows ends on one machine while the other still waits for its gradients.
# %%
from training.programs.make_digits import real_digits, write_tar

images, labels = real_digits(test=False)
shards = lab.place.work / "shards"
shards.mkdir(exist_ok=True)
for name, rows in (("large", slice(0, 300)), ("small", slice(300, 400))):
    write_tar(shards, name, images[rows], labels[rows])
lab.yard("data", "put", str(shards), "--job", "uneven", "--channel", "train")
lab.yard("data", "balance", "--job", "uneven", "--channel", "train")
failed = train("uneven", name="own rows").wait(check=False)
reason = next(line for line in failed.logs() if "did not answer" in line)
print(failed.status, reason, sep="\n")
# %% [markdown]
# Two ways out. The ranks agree beforehand how many batches an epoch has, as all programs and readers here do: nothing
# hangs, and what the fuller machine has too much is left out and said. Or the data are cut anew, into shards of like
# size: then nothing is left out.
# %%
import tarfile

EVEN = {"loop": "even"}
agreed = train("uneven", hyperparameters=EVEN, name="agreed").wait()
print(next(line for line in agreed.logs() if "imbalance" in line))
loose = lab.place.work / "loose"
for archive in sorted(shards.glob("*.tar")):
    with tarfile.open(archive) as members:
        members.extractall(loose, filter="data")
lab.yard("data", "put", str(loose), "--job", "uneven", "--channel", "train", "--shards", "2", "--delete")
balanced = train("uneven", hyperparameters=EVEN, name="cut anew").wait()


def read_share(run: TrainingRun) -> float:
    """What of the rows an epoch reads."""
    nodes = said(run, "node")
    epochs = 4
    return float(sum(node["read"] for node in nodes) / sum(node["rows"] for node in nodes) / epochs)


lab.table(
    "shards",
    [
        {
            "loop and shards": name,
            "ended": run.status,
            "of an epoch is read": f"{read_share(run):.0%}" if run.status == "succeeded" else "",
        }
        for name, run in (
            ("own rows, 300 and 100", failed),
            ("agreed, 300 and 100", agreed),
            ("agreed, cut anew", balanced),
        )
    ],
)
# %% [markdown]
# ## What must come out
#
# Counts are exact, and so are the losses of 1, 2 and 4 machines but for the order in which floats are added. Near its
# best rate a batch's loss hardly depends on the rate, and two neighbours of the grid may change places; what a low rate
# costs a large batch and not a small one does not change. How much of the journey hides depends on how fast the
# machines compute and send; here they share two processors.
# %%
alone = gpts[1]["many"]["losses"]
lab.result(
    "nodes_differ",
    max(
        *(abs(spread[nodes]["test_loss"] - spread[1]["test_loss"]) for nodes in NODES),
        *(abs(loss - alone[step]) for nodes in NODES for step, loss in enumerate(gpts[nodes]["many"]["losses"])),
    ),
    unit="nats",
    says="largest difference of a loss on 2 or 4 machines from that on one",
    at_most=1e-4,
)
lab.result(
    "work_ratio",
    gpts[1]["many"]["processor_seconds"] / gpts[4]["many"]["processor_seconds"],
    unit="times",
    says="processor time of a machine, GPT, one against four",
    at_least=1.3,
    at_most=4.5,
)
lab.result(
    "inside",
    sum(RATES[0] < rate < RATES[-1] for rate in best.values()),
    unit=f"of {len(BATCHES)}",
    says="batches whose best rate is not at the edge of what was tried",
    at_least=3,
)
lab.result(
    "samples_differ",
    max(one["samples"] for one in made[2].values()) - min(one["samples"] for one in made[2].values()),
    says="difference of the digits that any two tries learn from",
    at_most=0,
)
lab.result(
    "rate_ratio",
    best[BATCHES[-1]] / best[BATCHES[0]],
    unit="times",
    says="best learning rate of what was tried, global batch 512 against 16",
    at_least=1,
    at_most=32,
)
for batch, limits in ((BATCHES[-1], {"at_least": 1.5}), (BATCHES[0], {"at_most": 1.2})):
    lab.result(
        f"low_rate_costs_{batch}",
        found[batch, RATES[1]] / found[batch, RATES[2]],
        unit="times",
        says=f"test loss of batch {batch}, a rate of {RATES[1]} against {RATES[2]}",
        **limits,
    )
lab.result(
    "hidden",
    two["many"]["hidden"],
    unit="of its time",
    says="exchange that overlaps the backward pass, buckets of 1 MB",
    at_least=0.4,
)
lab.result(
    "hidden_in_one",
    two["one"]["hidden"],
    unit="of its time",
    says="the same with one bucket, which begins when the last gradient is ready",
    at_most=0.01,
)
lab.result(
    "sent_ratio",
    two["many"]["sent_bytes"] / two["summed"]["sent_bytes"],
    unit="times",
    says="bytes given to the exchange for the same batches, each batch against four summed",
    at_least=3.99,
    at_most=4.01,
)
lab.result(
    "trap_read",
    trapped["read_of_an_epoch"],
    unit="of an epoch",
    says="rows that are read where letters count as nodes",
    at_least=0.09,
    at_most=0.11,
)
lab.result(
    "right_read",
    right["read_of_an_epoch"],
    unit="of an epoch",
    says="rows that are read where hosts count as nodes",
    at_least=0.99,
    at_most=1.01,
)
lab.result(
    "trap_named",
    sum("SM_HOSTS is a list as a text" in line for line in advice),
    says="lines in which yard init job names the trap",
    at_least=1,
)
lab.result(
    "uneven_ends", float(failed.status == "failed"), says="failed runs, of the one with uneven shards", at_least=1
)
lab.result(
    "agreed_read", read_share(agreed), unit="of an epoch", says="rows that are read of uneven shards", at_most=0.51
)
lab.result(
    "balanced_read", read_share(balanced), unit="of an epoch", says="rows that are read of even shards", at_least=0.99
)
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## The end
# %%
lab.clean_up()
