"""A front end can be written from the OpenAPI page alone."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from config.documentation import INTRODUCTION, operations_of
from config.documentation.enums import ENUMS
from config.documentation.examples import REQUESTS, VALUES
from config.documentation.fields import FIELDS
from config.documentation.tags import PREFIXES, TAGS
from config.documentation.views import _document
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from testkit.each import for_each

ROOT = Path(__file__).resolve().parents[2]
# With a schema to fit, and those that are text alone; a picture nobody writes down.
WITH_FIELDS = {"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}
WITH_EXAMPLES = {*WITH_FIELDS, "text/csv", "text/xml"}


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["components"]["schemas"]
    return found


@cache
def operations() -> dict[str, dict[str, Any]]:
    return {f"{method.upper()} {path}": operation for path, method, operation in operations_of(document())}


def test_second_request_for_the_document_generates_nothing(client: Client) -> None:
    first = client.get("/api/schema")
    generated = _document.cache_info().misses
    second = client.get("/api/schema")
    as_json = client.get("/api/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert first.content == second.content
    assert json.loads(as_json.content)["paths"].keys() == document()["paths"].keys()
    assert _document.cache_info().misses == generated == 1


def contents_of(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A request, and its answer when it went well."""
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    bodies = [operation.get("requestBody", {}), *answers]
    return [found for body in bodies for found in body.get("content", {}).items()]


@for_each(operations)
def test_no_operation_is_described_by_a_base_class(name: str) -> None:
    described = operations()[name].get("description", "")
    assert not re.match(r"(A|The) (mixin|base|view)\b|.*\bis_strict\b", described)


@for_each(operations)
def test_every_operation_has_a_summary_and_stands_in_a_group(name: str) -> None:
    operation = operations()[name]
    assert operation.get("summary"), "say summary= in @extend_schema"
    assert len(operation["tags"]) == 1, "say in config/documentation/tags.py where it stands"
    assert set(operation["tags"]) <= set(TAGS)


@for_each(operations)
def test_every_parameter_is_described(name: str) -> None:
    parameters = operations()[name].get("parameters", [])
    assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == []


@for_each(operations)
def test_every_body_and_every_good_answer_has_an_example(name: str) -> None:
    missing = [kind for kind, content in contents_of(operations()[name]) if not content.get("examples")]
    assert [kind for kind in missing if kind in WITH_EXAMPLES] == []


@for_each(operations)
def test_every_example_fits_its_schema(name: str) -> None:
    for kind, content in contents_of(operations()[name]):
        if kind not in WITH_FIELDS:
            continue
        for title, example in content["examples"].items():
            problems = [problem.message for problem in validator(content["schema"]).iter_errors(example["value"])]
            assert problems == [], title


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({"components": components_as_json_schema(), **as_json_schema(schema)})


