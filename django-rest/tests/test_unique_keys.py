"""The unique keys by whose names a refused write is recognised exist."""

import pytest
from clinic.accounts.contacts import EMAIL_KEY
from clinic.accounts.models import User
from clinic.common.models import IdempotencyKey
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import Message
from clinic.outbox.services import UNIQUE_KEY
from clinic.scheduling.models import ClaimedCell
from clinic.scheduling.services import CELL_KEY
from django.db import connection
from django.db.models import Model


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "key"),
    [
        (User, EMAIL_KEY),
        (Message, UNIQUE_KEY),
        (InboundMessage, "provider_id"),
        (IdempotencyKey, "idempotency_key_once"),
        (ClaimedCell, CELL_KEY),
    ],
)
def test_key_is_unique(model: type[Model], key: str) -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert constraints[key]["unique"]
