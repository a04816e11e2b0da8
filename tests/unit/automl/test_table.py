"""What a CSV file is taken for, and which ones are refused."""

from pathlib import Path

import pytest

from training.automl.table import TableError, kind_of, problem_of, read_table


def write(folder: Path, header: str, *rows: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", None, "-3e4"], "number"),
        (["2024-01-02", "2024-03-04"], "date"),
        (["red", "blue"] * 5, "category"),
        ([f"id-{index}" for index in range(30)], "identifier"),
        (["x", None, "x"], "constant"),
        ([f"some words {index // 2}" for index in range(250)], "text"),
        (["1", "two"] * 5, "category"),
        ([str(index) for index in range(30)], "number"),
        (["inf", "1"] * 3, "category"),
    ],
)
def test_a_column_is_what_all_its_values_are(values: list[str | None], kind: str) -> None:
    assert kind_of(values) == kind


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["yes", "no"], "classification"),
        (["0", "1"], "classification"),
        (["0.5", "1.5"], "classification"),
        ([str(index % 7) for index in range(50)], "classification"),
        ([str(index) for index in range(50)], "regression"),
        ([str(index / 10) for index in range(50)], "regression"),
    ],
)
def test_a_target_names_classes_or_measures(values: list[str | None], problem: str) -> None:
    assert problem_of(values) == problem


def test_gaps_are_gaps_however_they_are_written_and_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    rows = [f"{index},{'NA' if index % 3 else index},{index % 2}" for index in range(30)]
    path = write(tmp_path, "a,b,y", *rows, "5,6,", "", "7,8,null")
    table = read_table([path], "y")
    assert (table.rows, table.dropped, table.problem) == (30, 2, "classification")
    assert table.kinds() == {"a": "number", "b": "number"}
    assert table.columns[1].values.count(None) == 20


def test_several_files_are_one_table(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "a,y", *(f"{index},{index % 2}" for index in range(15)), name=f"{part}.csv") for part in "ab"
    ]
    assert read_table(files, "y").rows == 30


ROWS = [f"{index},{index % 2}" for index in range(30)]


@pytest.mark.parametrize(
    ("header", "rows", "target", "problem", "said"),
    [
        ("a,y", ROWS, "z", None, "there is no column 'z'; the columns are a, y"),
        ("a,y", ROWS[:9], "y", None, "has a value in 9 rows; it needs at least 20"),
        ("a,y", [f"{index},1" for index in range(30)], "y", None, "the same value in every row"),
        ("a,a", ROWS, "a", None, "the first line must name the columns, each differently"),
        ("a,y", [*ROWS, "1,2,3"], "y", None, "t.csv, line 32: 3 values for 2 columns"),
        ("a,y", [f"x{index},{index % 2}" for index in range(30)], "y", None, "a is identifier"),
        ("a,y", [f"{index},{'ab'[index % 2]}" for index in range(30)], "y", "regression", "are no numbers"),
    ],
)
def test_a_table_of_no_use_is_refused_with_the_reason(
    tmp_path: Path, header: str, rows: list[str], target: str, problem: str | None, said: str
) -> None:
    with pytest.raises(TableError) as refused:
        read_table([write(tmp_path, header, *rows)], target, problem)  # type: ignore[arg-type]
    assert said in str(refused.value)


def test_no_file_and_files_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds no CSV file"):
        read_table([], "y")
    files = [write(tmp_path, "a,y", *ROWS), write(tmp_path, "b,y", *ROWS, name="u.csv")]
    with pytest.raises(TableError, match=r"u.csv: its columns differ from those of t.csv"):
        read_table(files, "y")
