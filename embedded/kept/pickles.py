"""Pickles of whole backends: what pickle refuses of them, and what must not be copied, is written in its own way."""

import importlib
import io
import marshal
import pickle
import sys
import threading
import types
import weakref
from collections import OrderedDict, defaultdict
from typing import Any

from botocore.client import BaseClient
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.core.base_backend import AccountSpecificBackend, BackendDict

Place = tuple[str, str]
_LOCK, _R_LOCK = type(threading.Lock()), type(threading.RLock())
_ATOMIC_SECONDS = 1.0
_found: dict[int, Place] | None = None


def dumps(value: Any) -> memoryview:
    """Pickle while no other thread runs: what is written is of one moment."""
    buffer, interval = io.BytesIO(), sys.getswitchinterval()
    sys.setswitchinterval(_ATOMIC_SECONDS)
    try:
        _Pickler(buffer).dump(value)
    finally:
        sys.setswitchinterval(interval)
    return buffer.getbuffer()


def dumps_one(value: Any) -> bytes:
    """Pickle one small thing, which nobody changes meanwhile."""
    global _found
    if _found is None:
        _found = places()
    buffer = io.BytesIO()
    _Pickler(buffer, _found).dump(value)
    return buffer.getvalue()


def places() -> dict[int, Place]:
    """Where each of moto's dicts of backends stands, by its identity: module and name."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("moto.")]
    return {
        id(value): (module.__name__, name)
        for module in modules
        for name, value in list(vars(module).items())
        if isinstance(value, BackendDict)
    }


def backends(module: str, name: str) -> Any:
    """The dict of backends of a place."""
    return getattr(importlib.import_module(module), name)


class _Pickler(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, found: dict[int, Place] | None = None) -> None:
        super().__init__(buffer, protocol=5)
        self._places = places() if found is None else found

    def reducer_override(self, value: Any) -> Any:
        """How to write a value; NotImplemented leaves it to pickle."""
        kind = type(value)
        if kind is _LOCK:
            return threading.Lock, ()
        if kind is _R_LOCK:
            return threading.RLock, ()
        if isinstance(value, types.FunctionType):
            return NotImplemented if _is_found_by_name(value) else _by_code(value)
        if isinstance(value, BackendDict):
            return backends, self._places[id(value)]
        if isinstance(value, AccountSpecificBackend):
            return _account, (*self._place_of(value), value.account_id)
        if isinstance(value, threading.Thread | BaseClient):
            return _nothing, ()
        if isinstance(value, weakref.WeakValueDictionary):
            return _weak, (dict(value),)
        if isinstance(value, dict) and kind not in (dict, defaultdict) and not isinstance(value, OrderedDict):
            # some show other items than they have, and some are made with other arguments than a dict is
            factory = getattr(value, "default_factory", None)
            return _bare, (kind, factory), (vars(value), dict(dict.items(value))), None, None, _fill
        if isinstance(value, RSAPrivateKey | EllipticCurvePrivateKey):
            return _private_key, (_pem(value),)
        return NotImplemented

    def _place_of(self, wanted: Any) -> Place:
        """Where the dict stands that an account's backends are in."""
        found = next(one for one in BackendDict._instances if one.get(wanted.account_id) is wanted)
        return self._places[id(found)]


def _is_found_by_name(function: types.FunctionType) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _by_code(function: types.FunctionType) -> Any:
    """A function in a function, which has no name to be found by."""
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    code = marshal.dumps(function.__code__)
    return _function, (function.__module__, code, function.__name__, function.__defaults__, cells)


def _function(module: str, code: bytes, name: str, defaults: Any, cells: tuple[Any, ...]) -> types.FunctionType:
    closure = tuple(types.CellType(cell) for cell in cells)
    known = vars(importlib.import_module(module))
    return types.FunctionType(marshal.loads(code), known, name, defaults, closure)


def _account(module: str, name: str, account: str) -> Any:
    return backends(module, name)[account]


def _nothing() -> None:
    """What is left of a thread, or of a client that a thread used."""


def _weak(values: dict[Any, Any]) -> "weakref.WeakValueDictionary[Any, Any]":
    return weakref.WeakValueDictionary(values)


def _bare(kind: Any, factory: Any) -> Any:
    made = kind.__new__(kind)
    if factory is not None:
        made.default_factory = factory
    return made


def _fill(made: dict[Any, Any], state: tuple[dict[str, Any], dict[Any, Any]]) -> None:
    vars(made).update(state[0])
    dict.update(made, state[1])


def _pem(key: RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, password=None)
