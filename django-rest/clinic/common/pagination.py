from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination


class RowsById(Paginator[Any]):
    """A page's ids first, then its rows by their ids. Asked for both at once, the database may well join and sort the
    whole list to find the first fifty. One query more, whatever the page."""

    object_list: QuerySet[Any, Any]

    def _get_page(self, object_list: Any, number: int, paginator: Paginator[Any]) -> Page[Any]:
        ids = list(object_list.values_list("pk", flat=True))
        return Page(list(self.object_list.filter(pk__in=ids)) if ids else [], number, paginator)


class Pages(PageNumberPagination):
    """`{"count", "next", "previous", "results"}`; `?page=` and `?page_size=` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class PagesById(Pages):
    """For long lists with joins."""

    django_paginator_class = RowsById
