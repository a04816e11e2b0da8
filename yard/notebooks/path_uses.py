"""Where a notebook names paths, and what it does with each: read it, write it, or what only running would tell."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from yard.notebooks.reading import listed

READS = listed(
    "read_csv read_table read_parquet read_json read_excel read_pickle read_feather read_hdf read_orc "
    "read_fwf scan_csv scan_parquet loadtxt genfromtxt fromfile load imread listdir scandir walk glob "
    "iglob rglob iterdir ImageFolder DatasetFolder load_from_disk load_svmlight_file read_text read_bytes "
    "load_model load_weights read_image memmap ZipFile connect"
)
MODEL_SAVES = listed(
    "save_pretrained save_model save_weights save_checkpoint dump write_model to_disk export onnx.export"
)
_MODULES_THAT_SAVE_MODELS = frozenset({"torch", "joblib", "model", "net", "xm", "xgb", "bst", "booster", "keras"})
WRITES = listed(
    "to_csv to_parquet to_json to_excel to_pickle to_feather to_hdf to_html savefig savetxt savez "
    "savez_compressed imwrite imsave write_image write_html makedirs mkdir write_text write_bytes "
    "SummaryWriter write_csv write_parquet"
)
_PASS_ON = listed("Path PurePath PosixPath join str abspath expanduser fspath resolve absolute normpath")
_MODEL_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".h5", ".keras", ".onnx", ".safetensors", ".ckpt")
_KEYWORDS = listed(
    "path filepath filename fname file f root dir directory path_or_buf path_or_buffer filepath_or_buffer io "
    "save_directory log_dir name fp"
)
_ONE_NAME = re.compile(r"[\w.@+-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """One text that may be a path."""

    cell: int
    node: ast.Constant | ast.JoinedStr
    text: str
    """The text, or for an f-string what stands before its first value."""
    kinds: frozenset[str]
    """`read`, `write`, `model` for a write that keeps a model, and `path` for what is surely one."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing follows the text."""
        return isinstance(self.node, ast.Constant)


