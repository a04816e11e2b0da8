# %% [markdown]
# # Lab 6: inference with model parallelism
#
# A GPT is trained on two ranks that share its matrices, and then served twice behind one endpoint: whole in one
# process, and halved over two. The tokens must be the same; memory and time are not. The page beside this notebook
# tells the story and has the exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("06-inference")
lab.deploy()
# %% [markdown]
# ## A model
#
# The GPT of lab 5: 45 million parameters in 24 layers, more than half of them in the rows of its vocabulary. Lab 5 has
# taken its project away with all checkpoints, so the lab trains the same shape on the same text anew, by tensor
# parallelism over two ranks as there. A few steps on Python's own library, byte by byte: enough to have opinions, not
# enough to have good ones.
# %%
import shutil
import sysconfig
from pathlib import Path

from yard import train

text = lab.place.work / "text"
text.mkdir(exist_ok=True)
for name in ("argparse", "ast", "inspect", "tarfile", "typing"):
    shutil.copy(Path(sysconfig.get_paths()["stdlib"]) / f"{name}.py", text)
lab.yard("data", "put", str(text), "--job", "gpt", "--channel", "train")
run = train("gpt").wait()
learnt = run.metrics()
print(*(f"loss {one['loss']:.3f} after {one['step']:g} steps" for one in learnt), sep="\n")
# %% [markdown]
# ## Alone
#
# What the whole model says, computed here without any server and without a cache: each token from all that came before.
# %%
import json

import torch

from training.pytorch.models.gpt.model import GPT, GPTConfig

PROMPTS = ("def main(", "import ", "class Parser:")
TOKENS = 32
folder = run.model(lab.place.work / "models")
about = json.loads((folder / "model.json").read_text())
weights = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
model = GPT(GPTConfig(**about["config"])).eval()
model.load_state_dict(weights)
torch.set_num_threads(1)


@torch.inference_mode()
def alone(prompt: str) -> list[int]:
    """The likeliest tokens, one after the other."""
    tokens = list(prompt.encode())
    for _ in range(TOKENS):
        tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[-TOKENS:]


expected = {prompt: alone(prompt) for prompt in PROMPTS}
# %% [markdown]
# ## One endpoint, two variants
#
# `endpoints/answers.toml` says it all: `SHARDYARD_SERVING_RANKS = "2"` is the only difference between them.
# %%
import time

stands_since = time.monotonic()
lab.yard("deploy", "answers", "--yes")
lab.yard("endpoint", "status", "answers")
# %%
runtime, name = lab.aws.client("sagemaker-runtime"), f"{lab.place.project_name}-dev-answers"
VARIANTS = ("whole", "halved")


def stream(variant: str, prompt: str) -> tuple[list[int], list[float]]:
    """The tokens, and when each of them came."""
    began, tokens, times, rest = time.monotonic(), [], [], b""
    asked = {"prompt": prompt, "max_new_tokens": TOKENS, "stream": True}
    answer = runtime.invoke_endpoint_with_response_stream(
        EndpointName=name, TargetVariant=variant, ContentType="application/json", Body=json.dumps(asked).encode()
    )
    for event in answer["Body"]:
        rest += event["PayloadPart"]["Bytes"]
        *lines, rest = rest.split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "token" in said:
                tokens.append(said["token"])
                times.append(time.monotonic() - began)
    return tokens, times


def whole_answer(variant: str, prompt: str, **drawing: float) -> list[int]:
    """The tokens in one answer: the likeliest ones, or drawn."""
    asked = json.dumps({"prompt": prompt, "max_new_tokens": TOKENS, **drawing}).encode()
    answer = runtime.invoke_endpoint(
        EndpointName=name, TargetVariant=variant, ContentType="application/json", Body=asked
    )
    return list(json.loads(answer["Body"].read())["tokens"])


