"""A cell that is tagged `parameters`: its assignments become options of the script, by name and type."""

import ast
import io
import json
import tokenize
from collections.abc import Iterator

from yard.notebooks.reading import Findings

_TYPES = ("int", "float", "str", "bool")
SWITCH = "_switch"
"""The script's own reader of true and false."""


def convert(text: str, tree: ast.Module, cell: int, findings: Findings) -> str:
    """The cell with a parser in place of its assignments; what is no plain value stays as it is."""
    comments = dict(_comments(text))
    options, bindings, rest = list[str](), list[str](), list[str]()
    for node in tree.body:
        name, kind, default = _option(node)
        if name is None or kind is None:
            rest.append(ast.get_source_segment(text, node) or ast.unparse(node))
            if isinstance(node, ast.Assign | ast.AnnAssign):
                findings.note(
                    cell,
                    node.lineno,
                    "it is no number, text, true or false, and so no hyperparameter: it stays as it is",
                )
            continue
        if name in {binding.partition(" ")[0] for binding in bindings}:
            findings.refuse(cell, node.lineno, f"{name} is assigned twice: a parameter has one default")
        dashes = f'"-{name}", "--{name}"' if len(name) == 1 else f'"--{name}"'
        reader = SWITCH if kind == "bool" else kind
        said = comments.get(node.end_lineno or node.lineno)
        shown = "" if said is None else f", help={json.dumps(said.replace('%', '%%'), ensure_ascii=False)}"
        options.append(f"_parser.add_argument({dashes}, type={reader}, default={default}{shown})")
        bindings.append(f"{name} = _given.{name}")
    if not options:
        findings.note(cell, None, "it is tagged parameters and assigns no number, text, true or false")
        return text
    head = ["_parser = _argparse.ArgumentParser(add_help=False)", *options, "_given = _parser.parse_args()", *bindings]
    return "\n".join([*head, *rest])


def _option(node: ast.stmt) -> tuple[str | None, str | None, str]:
    """The name, the type and the default of an assignment; no type where it cannot be an option."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, annotation = node.targets[0], None
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, annotation = node.target, node.annotation
    else:
        return None, None, ""
    if not isinstance(target, ast.Name) or node.value is None:
        return None, None, ""
    said = (
        None
        if annotation is None
        else ast.unparse(annotation).partition(" | ")[0].removeprefix("Optional[").rstrip("]")
    )
    value = node.value
    try:
        plain = ast.literal_eval(value)
        kind = said if said in _TYPES else type(plain).__name__
    except ValueError:
        # a path that has become a channel's, the model's or the outputs'
        roots = [one.id for one in ast.walk(value) if isinstance(one, ast.Name)]
        is_path = len(roots) == 1 and (roots[0].startswith("CHANNEL_") or roots[0] in ("MODEL_DIR", "OUTPUT_DIR"))
        kind = "str" if is_path else ""
    return target.id, kind if kind in _TYPES else None, ast.unparse(value)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ").rstrip()
