"""How moto reads a definition, where it reads it wrongly."""

import json
from typing import Any

from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_terminal import (
    AssignTemplateValueTerminalLit,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding.payload_binding import (
    PayloadBindingStringExpressionSimple,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadvaluelit.payload_value_str import (
    PayloadValueStr,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from embedded import moto_patches

_moto_open_scope = Preprocessor._open_query_language_scope
_moto_binding = Preprocessor.visitPayload_binding_value


def _binding(self: Any, ctx: Any) -> Any:
    """A path under the key `RoleArn.$` in a payload: moto's lexer takes that one key for the Credentials field's."""
    binding = _moto_binding(self, ctx)
    if not binding.field.endswith(".$") or not isinstance(binding.payload_value, PayloadValueStr):
        return binding
    text = ctx.payload_value_decl().getText()
    tree = ASLParser(CommonTokenStream(ASLLexer(InputStream(text)))).string_expression_simple()
    return PayloadBindingStringExpressionSimple(
        field=binding.field[:-2], string_expression_simple=self.visitString_expression_simple(tree)
    )


def _assigned_text(self: Any, ctx: Any) -> AssignTemplateValueTerminalLit:
    """A text that is assigned, read as the JSON that it is: moto leaves the escapes in."""
    del self
    return AssignTemplateValueTerminalLit(value=json.loads(ctx.getText()))


def _open_scope(self: Any, tree: Any) -> None:
    """A state without a language of its own has the machine's, wherever it is: moto takes the outer state's."""
    scopes = self._query_language_per_scope
    self._query_language_per_scope = scopes[:1]
    _moto_open_scope(self, tree)
    self._query_language_per_scope = [*scopes, self._query_language_per_scope[-1]]


def _preprocessor(self: Any) -> None:
    """One stack of query languages for each definition: moto keeps one for all, and a refusal leaves it unbalanced."""
    super(Preprocessor, self).__init__()
    self._query_language_per_scope = []


def install() -> None:
    """Replace moto's parts."""
    for name, replacement, reason in (
        ("visitPayload_binding_value", _binding, "RoleArn.$ is misread"),
        ("_open_query_language_scope", _open_scope, "a state takes the outer state's query language"),
        ("__init__", _preprocessor, "definitions share their query languages"),
        ("visitAssign_template_value_terminal_string_literal", _assigned_text, "it leaves JSON's escapes in"),
    ):
        moto_patches.replace(Preprocessor, name, replacement, reason=reason)