answers = {variant: {prompt: whole_answer(variant, prompt) for prompt in PROMPTS} for variant in VARIANTS}
# A model that has learnt little repeats itself; tokens that are drawn do not, and a seed draws the same again. They are
# drawn from the likeliest ones: of the 50,000 that no text had, many are equally likely up to the last bits
DRAWING = {"temperature": 1.0, "seed": 7, "top_k": 64}
drawn_tokens = {variant: [whole_answer(variant, prompt, **DRAWING) for prompt in PROMPTS] for variant in VARIANTS}
streams = {variant: [stream(variant, prompt) for prompt in PROMPTS] for variant in VARIANTS}
lab.yard(
    "invoke",
    "answers",
    "--json",
    '{"prompt": "def ", "max_new_tokens": 4, "stream": true}',
    "--stream",
    "--variant",
    "halved",
)
# %% [markdown]
# ## Memory
#
# Each rank says in the log what it holds. The cache has the keys and values of every token so far, of every layer and
# stream; a rank has those of its own heads. What one process holds of the whole is counted by the same code, here.
# %%
import re

from serving.engines.gpt import GPTDecoder

SLOTS = 8
HOLDS = re.compile(r"([\d.]+) MB of weights and ([\d.]+) MB of cache")
log = lab.yard("endpoint", "logs", "answers", "--lines", "400")
sizes_said = {"whole": GPTDecoder(weights, about["config"], slots=SLOTS, cutter=None).sizes}
for line in log.splitlines():
    if found := re.search(r"rank (\d) of 2 holds (.*)", line):
        sizes_said[f"halved, rank {found[1]}"] = found[2]
held = {place: tuple(map(float, HOLDS.findall(said)[0])) for place, said in sizes_said.items()}
lab.table(
    "memory",
    [
        {
            "process": place,
            "weights, MB": weights_mb,
            "cache, MB": cache_mb,
            "cache of a stream, MB": round(cache_mb / SLOTS, 2),
        }
        for place, (weights_mb, cache_mb) in sorted(held.items(), reverse=True)
    ],
)
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=2.2)
for row, place in enumerate(sorted(held, reverse=True)):
    weights_mb, cache_mb = held[place]
    axes.barh(row, weights_mb, color=pictures.COLOURS[0], label="weights" if row == 0 else None)
    axes.barh(
        row, cache_mb, left=weights_mb, color=pictures.COLOURS[1], hatch="//", label="cache" if row == 0 else None
    )
axes.set_yticks(range(len(held)), sorted(held, reverse=True))
axes.invert_yaxis()
axes.set_xlabel("memory of a process for the model (MB)")
axes.legend(frameon=False)
lab.picture(drawn, "memory")
# %% [markdown]
# ## Time
#
# When each token of a stream came. Two processes halve the work of a token, and wait for one another 49 times for it:
# twice in each of 24 layers, and once for the scores.
# %%
from itertools import pairwise
from statistics import median

drawn, axes = pictures.figure(height=2.8)
for number, variant in enumerate(VARIANTS):
    _, times = min(streams[variant], key=lambda one: one[1][-1])
    axes.plot(range(1, TOKENS + 1), [1000 * at for at in times], color=pictures.COLOURS[number], label=variant)
axes.set_xlabel("token of the stream (number)")
axes.set_ylabel("time since the request (ms)")
axes.legend(frameon=False)
lab.picture(drawn, "stream")


def gap(variant: str) -> float:
    """Milliseconds from one token to the next."""
    return 1000 * median(after - before for _, times in streams[variant] for before, after in pairwise(times))


def first_share(variant: str) -> float:
    """When the first token came, as a share of the whole time."""
    return median(times[0] / times[-1] for _, times in streams[variant])


