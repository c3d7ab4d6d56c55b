"""Health and metrics as an operator's monitoring reads them."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from testkit.clinic.world import World


def health(world: World) -> dict[str, Any]:
    """With its details, as the owner sees it."""
    found: dict[str, Any] = world.client(world.olga).get("/health").json()
    return found


def metric(series: str, /, **labels: str) -> float:
    response = APIClient().get("/metrics")
    assert response.status_code == 200
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            if sample.name == series and sample.labels == labels:
                return float(sample.value)
    raise AssertionError(f"no {series} {labels}")
