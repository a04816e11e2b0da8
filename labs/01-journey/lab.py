# %% [markdown]
# # Lab 1: the journey
#
# From an account that has never seen SageMaker to a job of your own on two machines, and a model that is handed in: ten
# steps. The page beside this notebook tells the story and has the exercises.
#
# The project is deployed first, which takes a minute. It holds three jobs that run one script, `code/digits.py`.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

REPOSITORY = "https://github.com/aws/amazon-sagemaker-examples.git"  # on the way of your own, your own
lab = Lab(
    "01-journey",
    settings={"notebooks.enabled": True, "notebooks.git_url": REPOSITORY, "notebooks.git_access": "direct"},
)
lab.deploy()
# %% [markdown]
# ## 1. The account and its credits
#
# A checklist of a new account, in its order: what can be looked up is looked up; what only a person sees is named.
# `person` is for you to look at, `warning` is worth a thought, `missing` stops you.
# %%
checklist = lab.json("doctor", "--account", codes=(0, 1))
for one in checklist:
    print(f"{one['state']:<8} {one['what']}: {one['says']}")
states = [one["state"] for one in checklist]
lab.table("account", [{"state": state, "lines of the checklist": states.count(state)} for state in sorted(set(states))])
# %% [markdown]
# ## 2. The region
#
# Everything of a project is in one region. Has it the services that the project calls, and what does an hour cost?
# %%
from labs.frame import machines

for one in checklist:
    if one["what"] in ("region", "services"):
        print(one["says"])
SHOWN = ("ml.m5.xlarge", "ml.g5.xlarge", "ml.g5.12xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge")
lab.table("regions", machines.by_region(SHOWN, ("us-east-1", "us-west-2", "eu-central-1")))
# %% [markdown]
# ## 3. The bucket
#
# The deploy has made it: encrypted with a key of the project, open to nobody outside. The digits go there, in four
# files of each kind.
# %%
import numpy

from training.programs.make_digits import real_digits

for channel in ("train", "test"):
    images, labels = real_digits(test=channel == "test")
    folder = lab.place.work / "digits" / channel
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(4):
        numpy.savez(folder / f"digits-{number}.npz", images=images[number::4], labels=labels[number::4])
    lab.yard("data", "put", str(folder), "--job", "digits", "--channel", channel)

s3, bucket = lab.aws.client("s3"), lab.aws.data_bucket()
blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
encryption = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
print(f"{bucket}: {encryption}, {blocks}")
lab.result(
    "public_ways",
    sum(not closed for closed in blocks.values()),
    unit=f"of {len(blocks)}",
    says="ways in which the bucket could be public",
    at_most=0,
)
assert encryption == "aws:kms", encryption
# %% [markdown]
# ## 4. The machines
#
# The catalogue has every training type. The name says it: family, generation, size. What decides is whether the model
# fits into a GPU's memory, then how long a run takes, then how fast the machines talk to each other.
#
# The last two columns compare with the same machine of EC2, started from a Deep Learning AMI.
# %%
lab.table("machines", machines.facts(SHOWN))
lab.yard("advise", "--where", "digits-gpu", "--hours", "2")
gpu = lab.json("advise", "--where", "digits-gpu", "--hours", "2")
lab.yard("advise", "--where", "digits-sharded", "--hours", "2")
if gpu["ec2_usd"] is not None:  # both prices are known for us-east-1
    lab.result(
        "ec2_ratio",
        gpu["sagemaker_usd"] / gpu["ec2_usd"],
        unit="times",
        says="two hours of one GPU, SageMaker against EC2",
        at_least=1,
        at_most=2,
    )
# %%
from labs.frame import pictures

drawn, axes = pictures.figure(height=2.6)
priced = {kind: usd for kind in SHOWN if not isinstance(usd := machines.hour(kind), str)}
pictures.bars(axes, priced, unit="price (USD an hour, us-east-1)")
axes.set_xscale("log")
lab.picture(drawn, "prices")
# %% [markdown]
# ## 5. Quotas
#
# A new account may run few training machines and none with a GPU. Asking takes minutes, the answer hours to days: ask
# first. In the embedded cloud AWS is one line long.
# %%
lab.yard("quota")
before = {one["quota"]: one for one in lab.json("quota")}
for_gpu = "ml.g5.xlarge for training job usage"
if lab.cloud("quota", for_gpu, "0"):
    lab.yard("quota", "request", for_gpu, "1", "--yes")
    lab.cloud("approve-quota")
    after = {one["quota"]: one for one in lab.json("quota")}
    lab.result("granted", after[for_gpu]["granted"], says="GPU machines granted after asking", at_least=1)
