"""The one place where an exception becomes an answer of the API."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions

from clinic.common.database_errors import refusal_for
from clinic.common.errors import RETRY_AFTER_SECONDS, ChairsideError, RequestTooLarge, Throttled, TryAgain


class _Refusal(exceptions.APIException):
    """A ChairsideError as the framework's own kind of exception."""

    def __init__(self, error: ChairsideError) -> None:
        self.status_code = error.status
        super().__init__(error.detail, error.code)
        if isinstance(error, Throttled):
            self.wait = error.wait_seconds
        elif error.status == TryAgain.status:
            self.wait = RETRY_AFTER_SECONDS


class ChairsideExceptionHandler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        match exc:
            case exceptions.PermissionDenied() if not self._has_method():
                # The framework asks for permission before it looks for the method. Nobody has this one.
                return exceptions.MethodNotAllowed(self._method)
            case ChairsideError(status=400, attr=str(attr)):
                return exceptions.ValidationError({attr: [exceptions.ErrorDetail(exc.detail, exc.code)]})
            case ChairsideError():
                return _Refusal(exc)
            case RequestDataTooBig():
                return _Refusal(RequestTooLarge())
            case SuspiciousOperation():  # Such as a thousand parameters.
                return exceptions.ParseError("The request is malformed.")
            case DatabaseError() | InterfaceError() if refusal := refusal_for(exc, method=self._method):
                return _Refusal(refusal)
            case _:
                return super().convert_known_exceptions(exc)

    @property
    def _method(self) -> str:
        request = self.context["request"]
        return "" if request is None else str(request.method)

    def _has_method(self) -> bool:
        return self._method in self.context["view"].allowed_methods


class ChairsideFormatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> Any:
        body = super().format_error_response(error_response)
        older_names = getattr(getattr(self.context["request"], "_request", None), "older_names", {})
        for error in body["errors"]:
            error["attr"] = older_names.get(error["attr"], error["attr"])
            # Of those that are sentences for people. Programs go by the code.
            error["detail"] = gettext(error["detail"]) if error["detail"] else error["detail"]
        original = self.original_exc
        if isinstance(original, ChairsideError):
            body["errors"][0]["attr"] = older_names.get(original.attr, original.attr)
            body.update(original.extra)
        return body
