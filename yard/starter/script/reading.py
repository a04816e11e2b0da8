"""What a script needs and does, from its source alone: it is never run."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yard.errors import UserError
from yard.starter.script import options
from yard.starter.script.options import Option

_DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "PyYAML"}
"""Packages that are imported under another name than they are installed under."""
_OURS = ("contract", "serving", "training")
_RANKS = ("init_process_group", "Accelerator", "Trainer", "LOCAL_RANK")
_STRATEGIES = ("MultiWorkerMirroredStrategy", "ParameterServerStrategy", "TF_CONFIG")
_KERAS_2 = ("TF_USE_LEGACY_KERAS", "tf_keras")
_DOWNLOADS = ("from_pretrained", "load_dataset", "urlretrieve", "hf_hub_download", "snapshot_download", "wandb.init")
_SAVES = ("torch.save", "save_pretrained", "save_model", "save_checkpoint", "joblib.dump", "model.save", "np.save")


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One line of a script that will not do as it stands."""

    line: int
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A script as its source describes it."""

    options: tuple[Option, ...]
    channels: tuple[str, ...]
    """Channels that it reads by SM_CHANNEL_NAME, in small letters."""
    packages: tuple[str, ...]
    """What it imports that is neither Python's nor its own, by the name of the package."""
    ranks: int | None
    """The line that says that it is a rank of a group; None for a script that trains alone."""
    uses_gpu: int | None
    """The first line that names CUDA."""
    tensorflow: bool
    """Whether it imports TensorFlow, or Keras, which is taken to run on it."""
    strategy: int | None
    """The line that names a strategy of TensorFlow's for several workers, or their TF_CONFIG."""
    advice: tuple[Advice, ...]


def read(path: Path) -> Script:
    """Read a script; raises UserError where it is no Python."""
    source = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise UserError(f"{path} is no Python: {error.msg} (line {error.lineno}).", "Correct it first.") from None
    words = list(_words(tree))
    reads = sorted({text.removeprefix("SM_CHANNEL_").lower() for _, text in words if text.startswith("SM_CHANNEL_")})
    return Script(
        options=tuple(options.find(tree)),
        channels=tuple(reads),
        packages=tuple(sorted(set(_packages(tree, path.parent)))),
        ranks=min((line for line, text in words if text.rpartition(".")[2] in _ranks(tree)), default=None),
        tensorflow=_is_tensorflow(tree),
        strategy=min((line for line, text in words if text.rpartition(".")[2] in _STRATEGIES), default=None),
        uses_gpu=min((line for line, text in words if _is_cuda(text)), default=None),
        advice=tuple(sorted(_advice(tree, words), key=lambda advice: advice.line)),
    )


def _is_tensorflow(tree: ast.Module) -> bool:
    roots = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    roots |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return bool(roots & {"tensorflow", "tf_keras"}) or ("keras" in roots and "torch" not in roots)


