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
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt

urlpatterns: list[URLPattern | URLResolver] = []


@csrf_exempt
def publish(request: HttpRequest) -> HttpResponse:
    from django_eventstream import send_event

    send_event("clinic", "message", request.body.decode(), json_encode=False)
    return HttpResponse(status=204)


def main(port: int) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_eventstream"],
        LOGGING_CONFIG=None,
        ROOT_URLCONF="__main__",
        SECRET_KEY="a benchmark's own",
    )
    django.setup()
    urlpatterns.append(path("events/", include("django_eventstream.urls"), {"channels": ["clinic"]}))
    urlpatterns.append(path("publish", publish))
    uvicorn.run(
        get_asgi_application(), host="127.0.0.1", port=port, lifespan="off", log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
