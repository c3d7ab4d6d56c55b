"""People of a world who are signed in."""

from datetime import UTC, datetime

from clinic.accounts.models import User
from clinic.accounts.refresh_families import start_family
from clinic.accounts.tokens import FamilyToken
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from testkit.clinic.world import World, fresh


class SignedIn:
    """The module's people: each has signed in once. A token is made for each use, since it is good for minutes only."""

    def __init__(self, world: World) -> None:
        self._families: dict[str, FamilyToken] = {}
        self._sessions: dict[str, str] = {}
        for name, user in vars(world).items():
            if isinstance(user, User):
                self._families[name] = start_family(user=fresh(user), now=datetime.now(UTC))
                client = Client()
                client.force_login(user)
                self._sessions[name] = client.session.session_key or ""

    def headers(self, name: str) -> dict[str, str]:
        """For the API. Whoever is none of the people has none."""
        if name not in self._families:
            return {}
        family = self._families[name]
        family.current_time = datetime.now(UTC)
        return {"Authorization": f"Bearer {family.access_token}"}

    def client(self, name: str) -> APIClient:
        client = APIClient()
        if name in self._families:
            client.credentials(HTTP_AUTHORIZATION=self.headers(name)["Authorization"])
        return client

    def browser(self, name: str) -> Client:
        """With a session, and no token."""
        client = Client()
        if name in self._sessions:
            client.cookies[settings.SESSION_COOKIE_NAME] = self._sessions[name]
        return client
