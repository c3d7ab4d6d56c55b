"""The content security policy of every page: one base, and what the admin and the API's documents need beyond it."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

Additions = Mapping[str, str]

# Alpine, which the admin is built with, compiles expressions of our own templates; no script stands inline.
ADMIN: Additions = {
    "script-src": "'unsafe-eval'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "font-src": "'self'",
}
# Swagger UI and Redoc set styles by script; Redoc searches in a worker of its own making.
DOCUMENTS: Additions = {
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "font-src": "'self'",
    "worker-src": "blob:",
    "child-src": "blob:",
}
BY_PATH: Mapping[str, Additions] = {"/admin": ADMIN, "/api/docs": DOCUMENTS, "/api/redoc": DOCUMENTS}


def policy_for(request: HttpRequest) -> str:
    path = request.path
    return content_policy(next((added for prefix, added in BY_PATH.items() if path.startswith(prefix)), {}))


def content_policy(additions: Additions | None = None, *, frame_ancestors: str = "'none'") -> str:
    """Scripts, styles and images are files of our own; the stream alone is somewhere else. One inline script, the
    import map, has its hash here."""
    stream = f" {settings.SHARED.stream_url}" if settings.SHARED.stream_url else ""
    directives = {
        "default-src": "'none'",
        "script-src": f"'self'{stream} {import_string(settings.INLINE_SCRIPT_SOURCE)()}",
        "connect-src": f"'self'{stream}",
        "style-src": "'self'",
        "img-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": frame_ancestors,
    }
    for name, sources in (additions or {}).items():
        directives[name] = f"{directives.get(name, '')} {sources}".strip()
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())
