"""django-eventstream as its documentation sets it up: a channel, its own view, an ASGI server.

    python benchmarks/eventstream/app.py PORT

`GET /events/` follows; `POST /publish` tells everybody its body. No database, no storage: its defaults.
"""

import sys

import django
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_eventstream"],
    LOGGING_CONFIG=None,
    ROOT_URLCONF="__main__",
    SECRET_KEY="a benchmark's own",
)
django.setup()

import django_eventstream.urls  # noqa: E402 - wants the settings
from django_eventstream import send_event  # noqa: E402


@csrf_exempt
def publish(request: HttpRequest) -> HttpResponse:
    send_event("clinic", "message", request.body.decode(), json_encode=False)
    return HttpResponse(status=204)


urlpatterns = [
    path("events/", include(django_eventstream.urls), {"channels": ["clinic"]}),
    path("publish", publish),
]

if __name__ == "__main__":
    uvicorn.run(
        get_asgi_application(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
