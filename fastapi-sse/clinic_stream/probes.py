"""Probes, health and metrics: no query, so they answer whatever the database does."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST
from shared_config import VERSION
from starlette.responses import JSONResponse, Response

from clinic_stream import schemas
from clinic_stream.access import sees_operations
from clinic_stream.metrics import Metrics
from clinic_stream.services import Services, services_of
from clinic_stream.staleness import Trouble

router = APIRouter(tags=["operations"])

RETRY_SECONDS = 2


@router.get("/livez", summary="The process is alive", responses={200: {"model": schemas.Alive}}, response_model=None)
async def show_alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Whether traffic may come",
    description="`database` is `ok` or the reason why it cannot be followed. Clinics with a trouble of their own are"
    " counted; the others are served.",
    responses={
        200: {"model": schemas.Readiness},
        503: {
            "model": schemas.Readiness,
            "description": "The database cannot be followed, or the service is stopping. The same body.",
        },
    },
)
async def show_ready(request: Request) -> JSONResponse:
    services = services_of(request)
    body = {
        "status": "ok" if services.is_ready else "stopping" if services.is_draining else "unavailable",
        "service": services.settings.service_name,
        "version": VERSION,
        "database": services.poller.state,
        "stale_clinics": len(services.hub.stale_clinics),
    }
    headers = {} if services.is_ready else {"Retry-After": str(RETRY_SECONDS)}
    return JSONResponse(body, status_code=200 if services.is_ready else 503, headers=headers)


@router.get("/health", include_in_schema=False)  # As older front ends ask.
@router.get(
    "/api/v1/health",
    summary="How the service is",
    description="Of several replicas the one that answers. `head_lag_seconds` is for owners, administrators and"
    " METRICS_NETWORKS.",
    responses={
        200: {"model": schemas.Health},
        503: {
            "model": schemas.Health,
            "description": "The database cannot be read, or the service is stopping. The same body.",
        },
    },
)
async def show_health(request: Request) -> JSONResponse:
    services = services_of(request)
    clinics = services.hub.clinics.values()
    stale_clinics = services.hub.stale_clinics
    accounts = services.poller.accounts
    body: dict[str, Any] = {
        "status": _status(services, stale_clinics),
        "service": services.settings.service_name,
        "version": VERSION,
        "database": services.poller.state,
        "cache": {
            "clinics": len(clinics),
            "topics": sum(len(clinic.topics) for clinic in clinics),
            "rows": sum(len(clinic.state.rows) for clinic in clinics),
            "inboxes": sum(len(clinic.state.inboxes) for clinic in clinics),
        },
        "connections": len(services.hub.connections),
        "pulse_age_seconds": _rounded(services.poller.pulse_age_seconds),
        "stale": _described(services.hub.staleness.troubles, stale_clinics),
        "clock": {"skew_seconds": round(accounts.clock_skew_seconds, 3), "off": accounts.is_clock_off},
    }
    if sees_operations(request):
        body["head_lag_seconds"] = _rounded(services.poller.lag_seconds)
    return JSONResponse(body, status_code=200 if services.is_ready else 503)


def answer_head(app: FastAPI) -> None:
    """HEAD of each probe, as load balancers and monitors send it: the server leaves out the body."""
    for route in router.routes:
        assert isinstance(route, APIRoute)
        app.add_api_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _status(services: Services, stale_clinics: Mapping[int, list[Trouble]]) -> str:
    if not services.is_ready:
        return "unavailable"
    return "degraded" if stale_clinics or services.poller.accounts.is_clock_off else "ok"


def _described(troubles: list[Trouble], stale_clinics: Mapping[int, list[Trouble]]) -> dict[str, Any]:
    """`clinics` counts those that cannot be followed for a reason of their own. Causes are counted over all clinics."""
    all_troubles = [*troubles, *(trouble for of_clinic in stale_clinics.values() for trouble in of_clinic)]
    since = min((trouble.since for trouble in all_troubles), default=None)
    return {
        "service": bool(troubles),
        "clinics": len(stale_clinics),
        "since": since and since.isoformat(timespec="milliseconds"),
        "causes": Counter(f"{one.cause}: {one.reason}" if one.reason else one.cause for one in all_troubles),
    }


@router.get(
    "/metrics",
    summary="What the service has counted, for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "Text.", "content": {"text/plain": {"example": "chairside_stream_drift_total 0.0"}}}
    },
)
async def show_metrics(request: Request) -> Response:
    return Response(Metrics(services_of(request)).text(), media_type=CONTENT_TYPE_LATEST)
