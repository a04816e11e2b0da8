"""The command's options and arguments, offline: what is refused is said in a line with the right exit code."""

from pathlib import Path

import pytest

from tests.support.bad_input import everything, hold_the_rule, project, yard
from yard.errors import Exit

FIX, USAGE = Exit.FIX, Exit.USAGE
WRONG: list[tuple[tuple[str, ...], Exit]] = [
    (("check", "nobody"), FIX),
    (("check", ""), FIX),
    (("check", "../xy"), FIX),
    (("check", "x" * 5000), FIX),
    (("check", "\udcff"), FIX),
    (("check", "a\nb"), FIX),
    (("check", "--parameters", "x"), USAGE),
    (("check", "--parameters", "=1"), USAGE),
    (("check", "--parameters", "XyInstanceCount=zero"), FIX),
    (("check", "--parameters", "XyInstanceCount=" + "9" * 5000), FIX),
    (("check", "--parameters", "Nothing=1"), FIX),
    (("check", "--nothing"), USAGE),
    (("check", "a", "b"), USAGE),
    (("nothing",), USAGE),
    (("check", "--parameters"), USAGE),
    (("train",), USAGE),
    (("train", "nobody", "--dry-run"), FIX),
    (("train", "xy", "--dry-run", "--count", "0"), USAGE),
    (("train", "xy", "--dry-run", "--count", "-1"), USAGE),
    (("train", "xy", "--dry-run", "--count", "two"), USAGE),
    (("train", "xy", "--dry-run", "--count", "2.5"), USAGE),
    (("train", "xy", "--dry-run", "--count", "9" * 5000), USAGE),
    (("train", "xy", "--dry-run", "--count", ""), USAGE),
    (("train", "xy", "--dry-run", "--count", "\u2460"), USAGE),
    (("train", "xy", "--dry-run", "--max-runtime", "soon"), USAGE),
    (("train", "xy", "--dry-run", "--max-runtime", "-1h"), USAGE),
    (("train", "xy", "--dry-run", "--max-runtime", "nan"), USAGE),
    (("train", "xy", "--dry-run", "--max-runtime", "9" * 400 + "h"), USAGE),
    (("train", "xy", "--dry-run", "--cap", "nan"), USAGE),
    (("train", "xy", "--dry-run", "--cap", "inf"), USAGE),
    (("train", "xy", "--dry-run", "--cap", "-1"), USAGE),
    (("train", "xy", "--dry-run", "--cap", "1e999"), USAGE),
    (("train", "xy", "--dry-run", "--volume", "much"), USAGE),
    (("train", "xy", "--dry-run", "--volume", "0GB"), USAGE),
    (("train", "xy", "--dry-run", "--instance-type", "m5"), USAGE),
    (("train", "xy", "--dry-run", "--instance-type", ""), USAGE),
    (("train", "xy", "--dry-run", "--set", "epochs"), USAGE),
    (("train", "xy", "--dry-run", "--set", "=1"), USAGE),
    (("train", "xy", "--dry-run", "--set", "a b=c"), USAGE),
    (("train", "xy", "--dry-run", "--set", ""), USAGE),
    (("train", "xy", "--dry-run", "--set", "a=\udcff"), FIX),
    (("train", "xy", "--dry-run", "--set", "\udcff=1"), FIX),
    (("train", "xy", "--dry-run", "--set", "a=x\ny"), FIX),
    (("train", "xy", "--dry-run", "--environment", "A"), USAGE),
    (("logs",), USAGE),
    (("logs", "xy", "--node", "0"), USAGE),
    (("logs", "xy", "--node", "two"), USAGE),
    (("history", "--limit", "0"), USAGE),
    (("history", "--limit", "many"), USAGE),
    (("history", "nobody"), FIX),
    (("compare", "xy"), USAGE),
    (("compare",), USAGE),
    (("data", "put", "gone", "--job", "nobody", "--channel", "train"), FIX),
    (("data", "put", "gone", "--job", "xy", "--channel", "trian"), FIX),
    (("data", "put", "gone", "--job", "xy", "--channel", "train"), FIX),
    (("data", "put", "cdk.json", "--job", "xy", "--channel", "train"), FIX),
    (("data", "put", "jobs"), USAGE),
    (("data", "put", "jobs", "--job", "xy", "--channel", "train", "--shards", "0"), USAGE),
    (("data", "put", "jobs", "--job", "xy", "--channel", "train", "--shards", "many"), USAGE),
    (("data", "put", "jobs", "--job", "xy", "--channel", "train", "--shards", "50"), FIX),
    (("data", "put", "x" * 5000, "--job", "xy", "--channel", "train"), FIX),
    (("data", "put", "\udcff", "--job", "xy", "--channel", "train"), FIX),
    (("data", "balance", "--job", "xy", "--channel", "no"), FIX),
    (("data", "balance", "--job", "xy", "--channel", "train", "--count", "0"), USAGE),
    (("cost", "estimate", "nobody"), FIX),
    (("cost", "estimate"), USAGE),
    (("advise", "--params", "many", "--instance", "ml.p5.48xlarge"), USAGE),
    (("advise", "--params", "nan", "--instance", "ml.p5.48xlarge"), USAGE),
    (("advise", "--params", "", "--instance", "ml.p5.48xlarge"), USAGE),
    (("advise", "--params", "7B", "--instance", "p5"), FIX),
    (("advise", "--params", "7B", "--instance", "ml.p5.48xlarge", "--framework", "jax"), USAGE),
    (("advise", "--params", "7B", "--instance", "ml.p5.48xlarge", "--count", "0"), USAGE),
    (("advise", "--params", "7B", "--instance", "ml.p5.48xlarge", "--precision", "int1"), USAGE),
    (("advise", "--params", "9" * 5000, "--instance", "ml.p5.48xlarge"), USAGE),
    (("image", "new", "../x"), FIX),
    (("image", "new", "X"), FIX),
    (("image", "new", ""), FIX),
    (("image", "new", "pytorch"), FIX),
    (("image", "new", "x" * 300), FIX),
    (("image", "new", "y", "--from", "nobody"), FIX),
    (("image", "new", "a\nb"), FIX),
    (("export", "nobody", "--request"), FIX),
    (("export", "xy"), USAGE),
    (("init", "jobs"), FIX),
    (("init", "job", "xy"), USAGE),
    (("init", "job", "xy", "--script", "gone.py"), FIX),
    (("init", "job", "A B", "--script", "code/train.py"), FIX),
    (("init", "cdk.json/x"), FIX),
    (("init", "x" * 300), FIX),
    (("cloud", "up", "--port", "-1"), USAGE),
    (("cloud", "up", "--port", "65536"), USAGE),
    (("cloud", "up", "--port", "http"), USAGE),
    (("cloud", "status"), FIX),
    (("cloud", "env"), FIX),
    (("cloud", "weather", "awful"), FIX),
    (("cloud", "settings", "x"), USAGE),
    (("cloud", "settings", "stop_grace_seconds=nan"), FIX),
    (("cloud", "kill", "xy"), FIX),
]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account and no cloud: whoever asks for one is told how to get it."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@pytest.mark.parametrize(
    ("words", "code"), WRONG, ids=lambda value: ascii(" ".join(value))[:60] if isinstance(value, tuple) else ""
)
def test_wrong_words_are_refused_in_lines(tmp_path: Path, words: tuple[str, ...], code: Exit) -> None:
    root = project(tmp_path / "p")
    before = everything(root)
    hold_the_rule(yard(root, *words), codes=(code,))
    assert everything(root) == before
