# %% [markdown]
# # Lab 8: clean-up
#
# What costs money when it is forgotten, how to find it, and how to leave an account as it was. This lab leaves
# things behind on purpose. The page beside this notebook tells the story and has the exercises.
# %%
import sys

sys.path.insert(0, "../..")  # the repository, from this notebook's folder
from labs.frame import Lab

lab = Lab("08-clean-up")
lab.deploy()
# %% [markdown]
# ## What stands there and costs
#
# Nothing runs yet. What is deployed costs a few dollars a month: a key, a dashboard, an alarm for each job.
# %%
standing = lab.json("cost")
lab.yard("cost")
lab.result(
    "idle_usd", standing["idle_monthly_usd"], unit="USD a month", says="the deployed project while idle", at_most=6
)
# %% [markdown]
# ## Four things that somebody forgets
#
# A job that waits for nothing, in a stack of its own; a disk, a NAT gateway and a file system that were made by
# hand, with the project's tags. Not one of the last three is in a stack, so deleting stacks would not delete
# them.
# %%
from yard import train

DISK_GB = 1
train("short").wait()
run = train("forgotten")
project, account = lab.place.project_name, lab.aws
tags = [{"Key": "project", "Value": project}, {"Key": "stage", "Value": "dev"}]
ec2, efs = account.client("ec2"), account.client("efs")
subnet = ec2.describe_subnets(Filters=[{"Name": "tag:project", "Values": [project]}])["Subnets"][0]
volume = ec2.create_volume(
    AvailabilityZone=subnet["AvailabilityZone"],
    Size=DISK_GB,
    VolumeType="gp3",
    Encrypted=True,
    TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
)["VolumeId"]
gateway = ec2.create_nat_gateway(
    SubnetId=subnet["SubnetId"],
    ConnectivityType="private",
    TagSpecifications=[{"ResourceType": "natgateway", "Tags": tags}],
)["NatGateway"]["NatGatewayId"]
files = efs.create_file_system(CreationToken=f"{project}-forgotten", Encrypted=True, Tags=tags)["FileSystemId"]
# %% [markdown]
# ## Found by their tags
#
# The sweeper is deployed with the project and looks every six hours. `yard sweep` asks it now. It does not name
# the job: a job counts as forgotten when it has run for `sweeper.job_hours`, 72 by default. `yard status` names
# it.
# %%
found = lab.json("sweep")["findings"]
for one in found:
    print(f"{one['kind']} {one['name']}: {one['why']}")
lab.table("leftovers", [{"what": one["kind"], "why it is one": one["why"]} for one in found])
lab.result("found", len(found), says="things that the sweeper finds of the three", at_least=3, at_most=3)
lab.yard("status")
# %% [markdown]
# ## What forgetting them for a month would cost
#
# An instance bills by the hour until its job's longest time is over; that is what `limits.max_runtime` is for. A
# gateway bills by the hour though nothing uses it, a disk by its size though nothing is on it, a file system by what
# is in it.
# %%
import tomllib

from shardyard.spec.catalogue import idle_cost, prices
from shardyard.spec.units import parse_duration
from yard.ec2.advice import prices as ec2_prices

job = tomllib.loads((lab.place.project / "jobs/forgotten.toml").read_text())
longest_hours = parse_duration(job["limits"]["max_runtime"]) / 3600
price = prices.hourly_usd(job["compute"]["instance_type"], "us-east-1")
assert price is not None
hour = price.hourly_usd
gateway_month = idle_cost.idle_usd({"by hand": {"Resources": {"Gateway": {"Type": "AWS::EC2::NatGateway"}}}})
bills = {
    "the job, ended\nby max_runtime": hour * longest_hours,
    "the project, idle": standing["idle_monthly_usd"],
    "the disk": DISK_GB * ec2_prices()["gp3_usd_per_gb_month"],
    "the file system,\neach GB in it": idle_cost.FILE_SYSTEM_GB_USD,
    "the NAT gateway": gateway_month,
    "the instance, if\nnothing ended it": hour * prices.HOURS_PER_MONTH,
}
lab.table("month", [{"what": name.replace("\n", " "), "USD a month": round(usd, 2)} for name, usd in bills.items()])
lab.result(
    "saved_by_limit",
    bills["the instance, if\nnothing ended it"] / bills["the job, ended\nby max_runtime"],
    unit="times",
    says="an instance for a month against the job's longest time",
    at_least=100,
)
# %%
from labs.frame import pictures

figure, axes = pictures.figure(height=2.6)
pictures.bars(axes, bills, unit="USD in the first month (us-east-1, price snapshot)")
lab.picture(figure, "month")
# %% [markdown]
# ## Put away what no stack holds
#
# The sweeper reports a disk or a file system and never deletes it: there may be data on it. That is for a person
# to say.
# %%
ec2.delete_volume(VolumeId=volume)
ec2.delete_nat_gateway(NatGatewayId=gateway)
ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[gateway])
efs.delete_file_system(FileSystemId=files)
run.stop()
print(run.wait(check=False))
# %% [markdown]
# ## What the lab costs on AWS
# %%
lab.cost()
# %% [markdown]
# ## A stack that the app no longer has
#
# A deploy never deletes a stack. Take the job `forgotten` out of the project: its stack `experiments` stays until
# somebody says so.
# %%
(lab.place.project / "jobs/forgotten.toml").unlink()
swept = lab.json("sweep")["findings"]
for one in swept:
    print(f"{one['kind']} {one['name']}: {one['why']}")
stacks = [one for one in swept if one["kind"] == "stack"]
lab.result("stacks", len(stacks), says="stacks that the app no longer has, named by the sweep", at_least=1, at_most=1)
lab.result("found_after", len(swept) - len(stacks), says="things beside them that it still finds", at_most=0)
lab.yard("destroy", "--leftovers", "--yes-project", project)
# %% [markdown]
# ## The end
#
# First what would go and what would stay, then the deed. The last lines look for whatever bears the project's
# name or tag.
# %%
lab.yard("destroy", "--dry-run")
lab.clean_up()
