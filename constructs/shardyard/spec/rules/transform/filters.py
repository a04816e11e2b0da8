"""Rules about the filters and joins of transform jobs."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.base import GUIDE, Facts, rule
from shardyard.spec.rules.transform.jobs import API
from shardyard.spec.transform.formats import CSV, FORMATS, JSON, media_type
from shardyard.spec.transform.paths import MOST_LETTERS, Path, PathError, parse

_PAGE = f"{GUIDE}, batch-transform-data-processing"


def _filters(spec: TransformSpec) -> Iterator[tuple[str, str]]:
    yield "data_processing.input_filter", spec.data_processing.input_filter
    yield "data_processing.output_filter", spec.data_processing.output_filter


def _paths(spec: TransformSpec) -> Iterator[tuple[str, Path]]:
    for where, text in _filters(spec):
        try:
            yield where, parse(text)
        except PathError:
            continue


def _joins(spec: TransformSpec) -> bool:
    return spec.data_processing.join == "Input"


def _types(spec: TransformSpec) -> Iterator[tuple[str, str | None]]:
    """The content types that filters and joins must read, by place."""
    given = spec.data_processing
    if given.input_filter != "$" or _joins(spec):
        for name, one in spec.inputs.items():
            yield f"inputs.{name}.content_type", media_type(one.content_type)
    if given.output_filter != "$" or _joins(spec):
        yield "output.accept", None if spec.output.accept is None else media_type(spec.output.accept)


@rule(
    "filters-are-known",
    of=TransformSpec,
    reason="SageMaker refuses the request, or every record fails.",
    source=f"{API}: InputFilter, at most 63 letters; {_PAGE}: supported JSONPath operators",
)
def filters_are_known(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A filter has at most 63 letters and keeps to the JSONPath that batch transform knows."""
    for where, text in _filters(spec):
        if len(text) > MOST_LETTERS:
            yield Problem(where, f"{len(text)} letters are not allowed ({MOST_LETTERS} or fewer)")
        try:
            parse(text)
        except PathError as error:
            yield Problem(where, str(error))


@rule(
    "filters-end-plainly",
    of=TransformSpec,
    reason="Whether the end belongs to it AWS says in two ways, and a column too many or too few fails no job.",
    source=f"{_PAGE}: `$[1:4]` `specifies the second through fifth columns`; JsonPath, which it refers to, excludes it",
)
def filters_end_plainly(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A slice in a filter has no end: columns that are not the last ones are listed."""
    for where, path in _paths(spec):
        if path.is_ambiguous:
            message = (
                f"{path.text!r} ends at a column that AWS both counts and does not (list them: $[1,2,3], or $[1:])"
            )
            yield Problem(where, message)


@rule(
    "filters-know-the-format",
    of=TransformSpec,
    reason="SageMaker filters and joins CSV and JSON only.",
    source=f"{_PAGE}: ContentType and Accept are text/csv, application/json or application/jsonlines",
)
def filters_know_the_format(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """What is filtered or joined is CSV, JSON or JSON lines, and says so."""
    for where, kind in _types(spec):
        if kind not in FORMATS:
            said = "missing" if kind is None else f"{kind!r} cannot be filtered or joined"
            yield Problem(where, f"{said} ({', '.join(FORMATS)})")


@rule(
    "csv-filters-count-columns",
    of=TransformSpec,
    reason="A row of CSV is an array, which has no names.",
    source=f"{_PAGE}: for CSV `only index based JSONPaths can be applied`",
)
def csv_filters_count_columns(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """The filters of CSV name columns by their positions."""
    read = [media_type(one.content_type) for one in spec.inputs.values()]
    written = read if _joins(spec) else [None if spec.output.accept is None else media_type(spec.output.accept)]
    kinds = {"data_processing.input_filter": read, "data_processing.output_filter": written}
    for where, path in _paths(spec):
        if CSV in kinds[where] and not path.selects_columns:
            yield Problem(where, f"{path.text!r} is no list of columns, which CSV has alone ($[0], $[1:], $[0,-1])")


@rule(
    "joined-formats-agree",
    of=TransformSpec,
    reason="SageMaker cannot put an answer of one format beside a record of another.",
    source=f"{_PAGE}: `you must set both the ContentType and Accept parameters to one of the following values`",
)
def joined_formats_agree(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A join is of CSV with CSV, or of JSON with JSON."""
    if not _joins(spec) or spec.output.accept is None:
        return
    for name, one in spec.inputs.items():
        given, asked = media_type(one.content_type), media_type(spec.output.accept)
        if given in FORMATS and asked in FORMATS and (given == CSV) != (asked == CSV):
            yield Problem("output.accept", f"{asked} cannot be joined to the {given} of inputs.{name} (use {given})")


@rule(
    "processed-records-are-lines",
    of=TransformSpec,
    reason="SageMaker takes the whole object for one record, or cannot tell the answers apart.",
    source=f"{_PAGE}: for text/csv `you must also set` SplitType and AssembleWith to Line",
)
def processed_records_are_lines(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """What is filtered or joined is split and assembled by lines, but for an object that is one JSON value."""
    if not list(_types(spec)):
        return
    for name, one in spec.inputs.items():
        whole = one.split == "None" and media_type(one.content_type) == JSON
        if one.split != "Line" and not whole:
            yield Problem(f"inputs.{name}.split", f'{one.split!r} cannot be filtered or joined (set it to "Line")')
        if spec.output.assemble_with != one.split and not whole and one.split == "Line" and _joins(spec):
            yield Problem("output.assemble_with", f'the records of inputs.{name} are lines (set it to "Line")')
