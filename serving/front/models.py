"""The API of multi-model endpoints: the platform loads, lists and unloads models, and decides which ones leave."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from contract.serving import MODELS
from serving import log
from serving.front.answers import error
from serving.front.client import Client, Message
from serving.front.pool import Pool

_INVOKE = "/invoke"
_LONGEST_NAME = 1024
_LOADING = (
    f'loading a model takes {{"model_name": NAME, "url": FOLDER}} as JSON, both texts of 1 to {_LONGEST_NAME} letters'
)


class Models:
    """The models that are in memory, each with its pool."""

    def __init__(
        self,
        *,
        make_pool: Callable[[str, str], Pool],
        invoke: Callable[[Pool, Client, Message], None],
        memory_bytes: int,
        is_up: Callable[[], bool],
    ) -> None:
        self.pools: dict[str, Pool] = {}
        self._make_pool = make_pool
        self._invoke = invoke
        self._memory_bytes = memory_bytes
        self._is_up = is_up
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, client: Client, message: Message) -> None:
        """One call of the API."""
        if not self._is_up():
            client.reply(503, error("the container is starting"))
            return
        name = unquote(message.path.removeprefix(MODELS).removeprefix("/"))
        call = (message.method, "name" if name else "")
        if message.method == "POST" and name.endswith(_INVOKE):
            self._find(client, name.removesuffix(_INVOKE), lambda pool: self._invoke(pool, client, message))
        elif call == ("POST", ""):
            self._load(client, b"".join(message.body))
        elif call == ("GET", ""):
            self._list(client)
        elif call == ("GET", "name"):
            self._find(client, name, lambda pool: client.reply(200, json.dumps(_described(pool)).encode()))
        elif call == ("DELETE", "name"):
            self._find(client, name, lambda pool: self._unload(client, pool))
        else:
            client.reply(405, error(f"{message.path} is not called with {message.method}"))

    def _find(self, client: Client, name: str, use: Callable[[Pool], None]) -> None:
        pool = self.pools.get(name)
        if pool is None or not pool.is_known:
            client.reply(404, error(f"the model {name!r} is not loaded"))
        else:
            use(pool)

    def _list(self, client: Client) -> None:
        found = [_described(pool) for pool in self.pools.values() if pool.is_known]
        client.reply(200, json.dumps({"models": found}).encode())

    def _unload(self, client: Client, pool: Pool) -> None:
        del self.pools[pool.name]
        pool.close()
        client.reply(200, b"{}")

    def _load(self, client: Client, body: bytes) -> None:
        asked = _asked(body)
        if asked is None:
            client.reply(400, error(_LOADING))
            return
        name, folder = asked
        if name in self.pools:
            client.reply(409, error(f"the model {name!r} is loaded already"))
            return
        if not Path(folder).is_dir():
            client.reply(400, error(f"there is no folder {folder}"))
            return
        needed, used = _bytes_of(Path(folder)), sum(resident_bytes(pool) for pool in self.pools.values())
        if self._memory_bytes and used + needed > self._memory_bytes:
            client.reply(
                507,
                error(
                    f"{len(self.pools)} models take {used >> 20} MB and {name!r} has {needed >> 20} MB, "
                    f"of {self._memory_bytes >> 20} MB: unload one first"
                ),
            )
            return
        pool = self.pools[name] = self._make_pool(name, folder)
        task = asyncio.get_running_loop().create_task(self._answer_when_loaded(client, pool))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_when_loaded(self, client: Client, pool: Pool) -> None:
        loaded = await pool.loaded
        if loaded.problem is None:
            client.reply(200, b"{}")
            return
        self.pools.pop(pool.name, None)
        pool.close()
        log.say(f"the model {pool.name!r} cannot be loaded: {loaded.problem}")
        status = 507 if loaded.out_of_memory else 500
        why = loaded.problem.split(":")[0].split(" ")[0] if not loaded.out_of_memory else "not enough memory"
        client.reply(status, error(f"the model {pool.name!r} cannot be loaded: {why}"))


def _asked(body: bytes) -> tuple[str, str] | None:
    """The name and the folder of a model that is to be loaded; None where the body does not say them."""
    try:
        found = json.loads(body)
        name, folder = found["model_name"], found["url"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(name, str) or not isinstance(folder, str):
        return None
    fits = 0 < len(name) <= _LONGEST_NAME and name.isprintable() and 0 < len(folder) <= _LONGEST_NAME
    return (name, folder) if fits else None


def _described(pool: Pool) -> dict[str, str]:
    return {"modelName": pool.name, "modelUrl": pool.folder}


def _bytes_of(folder: Path) -> int:
    """The size of a model's files: what it takes in memory at least."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def resident_bytes(pool: Pool) -> int:
    """The memory that unloading a model would free: what its workers share with no other process."""
    return sum(_private_bytes(link.pid) for link in pool.links)


def _private_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))
