"""The tests' own access to a page."""

import pytest
from playwright.sync_api import Error

from testkit.stream.front_end import Open, evaluate_within


def test_promise_that_never_resolves_is_an_error(open_page: Open) -> None:
    page = open_page().page
    assert evaluate_within(page, "async (number) => number + 1", 1) == 2
    with pytest.raises(Error, match="still pending after 100 ms"):
        evaluate_within(page, "() => new Promise(() => {})", seconds=0.1)
