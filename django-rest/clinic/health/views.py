from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views import View
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from clinic.accounts.authentication import AccessTokenAuthentication
from clinic.accounts.models import Role, User
from clinic.accounts.views import OpenView
from clinic.common import clock
from clinic.common.addresses import whole_client_address
from clinic.common.error_pages import error_response
from clinic.common.errors import TryAgain
from clinic.health.metrics import metrics_text
from clinic.health.probes import OK, PROBES, REASONS, UNREACHABLE, readiness, start_probes
from clinic.health.queries import (
    clock_health,
    outbox_health,
    server_version,
    sign_in_health,
    time_zone_health,
    transaction_health,
    worker_health,
)

OutboxHealth = inline_serializer(
    "OutboxHealth",
    {
        "due": serializers.IntegerField(help_text="messages that should be sent by now"),
        "oldest_due_seconds": serializers.FloatField(help_text="how long the oldest of them has been due"),
        "retrying": serializers.IntegerField(help_text="messages that could not be sent yet, and are tried again"),
        "held": serializers.IntegerField(help_text="messages that a restore holds until an operator releases them"),
        "sms_limited": serializers.IntegerField(help_text="SMS that a daily limit has refused, since the beginning"),
        "oldest_undelivered_seconds": serializers.FloatField(
            help_text="how long ago the oldest that is not sent should have been, whatever attempts were made"
        ),
    },
    allow_null=True,
    required=False,
)
WorkerHealth = inline_serializer(
    "WorkerHealth",
    {
        "last_round_at": serializers.DateTimeField(allow_null=True, help_text="when a worker last did what is due"),
        "late": serializers.BooleanField(help_text="no round has begun for three minutes: no worker runs, or it hangs"),
        "failing": serializers.ListField(child=serializers.CharField(), help_text="jobs whose last run failed"),
        "clock_skew_seconds": serializers.FloatField(
            allow_null=True, help_text="the largest difference between a running worker's clock and the database's"
        ),
        "stopped_by_clock": serializers.IntegerField(help_text="workers that do nothing because their clock is wrong"),
    },
    allow_null=True,
    required=False,
)
ClockHealth = inline_serializer(
    "ClockHealth",
    {
        "skew_seconds": serializers.FloatField(help_text="this process's clock minus the database's"),
        "off": serializers.BooleanField(help_text="by more than a few seconds; the database's clock decides anyway"),
    },
    required=False,
)
TransactionHealth = inline_serializer(
    "TransactionHealth",
    {
        "oldest_seconds": serializers.IntegerField(help_text="age of the oldest open transaction of the server"),
        "old": serializers.IntegerField(help_text="open transactions of more than half a minute"),
    },
    allow_null=True,
    required=False,
)
SignInHealth = inline_serializer(
    "SignInHealth",
    {
        "accounts": serializers.IntegerField(help_text="accounts that signed in within a day"),
        "addresses": serializers.IntegerField(help_text="addresses they came from; of IPv6 the /64"),
        "share_one_address": serializers.BooleanField(
            help_text="several accounts, one address: a proxy is probably missing from `TRUSTED_PROXIES`, and limits "
            "and lock-outs count all clients as one"
        ),
    },
    required=False,
)
TimeZoneHealth = inline_serializer(
    "TimeZoneHealth",
    {
        "unknown": serializers.IntegerField(
            help_text="clinics whose row names an unknown time zone: their requests are 503 `time_zone_unknown`"
        ),
        "clinics": inline_serializer(
            "ClinicInUnknownZone",
            {
                "id": serializers.IntegerField(help_text="of the clinic"),
                "slug": serializers.CharField(help_text="of the clinic"),
            },
            many=True,
            help_text="the first twenty of them",
        ),
    },
    required=False,
)
HealthOutput = inline_serializer(
    "Health",
    {
        "status": serializers.CharField(help_text="ok, degraded (a clock is wrong) or unavailable"),
        "service": serializers.CharField(),
        "version": serializers.CharField(),
        "database": serializers.CharField(help_text="ok, or the reason as `/readyz` names it"),
        # From here on for owners, superusers and METRICS_NETWORKS.
        "database_version": serializers.CharField(allow_null=True, required=False),
        "outbox": OutboxHealth,
        "worker": WorkerHealth,
        "clock": ClockHealth,
        "transactions": TransactionHealth,
        "sign_ins": SignInHealth,
        "time_zones": TimeZoneHealth,
    },
)


