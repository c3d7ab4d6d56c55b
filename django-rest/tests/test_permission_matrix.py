"""Every route and method by every person. A route that is not in the table fails the last tests of this file."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.accounts.services import issue_tokens
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.common.accepted import accepted_by
from clinic.outbox.models import Channel, Message
from clinic.scheduling.models import Hold, ScheduleException
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist
from config import urls
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django.views.generic import RedirectView
from rest_framework.views import APIView

from .conftest import NEW_PASSWORD, PASSWORD, World, fresh, in_days
from .feed_rows import make_hold

PEOPLE = ("olga", "sam", "petra", "quentin", "paula", "pete", "otto", "nobody")

# Olga owns, Sam is staff, Petra treats Paula. Quentin, Pete and Otto (who owns another clinic) have no part in it.
TABLE = """
                                                  olga sam petra quentin paula pete otto nobody
POST   token                                      200  200  200   200     200   200  200  200
POST   token/refresh                              200  200  200   200     200   200  200  200
POST   token/verify                               200  200  200   200     200   200  200  200
POST   token/blacklist                            200  200  200   200     200   200  200  200
POST   auth/patient/signup                        201  201  201   201     201   201  201  201
POST   auth/patient/login                         200  200  200   200     200   200  200  200
POST   auth/doctor/login                          200  200  200   200     200   200  200  200
POST   auth/refresh                               200  200  200   200     200   200  200  200
POST   auth/logout                                200  200  200   200     200   200  200  200
POST   auth/logout-everywhere                     200  200  200   200     200   200  200  401
POST   auth/stream-ticket                         200  200  200   200     200   200  200  401
POST   auth/password/change                       200  200  200   200     200   200  200  401
POST   auth/password/reset                        202  202  202   202     202   202  202  202
POST   auth/password/reset/confirm                400  400  400   400     400   400  400  400
POST   users/me/photo                             400  400  400   400     400   400  400  401
DELETE users/me/photo                             200  200  200   200     200   200  200  401
POST   profiles/me/photo                          400  400  400   400     400   400  400  401
DELETE profiles/me/photo                          200  200  200   200     200   200  200  401
GET    photos/<photo>                             404  404  404   404     404   404  404  404
GET    users/me                                   200  200  200   200     200   200  200  401
PATCH  users/me                                   200  200  200   200     200   200  200  401
PUT    users/me                                   200  200  200   200     200   200  200  401
GET    profiles/me                                200  200  200   200     200   200  200  401
PATCH  profiles/me                                200  200  200   200     200   200  200  401
PUT    profiles/me                                200  200  200   200     200   200  200  401
GET    clinic                                     200  200  200   200     200   200  200  200
PATCH  clinic                                     200  403  403   403     403   403  200  401
GET    services                                   200  200  200   200     200   200  200  200
POST   services                                   201  403  403   403     403   403  201  401
GET    services/<service>                         200  200  200   200     200   200  404  200
PATCH  services/<service>                         200  403  403   403     403   403  404  401
DELETE services/<service>                         204  403  403   403     403   403  404  401
GET    practitioners                              200  200  200   200     200   200  200  200
POST   practitioners                              201  403  403   403     403   403  201  401
GET    doctors                                    200  200  200   200     200   200  200  200
POST   doctors                                    201  403  403   403     403   403  201  401
GET    profiles/dentists                          200  200  200   200     200   200  200  200
POST   profiles/dentists                          201  403  403   403     403   403  201  401
GET    practitioners/<practitioner>               200  200  200   200     200   200  404  200
PATCH  practitioners/<practitioner>               200  403  403   403     403   403  404  401
DELETE practitioners/<practitioner>               409  403  403   403     403   403  404  401
GET    doctors/<practitioner>                     200  200  200   200     200   200  404  200
PATCH  doctors/<practitioner>                     200  403  403   403     403   403  404  401
DELETE doctors/<practitioner>                     409  403  403   403     403   403  404  401
GET    profiles/dentists/<practitioner>           200  200  200   200     200   200  404  200
PATCH  profiles/dentists/<practitioner>           200  403  403   403     403   403  404  401
DELETE profiles/dentists/<practitioner>           409  403  403   403     403   403  404  401
GET    practitioners/<practitioner>/availability  200  200  200   200     200   200  404  200
PUT    practitioners/<practitioner>/availability  200  200  200   404     403   403  404  401
GET    availability/<practitioner>                200  200  200   200     200   200  404  200
PUT    availability/<practitioner>                200  200  200   404     403   403  404  401
GET    schedule-exceptions                        200  200  200   200     403   403  200  401
POST   schedule-exceptions                        201  201  201   404     403   403  404  401
GET    schedule-exceptions/<exception>            200  200  200   404     403   403  404  401
PATCH  schedule-exceptions/<exception>            200  200  200   404     403   403  404  401
DELETE schedule-exceptions/<exception>            204  204  204   404     403   403  404  401
GET    practitioners/<practitioner>/slots         200  200  200   200     200   200  404  200
GET    doctors/<practitioner>/slots               200  200  200   200     200   200  404  200
GET    availability/<practitioner>/slots          200  200  200   200     200   200  404  200
GET    slots                                      200  200  200   200     200   200  200  200
POST   holds                                      201  201  201   403     201   201  404  201
POST   availability/reserve                       201  201  201   403     201   201  404  201
DELETE availability/reserve/<hold>                404  404  404   404     204   404  404  404
DELETE holds/<hold>                               404  404  404   404     204   404  404  404
GET    patients                                   200  200  200   200     403   403  200  401
POST   patients                                   201  201  403   403     403   403  201  401
GET    patients/<patient>                         200  200  200   404     403   403  404  401
PATCH  patients/<patient>                         200  200  403   403     403   403  404  401
GET    patients/<patient>/possible-duplicates     200  200  403   403     403   403  404  401
POST   patients/<patient>/merge                   409  409  403   403     403   403  404  401
POST   patients/<patient>/link                    409  409  403   403     403   403  404  401
POST   patients/<patient>/unlink                  200  200  403   403     403   403  404  401
GET    patients/<patient>/history                 200  200  403   403     403   403  404  401
GET    staff                                      200  403  403   403     403   403  200  401
POST   staff                                      201  403  403   403     403   403  201  401
GET    staff/<user>                               200  403  403   403     403   403  404  401
PATCH  staff/<user>                               200  403  403   403     403   403  404  401
DELETE staff/<user>                               204  403  403   403     403   403  404  401
GET    time/now                                   200  200  200   200     200   200  200  200
GET    appointments                               200  200  200   200     200   200  200  401
POST   appointments                               201  201  201   403     201   404  404  401
GET    appointments/<appointment>                 200  200  200   404     200   404  404  401
PATCH  appointments/<appointment>                 200  200  200   404     403   404  404  401
PUT    appointments/<appointment>                 200  200  200   404     403   404  404  401
DELETE appointments/<appointment>                 204  204  204   404     204   404  404  401
POST   appointments/<appointment>/confirm         200  200  200   404     200   404  404  401
PATCH  appointments/<appointment>/confirm         200  200  200   404     200   404  404  401
POST   appointments/<appointment>/reject          200  200  200   404     403   404  404  401
PATCH  appointments/<appointment>/reject          200  200  200   404     403   404  404  401
POST   appointments/<appointment>/cancel          200  200  200   404     200   404  404  401
PATCH  appointments/<appointment>/cancel          200  200  200   404     200   404  404  401
POST   appointments/<appointment>/check-in        200  200  200   404     403   404  404  401
PATCH  appointments/<appointment>/check-in        200  200  200   404     403   404  404  401
POST   appointments/<appointment>/complete        200  200  200   404     403   404  404  401
PATCH  appointments/<appointment>/complete        200  200  200   404     403   404  404  401
POST   appointments/<appointment>/no-show         200  200  200   404     403   404  404  401
PATCH  appointments/<appointment>/no-show         200  200  200   404     403   404  404  401
POST   appointments/<appointment>/reopen          200  200  200   404     403   404  404  401
PATCH  appointments/<appointment>/reopen          200  200  200   404     403   404  404  401
POST   appointments/<appointment>/reschedule      200  200  200   404     200   404  404  401
GET    appointments/<appointment>/history         200  200  200   404     200   404  404  401
GET    appointments/by_phone                      200  200  200   200     403   403  200  403
GET    appointments/summary                       200  200  200   200     200   200  200  401
GET    appointments/stats                         200  200  200   200     403   403  200  401
GET    appointments/stats/doctor/<practitioner>   200  200  200   403     403   403  404  401
GET    appointments/stats/practitioners/<practitioner> 200 200 200 403    403   403  404  401
GET    appointments/export.csv                    200  200  200   200     200   200  200  401
POST   public/bookings                            201  201  201   201     201   201  201  201
GET    public/bookings/<reference>                200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/cancel         200  200  200   200     200   200  200  200
POST   public/phone-codes                         202  202  202   202     202   202  202  202
POST   appointments/series                        201  201  201   403     403   403  404  401
GET    appointments/series/<series>               200  200  200   404     200   404  404  401
PATCH  appointments/series/<series>               200  200  200   404     403   404  404  401
DELETE appointments/series/<series>               200  200  200   404     403   404  404  401
GET    series/<series>                            200  200  200   404     200   404  404  401
PATCH  series/<series>                            200  200  200   404     403   404  404  401
DELETE series/<series>                            200  200  200   404     403   404  404  401
GET    history                                    200  200  200   200     200   200  200  401
GET    waitlist                                   200  200  200   200     200   200  200  401
POST   waitlist                                   201  201  201   403     201   404  404  401
GET    waitlist/<entry>                           200  200  200   404     200   404  404  401
PATCH  waitlist/<entry>                           200  200  200   404     200   404  404  401
DELETE waitlist/<entry>                           204  204  204   404     204   404  404  401
GET    waitlist/offers/<token>                    200  200  200   200     200   200  200  200
POST   waitlist/offers/<token>/accept             200  200  200   200     200   200  200  200
POST   waitlist/offers/<token>/decline            200  200  200   200     200   200  200  200
GET    notifications                              200  200  200   200     200   200  200  401
POST   notifications/read-all                     200  200  200   200     200   200  200  401
POST   notifications/<notification>/read          404  404  404   404     200   404  404  401
GET    messages                                   200  200  403   403     403   403  200  401
POST   twilio/webhook                             403  403  403   403     403   403  403  403
POST   twilio/status                              403  403  403   403     403   403  403  403
GET    health                                     200  200  200   200     200   200  200  200
GET    /health                                    200  200  200   200     200   200  200  200
GET    /livez                                     200  200  200   200     200   200  200  200
GET    /readyz                                    200  200  200   200     200   200  200  200
GET    /metrics                                   200  200  200   200     200   200  200  200
GET    /favicon.ico                               200  200  200   200     200   200  200  200
GET    /favicon.svg                               200  200  200   200     200   200  200  200
GET    /sign-in                                   302  302  302   302     302   302  302  200
POST   /sign-in                                   302  302  302   302     302   302  302  302
POST   /sign-out                                  302  302  302   302     302   302  302  302
GET    /password                                  200  200  200   200     200   200  200  200
POST   /password                                  200  200  200   200     200   200  200  200
GET    /password/forgotten                        200  200  200   200     200   200  200  200
POST   /password/forgotten                        200  200  200   200     200   200  200  200
GET    /board                                     200  200  200   200     403   403  200  302
POST   /board/token                               200  200  200   200     403   403  200  401
GET    /api/schema                                200  200  200   200     200   200  200  200
GET    /api/docs                                  200  200  200   200     200   200  200  200
GET    /api/redoc                                 200  200  200   200     200   200  200  200
"""

Route = tuple[str, str]


def read_table() -> dict[Route, dict[str, int]]:
    header, *lines = TABLE.strip("\n").splitlines()
    assert tuple(header.split()) == PEOPLE
    rows = [line.split() for line in lines]
    return {(method, path): dict(zip(PEOPLE, map(int, answers), strict=True)) for method, path, *answers in rows}


EXPECTED = read_table()

# Ada is a superuser of no clinic. Her token does what everybody's does: her own account, and what is open to all.
# Elsewhere she is refused, or finds nothing.
SUPERUSER_SEES_NOTHING_IN = {
    "GET appointments",
    "GET appointments/by_phone",
    "GET appointments/export.csv",
    "GET appointments/stats",
    "GET appointments/summary",
    "GET history",
    "GET holds",
    "GET notifications",
    "GET patients",
    "GET schedule-exceptions",
    "GET waitlist",
}
# These answer from the state an appointment has on its day; the others from a request for next week.
ON_THE_DAY = {"check-in": "confirmed", "complete": "confirmed", "no-show": "confirmed", "reopen": "no_show"}

# For browsers: they have a session, and are no part of the API's document.
PAGES = {"/sign-in", "/sign-out", "/password", "/password/forgotten", "/board", "/board/token"}

WHOLE_WEEK: dict[str, object] = {
    "blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]
}


@pytest.fixture
def appointment(world: World, route: Route) -> Appointment:
    """Paula's with Petra."""
    status = ON_THE_DAY.get(route[1].rpartition("/")[2])
    made = world.book(in_days(7)(9)) if status is None else world.book_now()
    Appointment.objects.filter(pk=made.pk).update(status=status or "pending", reference="of-paulas")
    return made


