"""Which exceptions are refusals: the class decides, also where another exception was raised from it."""

import pytest

from contract.refusal import Refused, is_refusal


def raised_from(cause: BaseException) -> BaseException:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError from cause
    return caught.value


def raised_while_handling(first: BaseException) -> BaseException:
    with pytest.raises(RuntimeError) as caught:
        try:
            raise first
        except type(first):
            raise RuntimeError  # noqa: B904  without a cause is what this is about
    return caught.value


def test_what_was_raised_from_a_refusal_is_one() -> None:
    assert is_refusal(Refused("no"))
    assert is_refusal(raised_from(raised_from(Refused("no"))))
    assert not is_refusal(raised_from(ValueError("no")))


def test_a_refusal_that_was_only_being_handled_may_be_one_that_the_program_recovers_from() -> None:
    assert not is_refusal(raised_while_handling(Refused("no")))