# %% [markdown]
# ## 6. The notebook
#
# A notebook instance with a repository, as the settings in the first cell say: it opens with the code of a team, and
# stops itself when nobody uses it.
# %%
sagemaker = lab.aws.client("sagemaker")
listed = sagemaker.list_notebook_instances(NameContains=lab.place.project_name)["NotebookInstances"]
names = [one["NotebookInstanceName"] for one in listed]
notebooks = [sagemaker.describe_notebook_instance(NotebookInstanceName=name) for name in names]
found = []
for one in notebooks:
    repository = sagemaker.describe_code_repository(CodeRepositoryName=one["DefaultCodeRepository"])
    found.append((one["NotebookInstanceStatus"], repository["GitConfig"]["RepositoryUrl"]))
    print(one["NotebookInstanceName"], one["InstanceType"], *found[-1])
lab.result(
    "notebooks",
    found.count(("InService", REPOSITORY)),
    says="notebooks in service with the repository",
    at_least=1,
    at_most=1,
)
# %% [markdown]
# ## 7. From the notebook to a job, and to an image
#
# `open` makes a notebook of a script, to play with; `convert` makes a job of a notebook. What that cannot know, it
# asks for: which machine, which place in the bucket. And it reads what the notebook imports: the image that ships has
# no Pillow, so the job gets an image of its own, a folder whose list of packages has it.
# %%
from labs.frame.commands import cdk

lab.yard("notebook", "open", "digits")
lab.yard("notebook", "convert", "notebooks/digits.ipynb", "--name", "from-notebook", "--to", "from_notebook")
print((lab.place.project / "containers/from-notebook/requirements.txt").read_text())
lab.edit(
    "jobs/from-notebook.toml",
    {
        "ml.g5.xlarge": "ml.m5.xlarge",
        "from-notebook/train/": "labs/digits/train/",
        "from-notebook/test/": "labs/digits/test/",
    },
)
with (lab.place.project / "jobs/from-notebook.toml").open("a") as job:
    job.write('\n[limits]\nmax_runtime = "30m"\n\n[cost]\ncap_usd = 1\n')
lab.yard("check")
# %% [markdown]
# A new job needs a deploy, which makes the repository of its image as well, and a new list of packages a push; changed
# code needs neither. Pillow turns the digits, so that there are three times as many. Nodes have no way to a package
# index: in the image that ships the same script fails.
# %%
from yard import train

cdk(["deploy", "--all", "--require-approval", "never", "--concurrency", "4"], folder=lab.place.project)
lab.yard("image", "push", "from-notebook")
TURNED = {"turn": 10}
own = train("from-notebook", hyperparameters=TURNED, name="image of its own").wait()
bare = train("digits", hyperparameters=TURNED, name="image that ships").wait(check=False)
print(*(line for line in [*own.logs(), *bare.logs()] if "Pillow" in line or "No module" in line), sep="\n")
ships = train("digits", name="script, one machine").wait()
lab.result(
    "own_package",
    own.metrics()[0]["digits"] / ships.metrics()[0]["digits"],
    unit="times",
    says="digits that the job learns from in its own image, against the one that ships",
    at_least=3,
    at_most=3,
)
lab.result(
    "package_missing",
    float(bare.status == "failed" and any("No module named 'PIL'" in line for line in bare.logs())),
    says="failed runs for want of Pillow, in the image that ships",
    at_least=1,
)
# %% [markdown]
# ## 8. One machine, then two
#
# The same batch of 64 in every step, of one machine or half of it on each of two: the mean of two halves' gradients is
# the gradient of the whole. What differs is the rounding.
# %%
RUNS = {
    "script, one machine": ("digits", 1),
    "notebook's job, one machine": ("from-notebook", 1),
    "script, two machines": ("digits", 2),
    "files dealt out, two machines": ("digits-sharded", 2),
}
lab.yard("train", "digits", "--dry-run")
runs = {
    kind: ships if (job, count) == ("digits", 1) else train(job, instance_count=count, name=kind).wait()
    for kind, (job, count) in RUNS.items()
}
curves = {kind: run.metrics() for kind, run in runs.items()}
losses = {kind: [point["loss"] for point in curve] for kind, curve in curves.items()}
accuracy = {kind: curve[-1]["accuracy"] for kind, curve in curves.items()}