def body_of(world: World, route: Route) -> dict[str, object] | None:
    method, path = route
    if method in ("GET", "DELETE"):
        return None
    pair = issue_tokens(user=fresh(world.sam))
    with_petra = {"practitioner": world.petra.practitioner.pk, "start": in_days(8)(9).isoformat()}
    bodies: dict[str, dict[str, object]] = {
        "token": {"username": world.sam.email, "password": PASSWORD},
        "token/verify": {"token": pair.access},
        "auth/patient/login": {"username": world.paula.email, "password": PASSWORD},
        "auth/doctor/login": {"username": world.sam.email, "password": PASSWORD},
        "auth/patient/signup": {
            "name": "Nora",
            "email": "nora@example.org",
            "phone": "030 1234567",
            "password": PASSWORD,
            "clinic": "riverside",
        },
        "auth/password/change": {"old_password": PASSWORD, "new_password": NEW_PASSWORD},
        "auth/password/reset": {"email": world.sam.email},
        "auth/password/reset/confirm": {"token": "no such token", "password": NEW_PASSWORD},
        "users/me": {"name": "New", "email": "new@example.org", "phone": None},
        "profiles/me": {"name": "New", "email": "new@example.org", "phone": None},
        "public/phone-codes": {"phone": "+491701234567", "clinic": "riverside"},
        "clinic": {"name": "Another name"},
        "services": {"name": "Filling", "duration_minutes": 45},
        "services/<service>": {"name": "Another name"},
        "practitioners": {"name": "Dr Amara"},
        "practitioners/<practitioner>": {"name": "Another name"},
        "practitioners/<practitioner>/availability": WHOLE_WEEK,
        "availability/<practitioner>": WHOLE_WEEK,
        "schedule-exceptions": {"practitioner": world.petra.practitioner.pk, "start_date": f"{in_days(30)(0).date()}"},
        "schedule-exceptions/<exception>": {"reason": "Another reason"},
        "patients": {"name": "Gus"},
        "staff": {"name": "Tara", "email": "tara@riverside.example", "role": "staff"},
        "staff/<user>": {"role": "practitioner"},
        "patients/<patient>": {"name": "Paula N."},
        # Both have an account.
        "patients/<patient>/merge": {"into": world.pete.patient.pk},
        "patients/<patient>/link": {"user": world.pete.pk},
        "appointments": {
            "patient": world.paula.patient.pk,
            "practitioner": world.petra.practitioner.pk,
            "start": in_days(8)(9).isoformat(),
        },
        "appointments/<appointment>": {"notes": "seen"},
        "appointments/series": {
            "patient": world.paula.patient.pk,
            "practitioner": world.petra.practitioner.pk,
            "start": in_days(8)(9).isoformat(),
            "rule": {"frequency": "weekly", "count": 2},
        },
        "appointments/series/<series>": {"notes": "seen"},
        "series/<series>": {"notes": "seen"},
        "waitlist": {
            "patient": world.paula.patient.pk,
            "practitioner": world.petra.practitioner.pk,
            "first_date": in_days(8)(9).date().isoformat(),
            "last_date": in_days(9)(9).date().isoformat(),
        },
        "waitlist/<entry>": {"part_of_day": "morning"},
        "appointments/<appointment>/reschedule": {"start": in_days(8)(9).isoformat()},
        "holds": with_petra,
        "availability/reserve": with_petra,
        "public/bookings": {**with_petra, "clinic": "riverside", "name": "Gus", "phone": "0171 2345678"},
    }
    if path == "/sign-in":
        return {"username": world.sam.email, "password": PASSWORD}
    path = path.replace("doctors", "practitioners").replace("profiles/dentists", "practitioners")
    takes_refresh = {"token/refresh", "token/blacklist", "auth/refresh", "auth/logout"}
    return {"refresh": pair.refresh} if path in takes_refresh else bodies.get(path)


