"""Ranges, parts and conditions of GetObject and HeadObject, as S3's reference and RFC 9110 have them."""

import pytest
from moto.s3.exceptions import InvalidRange, S3ClientError

from embedded.services.s3.bodies import answers

HEADERS = {"ETag": '"abc"', "last-modified": "Wed, 11 Nov 2026 10:00:00 GMT", "content-length": "10"}
EARLIER, SAME, LATER = (f"Wed, 11 Nov 2026 {hour}:00:00 GMT" for hour in ("09", "10", "11"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bytes=2-4", (2, 5)),
        ("bytes=5-", (5, 10)),
        ("bytes=5-100", (5, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        # what is no range, or several, is as if it were not there
        ("bytes=5-2", None),
        ("bytes=1-2,4-5", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range(text: str, wanted: tuple[int, int] | None) -> None:
    assert answers.range_of({"Range": text}, HEADERS) == wanted


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_without_a_byte(text: str) -> None:
    with pytest.raises(InvalidRange):
        answers.range_of({"Range": text}, HEADERS)


@pytest.mark.parametrize(
    ("validator", "wanted"), [('"abc"', (2, 5)), ('"old"', None), (SAME, (2, 5)), (EARLIER, None), ('W/"abc"', None)]
)
def test_a_range_of_another_object_is_the_whole_object(validator: str, wanted: tuple[int, int] | None) -> None:
    assert answers.range_of({"Range": "bytes=2-4", "If-Range": validator}, HEADERS) == wanted


@pytest.mark.parametrize(
    ("asked", "failed"),
    [
        ({}, None),
        ({"If-Match": '"abc"'}, None),
        ({"If-Match": "abc"}, None),
        ({"If-Match": '"x", "abc"'}, None),
        ({"If-Match": "*"}, None),
        ({"If-Match": '"x"'}, (412, "If-Match")),
        ({"If-None-Match": '"abc"'}, (304, "If-None-Match")),
        ({"If-None-Match": '"x"'}, None),
        ({"If-Unmodified-Since": EARLIER}, (412, "If-Unmodified-Since")),
        ({"If-Unmodified-Since": SAME}, None),
        ({"If-Modified-Since": SAME}, (304, "If-Modified-Since")),
        ({"If-Modified-Since": EARLIER}, None),
        ({"If-Modified-Since": "no date"}, None),
        # the two pairs that S3's reference speaks of
        ({"If-Match": '"abc"', "If-Unmodified-Since": EARLIER}, None),
        ({"If-None-Match": '"abc"', "If-Modified-Since": EARLIER}, (304, "If-None-Match")),
    ],
)
def test_conditions(asked: dict[str, str], failed: tuple[int, str] | None) -> None:
    assert answers.failed_condition(asked, HEADERS) == failed


def test_parts() -> None:
    assert answers.part_of(1, (4, 4, 2), 10) == (0, 4)
    assert answers.part_of(3, (4, 4, 2), 10) == (8, 10)
    assert answers.part_of(1, (), 10) == (0, 10)
    for number, sizes in ((4, (4, 4, 2)), (2, ()), (0, ())):
        with pytest.raises(S3ClientError) as caught:
            answers.part_of(number, sizes, 10)
        assert caught.value.code == "InvalidPartNumber"
