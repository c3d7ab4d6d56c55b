"""The JSON schemas at the end of docs/api/chat.md, from the OpenAPI document of the REST API.

.venv/bin/python -m tools.chat_page [PAGE]
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools import ROOT

PAGE = ROOT / "docs" / "api" / "chat.md"
MARK = "<!-- From here on made from the OpenAPI document: `make schema`. -->\n"
# In the order of a conversation.
CALLS = (
    "GET services",
    "GET times",
    "POST hold",
    "POST release",
    "POST book",
    "POST code",
    "POST visits",
    "POST move",
    "POST cancel",
    "POST waitlist",
)
DROPPED = frozenset({"nullable", "format"})

Schema = dict[str, Any]


def page_of(written: str, document: Schema) -> str:
    """The page with fresh schemas below its mark."""
    return written.partition(MARK)[0] + MARK + "".join(_section(call, document) for call in CALLS)


@cache
def read_document() -> Schema:
    text = (ROOT / "django-rest/openapi.yaml").read_text(encoding="utf-8")
    found: Schema = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def _section(call: str, document: Schema) -> str:
    method, _, name = call.partition(" ")
    operation = document["paths"][f"/api/v1/chat/{name}"][method.lower()]
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    answer = answers[-1]["content"]["application/json"]["schema"]
    given = "Query" if method == "GET" else "Body"
    parts = {given: _given(operation, document), "Answer": _resolved(answer, document)}
    blocks = "".join(f"\n{title}:\n\n```json\n{json.dumps(schema, indent=2)}\n```\n" for title, schema in parts.items())
    return f"\n## {method} /api/v1/chat/{name}\n\n{operation['summary']}.\n{blocks}"


def _given(operation: Schema, document: Schema) -> Schema:
    if "requestBody" in operation:
        body: Schema = _resolved(operation["requestBody"]["content"]["application/json"]["schema"], document)
        return body
    fields = [one for one in operation["parameters"] if one["in"] == "query"]
    properties = {
        one["name"]: {**_resolved(one["schema"], document), "description": one["description"]} for one in fields
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _resolved(node: Any, document: Schema) -> Any:
    """As JSON Schema, without references."""
    if isinstance(node, list):
        return [_resolved(part, document) for part in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolved(document["components"]["schemas"][node["$ref"].rpartition("/")[2]], document)
    plain = {name: _resolved(part, document) for name, part in node.items() if name not in DROPPED}
    alone = plain.get("allOf", [])
    if len(alone) == 1:
        plain = {**alone[0], **{name: part for name, part in plain.items() if name != "allOf"}}
    if node.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


if __name__ == "__main__":
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    page.write_text(page_of(PAGE.read_text(encoding="utf-8"), read_document()), encoding="utf-8")