def find(cells: Sequence[tuple[int, ast.Module]]) -> Iterator[Use]:
    """Every text that is used as a path, or looks like one."""
    parents = {
        id(child): parent for _, tree in cells for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)
    }
    loads: dict[str, list[ast.Name]] = {}
    stores: Counter[str] = Counter()
    for _, tree in cells:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                loads.setdefault(node.id, []).append(node)
            elif isinstance(node, ast.Name):
                stores[node.id] += 1
    reading = _Reading(parents=parents, loads=loads, stores=stores)
    for number, tree in cells:
        for node in ast.walk(tree):
            use = reading.use(number, node)
            if use is not None:
                yield use


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """The trees of all cells, read upwards."""

    parents: Mapping[int, ast.AST]
    loads: Mapping[str, Sequence[ast.Name]]
    stores: Mapping[str, int]

    def use(self, cell: int, node: ast.AST) -> Use | None:
        """What a text is used for; None for what is no text, documentation, or a part of a longer path."""
        if isinstance(node, ast.JoinedStr):
            first = node.values[0] if node.values else None
            text = first.value if isinstance(first, ast.Constant) else None
        elif isinstance(node, ast.Constant):
            text = node.value
        else:
            return None
        parent = self.parents.get(id(node))
        if not isinstance(text, str) or not _may_be_path(text) or isinstance(parent, ast.Expr | ast.JoinedStr):
            return None
        if isinstance(parent, ast.FormattedValue) or self._is_inner(node, parent):
            return None
        kinds = frozenset(self._kinds(node, depth=0))
        if "write" in kinds and text.endswith(_MODEL_SUFFIXES):
            kinds |= {"model"}
        return Use(cell=cell, node=node, text=text, kinds=kinds)

    def _is_inner(self, node: ast.AST, parent: ast.AST | None) -> bool:
        """Whether something else stands before it: the second word of a join, the right side of a slash or a sum."""
        if isinstance(parent, ast.Call) and _last(parent.func) in ("join", "Path", "joinpath"):
            return parent.args[0] is not node or _last(parent.func) == "joinpath" or _is_of_text(parent.func)
        return isinstance(parent, ast.BinOp) and parent.right is node

    def _kinds(self, node: ast.AST, depth: int) -> Iterator[str]:
        parent = self.parents.get(id(node))
        if parent is None or depth > 8:
            return
        if isinstance(parent, ast.Call) and parent.func is not node:
            yield from self._of_call(node, parent, depth)
        elif isinstance(parent, ast.keyword):
            call = self.parents.get(id(parent))
            if isinstance(call, ast.Call):
                yield from self._of_call(node, call, depth)
        elif isinstance(parent, ast.Attribute):
            call = self.parents.get(id(parent))
            if isinstance(call, ast.Call) and call.func is parent:
                yield "path" if parent.attr in READS | WRITES else ""
                yield from _kinds_of(parent.attr, call, None)
                if parent.attr in _PASS_ON | {"joinpath", "with_suffix", "format"} or parent.attr == "parent":
                    yield from self._kinds(call, depth + 1)
        elif _begins_with(parent, node):
            yield from self._kinds(parent, depth + 1)
        elif isinstance(parent, ast.For | ast.comprehension) and isinstance(parent.target, ast.Name):
            yield from self._of_name(parent.target.id, depth)
        elif isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            yield from self._of_name(parent.targets[0].id, depth)
        elif isinstance(parent, ast.AnnAssign) and isinstance(parent.target, ast.Name):
            yield from self._of_name(parent.target.id, depth)

    def _of_name(self, name: str, depth: int) -> Iterator[str]:
        if self.stores.get(name) == 1:
            for load in self.loads.get(name, ()):
                yield from self._kinds(load, depth + 1)

    def _of_call(self, node: ast.AST, call: ast.Call, depth: int) -> Iterator[str]:
        name = _last(call.func)
        if name in _PASS_ON and not _is_of_text(call.func) and call.args[:1] == [node]:
            yield "path"
            yield from self._kinds(call, depth + 1)
        elif name in READS | WRITES | MODEL_SAVES | {"open", "save"} and node in _path_arguments(name, call):
            yield "path"
            yield from _kinds_of(name, call, node)


def _kinds_of(name: str, call: ast.Call, node: ast.AST | None) -> Iterator[str]:
    """What a call does with the path that it is given, or that it is a method of."""
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "open":
        given = [
            *call.args[(0 if node is None else 1) :],
            *(word.value for word in call.keywords if word.arg == "mode"),
        ]
        mode = next((one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)), "r")
        yield "write" if set(mode) & set("wax") else "read"
    elif name == "save":
        yield "write"
        if owner.partition(".")[0].lower() in _MODULES_THAT_SAVE_MODELS:
            yield "model"
    elif name in MODEL_SAVES:
        yield from ("write", "model")
    elif name in WRITES:
        yield "write"
    elif name in READS:
        yield "read"


def _begins_with(parent: ast.AST, node: ast.AST) -> bool:
    """Whether an expression is a path that begins with the node, or may be the node."""
    if isinstance(parent, ast.BinOp):
        return parent.left is node
    if isinstance(parent, ast.JoinedStr):
        return parent.values[0] is node
    return isinstance(parent, ast.FormattedValue | ast.IfExp | ast.List | ast.Tuple)


def _path_arguments(name: str, call: ast.Call) -> list[ast.expr]:
    """Where a path may stand: first, behind what is saved, or under a name that says so."""
    places = call.args[: 2 if name in MODEL_SAVES | {"save"} else 1]
    return [*places, *(word.value for word in call.keywords if word.arg in _KEYWORDS)]


def _is_of_text(function: ast.expr) -> bool:
    """Whether it is a method of a text: `", ".join(...)`."""
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Constant | ast.JoinedStr)


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _may_be_path(text: str) -> bool:
    """Whether a text has the letters of a path, and one letter of a name."""
    if not text or len(text) > 400 or "\n" in text or "\0" in text or not re.search(r"\w", text):
        return False
    return "://" in text or "/" in text or "\\" in text or text.startswith("~") or bool(_ONE_NAME.fullmatch(text))
