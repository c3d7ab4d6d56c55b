"""Standard words with gaps: a simple template is rendered once for a language, and filled for each message.

Simple is what has only text, translations and `{% if name %}`, and shows values by their bare names. Its rendering
depends on which values are empty, and on nothing else; everything else is rendered anew each time.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.template import engines
from django.template.base import FilterExpression, Node, NodeList, TextNode, TokenType, Variable, VariableNode
from django.template.defaulttags import IfNode, LoadNode, TemplateLiteral
from django.templatetags.i18n import BlockTranslateNode
from django.utils import translation

# No text of ours holds these characters.
GAP = re.compile("\x02([a-z_]+)\x03")
NAME = re.compile("[a-z_]+")
FILLED = (str, int)


def words_from_skeleton(path: str, context: Mapping[str, Any], language: str) -> str | None:
    """The rendered template; None where it is not simple, or a value is not."""
    names = _names_in(path)
    if names is None:
        return None
    values = {name: context.get(name, "") for name in names}
    if not all(isinstance(value, FILLED) or value is None for value in values.values()):
        return None
    skeleton = _skeleton(path, frozenset(name for name, value in values.items() if value), language)
    return GAP.sub(lambda found: str(values[found[1]]), skeleton)


@lru_cache(maxsize=1024)
def _skeleton(path: str, filled: frozenset[str], language: str) -> str:
    with translation.override(language):
        text: str = _template(path).render({name: f"\x02{name}\x03" for name in filled})
    return text


@lru_cache(maxsize=256)
def _names_in(path: str) -> frozenset[str] | None:
    """Of the values that it shows or asks for; None if it is not simple."""
    try:
        return frozenset(_names_of(_template(path).template.nodelist))
    except _NotSimple:
        return None


def _template(path: str) -> Any:
    return engines["plain text"].get_template(path)


class _NotSimple(Exception):  # noqa: N818 - an answer, not an error
    pass


def _names_of(nodes: NodeList) -> set[str]:
    return set().union(*map(_names_of_node, nodes))


def _names_of_node(node: Node) -> set[str]:
    match node:
        case TextNode() | LoadNode():
            return set()
        case VariableNode():
            return {_bare_name(node.filter_expression)}
        case BlockTranslateNode() if not (node.plural or node.extra_context or node.message_context or node.asvar):
            return {token.contents for token in node.singular if token.token_type is TokenType.VAR}
        case IfNode():
            branches = node.conditions_nodelists
            return set().union(*(_names_of_condition(condition) | _names_of(of) for condition, of in branches))
    raise _NotSimple


def _names_of_condition(condition: Any) -> set[str]:
    if condition is None:  # Of `else`.
        return set()
    if not isinstance(condition, TemplateLiteral):
        raise _NotSimple
    return {_bare_name(condition.value)}


def _bare_name(expression: object) -> str:
    if not isinstance(expression, FilterExpression) or expression.filters:
        raise _NotSimple
    if not isinstance(expression.var, Variable) or not NAME.fullmatch(expression.token):
        raise _NotSimple
    return expression.token