@cache
def components_as_json_schema() -> Any:
    return as_json_schema(document()["components"])


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable` for what JSON Schema writes as one more type."""
    if isinstance(node, list):
        return [as_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    plain = {name: as_json_schema(part) for name, part in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def test_an_example_that_does_not_fit_is_found() -> None:
    """The check above can fail: a null where none may be, a word that is no status."""
    appointment = {"$ref": "#/components/schemas/AppointmentOutput"}
    operation = operations()["GET /api/v1/appointments/{appointment_id}"]
    good = operation["responses"]["200"]["content"]["application/json"]["examples"]["example"]["value"]
    assert validator(appointment).is_valid(good)
    assert validator(appointment).is_valid({**good, "service": None})
    assert not validator(appointment).is_valid({**good, "patient": None})
    assert not validator(appointment).is_valid({**good, "status": "approved"})


@for_each(schemas)
def test_every_field_is_described(component: str) -> None:
    """By help_text, or in config/documentation/fields.py."""
    fields = schemas()[component].get("properties", {})
    assert [name for name, field in fields.items() if not field.get("description")] == []


@for_each(lambda: [name for name, schema in schemas().items() if "enum" in schema])
def test_every_value_of_an_enumeration_is_explained(component: str) -> None:
    """In config/documentation/enums.py."""
    assert set(schemas()[component]["enum"]) == set(ENUMS.get(component, {}))


@for_each(operations)
def test_every_refusal_names_its_codes_and_shows_them(name: str) -> None:
    known = document()["components"]["examples"]
    refusals = {status: answer for status, answer in operations()[name]["responses"].items() if status[0] in "45"}
    for status, answer in refusals.items():
        schema = answer["content"]["application/json"]["schema"]
        if {"$ref": "#/components/schemas/Error"} not in (schema, *schema.get("allOf", [])):
            continue
        shown = answer["content"]["application/json"]["examples"].values()
        codes = [
            code_of(known[example["$ref"].rpartition("/")[2]] if "$ref" in example else example) for example in shown
        ]
        assert codes, status
        assert [code for code in codes if code not in known or code not in answer["description"]] == [], status


@for_each(operations)
def test_routes_that_take_if_match_answer_with_an_etag(name: str) -> None:
    method, _, _ = name.partition(" ")
    takes = {parameter["name"] for parameter in operations()[name].get("parameters", [])}
    if "If-Match" not in takes or method == "DELETE":
        return
    assert "ETag" in operations()[name]["responses"]["200"]["headers"]
    assert {"409", "412"} <= set(operations()[name]["responses"])


def code_of(example: dict[str, Any]) -> str:
    if "$ref" in example:
        example = document()["components"]["examples"][example["$ref"].rpartition("/")[2]]
    return str(example["value"]["errors"][0]["code"])


# The introduction


def test_the_introduction_leads_the_page() -> None:
    assert document()["info"]["description"] == INTRODUCTION
    steps = re.findall(r"^\d\. \*\*(.+?)\.\*\*", INTRODUCTION, re.M)
    assert steps == ["Sign in", "Choose", "Hold", "Book", "Decide", "Watch"]


def test_the_introduction_names_only_what_is_there() -> None:
    stream = json.loads((ROOT / "fastapi-sse" / "openapi.json").read_text())
    there = {*operations(), *(f"{method.upper()} {path}" for path, method, _ in operations_of(stream))}
    named = {found.split("?")[0] for found in re.findall(r"`((?:GET|POST|PATCH) /[^`]+)`", INTRODUCTION)}
    assert len(named) >= 8
    assert named <= there


def test_how_to_sign_in_is_said_where_it_is_asked_for() -> None:
    [scheme] = document()["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "POST /api/token" in scheme["description"]


# The texts are of something


def test_groups_are_in_use_and_known() -> None:
    assert set(PREFIXES.values()) == set(TAGS)
    assert [tag["name"] for tag in document()["tags"]] == [name for name in TAGS if name in used_groups()]


def used_groups() -> set[str]:
    return {tag for operation in operations().values() for tag in operation["tags"]}


def test_no_text_is_of_what_is_gone() -> None:
    fields = {f"{component}.{name}" for component, schema in schemas().items() for name in schema.get("properties", {})}
    named = {name for texts in (FIELDS, VALUES) for name in texts if "." in name}
    assert named - fields == set()
    assert set(REQUESTS) - set(schemas()) == set()
    assert set(ENUMS) - set(schemas()) == set()


# Types that clients are generated from


def error_schema() -> dict[str, Any]:
    schema: dict[str, Any] = document()["components"]["schemas"]["Error"]
    return schema


def test_parts_of_an_error_are_typed() -> None:
    parts = error_schema()["properties"]
    assert parts["allowed"] == {**parts["allowed"], "type": "array", "items": {"type": "string"}}
    for name, component in (("nearest", "NearestSlot"), ("conflicts", "SeriesDateOutput")):
        assert parts[name]["items"] == {"$ref": f"#/components/schemas/{component}"}
        assert document()["components"]["schemas"][component]["properties"]["start"]["format"] == "date-time"


def test_current_of_a_stale_change_has_the_type_of_its_row() -> None:
    for path, component in (
        ("/api/v1/appointments/{appointment_id}", "AppointmentDetailOutput"),
        ("/api/v1/patients/{patient_id}", "PatientOutput"),
    ):
        schema = document()["paths"][path]["patch"]["responses"]["409"]["content"]["application/json"]["schema"]
        [error, more] = schema["allOf"]
        assert error == {"$ref": "#/components/schemas/Error"}
        assert more["properties"]["current"] == {"$ref": f"#/components/schemas/{component}"}


@pytest.mark.parametrize(
    ("component", "field"),
    [
        ("AppointmentInputRequest", "start"),
        ("GuestBookingInputRequest", "start"),
        ("HoldInputRequest", "start"),
        ("RescheduleInputRequest", "start"),
    ],
)
def test_bookings_and_holds_mark_what_they_need(component: str, field: str) -> None:
    alternatives = document()["components"]["schemas"][component]["anyOf"]
    assert field in alternatives[0]["required"]
    assert all(alternative["required"] for alternative in alternatives)


DAY_NAMES = re.compile(r"from|to|date|\w+_date|valid_(from|until)")


def days_in(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parameters and properties that are named like days."""
    if isinstance(node, list):
        for item in node:
            yield from days_in(item)
    elif isinstance(node, dict):
        if node.get("in") == "query" and DAY_NAMES.fullmatch(node["name"]):
            yield node["name"], node["schema"]
        for name, field in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            if DAY_NAMES.fullmatch(name):
                yield name, field
        for child in node.values():
            yield from days_in(child)


def test_every_day_has_the_format_date() -> None:
    days = list(days_in({"paths": document()["paths"], "components": document()["components"]}))
    assert len(days) > 40
    assert [(name, schema) for name, schema in days if schema.get("format") != "date"] == []


def test_document_names_its_servers() -> None:
    assert [server["url"] for server in document()["servers"]] == ["/", "http://localhost:8000"]
