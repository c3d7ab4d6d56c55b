"""Types of clients/js from both OpenAPI documents: `rest.d.ts` and `stream.d.ts`.

    .venv/bin/python -m tools.client_types [FOLDER]

Each has its schemas, and its operations by method and path: what is given (path, query, body) and what is answered.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools import ROOT

DOCUMENTS = {"Rest": "django-rest/openapi.yaml", "Stream": "fastapi-sse/openapi.json"}
HEAD = "// Made from {source} by tools/client_types.py: `make schema`.\n"
METHODS = ("get", "post", "put", "patch", "delete")
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

Schema = dict[str, Any]


def main(folder: Path) -> None:
    for name, source in DOCUMENTS.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        document = json.loads(text) if source.endswith(".json") else yaml.load(text, Loader=yaml.CSafeLoader)
        (folder / f"{name.lower()}.d.ts").write_text(types_of(document, name, source), encoding="utf-8")


def types_of(document: Schema, name: str, source: str) -> str:
    schemas, paths = document["components"]["schemas"], document["paths"]
    lines = [HEAD.format(source=source), f"export interface {name}Schemas {{"]
    for component, schema in sorted(schemas.items()):
        lines.append(f"  {json.dumps(component)}: {_type(schema, name)};")
    lines += ["}", "", f"export interface {name}Operations {{"]
    for title, operation, shared in _operations(paths):
        summary = " ".join(operation.get("summary", "").split()).replace("*/", "")
        lines += [f"  /** {summary} */"] if summary else []
        types = f"given: {_given(operation, shared, name)}; answer: {_answer(operation, name)}"
        lines.append(f"  {json.dumps(title)}: {{ {types} }};")
    return "\n".join([*lines, "}", ""])


def _operations(paths: Schema) -> Iterator[tuple[str, Schema, list[Schema]]]:
    """Of both services, paths under `/api/`; of those that it has twice, the versioned one."""
    found = {}
    for path, methods in paths.items():
        short = next((path.removeprefix(prefix) for prefix in ("/api/v1", "/api") if path.startswith(f"{prefix}/")), "")
        for method in METHODS:
            if short and method in methods and not methods[method].get("deprecated"):
                found[f"{method.upper()} {short}"] = (methods[method], methods.get("parameters", []))
    for title, (operation, shared) in sorted(found.items(), key=lambda one: one[0].split(" ")[::-1]):
        yield title, operation, shared


def _given(operation: Schema, shared: list[Schema], name: str) -> str:
    parts = []
    parameters = [*shared, *operation.get("parameters", [])]
    for place in ("path", "query"):
        fields = {one["name"]: one for one in parameters if one["in"] == place}
        if fields:
            required = {field for field, one in fields.items() if one.get("required")}
            inner = _object({field: one["schema"] for field, one in fields.items()}, required, name)
            parts.append(f"{place}{'' if required else '?'}: {inner}")
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is not None:
        parts.append(f"body{'' if operation['requestBody'].get('required') else '?'}: {_type(schema, name)}")
    return f"{{ {'; '.join(parts)} }}" if parts else "object"


def _answer(operation: Schema, name: str) -> str:
    """Null for an answer without a body, or of another kind than JSON."""
    answers = [answer for status, answer in operation["responses"].items() if str(status).startswith("2")]
    found = {_type(one["schema"], name) for one in _json_of(answers)} or {"null"}
    return " | ".join(sorted(found))


def _json_of(answers: list[Schema]) -> list[Schema]:
    contents = [answer.get("content", {}).get("application/json", {}) for answer in answers]
    return [content for content in contents if "schema" in content]


def _type(schema: Schema, name: str) -> str:
    found = _bare(schema, name)
    return f"{found} | null" if schema.get("nullable") and not found.endswith("| null") else found


def _bare(schema: Schema, name: str) -> str:
    if "$ref" in schema:
        return f"{name}Schemas[{json.dumps(schema['$ref'].rpartition('/')[2])}]"
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return " | ".join(json.dumps(value) for value in values)
    for word, sign in (("allOf", " & "), ("oneOf", " | "), ("anyOf", " | ")):
        # `anyOf` beside properties only says which of them go together.
        if word in schema and "properties" not in schema:
            return sign.join(sorted({f"({_type(part, name)})" for part in schema[word]}))
    return _of_kind(schema, schema.get("type"), name)


def _of_kind(schema: Schema, kind: Any, name: str) -> str:
    if isinstance(kind, list):
        return " | ".join(_of_kind(schema, one, name) for one in kind)
    if kind == "array":
        return f"Array<{_type(schema.get('items', {}), name)}>"
    if kind == "object" or "properties" in schema:
        return _object_of(schema, name)
    return PLAIN.get(str(kind), "any")


def _object_of(schema: Schema, name: str) -> str:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    if not properties:
        return (
            f"Record<string, {_type(others, name)}>" if isinstance(others, dict) and others else "Record<string, any>"
        )
    shown = _object(properties, set(schema.get("required", [])), name)
    return f"{shown} & {{ [field: string]: any }}" if others is True else shown


def _object(properties: Schema, required: set[str], name: str) -> str:
    fields = [
        f"{json.dumps(field)}{'' if field in required else '?'}: {_type(schema, name)}"
        for field, schema in properties.items()
    ]
    return f"{{ {'; '.join(fields)} }}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "clients/js")