def petras_day_off(world: World) -> int:
    day = in_days(30)(0).date()
    return ScheduleException.objects.create(
        clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day
    ).pk


def paulas_wish(world: World) -> WaitlistEntry:
    """For Petra, in ten days."""
    day = in_days(10)(9).date()
    return join_waitlist(
        actor=Actor.by_user(fresh(world.paula)),
        clinic=world.clinic,
        patient_id=None,
        wishes=Wishes(first_date=day, last_date=day, practitioner_id=world.petra.practitioner.pk),
        now=timezone.now(),
    )


def offer_to_paula(world: World) -> str:
    taken, entry = world.book(in_days(10)(9), patient=world.pete), paulas_wish(world)
    world.client(world.sam).delete(f"/api/v1/appointments/{taken.pk}")
    return entry.offers.get().token


def held_by_paula(world: World) -> int:
    hold = make_hold(world.clinic, world.petra, in_days(7)(10))
    Hold.objects.filter(pk=hold.pk).update(user=world.paula)
    return hold.pk


def told_to_paula(world: World) -> int:
    offer_to_paula(world)
    return Message.objects.get(user=world.paula, channel=Channel.IN_APP, template="waitlist_offer").pk


def url_of(world: World, appointment: Appointment, route: Route) -> str:
    path = route[1] if route[1].startswith("/") else f"/api/v1/{route[1]}"
    ids = {
        "practitioner": world.petra.practitioner.pk,
        "patient": world.paula.patient.pk,
        "appointment": appointment.pk,
        "user": world.sam.pk,
        "series": world.book_series(in_days(9)(9)).pk if "<series>" in path else 0,
        "service": world.check_up.pk,
        "exception": petras_day_off(world) if "<exception>" in path else 0,
        "entry": paulas_wish(world).pk if "<entry>" in path else 0,
        "token": offer_to_paula(world) if "<token>" in path else "",
        "hold": held_by_paula(world) if "<hold>" in path else 0,
        "reference": "of-paulas",
        "notification": told_to_paula(world) if "<notification>" in path else 0,
    }
    for name, row_id in ids.items():
        path = path.replace(f"<{name}>", str(row_id))
    day = f"{in_days(8)(9) + timedelta(days=1):%Y-%m-%d}"
    values = {"clinic": "riverside", "date": day, "phone": "%2B491701234567", "scope": "all"}
    needed = {"scope"} if "<series>" in route[1] else {"clinic", "date", "phone"} if route[0] == "GET" else set()
    query = "&".join(f"{name}={values[name]}" for name in sorted(needed & taken_by(route)))
    return f"{path}?{query}"