def apart(one: str, other: str) -> float:
    """The largest difference of two runs' losses in any step."""
    return max(abs(a - b) for a, b in zip(losses[one], losses[other], strict=True))


lab.result(
    "notebook_apart",
    apart("script, one machine", "notebook's job, one machine"),
    says="largest difference of a loss, the notebook's job against the script",
    at_most=0,
)
lab.result(
    "two_apart",
    apart("script, one machine", "script, two machines"),
    says="largest difference of a loss, two machines against one",
    at_most=1e-3,
)
lab.result(
    "two_accuracy",
    abs(accuracy["script, one machine"] - accuracy["script, two machines"]),
    says="difference of the test accuracy, two machines against one",
    at_most=0.01,
)
# %% [markdown]
# ## 9. Both distributions
#
# `FullyReplicated` copies every file to every machine; `ShardedByS3Key` deals them out. Then each machine learns from
# its own half: the batches are others, and so are the losses. [Lab 3](../03-data-distribution/README.md) goes deeper.
# %%
lab.yard("data", "balance", "--job", "digits-sharded", "--channel", "train")
lab.table(
    "runs",
    [
        {
            "run": kind,
            "job": job,
            "machines": count,
            "digits on the first machine": int(curves[kind][0]["digits"]),
            "last loss": round(losses[kind][-1], 4),
            "test accuracy": round(accuracy[kind], 3),
            "billed, USD": round(runs[kind].receipt()["cost_usd"], 4),
        }
        for kind, (job, count) in RUNS.items()
    ],
)
lab.result(
    "share",
    curves["files dealt out, two machines"][0]["digits"] / curves["script, two machines"][0]["digits"],
    unit="times",
    says="digits on a machine, dealt out against copied",
    at_least=0.45,
    at_most=0.55,
)
lab.result("worst_accuracy", min(accuracy.values()), says="test accuracy of the worst of the four runs", at_least=0.8)
drawn, axes = pictures.figure(height=2.8)
pictures.curves(axes, losses, step="step (count)", unit="loss (nats)")
lab.picture(drawn, "losses")
# %% [markdown]
# ## 10. Handing in
#
# A code competition takes a notebook that runs without the internet on questions that nobody has seen. Here the
# questions are the test digits. `yard submit` packs the model with the code, runs the notebook as it will run there,
# and checks the rules. Nothing is uploaded.
# %%
import csv

from labs.frame import competition as questions

competition = lab.place.work / "competition"
images, labels = real_digits(test=True)
questions.write(competition, images)
handed = lab.json(
    *("submit", "kaggle", runs["script, two machines"].run_id),
    *("--competition", "digits", "--data", str(competition), "--user", "learner", "--to", "handin/digits"),
)
for one in handed["rules"]:
    print(f"{one['state']:<8} {one['rule']}: {one['says']}")
with (lab.place.project / "handin/digits/output/submission.csv").open(newline="") as file:
    answers = [int(one["digit"]) for one in csv.DictReader(file)]
lab.result(
    "rules_broken",
    sum(one["state"] == "broken" for one in handed["rules"]),
    unit=f"of {len(handed['rules'])}",
    says="rules that the hand-in breaks",
    at_most=0,
)
lab.result(
    "handed_in_apart",
    abs(float(numpy.mean(numpy.array(answers) == labels)) - accuracy["script, two machines"]),
    says="accuracy of what is handed in against that of the run",
    at_most=1e-4,
)
# %% [markdown]
# ## What the lab costs on AWS
#
# A job ends by its longest time at the latest. A notebook bills until it is stopped: ours stops itself after an hour of
# idleness, so that a month is the worst case of one in which a program runs on.
# %%
import datetime

kind = notebooks[0]["InstanceType"]
stood = datetime.datetime.now(datetime.UTC) - notebooks[0]["CreationTime"]
an_hour = machines.hour(kind)
an_hour_usd = None if isinstance(an_hour, str) else an_hour
lab.standing("notebook", "notebook instance", f"1 x {kind}", an_hour_usd, stood.total_seconds())
lab.cost(also={"Total number of notebook instances": 1, f"{kind} for notebook instance usage": 1})
# %% [markdown]
# ## The end
#
# The notebook, the image, the bucket with its data: all go. The last line looks for what is left.
# %%
lab.clean_up()