EXCHANGES = 2 * about["config"]["layers"] + 1
exchange_ms = (gap("halved") - gap("whole") / 2) / EXCHANGES
lab.table(
    "time",
    [
        {
            "variant": variant,
            "first token, ms": round(1000 * median(times[0] for _, times in streams[variant]), 1),
            "each further token, ms": round(gap(variant), 1),
            "tokens a second": round(1000 / gap(variant), 1),
        }
        for variant in VARIANTS
    ],
)
# %% [markdown]
# ## AWS's own container for large models
#
# `aws/lmi.toml` is the same for a model of Hugging Face's kind and AWS's LMI container, whose engine is vLLM. Its
# weights are not here, so that the lab checks the file against the rules and does not deploy it.
# %%
file = lab.place.project / "endpoints/lmi.toml"
shutil.copy(lab.place.folder / "aws/lmi.toml", file)
checked = lab.json("check", "--offline")
file.unlink()
# %% [markdown]
# ## What must come out
#
# Tokens are equal unless two are equally likely to the last bits, which here none are. Sizes are counts: the cache
# halves, of the weights all but the embedding, which each rank has whole.
#
# Times are those of this computer. Two processes cannot take less than half of the time of one, for each does half of
# the work. What they take beyond that half are 49 exchanges, and what each does whole: the norms, and Python's own time
# for each operation. An exchange is two messages between processes of one computer: some tenths of a millisecond where
# both run, and the slice of a scheduler, 4 ms, where one must wait for a processor. More would be a fault, such as a
# socket that holds small messages back for 40 ms.
# %%
lab.result(
    "differing",
    sum(
        got != expected[prompt]
        for variant in VARIANTS
        for at, prompt in enumerate(PROMPTS)
        for got in (answers[variant][prompt], streams[variant][at][0])
    ),
    says="answers and streams whose tokens differ from those of the model alone",
    at_most=0,
)
lab.result(
    "drawn_differing",
    sum(whole != halved for whole, halved in zip(drawn_tokens["whole"], drawn_tokens["halved"], strict=True)),
    says="answers whose drawn tokens differ between whole and halved",
    at_most=0,
)
lab.result(
    "drawn_kinds",
    len({token for tokens in drawn_tokens["whole"] for token in tokens}),
    says="different tokens among the drawn ones",
    at_least=10,
)
halves = [sizes for place, sizes in held.items() if place != "whole"]
lab.result("ranks", len(halves), says="processes of the halved variant that say what they hold", at_least=2, at_most=2)
for number, what, least, greatest in ((0, "weights", 1.5, 1.6), (1, "cache", 1.98, 2.02)):
    lab.result(
        f"{what}_ratio",
        held["whole"][number] / max(sizes[number] for sizes in halves),
        unit="times",
        says=f"{what} of a process, whole against halved",
        at_least=least,
        at_most=greatest,
    )
lab.result(
    "time_ratio",
    gap("halved") / gap("whole"),
    unit="times",
    says="time of a token, halved against whole",
    at_least=0.5,
)
lab.result(
    "exchange_ms",
    exchange_ms,
    unit="ms",
    says="what a token takes beyond half of the whole's time, for each exchange",
    at_least=0,
    at_most=4,
)
lab.result(
    "first_share",
    max(map(first_share, VARIANTS)),
    unit="of the time",
    says="when the first token of a stream has come",
    at_most=0.5,
)
lab.result("lmi_problems", len(checked["problems"]), says="problems of the file for AWS's container", at_most=0)
# %% [markdown]
# ## What the lab costs on AWS
#
# An endpoint bills for as long as it stands, whether anybody asks it or not, and nothing but a person ends it. So its
# worst case is a month, with `cap_usd` of its file above it. It goes first.
# %%
import tomllib
from collections import Counter

from shardyard.spec.catalogue.hosting import hosting_usd

lab.yard("endpoint", "delete", "answers", "--yes")
variants = tomllib.loads((lab.place.project / "endpoints/answers.toml").read_text())["variants"]
counted = Counter(variant["instance_type"] for variant in variants.values())
prices = {kind: hosting_usd(kind, "us-east-1") for kind in counted}
hourly = None if None in prices.values() else sum(count * (prices[kind] or 0) for kind, count in counted.items())
instances = ", ".join(f"{count} x {kind}" for kind, count in counted.items())
lab.standing("endpoint", "endpoint answers", instances, hourly, time.monotonic() - stands_since)
lab.cost(
    also={
        "Number of instances across active endpoints": counted.total(),
        **{f"{kind} for endpoint usage": count for kind, count in counted.items()},
    }
)
# %% [markdown]
# ## The end
# %%
lab.clean_up()
