"""Multi-model containers: a model is loaded when a request names it, and others go where there is no room."""

import contextlib
import hashlib
import json
import threading
import time
import weakref
from dataclasses import dataclass, field

from embedded.nodes.folders import remove_folder
from embedded.nodes.locations import Location
from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.containers import model_files
from embedded.services.sagemaker.serving.containers.container import ModelContainer
from embedded.services.sagemaker.serving.containers.http import Answer, NoAnswer
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.invocations import errors
from embedded.services.sagemaker.serving.invocations.errors import ModelError
from embedded.services.sagemaker.serving.invocations.measures import measure

_FULL = 507
_LOADED_ALREADY = 409
_WAIT_SECONDS = 0.05
_SAID_MOST = 1024


@dataclass(kw_only=True, slots=True)
class _Model:
    """A model that a container has, or is being given."""

    key: str
    is_loaded: bool = False
    users: int = 0
    used: float = 0.0
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one request that loads it."""

    @property
    def name(self) -> str:
        """What the container knows it by: a hash, since keys have slashes."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


class _Cache:
    """The models of one container."""

    def __init__(self) -> None:
        self._models: dict[str, _Model] = {}
        self._lock = threading.Condition()

    def use(self, key: str) -> _Model:
        """The model, which stays while it is used."""
        with self._lock:
            found = self._models.setdefault(key, _Model(key=key))
            found.users += 1
            found.used = time.monotonic()
            return found

    def done(self, model: _Model) -> None:
        """The model is used by one less."""
        with self._lock:
            model.users -= 1
            self._lock.notify_all()

    def oldest_unused(self) -> _Model | None:
        """Take out the loaded model that was used longest ago and is not used now."""
        with self._lock:
            idle = [one for one in self._models.values() if one.is_loaded and not one.users]
            if not idle:
                return None
            found = min(idle, key=lambda one: one.used)
            found.is_loaded = False
            del self._models[found.key]
            return found

    def wait(self, seconds: float) -> None:
        """Wait until a model is used no more, at most so long."""
        with self._lock:
            self._lock.wait(seconds)

    def loaded(self) -> int:
        """How many models are loaded."""
        with self._lock:
            return sum(one.is_loaded for one in self._models.values())


_caches: weakref.WeakKeyDictionary[ModelContainer, _Cache] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class Use:
    """A model in use by one request."""

    def __init__(self, member: Member, container: str, key: str, end: float) -> None:
        """Have the model loaded, or wait for whoever loads it; what cannot be loaded raises the service's error."""
        self._member, self._container, self._name = member, member.containers[container], container
        with _lock:
            self._cache = _caches.setdefault(self._container, _Cache())
        self._model = self._cache.use(key)
        self.path = f"/models/{self._model.name}/invoke"
        try:
            began = time.monotonic()
            hit = self._model.is_loaded
            if not hit:
                with self._model.turn:
                    if not self._model.is_loaded:
                        self._load(end)
                self._measure({"ModelLoadingWaitTime": (time.monotonic() - began) * 1e6})
            self._measure({"ModelCacheHit": float(hit)})
        except BaseException:
            self._cache.done(self._model)
            raise

    def done(self) -> None:
        """The request was answered. A container that is not to cache unloads its models then."""
        self._cache.done(self._model)
        setting = self._container.spec.definition.get("MultiModelConfig", {}).get("ModelCacheSetting")
        if setting == "Disabled":
            self._make_room()

    def _load(self, end: float) -> None:
        began = time.monotonic()
        self._download()
        downloaded = time.monotonic()
        url = f"{self._container.root}/models/{self._model.name}/model"
        body = json.dumps({"model_name": self._model.name, "url": url}).encode()
        while True:
            answer = self._ask("POST", "/models", body, end)
            if answer.status in (200, _LOADED_ALREADY):
                break
            if answer.status != _FULL:
                said = answer.body[:_SAID_MOST].decode(errors="replace")
                raise ModelError(self._member, self._name, answer.status, said)
            if not self._make_room():
                # all of the others are in use: one of them will not be, soon
                self._cache.wait(_WAIT_SECONDS)
            if time.monotonic() > end:
                text = f"The model {self._model.key} cannot be loaded: the others are in use. Try again later."
                raise ServiceError("ModelNotReadyException", text, 429)
        self._model.is_loaded = True
        now = time.monotonic()
        loading = {"ModelDownloadingTime": downloaded - began, "ModelLoadingTime": now - downloaded}
        self._measure({name: seconds * 1e6 for name, seconds in loading.items()})
        self._measure({"LoadedModelCount": float(self._cache.loaded())})

    def _download(self) -> None:
        prefix = Location.parse(self._container.spec.definition["ModelDataUrl"])
        location = prefix.below(self._model.key.lstrip("/"))
        folder = self._container.ml / "models" / self._model.name / "model"
        if folder.is_dir():
            # unloaded from memory before, and still on the disk
            return
        try:
            model_files.fetch_archive(self._container.s3(), str(location), folder)
        except model_files.ModelDataError as error:
            remove_folder(folder)
            raise errors.invalid(
                f"Failed to download model data(bucket: {location.bucket}, key: {location.key}). Please ensure that "
                "there is an object located at the URL and that the role passed to CreateModel has permissions to "
                f"download the model. {error}"
            ) from error

    def _make_room(self) -> bool:
        """Unload the model that was used longest ago; False if all are in use."""
        found = self._cache.oldest_unused()
        if found is None:
            return False
        began = time.monotonic()
        with contextlib.suppress(NoAnswer):
            self._container.client.ask("DELETE", f"/models/{found.name}", seconds=10.0)
        self._measure({"ModelUnloadingTime": (time.monotonic() - began) * 1e6})
        return True

    def _ask(self, method: str, path: str, body: bytes, end: float) -> Answer:
        headers = {"Content-Type": "application/json"}
        left = max(0.001, end - time.monotonic())
        try:
            return self._container.client.ask(method, path, body=body, headers=headers, seconds=left)
        except NoAnswer as error:
            raise ModelError(self._member, self._name, 500, f"The container gave no answer: {error}") from error

    def _measure(self, values: dict[str, float]) -> None:
        plan = self._member.plan
        endpoint = store.find(plan.account, plan.region, plan.endpoint)
        if endpoint is not None:
            measure(endpoint, plan, values)
