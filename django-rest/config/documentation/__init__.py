"""The page at `/api/docs`: what the code does not say about itself. A front end is to be written from it alone.

`describe` runs over the document that the views make. Whatever a view or serializer says itself stays; the rest comes
from here: groups, the meaning of fields, parameters and values, examples, headers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.documentation.enums import ENUMS
from config.documentation.examples import EXPORT, PAGE, REQUESTS, VALUES
from config.documentation.fields import FIELDS, OF_A_PAGE, PAGING, PARAMETERS
from config.documentation.tags import OLDER, TAGS, tag_of

Schema = dict[str, Any]

INTRODUCTION = (Path(__file__).parent / "introduction.md").read_text(encoding="utf-8")
METHODS = ("get", "post", "put", "patch", "delete")
JSON, CSV = "application/json", "text/csv"
ETAG = {"description": "the `version`, for `If-Match`", "schema": {"type": "string", "example": '"3"'}}
RETRY_AFTER = {"description": "seconds", "schema": {"type": "integer", "example": 30}}


def describe(result: Schema, **_: Any) -> Schema:
    components = result["components"]
    for name, schema in components["schemas"].items():
        _describe_values(name, schema)
        _describe_fields(name, schema)
    changeable = {path for path, _, operation in operations_of(result) if _takes(operation, "If-Match")}
    for path, method, operation in operations_of(result):
        _describe_operation(path, operation, components["schemas"])
        _type_current(path, operation, result["paths"])
        if path in changeable and method != "delete":
            _say_header(operation, "2", "ETag", ETAG)
        _say_header(operation, "429", "Retry-After", RETRY_AFTER)
        _say_header(operation, "503", "Retry-After", RETRY_AFTER)
    used = {tag for _, _, operation in operations_of(result) for tag in operation["tags"]}
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    return result


def _type_current(path: str, operation: Schema, paths: Schema) -> None:
    """Of what changes a row by its version: `current` has the schema of its GET."""
    shown = _shown_by_get(path, paths)
    if shown is None or not _takes(operation, "If-Match"):
        return
    current = {"type": "object", "properties": {"current": shown}}
    for status in ("409", "412"):
        if status in operation["responses"]:
            content = operation["responses"][status]["content"][JSON]
            content["schema"] = {"allOf": [content["schema"], current]}


def _shown_by_get(path: str, paths: Schema) -> Schema | None:
    """Of this path, or of the one above it, which an action belongs to."""
    for shorter in (path, path.rpartition("/")[0]):
        answer = paths.get(shorter, {}).get("get", {}).get("responses", {}).get("200", {})
        schema: Schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
        if "$ref" in schema and "Paginated" not in schema["$ref"]:
            return schema
    return None


def operations_of(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _describe_values(name: str, schema: Schema) -> None:
    meanings = ENUMS.get(name)
    if meanings is not None:
        lines = [f"* `{value}`: {meanings[value]}" for value in schema["enum"] if value in meanings]
        schema["description"] = "\n".join(lines)


def _describe_fields(component: str, schema: Schema) -> None:
    for name, field in schema.get("properties", {}).items():
        meaning = FIELDS.get(f"{component}.{name}") or FIELDS.get(name)
        if component.startswith("Paginated") and name in OF_A_PAGE:
            meaning = OF_A_PAGE[name]
        if meaning is None or "description" in field:
            continue
        if "$ref" in field:  # Beside a reference nothing else is read.
            field["allOf"] = [{"$ref": field.pop("$ref")}]
        field["description"] = meaning


def _describe_operation(path: str, operation: Schema, schemas: Schema) -> None:
    operation["tags"] = [tag for tag in [tag_of(path)] if tag]
    operation.update({"deprecated": True} if operation["tags"] == [OLDER] else {})
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if name in PAGING:
            parameter["description"] = PAGING[name]
        elif name in PARAMETERS:
            parameter.setdefault("description", PARAMETERS[name])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        written = REQUESTS.get(_component_of(content["schema"]))
        if written is not None:
            content.setdefault("examples", {"example": {"value": written}})
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            _show_answer(answer, schemas)


def _show_answer(answer: Schema, schemas: Schema) -> None:
    for kind, content in answer.get("content", {}).items():
        if kind == JSON:
            shown = example_of(content["schema"], schemas)
        elif kind == CSV:
            shown = EXPORT
        else:
            continue
        content.setdefault("examples", {"example": {"value": shown}})


def example_of(schema: Schema, schemas: Schema, *, component: str = "", name: str = "") -> Any:
    """A value that fits the schema, made of `VALUES` as far as they go."""
    for known in (f"{component}.{name}", name):
        if known in VALUES and not component.startswith("Paginated"):
            return VALUES[known]
    inner = _component_of(schema)
    if inner:
        return example_of(schemas[inner], schemas, component=inner)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas, component=component)]
    properties = schema.get("properties", {})
    page = PAGE if component.startswith("Paginated") else {}
    return {
        field: page[field] if field in page else example_of(properties[field], schemas, component=component, name=field)
        for field in properties
    }


def _component_of(schema: Schema) -> str:
    """The name of the component that the schema is, also where something is said beside it."""
    for place in (schema, *schema.get("allOf", []), *schema.get("oneOf", [])):
        if "$ref" in place:
            return str(place["$ref"]).rpartition("/")[2]
    return ""


def _takes(operation: Schema, header: str) -> bool:
    return any(parameter["name"] == header for parameter in operation.get("parameters", []))


def _say_header(operation: Schema, status: str, header: str, meaning: Schema) -> None:
    for code, answer in operation["responses"].items():
        if code.startswith(status):
            answer.setdefault("headers", {})[header] = meaning
