# %% [markdown]
# # Lab 7: failures
#
# A training run is killed, interrupted, loses a machine, finds a damaged checkpoint and a full disk; in good
# weather and in the worst that AWS does not exclude. What is lost each time, and what is not. The page beside
# this notebook tells the story and has the exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("07-failures")
lab.deploy()
# %% [markdown]
# ## What is broken, and how
#
# The program takes a step every 0.3 s and saves every tenth. Its first start breaks what its options say; the
# rest comes from outside. Each fault goes to a run of its own, and they run side by side.
#
# A damaged checkpoint needs no embedded cloud: the run is stopped, one bit of its newest save in S3 is flipped,
# and the run is resumed. Nor do the kill and the full disk. An interruption and a broken machine cannot be
# ordered on AWS.
# %%
import json
import re
import time
from collections.abc import Collection
from typing import Any

from yard import TrainingRun, find, train

FAULTS = {
    "save damaged": {},
    "spot interruption": {},
    "machine broken": {},
    "rank killed": {"dies_at": 28},
    "disk full, then killed": {"disk_full_at": 12, "dies_at": 28},
}
FROM_INSIDE = ("rank killed", "disk full, then killed")
FROM_OUTSIDE = {"spot interruption": ("interrupt",), "machine broken": ("kill", "--hardware", "--repaired")}
BREAK_AT, INTERVAL, STEPS = 22, 10, 40


def did(run: TrainingRun) -> list[dict[str, Any]]:
    """Every step that a run has taken, with its loss and its time, in order; what was done twice is there twice."""
    found = (re.search(r" did (\{.*\})", line) for line in run.logs(node=1))
    return [json.loads(one[1]) for one in found if one]


def wait_for_step(run: TrainingRun, step: int) -> None:
    """Wait until it has taken this step."""
    until = time.monotonic() + 300
    while not any(one["step"] >= step for one in did(run)):
        assert time.monotonic() < until, f"{run.run_id} has not come to step {step}: yard logs {run.run_id}"
        time.sleep(0.3)


