"""Pages of a list: by number, as far as numbers reach, or one after the other by cursor (`after`)."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from clinic.common.cursors import beyond, cursor_of
from clinic.common.errors import Ambiguous, InvalidRequest

# A page by its number reads all rows before it, and a count reads all rows.
MAX_NUMBERED_ROWS = 10_000
MAX_COUNT = 10_000


class Pages(PageNumberPagination):
    """`{"count", "count_is_exact", "next", "previous", "after", "results"}`; `page_size` up to 200.

    Every page is read with one row more than it shows, which says whether there is a next one. So a count is only
    made where the page does not tell."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    after_query_param = "after"
    request: Request  # As soon as a page is read.

    # To override: the order of rows, where they come from, and how many there are.

    def in_whole_order(self, rows: Any, view: Any) -> tuple[Any, tuple[str, ...]]:
        """Rows in an order in which no two are equal, and the names of that order."""
        return rows.order_by(*view.order), view.order

    def read_rows(self, rows: Any, part: slice) -> list[Any]:
        return list(rows[part])

    def count_rows(self, rows: Any) -> int:
        """MAX_COUNT + 1 at most. One query."""
        return count_up_to(rows, MAX_COUNT + 1)

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """Raises NotFound for a number behind the last page, InvalidRequest, Ambiguous."""
        self.request = request
        size = self.get_page_size(request) or self.page_size
        rows, names = self.in_whole_order(queryset, view)
        cursor = request.query_params.get(self.after_query_param)
        if cursor is None:
            number = self._number(request, size)
            found, is_last = self._read(rows, (number - 1) * size, size)
        else:
            number = None
            if self.page_query_param in request.query_params:
                raise Ambiguous("`page` and `after` exclude each other.", attr=self.after_query_param)
            found, is_last = self._read(rows.filter(beyond(rows, names, cursor)) if cursor else rows, 0, size)
        if number not in (None, 1) and not found:
            raise NotFound("There is no such page.")
        self._number_shown, self._size = number, size
        self._after = None if is_last else cursor_of(found[-1], names)
        self._count = self._count_of(rows, found, number, is_last=is_last, is_first=number == 1 or cursor == "")
        return found

    def _read(self, rows: Any, first: int, size: int) -> tuple[list[Any], bool]:
        found = self.read_rows(rows, slice(first, first + size + 1))
        return found[:size], len(found) <= size

    def _count_of(self, rows: Any, found: Sequence[Any], number: int | None, *, is_last: bool, is_first: bool) -> int:
        if is_last and (number is not None or is_first):
            return ((number or 1) - 1) * self._size + len(found)
        return self.count_rows(rows)

    def _number(self, request: Request, size: int) -> int:
        given = request.query_params.get(self.page_query_param, "1")
        if not (given.isascii() and given.isdigit()) or not given.strip("0"):
            raise NotFound("There is no such page.")
        if len(given) > len(str(MAX_NUMBERED_ROWS)) or int(given) * size > max(MAX_NUMBERED_ROWS, size):
            raise NotFound(
                f"Page numbers reach {MAX_NUMBERED_ROWS} rows. Beyond them follow `next`, or ask by `after`."
            )
        return int(given)

    def get_page_size(self, request: Request) -> int:
        """More than the maximum counts as the maximum. Raises InvalidRequest for what is no size."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit()) or not given.strip("0"):
            raise InvalidRequest("A page size is a whole number from 1.", attr=self.page_size_query_param)
        return self.max_page_size if len(given) > len(str(self.max_page_size)) else min(int(given), self.max_page_size)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "count": min(self._count, MAX_COUNT),
                "count_is_exact": self._count <= MAX_COUNT,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
                "after": self._after,
                "results": data,
            }
        )

    def get_next_link(self) -> str | None:
        """Behind the last number that counts it goes on by cursor."""
        if self._after is None:
            return None
        url = self.request.build_absolute_uri()
        number = self._number_shown
        if number is not None and (number + 1) * self._size <= MAX_NUMBERED_ROWS:
            return replace_query_param(url, self.page_query_param, number + 1)
        return replace_query_param(remove_query_param(url, self.page_query_param), self.after_query_param, self._after)

    def get_previous_link(self) -> str | None:
        number = self._number_shown
        if number is None or number == 1:
            return None
        url = self.request.build_absolute_uri()
        if number == 2:
            return remove_query_param(url, self.page_query_param)
        return replace_query_param(url, self.page_query_param, number - 1)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        results = page["properties"].pop("results")
        page["properties"] |= {
            "count_is_exact": {"type": "boolean", "example": True},
            "after": {
                "type": "string",
                "nullable": True,
                "example": "WzI1NjkzMTM2ODQsIjIwMjYtMTEtMjBUMDg6MzA6MDArMDA6MDAiLDgxXQ",
            },
            "results": results,
        }
        page["required"] = ["count", "count_is_exact", "next", "previous", "after", "results"]
        return page

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        after = {"name": self.after_query_param, "required": False, "in": "query", "schema": {"type": "string"}}
        return [*super().get_schema_operation_parameters(view), after]


def count_up_to(rows: QuerySet[Any, Any], most: int) -> int:
    """How many there are; `most` if there are more. One query that reads no further."""
    return rows.order_by().values("pk")[:most].count()
