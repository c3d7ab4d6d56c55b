"""JSON of answers: types that orjson knows, translated texts, and nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from clinic.common.renderers import to_json
from django.utils.functional import lazystr


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (lazystr("Friday"), "Friday"),
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "2026-11-20T09:30:00+00:00"),
        ({"a": [1, None, True, lazystr("b")]}, {"a": [1, None, True, "b"]}),
    ],
)
def test_known_type_is_written(value: Any, written: Any) -> None:
    assert orjson.loads(to_json({"value": value})) == {"value": written}


@pytest.mark.parametrize("value", [Decimal("1.5"), {1, 2}, Path("/etc"), object(), b"bytes"])
def test_unknown_type_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        to_json({"value": value})