def flip_a_bit(run: TrainingRun) -> str:
    """Damage the newest save of a run that S3 has; returns which."""
    s3, bucket = lab.aws.client("s3"), lab.aws.artifact_bucket()
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"checkpoints/{run.job}/{run.run_id}/")
    keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
    victim: str = max(key for key in keys if key.endswith("tensors.safetensors"))
    content = bytearray(s3.get_object(Bucket=bucket, Key=victim)["Body"].read())
    content[len(content) // 2] ^= 1
    s3.put_object(Bucket=bucket, Key=victim, Body=bytes(content))
    return victim.partition(f"{run.run_id}/")[2]


# %%
def start(faults: Collection[str], weather: str) -> dict[str, TrainingRun]:
    """A run for each of these faults."""
    return {fault: train("steady", hyperparameters=FAULTS[fault], name=f"{fault}, {weather}") for fault in faults}


def resume_damaged(run: TrainingRun) -> TrainingRun:
    """Damage the newest save of a run that is being stopped, and resume it."""
    run.wait(check=False)
    print(f"flipped a bit of {flip_a_bit(run)}", flush=True)
    lab.yard("resume", run.run_id, "--yes")
    return find(run.run_id)


def play(weather: str) -> dict[tuple[str, str], TrainingRun]:
    """A run of each fault in this weather: first those that are broken from outside."""
    faults = [fault for fault in FAULTS if fault not in FROM_INSIDE]
    started = start([fault for fault in faults if not (lab.on_aws and fault in FROM_OUTSIDE)], weather)
    wait_for_step(started["save damaged"], BREAK_AT)
    started["save damaged"].stop()
    for fault, words in FROM_OUTSIDE.items():
        if fault in started:
            wait_for_step(started[fault], BREAK_AT)
            lab.cloud(words[0], started[fault].run_id, *words[1:])
    started |= start(FROM_INSIDE, weather)
    started["save damaged"] = resume_damaged(started["save damaged"])
    return {(fault, weather): run.wait() for fault, run in started.items()}


undisturbed = train("steady", name="undisturbed").wait()
runs: dict[tuple[str, str], TrainingRun] = {}
if lab.on_aws:
    runs = play("as it comes")
else:
    for weather in ("fair", "pessimistic"):
        lab.cloud("weather", weather)
        runs |= play(weather)
    lab.cloud("weather", "fair")
# %% [markdown]
# ## What was lost
#
# Every step is in the log, so that what was done twice is there twice. The last loss of each step must be that of
# the undisturbed run, bit by bit: otherwise the run went on with something else than it had.
#
# Goodput is the part of the time that made progress: what the undisturbed run took from its first step to its
# last, over what this run took.
# %%
wanted = {one["step"]: one["loss"] for one in did(undisturbed)}


def seconds(run: TrainingRun) -> float:
    """From the first step to the last."""
    times = [one["at"] for one in did(run)]
    return float(max(times) - min(times))


def outcome(run: TrainingRun) -> dict[str, float]:
    """What one run lost."""
    taken = did(run)
    losses = {one["step"]: one["loss"] for one in taken}
    return {
        "done twice": len(taken) - len(losses),
        "never done": STEPS - len(losses),
        "differ": sum(losses.get(step) != loss for step, loss in wanted.items()),
        "goodput": 100 * min(1.0, seconds(undisturbed) / seconds(run)),
    }


outcomes = {which: outcome(run) for which, run in runs.items()}
lab.table(
    "faults",
    [
        {
            "fault": fault,
            "weather": weather,
            "steps done twice": int(found["done twice"]),
            "losses that differ": int(found["differ"]),
            "goodput, percent": round(found["goodput"]),
            "ended": runs[fault, weather].status,
        }
        for (fault, weather), found in outcomes.items()
    ],
)
assert len(wanted) == STEPS, sorted(wanted)
lab.result(
    "differ",
    sum(found["differ"] for found in outcomes.values()),
    unit=f"of {len(outcomes) * STEPS}",
    says="losses that differ from those of the undisturbed run",
    at_most=0,
)
lab.result(
    "never_done",
    sum(found["never done"] for found in outcomes.values()),
    says="steps that were never done",
    at_most=0,
)
lab.result(
    "not_succeeded",
    sum(run.status != "succeeded" for run in runs.values()),
    unit=f"of {len(runs)}",
    says="runs that did not succeed",
    at_most=0,
)
# %% [markdown]
# ## What each fault may cost
# %%


def most_twice(fault: str) -> float:
    """The most steps that a fault made the run do twice, in any weather."""
    return max(found["done twice"] for (which, _), found in outcomes.items() if which == fault)


lab.result(
    "twice_killed",
    most_twice("rank killed"),
    unit="steps",
    says="done twice after a killed rank, at most an interval",
    at_most=INTERVAL,
)
lab.result(
    "twice_full",
    most_twice("disk full, then killed"),
    unit="steps",
    says="done twice where a full disk took a save, at most two intervals",
    at_least=INTERVAL,
    at_most=2 * INTERVAL,
)
lab.result(
    "twice_damaged",
    most_twice("save damaged"),
    unit="steps",
    says="done twice after a damaged save: an interval, and the copy to S3",
    at_least=1,
    at_most=2 * INTERVAL,
)
if not lab.on_aws:
    lab.result(
        "twice_told",
        outcomes["spot interruption", "fair"]["done twice"],
        unit="steps",
        says="done twice after an interruption that is announced",
        at_most=0,
    )
    lab.result(
        "twice_untold",
        outcomes["spot interruption", "pessimistic"]["done twice"],
        unit="steps",
        says="done twice after one that is not: an interval, and the copy to S3",
        at_least=1,
        at_most=BREAK_AT - 1,  # fewer than from the beginning
    )
    lab.result(
        "twice_broken",
        most_twice("machine broken"),
        unit="steps",
        says="done twice after a broken machine: an interval, and the copy to S3",
        at_least=1,
        at_most=BREAK_AT - 1,
    )
# %%
from labs.frame import pictures

weathers = list(dict.fromkeys(weather for _, weather in runs))
drawn, axes = pictures.figure(height=3.2, columns=len(weathers))
for place, weather in zip([axes] if len(weathers) == 1 else axes, weathers, strict=True):
    for number, fault in enumerate(fault for fault in FAULTS if (fault, weather) in runs):
        taken = did(runs[fault, weather])
        place.plot(
            [one["at"] - taken[0]["at"] for one in taken],
            [one["step"] for one in taken],
            label=fault,
            color=pictures.COLOURS[number],
            linestyle=("-", "--", "-.", ":", (0, (1, 1)))[number],
        )
    place.set_title(weather)
    place.set_xlabel("time since the first step (s)")
    place.set_ylabel("step (count)")
    place.legend(frameon=False, fontsize=7, loc="lower right")
lab.picture(drawn, "steps")
# %% [markdown]
# ## What the log says of it
#
# A failure that nobody notices is the worst. Each of these is in the run's own log, by name.
# %%
MARKS = {
    "rank killed": r"was killed by SIGKILL; restart \d of \d",
    "disk full, then killed": r"save at step \d+ failed: .*training goes on",
    "save damaged": r"does not match its sha256",
}
for (fault, weather), run in runs.items():
    if fault in MARKS:
        said = [line for line in run.logs() if re.search(MARKS[fault], line)]
        print(f"{fault}, {weather}: {said[0]}")
        assert said, f"nothing in the log of {run.run_id} says {MARKS[fault]}"
# %% [markdown]
# ## The receipt of a spot run
#
# What each attempt was billed, what spot saved, and how often the capacity was taken back.
# %%
shown = runs.get(("spot interruption", "fair"), undisturbed)
lab.yard("receipt", shown.run_id)
receipt = shown.receipt()
if not lab.on_aws:
    lab.result(
        "interruptions",
        sum(attempt["interruptions"] for attempt in receipt["attempts"]),
        says="interruptions on the receipt of the spot run",
        at_least=1,
        at_most=1,
    )
lab.result(
    "saved",
    receipt["spot_saving_percent"],
    unit="percent",
    says="what spot saved, on its receipt",
    at_least=1 if lab.on_aws else 50,
)
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## The end
# %%
lab.clean_up()
