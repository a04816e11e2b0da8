"""What a person can cause becomes a sentence with a next step; a bug of ours keeps its traceback."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from botocore import exceptions

from embedded.lifecycle import CloudError
from embedded.nodes.image import ImageError
from shardyard.spec.errors import Problem, SpecError
from yard import commands
from yard.errors import Exit, UserError, explain, writing
from yard.main import guard


def client_error(code: str, message: str = "no") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "StartExecution")


@pytest.mark.parametrize(
    ("error", "happened", "fix"),
    [
        (exceptions.NoCredentialsError(), "There are no AWS credentials.", "aws sso login"),
        (
            ImageError("ClientError: The image's environment cannot be made of own/requirements.txt: No a==9"),
            "The image's environment cannot be made of own/requirements.txt: No a==9",
            "Correct it",
        ),
        (exceptions.NoRegionError(), "No region is chosen.", "AWS_REGION"),
        (
            exceptions.UnknownRegionError(region_name="mars-1", error_msg="No partition found."),
            "There is no region 'mars-1'.",
            "us-east-1",
        ),
        (exceptions.InvalidRegionError(region_name="a b"), "There is no region 'a b'.", "us-east-1"),
        (client_error("ExpiredTokenException"), "no longer accepts the credentials", "aws sso login"),
        (
            client_error("AccessDeniedException", "User: arn:x is not authorized to perform: states:StartExecution"),
            "Access denied to StartExecution: User: arn:x is not authorized to perform: states:StartExecution",
            "Ask for permission for that action",
        ),
        (
            client_error("ThrottlingException", "slow down"),
            "StartExecution answered ThrottlingException: slow down",
            "",
        ),
        (
            exceptions.EndpointConnectionError(endpoint_url="http://localhost:1"),
            "Nothing answers at http://localhost:1.",
            "yard cloud up",
        ),
        (OSError(errno.ENOSPC, "No space left", "/tmp/x"), "The disk is full while writing /tmp/x.", "Free some space"),
        (CloudError("the cloud does not answer"), "The cloud does not answer.", ""),
        (
            CloudError("Port 4566 is in use"),
            "Port 4566 of 127.0.0.1 is taken by another program.",
            "yard cloud up --port",
        ),
        (SpecError([Problem("jobs/a.toml: compute.count", "0 is not allowed")]), "jobs/a.toml: compute.count: 0", ""),
    ],
)
def test_a_persons_error_is_explained(error: Exception, happened: str, fix: str) -> None:
    known = explain(error)
    assert known is not None
    assert happened in known.happened
    assert fix in known.fix


def test_a_bug_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
    with pytest.raises(KeyError):
        guard(lambda: {}["x"], debug=False)


def test_the_sentence_goes_to_stderr_and_the_code_out(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise UserError("There is no job 'x'.", "See them: yard jobs", Exit.FIX)

    assert guard(refuse, debug=False) == Exit.FIX
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "There is no job 'x'.\nSee them: yard jobs\n"


def test_debug_shows_the_traceback() -> None:
    def refuse() -> None:
        raise UserError("no")

    with pytest.raises(UserError):
        guard(refuse, debug=True)


def test_outside_a_project_the_command_says_so(tmp_path: Path) -> None:
    """As a person starts it; what else the command says is tested in this process."""
    command = [sys.executable, "-m", "yard.main", "jobs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.FIX
    assert done.stderr.startswith(f"{tmp_path} is not inside a Shardyard project")
    assert "Traceback" not in done.stderr


def test_the_name_of_a_setting_keeps_its_small_letter() -> None:
    for said in ("stop_grace_seconds: 'x' is not a number", "metric_seconds: 'x' is not a number"):
        known = explain(CloudError(said))
        assert known is not None and known.happened == f"{said}."
    known = explain(CloudError("no such setting: 'x'"))
    assert known is not None and known.happened == "No such setting: 'x'."


def run_check(*arguments: str) -> int:
    app = typer.Typer(pretty_exceptions_enable=False)
    commands.register(app)
    return guard(lambda: app(["check", *arguments], prog_name="yard"), debug=False)


def test_the_nearest_job_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    assert run_check("mnist-dpp") == Exit.FIX
    assert "did you mean 'mnist-ddp'?" in capsys.readouterr().err


def test_every_problem_of_every_file_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/a.toml").write_text(
        '[image]\nfolder = "x"\n[compute]\ninstance_type = "ml.g5.xlarge"\ncount = 0\n'
    )
    (tmp_path / "jobs/b.toml").write_text("colour = 1\n")
    monkeypatch.chdir(tmp_path)
    assert run_check() == Exit.FIX
    said = capsys.readouterr().err
    assert "jobs/a.toml: compute.count: 0 is not allowed (1 or more)" in said
    assert "jobs/b.toml: colour: unknown key" in said


def test_help_and_check_load_neither_cdk_nor_torch_nor_boto3() -> None:
    program = (
        "import sys\nfrom yard import commands\nfrom yard.main import app\ncommands.register(app)\n"
        "from yard.plan import check_jobs\nfrom yard.project import find_project\ncheck_jobs(find_project(), None)\n"
        "print([name for name in ('aws_cdk', 'torch', 'boto3', 'moto', 'rich.table') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_worst_case_above_the_cap_is_refused_with_both_figures() -> None:
    from shardyard.spec.job_folder import load_jobs
    from shardyard.spec.jobs.overrides import LaunchInput
    from yard.plan import make_plan

    (job,) = [job for job in load_jobs(Path(__file__).parents[3] / "jobs", "dev") if job.name == "mnist-ddp"]
    with pytest.raises(UserError, match=r"can cost up to 2\.82 USD .* and the cap is 0\.50 USD"):
        make_plan(job, LaunchInput(values={"cap_usd": 0.5}), region="us-east-1")


def test_a_full_disk_is_named_by_what_was_being_written() -> None:
    with pytest.raises(OSError) as caught, writing(Path("models/run")):
        raise OSError(errno.ENOSPC, "No space left on device")
    known = explain(caught.value)
    assert known is not None
    assert known.happened == "The disk is full while writing models/run."


def test_a_reader_that_leaves_early_ends_it_without_a_word() -> None:
    program = (
        "import sys\nfrom yard.main import guard\n"
        "def run():\n    for number in range(100000): print(number)\n"
        "sys.exit(guard(run, debug=False))"
    )
    command = f"{sys.executable} -c '{program}' | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", Exit.FIX)