def taken_by(route: Route) -> frozenset[str]:
    """The parameters of the route."""
    view = ROUTES[route if route[1].startswith("/") else (route[0], f"/api/v1/{route[1]}")]
    return accepted_by(view(), route[0]).query if issubclass(view, APIView) else frozenset()


def at_a_page(user: User | None) -> Client:
    """With a session, as a browser has one; and no token."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.parametrize("route", EXPECTED, ids=" ".join)
def test_each_person_gets_the_answer_of_the_table(world: World, appointment: Appointment, route: Route) -> None:
    url, body = url_of(world, appointment, route), body_of(world, route)

    def ask(name: str) -> int:
        user: User | None = getattr(world, name, None)
        with transaction.atomic():  # Each from the same state.
            client = at_a_page(user) if route[1] in PAGES else world.client(user)
            response: Any = getattr(client, route[0].lower())(url, body)
            transaction.set_rollback(True)
        return int(response.status_code)

    assert {name: ask(name) for name in PEOPLE} == EXPECTED[route]


def open_to_all(route: Route) -> bool:
    return EXPECTED[route]["nobody"] < 300


def own_account(route: Route) -> bool:
    return route[1].startswith(("users/me", "profiles/me", "auth/", "notifications/read-all"))


@pytest.mark.parametrize("route", [each for each in EXPECTED if each[1] not in PAGES], ids=" ".join)
def test_token_of_a_superuser_reads_and_writes_no_clinic(world: World, appointment: Appointment, route: Route) -> None:
    ada = User.objects.create(email="ada@example.org", name="Ada", role="admin", is_staff=True, is_superuser=True)
    url, body = url_of(world, appointment, route), body_of(world, route)
    response: Any = getattr(world.client(ada), route[0].lower())(url, body)
    if open_to_all(route) or (own_account(route) and response.status_code < 500):
        return
    if " ".join(route) in SUPERUSER_SEES_NOTHING_IN:
        assert response.status_code == 200
        text = b"".join(response.streaming_content) if response.streaming else response.content
        assert not any(name in text for name in (b"Paula", b"Petra", b"Check-up"))
    else:
        assert response.status_code in (400, 403, 404, 405)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes_under(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[Route, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes_under(pattern.url_patterns, path)
            continue
        callback: Any = pattern.callback
        view = callback.view_class
        if issubclass(view, RedirectView):  # Signposts for somebody with a browser.
            continue
        named = re.sub("(int|str|slug):", "", path).replace("_id>", ">")
        taken = [method for method in METHODS if method.lower() in view.http_method_names]
        yield from (((method, named), view) for method in taken if hasattr(view, method.lower()))


def every_route() -> dict[Route, Any]:
    outside_of_the_admin = [pattern for pattern in urls.urlpatterns if not str(pattern.pattern).startswith("admin/")]
    return dict(routes_under(outside_of_the_admin, "/"))


ROUTES = every_route()


def test_every_route_is_in_the_table() -> None:
    versioned = {(method, path.removeprefix("/api/v1/")) for method, path in every_route()}
    copies = {("/api/" + path) for _, path in EXPECTED if not path.startswith("/")}
    assert {route for route in versioned if route[1] not in copies} == set(EXPECTED)


FOR_PEOPLE = {"/", "/admin", *PAGES}


def test_a_method_that_a_route_does_not_have_is_405_whoever_asks(world: World) -> None:
    """Whatever the person may do there: nobody may do this. Somebody who is not signed in may be asked to."""
    offered: dict[str, set[str]] = defaultdict(set)
    for method, path in EXPECTED:
        offered[path].add(method)
    clients = {name: world.client(getattr(world, name, None)) for name in PEOPLE}
    unlike: dict[tuple[str, str, str], int] = {}
    for path, methods in offered.items():
        if path in FOR_PEOPLE:  # For people: whoever is not signed in there is led to where they can.
            continue
        url = re.sub("<[^>]+>", "1", path if path.startswith("/") else f"/api/v1/{path}")
        for method, name in product(sorted(set(METHODS) - methods), PEOPLE):
            response = clients[name].generic(method, url)
            if response.status_code != 405 and (name, response.status_code) != ("nobody", 401):
                unlike[name, method, path] = response.status_code
    assert unlike == {}
    allowed = clients["sam"].delete("/api/v1/appointments/1/confirm").headers["Allow"]
    assert set(allowed.split(", ")) == {"POST", "PATCH", "OPTIONS"}


def test_the_unversioned_paths_repeat_the_versioned_ones() -> None:
    routes = every_route()
    versioned = {
        (method, path.removeprefix("/api/v1")): view
        for (method, path), view in routes.items()
        if path.startswith("/api/v1/")
    }
    own = {"/schema", "/docs", "/redoc"}
    unversioned = {
        (method, path.removeprefix("/api")): view
        for (method, path), view in routes.items()
        if path.startswith("/api/") and not path.startswith("/api/v1/") and path.removeprefix("/api") not in own
    }
    assert unversioned == versioned
    assert len(versioned) > 50


@pytest.mark.parametrize("page", ["/admin/login/", "/api/docs"])
def test_every_page_shows_the_sign(world: World, page: str) -> None:
    assert 'href="/favicon.svg"' in world.client().get(page).content.decode()
    for path in ("/favicon.svg", "/favicon.ico"):
        answer = world.client().get(path)
        assert (answer.headers["Content-Type"], answer.content[:4]) == ("image/svg+xml", b"<svg")


@pytest.mark.parametrize(("path", "target"), [("/", "/board"), ("/admin", "/admin/")])
def test_a_browser_is_shown_the_way(world: World, path: str, target: str) -> None:
    response = world.client().get(path)
    assert (response.status_code, response.headers["Location"]) == (302, target)
