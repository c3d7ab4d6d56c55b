from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

_generating = Lock()


class DocumentView(SpectacularAPIView):
    """The API's document, generated once per process: it costs seconds of CPU and is open to anonymous clients."""

    def _get_schema_response(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        with _generating:
            content = _rendered(renderer.media_type)
        headers = {"Content-Disposition": f'inline; filename="Chairside.{renderer.format}"'}
        return HttpResponse(content, content_type=renderer.media_type, headers=headers)


@cache
def _rendered(media_type: str) -> bytes | str:
    [renderer] = [renderer for renderer in DocumentView.renderer_classes if renderer.media_type == media_type]
    content: bytes | str = renderer().render(_document(), renderer_context={})
    return content


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = DocumentView.generator_class().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document
