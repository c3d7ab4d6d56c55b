from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from clinic.common.errors import InvalidRequest


class Pages(PageNumberPagination):
    """`{"count", "next", "previous", "results"}`; `?page=` and `?page_size=` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """More than the maximum counts as the maximum. Raises InvalidRequest for what is no size."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit()) or not given.strip("0"):
            raise InvalidRequest("A page size is a whole number from 1.", attr=self.page_size_query_param)
        return self.max_page_size if len(given) > len(str(self.max_page_size)) else min(int(given), self.max_page_size)
