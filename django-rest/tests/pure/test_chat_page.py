"""The page about booking by conversation has the schemas of the OpenAPI document."""

from tools import chat_page
from tools.chat_page import CALLS, PAGE, page_of, read_document


def test_schemas_on_the_page_are_those_of_the_document() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert page_of(written, read_document()) == written, "write it anew: make schema"


def test_page_has_every_call() -> None:
    paths = read_document()["paths"]
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1/chat/')}"
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/v1/chat/")
    }
    assert calls == set(CALLS)
    assert chat_page.MARK in PAGE.read_text(encoding="utf-8")