def _ranks(tree: ast.Module) -> set[str]:
    """What only a rank of a group names; a Trainer of the script's own need not be one."""
    return set(_RANKS) - {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every dotted name and text, with its line; documentation is neither."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value
        elif isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, ast.unparse(node)


def _is_cuda(text: str) -> bool:
    return text in ("cuda", "nccl") or text.startswith(("cuda:", "torch.cuda.")) or text.endswith(".cuda")


def _packages(tree: ast.Module, beside: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            names = [node.module]
        for name in (name.partition(".")[0] for name in names):
            own = (beside / name).is_dir() or (beside / f"{name}.py").is_file()
            if not own and name not in sys.stdlib_module_names and name not in _OURS:
                yield _DISTRIBUTIONS.get(name, name)


def downloads(source: str) -> list[tuple[int, str]]:
    """The lines of a script that fetch something, each with what it calls; none of what is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted((call.lineno, f"{ast.unparse(call.func)} downloads") for call in calls if _fetches(call))


def _fetches(call: ast.Call) -> bool:
    asked = any(word.arg == "download" and ast.unparse(word.value) == "True" for word in call.keywords)
    return asked or ast.unparse(call.func).endswith(_DOWNLOADS)


def _advice(tree: ast.Module, words: list[tuple[int, str]]) -> Iterator[Advice]:
    guarded = any(text.endswith("cuda.is_available") for _, text in words)
    for line, text in words:
        if text == "nccl" and not any(other == "gloo" for _, other in words):
            yield Advice(line=line, says='"nccl" needs GPUs: "gloo" where torch.cuda.is_available() is false')
        elif text.endswith("cuda.set_device") and not guarded:
            yield Advice(line=line, says="set_device needs a GPU: only if torch.cuda.is_available()")
        elif re.fullmatch(r"cuda(:\d+)?", text) and not guarded:
            yield Advice(line=line, says=f'"{text}" needs a GPU: "cpu" where torch.cuda.is_available() is false')
        elif text.endswith(("mp.spawn", "multiprocessing.spawn")):
            yield Advice(
                line=line, says="it starts ranks itself: the launcher does, and each reads RANK and LOCAL_RANK"
            )
    for name, line in options.foreign_dataclasses(tree).items():
        said = f"the fields of {name} are options too, which [hyperparameters] can name"
        keeps = ': output_dir = "/opt/ml/model" keeps the model' if name.endswith("TrainingArguments") else ""
        yield Advice(line=line, says=f"{said}{keeps}")
    names = {text.rpartition(".")[2] for _, text in words}
    several = names & set(_STRATEGIES) and not names & set(_KERAS_2)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if several and ast.unparse(node.func).endswith(".fit"):
                yield Advice(
                    line=node.lineno,
                    says="Keras 3's fit works with one worker: a loop of your own, or tf_keras "
                    '(TF_USE_LEGACY_KERAS = "1" in [environment])',
                )
            yield from _of_call(node, saves_to_model=any(text == "SM_MODEL_DIR" for _, text in words))


def _of_call(call: ast.Call, *, saves_to_model: bool) -> Iterator[Advice]:
    name = ast.unparse(call.func)
    if name == "len" and call.args and _is_text_of_hosts(call.args[0]):
        said = "SM_HOSTS is a list as a text, and len counts its letters"
        yield Advice(line=call.lineno, says=f'{said}: len(json.loads(os.environ["SM_HOSTS"]))')
    if _fetches(call):
        said = "it downloads, and nodes in the project's network have no way out: put the data into a channel"
        yield Advice(line=call.lineno, says=f"{said}, or set network.vpc = false")
    made = _made_beside(call)
    if made is not None:
        said = f"{made!r} is made beside the code, which is lost with the node"
        yield Advice(line=call.lineno, says=f'{said}: below os.environ["SM_OUTPUT_DATA_DIR"] it is kept')
    if name.endswith(_SAVES) and not saves_to_model:
        yield Advice(line=call.lineno, says='only what is under os.environ["SM_MODEL_DIR"] is kept as the model')


def _made_beside(call: ast.Call) -> str | None:
    """The relative place of a folder that is made: `os.makedirs("runs")`, `Path("runs").mkdir()`."""
    made = call.args[0] if ast.unparse(call.func) in ("os.makedirs", "os.mkdir", "makedirs") and call.args else None
    if isinstance(call.func, ast.Attribute) and call.func.attr == "mkdir" and isinstance(call.func.value, ast.Call):
        inner = call.func.value
        made = inner.args[0] if ast.unparse(inner.func).endswith("Path") and len(inner.args) == 1 else None
    place = made.value if isinstance(made, ast.Constant) else None
    return place if isinstance(place, str) and place and not place.startswith(("/", "~")) else None


def _is_text_of_hosts(node: ast.expr) -> bool:
    """Whether it is the variable SM_HOSTS as it stands, and not what json makes of it."""
    if isinstance(node, ast.Subscript):
        read, key = f"{ast.unparse(node.value)}.get", node.slice
    elif isinstance(node, ast.Call) and node.args:
        read, key = ast.unparse(node.func), node.args[0]
    else:
        return False
    return read.endswith(("environ.get", "getenv")) and isinstance(key, ast.Constant) and key.value == "SM_HOSTS"
