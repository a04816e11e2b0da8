"""Brings a job's channels to its nodes: copied before they run, or served while they run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.channels import NodeChannel, place, refused
from embedded.nodes.fast_file import FastFileServer
from embedded.nodes.folder_sync import on_node
from embedded.nodes.pipes import PipeFeeder
from embedded.nodes.transfer import download
from embedded.services.sagemaker.jobs import channels
from embedded.services.sagemaker.jobs.job import Job

_JOIN_SECONDS_MOST = 10.0


class Inputs:
    """The channels of one attempt."""

    def __init__(self, client: Any, job: Job, ml: Mapping[str, Path], *, can_stream: bool) -> None:
        self._client, self._ml, self._can_stream = client, ml, can_stream
        self._channels = channels.resolve(client, job, list(ml))
        self._feeders: list[PipeFeeder] = []
        self._servers: list[FastFileServer] = []

    def fetch(self, check: Callable[[], None]) -> None:
        """Copy what is to be there before the nodes run; `check` is called now and then and may raise."""
        for channel in self._channels:
            check()
            if channel.mode == "Pipe":
                self._feeders += [
                    PipeFeeder(self._client, channel, host, on_node(self._ml[host], channel.folder))
                    for host in channel.items
                ]
            elif not self._is_streamed(channel):
                self._copy(channel, check)

    def _copy(self, channel: NodeChannel, check: Callable[[], None]) -> None:
        for host, items in channel.items.items():
            folder = on_node(self._ml[host], channel.folder)
            folder.mkdir(parents=True, exist_ok=True)
            for item in items:
                check()
                try:
                    target = place(folder, item.bucket, item.object.key, item.name)
                    download(self._client, item.bucket, item.object, target)
                except OSError as error:
                    # a full disk, or a key that is also the folder of another key
                    raise refused(item.bucket, item.object.key, f"({error.strerror})") from error

    def _is_streamed(self, channel: NodeChannel) -> bool:
        """Where FUSE is forbidden, FastFile is copied like File: it starts slower, and looks the same to a program."""
        return channel.mode == "FastFile" and self._can_stream

    def streams(self, host: str) -> tuple[str, ...]:
        """The folders of a node, as it sees them, that are streamed."""
        return tuple(
            channel.folder for channel in self._channels if self._is_streamed(channel) and host in channel.items
        )

    def serve(self, devices: Mapping[tuple[str, str], int]) -> None:
        """Serve pipes and streams from now on."""
        for feeder in self._feeders:
            feeder.start()
        for channel in self._channels:
            for host, items in channel.items.items():
                device = devices.get((host, channel.folder))
                if device is not None:
                    server = FastFileServer(self._client, items, device)
                    server.start()
                    self._servers.append(server)

    def stop(self) -> Sequence[Exception]:
        """Stop serving after the nodes have ended; returns what went wrong."""
        for feeder in self._feeders:
            feeder.stop()
        for server in self._servers:
            server.join(_JOIN_SECONDS_MOST)
        for feeder in self._feeders:
            if feeder.is_alive():
                feeder.join(_JOIN_SECONDS_MOST)
        return [feeder.error for feeder in self._feeders if feeder.error is not None]