ReadinessOutput = inline_serializer(
    "Readiness",
    {
        "status": serializers.ChoiceField(choices=["ok", "unavailable"]),
        "service": serializers.CharField(),
        "version": serializers.CharField(),
        "database": serializers.ChoiceField(choices=list(REASONS), help_text="`ok`, or why requests cannot be served"),
    },
)
FOR_PARAMETER = OpenApiParameter(
    "for", str, enum=["reads"], description="`reads`: 200 also while the database can be read and not written"
)
FIRST_CHECK_TIMEOUT_SECONDS = 3
KEPT_HEADERS = frozenset({"Cache-Control", "Retry-After"})


class HealthView(OpenView):
    is_strict = False
    throttle_classes: tuple[type[BaseThrottle], ...] = ()

    @extend_schema(
        responses={200: HealthOutput, 503: HealthOutput},
        summary="How the service is",
        description="The server's version, queues, jobs, clocks, transactions, sign-ins and unknown time zones are for "
        "owners, superusers and the addresses in `METRICS_NETWORKS`.",
    )
    def get(self, request: Request) -> Response:
        start_probes()
        PROBES.first_check.wait(FIRST_CHECK_TIMEOUT_SECONDS)
        database, worker, details = PROBES.reason(), None, dict[str, Any]()
        try:
            if PROBES.reason(for_reads=True) == OK:
                worker = worker_health(now=clock.now())
                details = _details(worker) if may_see_details(request) else {}
        except (DatabaseError, InterfaceError):
            database = UNREACHABLE
        is_degraded = clock.is_off() or (worker is not None and worker["stopped_by_clock"] > 0)
        body = {
            "status": "unavailable" if database != OK else "degraded" if is_degraded else "ok",
            "service": settings.SHARED.service_name,
            "version": settings.VERSION,
            "database": database,
            **details,
        }
        return Response(body, status=200 if database == OK else 503)


def _details(worker: dict[str, Any]) -> dict[str, Any]:
    return {
        "database_version": server_version(),
        "outbox": outbox_health(now=clock.now()),
        "worker": worker,
        "clock": clock_health(),
        "transactions": transaction_health(),
        "sign_ins": sign_in_health(now=clock.now()),
        "time_zones": time_zone_health(),
    }


def may_see_details(request: Request) -> bool:
    """Raises DatabaseError. A bad token counts as none: health is also for whoever is not signed in."""
    address = read_address(whole_client_address(request))
    if address is not None and any(address in network for network in settings.SHARED.metrics_networks):
        return True
    try:
        signed_in = AccessTokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        signed_in = None
    # By the session of a page otherwise, which the framework does not look at.
    user = signed_in[0] if signed_in else get_user(request._request)
    return isinstance(user, User) and (user.is_superuser or user.role == Role.OWNER)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


class LivezView(OpenView):
    is_strict = False

    @extend_schema(
        responses=inline_serializer("Alive", {"status": serializers.CharField()}), summary="The process answers"
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "alive"})


class ReadyzView(OpenView):
    is_strict = False
    throttle_classes: tuple[type[BaseThrottle], ...] = ()

    @extend_schema(
        parameters=[FOR_PARAMETER],
        responses={200: ReadinessOutput, 503: ReadinessOutput},
        summary="Whether traffic may come",
    )
    def get(self, request: Request) -> Response:
        """No query: a background thread asks the database. Servers answer without this view where they can."""
        PROBES.start()
        PROBES.first_check.wait(FIRST_CHECK_TIMEOUT_SECONDS)
        status, headers, body = readiness(for_reads=request.query_params.get("for") == "reads")
        kept: dict[str, str] = {name: value for name, value in headers.items() if name in KEPT_HEADERS}
        return Response(orjson.loads(body), status=status, headers=kept)


class MetricsView(View):
    """For Prometheus. The gateway does not pass it on."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            return HttpResponse(metrics_text(now=clock.now()), content_type=CONTENT_TYPE_LATEST)
        except (DatabaseError, InterfaceError):
            return error_response(503, TryAgain.code, "The database does not answer.")
