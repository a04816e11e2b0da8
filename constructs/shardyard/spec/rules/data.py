"""Rules about data: channels, modes, shards, checkpoints."""

import re
from collections.abc import Iterator

from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.data import CHANNEL_NAME, RESERVED_CHANNELS, Channel
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.rules.base import API, GUIDE, Facts, rule

HELD_OUT = ("validation", "valid", "val", "test", "eval", "evaluation")
"""Names that people give to the channel by which a model is judged."""


@rule(
    "channel-names",
    reason="SageMaker refuses other names; code and launcher are added by Shardyard.",
    source=f"{API}: ChannelName",
)
def channel_names(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A channel's name has 1 to 64 letters, digits, dots, hyphens and underscores, and is no reserved one."""
    for name in spec.channels:
        if name in RESERVED_CHANNELS:
            yield Problem(f"channels.{name}", f"Shardyard adds a channel named {name!r} itself (choose another name)")
        elif re.fullmatch(CHANNEL_NAME, name) is None:
            allowed = "1 to 64 letters, digits, dots, hyphens and underscores, and not . or .."
            yield Problem(f"channels.{name}", f"{name!r} is not allowed ({allowed})")


@rule(
    "channel-has-objects",
    reason="SageMaker fails the job minutes later: `No S3 objects found under S3 URL`.",
    source="failure reasons of training jobs; preflight counts the objects",
)
def channel_has_objects(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A channel from S3 has at least one object."""
    for name, channel in spec.channels.items():
        if channel.s3 is not None and facts.objects is not None and facts.objects.get(name) == 0:
            yield Problem(f"channels.{name}.s3", f"there is no object under {channel.s3} (upload the data first)")


@rule(
    "sharded-channel-has-enough-objects",
    reason="Instances without an object wait for the others, or hang them, and bill.",
    source=f"{API}: `Don't choose more ML compute instances for training than available S3 objects`",
)
def sharded_channel_has_enough_objects(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A sharded channel has at least as many objects as instances that read it."""
    for name, channel in spec.channels.items():
        count = None if facts.objects is None else facts.objects.get(name)
        readers = _readers(spec, channel)
        if channel.distribution == "ShardedByS3Key" and count and count < readers:
            message = f"{count} objects cannot be shared by {readers} instances ({readers} objects or more)"
            yield Problem(f"channels.{name}", message)


def _readers(spec: JobSpec, channel: Channel) -> int:
    groups = [group for group in spec.compute.groups if not channel.groups or group.name in channel.groups]
    return sum(group.count for group in groups) if groups else spec.compute.most_instances


@rule(
    "validation-is-whole",
    reason="Every instance would judge the model on other data, and the figure would mean nothing.",
    source="the public lab that replicates validation on purpose; mlops-workload-orchestrator, which shards it",
)
def validation_is_whole(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The channel by which a model is judged is replicated, not sharded."""
    for name in HELD_OUT:
        if name in spec.channels and spec.channels[name].distribution == "ShardedByS3Key":
            message = "each instance would judge the model on its own share ('FullyReplicated' for this channel)"
            yield Problem(f"channels.{name}.distribution", message)


@rule(
    "mode-suits-channel",
    reason="SageMaker refuses the request, or the container finds other data than it expects.",
    source=f"{API}: AugmentedManifestFile and CompressionType are for Pipe only; {GUIDE}, input modes",
)
def mode_suits_channel(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Augmented manifests, Gzip and RecordIO go through Pipe, and a file system is mounted as files."""
    for name, channel in spec.channels.items():
        where = f"channels.{name}"
        if channel.mode != "Pipe":
            if channel.type == "AugmentedManifestFile":
                yield Problem(f"{where}.mode", f"{channel.mode} cannot take an augmented manifest (only Pipe can)")
            if channel.compression == "Gzip":
                yield Problem(
                    f"{where}.compression", f"Gzip is unpacked in Pipe mode only, and the mode is {channel.mode}"
                )
            if channel.record_wrapper == "RecordIO":
                message = f"RecordIO is wrapped in Pipe mode only, and the mode is {channel.mode}"
                yield Problem(f"{where}.record_wrapper", message)
        if channel.s3 is None and channel.mode != "File":
            yield Problem(f"{where}.mode", f"{channel.mode} reads from S3, and this channel is not in S3 (only File)")
        if channel.type == "Converse" and channel.mode != "File":
            yield Problem(f"{where}.mode", f"{channel.mode} cannot take the type Converse (only File can)")


@rule(
    "attributes-with-augmented-manifest",
    reason="SageMaker refuses attribute names for other data, and an augmented manifest without them.",
    source=f"{API}: AttributeNames, at most 16",
)
def attributes_with_augmented_manifest(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Attribute names belong to an augmented manifest, 1 to 16 of them."""
    for name, channel in spec.channels.items():
        where = f"channels.{name}.attributes"
        if channel.type == "AugmentedManifestFile" and not 1 <= len(channel.attributes) <= 16:
            yield Problem(where, f"{len(channel.attributes)} are not allowed (1 to 16 for an augmented manifest)")
        if channel.type != "AugmentedManifestFile" and channel.attributes:
            yield Problem(where, f"the type {channel.type} has no attributes (remove them)")


@rule(
    "channel-groups-exist",
    reason="SageMaker refuses a channel for a group that the cluster does not have.",
    source=f"{API}: InstanceGroupNames",
)
def channel_groups_exist(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A channel goes to instance groups that the job has."""
    names = [group.name for group in spec.compute.groups]
    for name, channel in spec.channels.items():
        for group in channel.groups:
            if not names:
                yield Problem(f"channels.{name}.groups", f"the job has no compute.groups, so there is no {group!r}")
            elif group not in names:
                yield Problem(f"channels.{name}.groups", f"there is no group {group!r}; {nearest(group, names)}")


@rule(
    "checkpoints-of-one-job",
    reason="Two jobs that write checkpoints to one place resume from each other's.",
    source="aws/sagemaker-python-sdk issues 1040 and 3062; the workshop lab whose prefix is not unique",
)
def checkpoints_of_one_job(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """No two jobs keep their checkpoints in one place."""
    own = spec.checkpoints.s3
    if own is None or not spec.checkpoints.enabled or facts.other_checkpoints is None:
        return
    for job, place in facts.other_checkpoints.items():
        one, other = own.rstrip("/") + "/", place.rstrip("/") + "/"
        if job != spec.name and (one.startswith(other) or other.startswith(one)):
            message = f"{own} is also where the job {job} keeps its checkpoints (leave it out for a place of its own)"
            yield Problem("checkpoints.s3", message)


@rule(
    "checkpoints-apart",
    reason="SageMaker keeps those directories for itself: input is read-only, model and output are archived.",
    source=f"{GUIDE}, training storage folders",
)
def checkpoints_apart(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Checkpoints do not lie in SageMaker's own directories."""
    path = spec.checkpoints.local_path.rstrip("/") + "/"
    for taken in ("/opt/ml/input/", "/opt/ml/model/", "/opt/ml/output/", "/opt/ml/code/"):
        if path.startswith(taken) or taken.startswith(path):
            message = f"{spec.checkpoints.local_path} is kept by SageMaker for itself (such as /opt/ml/checkpoints)"
            yield Problem("checkpoints.local_path", message)
            return
