"""What a snapshot must bring back though pickle refuses it, or would copy what there is but once."""

import pickle
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.sns.models import sns_backends

from embedded.kept import pickles


def back(value: Any) -> Any:
    return pickle.loads(pickles.dumps(value))


class Versions(dict[str, list[int]]):
    """As moto's key store: shows the last of each only, and adds where others set."""

    whole: "Versions"

    def items(self) -> Any:
        return [(key, value[-1]) for key, value in super().items()]

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, [*self.get(key, []), value])


class ByRegion(defaultdict[str, list[int]]):
    """As moto's parameters: not made as a dict is."""

    def __init__(self, account: str, region: str) -> None:
        super().__init__(list)
        self.account, self.region = account, region


class Thing:
    pass


def test_a_dict_of_another_kind_keeps_what_is_in_it_and_what_is_on_it() -> None:
    versions = Versions()
    versions["k"] = 1
    versions["k"] = 2
    assert dict.__getitem__(back(versions), "k") == [1, 2]
    by_region = ByRegion("a", "r")
    by_region["x"].append(1)
    found = back(by_region)
    assert (found["x"], found["new"], found.account, found.region) == ([1], [], "a", "r")


def test_a_dict_that_is_in_itself() -> None:
    versions = Versions()
    versions.whole = versions
    found = back(versions)
    assert found.whole is found


def test_functions_in_functions_keep_what_they_close_over() -> None:
    def counter(step: int) -> Callable[[int], int]:
        def count(number: int, more: int = step) -> int:
            return number + step + more

        return count

    assert back(counter(3))(1) == 7
    nested: Any = defaultdict(lambda: defaultdict(list))
    nested["a"]["b"].append(1)
    found = back(nested)
    assert found["a"]["b"] == [1]
    assert found["new"]["new"] == []


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading.Condition, threading.Event])
def test_what_threads_wait_for_is_made_anew(make: Callable[[], Any]) -> None:
    made = make()
    if hasattr(made, "acquire"):
        made.acquire()
    found = back([made, made])
    assert found[0] is found[1]
    assert isinstance(found[0], type(made))
    if hasattr(found[0], "acquire"):
        assert found[0].acquire(timeout=0.1) if make is not threading.Condition else found[0].acquire()


def test_of_a_thread_nothing_is_left() -> None:
    assert back({"worker": threading.Thread()}) == {"worker": None}


def test_weak_references_point_to_what_came_back() -> None:
    thing = Thing()
    things: Any = weakref.WeakValueDictionary({"a": thing})
    found, by_name = back((thing, things))
    assert by_name["a"] is found


def test_private_keys_sign_as_before() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())):
        assert back(key).private_numbers() == key.private_numbers()


@pytest.fixture
def account() -> Iterator[Any]:
    yield sns_backends["111122223333"]
    del sns_backends["111122223333"]


def test_moto_s_dicts_of_backends_are_named_and_not_copied(account: Any) -> None:
    assert back(sns_backends) is sns_backends
    assert back(account) is account


def test_threads_switch_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    interval = sys.getswitchinterval()
    with pytest.raises(TypeError):
        pickles.dumps(open(__file__))  # noqa: SIM115
    assert sys.getswitchinterval() == interval
