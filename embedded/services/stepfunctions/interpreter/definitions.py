"""How moto reads a definition, where it reads it wrongly."""

import json
from typing import Any

from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding.payload_binding import (
    PayloadBindingStringExpressionSimple,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadvaluelit.payload_value_str import (
    PayloadValueStr,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from embedded import moto_patches

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


def _inner_string(parser_rule_context: Any) -> str | None:
    """A text of the definition, read as the JSON that it is: moto leaves the escapes in."""
    text = parser_rule_context.getText()
    if text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') else text


def _preprocessor(self: Any) -> None:
    """One stack of query languages for each definition: moto keeps one for all, and a refusal leaves it unbalanced."""
    super(Preprocessor, self).__init__()
    self._query_language_per_scope = []


def install() -> None:
    """Replace moto's parts."""
    for name, replacement, reason in (
        ("visitPayload_binding_value", _binding, "RoleArn.$ is misread"),
        ("__init__", _preprocessor, "definitions share their query languages"),
        ("_inner_string_of", staticmethod(_inner_string), "it leaves JSON's escapes in"),
    ):
        moto_patches.replace(Preprocessor, name, replacement, reason=reason)
