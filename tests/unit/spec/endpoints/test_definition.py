"""What a file in endpoints/ may say, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from shardyard.spec.endpoint_folder import load_endpoints
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import SpecError
from shardyard.spec.rules import check_endpoint
from tests.support.spec.endpoints import endpoint

ROOT = Path(__file__).parents[4]
GOOD = """
[model]
s3 = "models/digits/model.tar.gz"
[image]
folder = "pytorch"
[variants.main]
instance_type = "ml.m5.large"
"""


def refused(folder: Path, **files: str) -> list[str]:
    """Every problem of a folder with these files."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        load_endpoints(folder, "dev", root=ROOT)
    return [str(problem) for problem in error.value.problems]


def test_a_definition_comes_back_from_its_tables() -> None:
    spec = endpoint(
        variants={"main": {"scaling": {"most": 3, "invocations": 100}}}, capture={"percent": 20}, tags={"a": "b"}
    )
    assert EndpointSpec.from_dict(spec.to_dict()) == spec


def test_the_endpoints_that_ship_are_right_in_every_stage() -> None:
    for stage in ("dev", "staging", "prod"):
        assert [spec.name for spec in load_endpoints(ROOT / "endpoints", stage, root=ROOT)] == ["digits"]


def test_a_project_without_the_folder_has_no_endpoints(tmp_path: Path) -> None:
    assert load_endpoints(tmp_path / "endpoints", "dev") == ()


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    found = refused(
        tmp_path,
        one=GOOD.replace("folder", "folders"),
        two=f'name = "x"\n{GOOD}[deployment]\nstrategy = "slow"\n[overrides.later]\n',
        three=GOOD.replace("pytorch", "pytorhc"),
    )
    files = [problem.partition(":")[0].rpartition("/")[2] for problem in found]
    assert sorted(files) == ["one.toml", "three.toml", "two.toml", "two.toml", "two.toml"]
    text = "\n".join(found)
    assert "image.folders: unknown key; did you mean 'folder'?" in text
    assert "name: it cannot be set; the file's name is the endpoint's name" in text
    assert "overrides.later: unknown stage" in text
    assert "there is no containers/pytorhc/Dockerfile; did you mean 'pytorch'?" in text


def test_what_only_another_stage_breaks_is_told_too(tmp_path: Path) -> None:
    text = f'{GOOD}[overrides.prod.deployment]\nstrategy = "canary"\n'
    (problem,) = refused(tmp_path, digits=text)
    assert "[overrides.prod] alarms: a canary deployment needs one that rolls back" in problem


def test_the_kind_is_the_same_in_every_stage(tmp_path: Path) -> None:
    found = refused(tmp_path, digits=f'{GOOD}[overrides.prod]\nkind = "asynchronous"\n')
    assert found == [
        f"{tmp_path.name}/digits.toml: [overrides.prod] kind: is the same in every stage (write it above all tables)"
    ]


def test_names_that_differ_in_hyphens_alone_are_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, **{"a-b": GOOD, "a--b": GOOD})
    assert "differ only in hyphens" in problem


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (
            {"model": {"run": "mnist-ddp:latest"}},
            "model: run and s3 exclude each other (exactly one of run, registry, s3, file)",
        ),
        (
            {"model": {"s3": "models/digits"}},
            "model.s3: 'models/digits' is not allowed (an address that ends with .tar.gz or with a slash, "
            "without blanks, *, ? and $)",
        ),
        ({"variants": {"main": None}}, "variants: holds no variant (write a table [variants.main])"),
        (
            {"variants": {"Main": {"instance_type": "ml.m5.large"}}},
            "variants.Main: 'Main' is not allowed as a name (up to 31 small letters and digits, a letter first)",
        ),
        (
            {"variants": {"main": {"scaling": {"most": 3, "invocations": 1, "concurrency": 1}}}},
            "variants.main.scaling: invocations and concurrency exclude each other "
            "(at most one of invocations, concurrency, backlog, utilization)",
        ),
        (
            {"variants": {"main": {"scaling": {"most": 3}}}},
            "variants.main.scaling: nothing ever scales it "
            "(one of invocations, concurrency, backlog, utilization, steps or schedules)",
        ),
        (
            {"variants": {"main": {"scaling": {"most": 3, "least": 4, "invocations": 1}}}},
            "variants.main.scaling.least: 4 is more than most (3 or less)",
        ),
        (
            {"variants": {"main": {"scaling": {"most": 3, "steps": {"metric": "cpu", "threshold": 1, "changes": []}}}}},
            "variants.main.scaling.steps.changes: holds no step (one or more, each with beyond and add)",
        ),
        (
            {"image": {"folder": None, "repository": "team/model", "tag": "latest"}},
            "image.tag: 'latest' is not allowed: it moves (give a tag that stays, or a digest)",
        ),
        (
            {"image": {"repository": "a", "tag": "1"}},
            "image: folder and repository exclude each other (exactly one of folder, repository, framework, builtin)",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_exact_words(tables: dict, says: str) -> None:
    with pytest.raises(SpecError) as error:
        endpoint(**tables)
    assert [str(problem) for problem in error.value.problems] == [says]


@pytest.mark.parametrize(
    "address", ["s3://UPPER/m.tar.gz", "s3://models/*/m.tar.gz", "s3:/models/m.tar.gz", "${a}.tar.gz"]
)
def test_an_address_is_one_and_no_pattern_of_a_policy(address: str) -> None:
    """The role's policy names it, where `*`, `?` and `$` would let the containers read more."""
    with pytest.raises(SpecError, match=r"model\.s3: .* is not allowed"):
        endpoint(model={"s3": address})
    with pytest.raises(SpecError, match=r"capture\.s3: .* is not allowed"):
        endpoint(capture={"s3": address.replace("m.tar.gz", "").replace(".tar.gz", "/")})


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 256])
def test_the_name_of_no_alarm_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"alarms\.names\[0\]: .* is not allowed"):
        endpoint(alarms={"names": [name]})


@pytest.mark.parametrize("tags", [{"project": "another"}, {"shardyard:stack": "x"}, {"aws:x": "y"}, {"a": "x" * 257}])
def test_a_tag_that_would_hide_ours_or_be_refused_is_refused(tags: dict[str, str]) -> None:
    (problem,) = check_endpoint(endpoint(tags=tags))
    assert problem.where == f"tags.{next(iter(tags))}"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "9999"}, "this variable is set by SageMaker (remove it)"),
        ({"SHARDYARD_SERVING_BACH": "1"}, "did you mean 'SHARDYARD_SERVING_BATCH'?"),
        ({"SHARDYARD_SERVING_HOST": "127.0.0.1"}, "a container knows no such variable"),
        ({"SHARDYARD_SERVING_LOAD": "both"}, "'both' is not allowed ('worker', or leave it out)"),
        ({"A": "x" * 1025}, "a value of 1025 bytes is not allowed (1024 or fewer)"),
        ({f"A{number}": "x" * 1000 for number in range(40)}, "all variables together have"),
    ],
)
def test_a_variable_that_would_end_the_container_or_the_deploy(environment: dict[str, str], says: str) -> None:
    (problem,) = check_endpoint(endpoint(environment=environment))
    assert says in problem.message
