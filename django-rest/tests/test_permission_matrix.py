"""Every route and method by every person. A route that is not in the table fails the last tests of this file."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from clinic.accounts.models import ContactClaim, RefreshFamily, User
from clinic.accounts.services import issue_tokens
from clinic.accounts.wall_devices import create_device
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment
from clinic.clinic_setup.services.absences import request_absence
from clinic.common.accepted import accepted_by
from clinic.messaging.models import InboundMessage
from clinic.messaging.services.delays import announce_delay
from clinic.outbox.models import DeliveryChannel, Message
from clinic.outbox.push_subscriptions import subscribe
from clinic.people.services.families import add_family_member
from clinic.scheduling.models import Clinic, Hold, ScheduleException
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist
from config import urls
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django.views.generic import RedirectView
from rest_framework.views import APIView

from testkit.clinic.answers import code_of
from testkit.clinic.feed_rows import make_hold
from testkit.clinic.sign_ins import SignedIn
from testkit.clinic.times import in_days
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

PEOPLE = ("olga", "sam", "petra", "quentin", "paula", "pete", "otto", "nobody")
ONE_OF_EACH_ROLE = ("olga", "sam", "petra", "paula", "nobody")

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
GET    devices                                    200  403  403   403     403   403  200  401
POST   devices                                    201  403  403   403     403   403  201  401
DELETE devices/<device>                           204  403  403   403     403   403  404  401
POST   devices/ticket                             200  200  200   200     200   200  200  200
POST   auth/stream-ticket                         200  200  200   200     200   200  200  401
POST   auth/password/change                       200  200  200   200     200   200  200  401
POST   auth/password/reset                        202  202  202   202     202   202  202  202
POST   auth/password/reset/confirm                400  400  400   400     400   400  400  400
POST   auth/email/prove                           400  400  400   400     400   400  400  400
POST   auth/email/resend                          202  202  202   202     202   202  202  401
POST   auth/contact/undo                          400  400  400   400     400   400  400  400
POST   users/me/photo                             400  400  400   400     400   400  400  401
DELETE users/me/photo                             200  200  200   200     200   200  200  401
POST   profiles/me/photo                          400  400  400   400     400   400  400  401
DELETE profiles/me/photo                          200  200  200   200     200   200  200  401
GET    photos/<photo>                             404  404  404   404     404   404  404  404
GET    users/me/family                            403  403  403   403     200   200  403  401
POST   users/me/family                            403  403  403   403     201   201  403  401
GET    users/me/family/<member>                   403  403  403   403     200   404  403  401
PATCH  users/me/family/<member>                   403  403  403   403     200   404  403  401
DELETE users/me/family/<member>                   403  403  403   403     204   404  403  401
GET    users/me/sessions                          200  200  200   200     200   200  200  401
DELETE users/me/sessions/<sign_in>                404  404  404   404     204   404  404  401
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
GET    practitioners/<practitioner>/delay         200  200  200   404     403   403  404  401
POST   practitioners/<practitioner>/delay         200  200  200   404     403   403  404  401
DELETE practitioners/<practitioner>/delay         204  204  204   404     403   403  404  401
GET    absences                                   200  200  200   200     403   403  200  401
POST   absences                                   403  403  201   201     403   403  403  401
GET    absences/<absence>                         200  200  200   404     403   403  404  401
DELETE absences/<absence>                         403  403  204   404     403   403  404  401
POST   absences/<absence>/approve                 200  200  403   403     403   403  404  401
POST   absences/<absence>/decline                 200  200  403   403     403   403  404  401
GET    schedule-exceptions                        200  200  200   200     403   403  200  401
POST   schedule-exceptions                        201  201  201   404     403   403  404  401
GET    schedule-exceptions/conflicts              400  400  400   400     403   403  400  401
GET    schedule-exceptions/<exception>            200  200  200   404     403   403  404  401
PATCH  schedule-exceptions/<exception>            200  200  200   404     403   403  404  401
DELETE schedule-exceptions/<exception>            204  204  204   404     403   403  404  401
GET    practitioners/<practitioner>/slots         200  200  200   200     200   200  404  200
GET    doctors/<practitioner>/slots               200  200  200   200     200   200  404  200
GET    availability/<practitioner>/slots          200  200  200   200     200   200  404  200
GET    slots/soonest                              200  200  200   200     200   200  200  200
GET    patients/matches                           200  200  403   403     403   403  200  401
GET    slots                                      200  200  200   200     200   200  200  200
GET    holds                                      200  200  200   200     200   200  200  401
POST   holds                                      201  201  201   403     201   201  404  201
GET    availability/reserve                       200  200  200   200     200   200  200  401
POST   availability/reserve                       201  201  201   403     201   201  404  201
DELETE availability/reserve/<hold>                404  404  404   404     204   404  404  404
DELETE holds/<hold>                               404  404  404   404     204   404  404  404
POST   holds/<hold>/renew                         404  404  404   404     200   404  404  404
GET    patients                                   200  200  200   200     403   403  200  401
POST   patients                                   201  201  403   403     403   403  201  401
GET    patients/<patient>                         200  200  200   404     403   403  404  401
PATCH  patients/<patient>                         200  200  403   403     403   403  404  401
GET    patients/<patient>/overview                200  200  200   404     403   403  404  401
GET    patients/<patient>/possible-duplicates     200  200  403   403     403   403  404  401
DELETE patients/<patient>/possible-duplicates/<other> 204 204 403 403     403   403  404  401
POST   patients/<patient>/merge                   409  409  403   403     403   403  404  401
POST   patients/<patient>/link                    409  409  403   403     403   403  404  401
POST   patients/<patient>/unlink                  200  200  403   403     403   403  404  401
GET    patients/<patient>/history                 200  200  403   403     403   403  404  401
GET    staff                                      200  403  403   403     403   403  200  401
POST   staff                                      201  403  403   403     403   403  201  401
GET    staff/<user>                               200  403  403   403     403   403  404  401
PATCH  staff/<user>                               200  403  403   403     403   403  404  401
DELETE staff/<user>                               204  403  403   403     403   403  404  401
POST   staff/<user>/invite                        202  403  403   403     403   403  404  401
POST   staff/<user>/photo                         400  403  403   403     403   403  404  401
DELETE staff/<user>/photo                         200  403  403   403     403   403  404  401
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
POST   appointments/<appointment>/undo            403  403  403   404     200   404  404  401
POST   appointments/<appointment>/correct         200  200  200   404     403   404  404  401
POST   appointments/<appointment>/reschedule      200  200  200   404     200   404  404  401
POST   appointments/<appointment>/call            200  200  200   404     403   404  404  401
POST   appointments/<appointment>/revoke-link     200  200  403   404     403   404  404  401
POST   appointments/<appointment>/keep-time       200  200  200   404     403   404  404  401
GET    appointments/<appointment>/history         200  200  200   404     200   404  404  401
GET    appointments/by_phone                      200  200  200   200     403   403  200  403
GET    appointments/summary                       200  200  200   200     200   200  200  401
GET    appointments/stats                         200  200  200   200     403   403  200  401
GET    appointments/stats/doctor/<practitioner>   200  200  200   403     403   403  404  401
GET    appointments/stats/practitioners/<practitioner> 200 200 200 403    403   403  404  401
GET    appointments/export.csv                    200  200  200   200     200   200  200  401
GET    calendar                                   200  200  200   200     403   403  200  401
GET    calendar/day                               200  200  200   200     403   403  200  401
GET    calendar/month                             200  200  200   200     403   403  200  401
GET    reports/summary                            200  200  403   403     403   403  200  401
GET    reports/export.csv                         200  200  403   403     403   403  200  401
POST   public/bookings                            201  201  201   201     201   201  201  201
GET    public/bookings/<reference>                200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/cancel         200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/stream-ticket  200  200  200   200     200   200  200  200
GET    chat/services                              200  200  200   200     200   200  200  200
GET    chat/times                                 200  200  200   200     200   200  200  200
POST   chat/hold                                  201  201  201   201     201   201  201  201
POST   chat/release                               200  200  200   200     200   200  200  200
POST   chat/book                                  201  201  201   201     201   201  201  201
POST   chat/code                                  202  202  202   202     202   202  202  202
POST   chat/visits                                403  403  403   403     403   403  403  403
POST   chat/move                                  200  200  200   200     200   200  200  200
POST   chat/cancel                                200  200  200   200     200   200  200  200
POST   chat/waitlist                              403  403  403   403     403   403  403  403
POST   public/bookings/<reference>/attend         200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/arrive         200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/move           200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/undo           200  200  200   200     200   200  200  200
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
GET    waitlist/overview                          200  200  200   200     403   403  200  401
POST   waitlist/<entry>/offer                     201  201  201   404     403   403  404  401
DELETE waitlist/<entry>/offer                     409  409  409   404     403   403  404  401
GET    waitlist/gaps                              200  200  403   403     403   403  200  401
POST   waitlist/gaps/offer                        200  200  403   403     403   403  404  401
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
GET    push-subscriptions                         200  200  200   200     200   200  200  401
POST   push-subscriptions                         201  201  201   201     201   201  201  401
GET    push-subscriptions/key                     200  200  200   200     200   200  200  200
DELETE push-subscriptions/<subscription>          404  404  404   404     204   404  404  401
GET    public/bookings/<reference>/push-subscriptions 200  200  200   200     200   200  200  200
POST   public/bookings/<reference>/push-subscriptions 201  201  201   201     201   201  201  201
DELETE public/bookings/<reference>/push-subscriptions/<subscription> 404  404  404   404     404   404  404  404
GET    message-wordings                            200  403  403   403     403   403  200  401
GET    message-wordings/<template>/<channel>/<language> 200  403  403   403     403   403  200  401
PUT    message-wordings/<template>/<channel>/<language> 200  403  403   403     403   403  200  401
DELETE message-wordings/<template>/<channel>/<language> 204  403  403   403     403   403  204  401
GET    messages/conversations                     200  200  403   403     403   403  200  401
GET    messages/conversation                      200  200  403   403     403   403  200  401
POST   messages/<received>/reply                  201  201  403   403     403   403  404  401
DELETE messages/<received>/reply                  409  409  403   403     403   403  404  401
POST   messages/<received>/settle                 200  200  403   403     403   403  404  401
DELETE messages/<received>/settle                 200  200  403   403     403   403  404  401
POST   messages/<message>/send-again              409  409  403   403     403   403  404  401
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
GET    /a/<reference>                             200  200  200   200     200   200  200  200
POST   /a/<reference>                             400  400  400   400     400   400  400  400
GET    /a/<reference>/card                        200  200  200   200     200   200  200  200
GET    /a/<reference>/visit.ics                   200  200  200   200     200   200  200  200
GET    /offer/<token>                             200  200  200   200     200   200  200  200
POST   /offer/<token>                             302  302  302   302     302   302  302  302
GET    /wall/<wall_token>                         200  200  200   200     200   200  200  200
GET    /wall/<wall_token>/facts                   200  200  200   200     200   200  200  200
GET    /password                                  200  200  200   200     200   200  200  200
POST   /password                                  200  200  200   200     200   200  200  200
GET    /book/<slug>                               200  200  200   200     200   200  200  200
POST   /book/<slug>                               200  200  200   200     200   200  200  200
GET    /status                                    200  200  200   200     200   200  200  200
POST   /status                                    200  200  200   200     200   200  200  200
GET    /email/verify                              200  200  200   200     200   200  200  200
POST   /email/verify                              200  200  200   200     200   200  200  200
GET    /contact/undo                              200  200  200   200     200   200  200  200
POST   /contact/undo                              200  200  200   200     200   200  200  200
GET    /password/forgotten                        200  200  200   200     200   200  200  200
POST   /password/forgotten                        200  200  200   200     200   200  200  200
GET    /calendar                                  200  200  200   200     403   403  200  302
GET    /home                                      200  200  200   200     403   403  200  302
GET    /home/desk                                 200  200  403   403     403   403  200  302
GET    /reports                                   200  200  403   403     403   403  200  302
GET    /board                                     200  200  200   200     403   403  200  302
GET    /                                          302  302  302   302     302   302  302  302
GET    /me                                        302  302  302   302     200   200  302  302
POST   /language                                  302  302  302   302     302   302  302  302
GET    /words/<language>-<version>.js             200  200  200   200     200   200  200  200
GET    /me/book                                  302  302  302   302     200   200  302  302
GET    /me/waitlist/add                          302  302  302   302     200   200  302  302
GET    /me/family                                302  302  302   302     200   200  302  302
GET    /me/family/add                            302  302  302   302     200   200  302  302
GET    /me/account                               302  302  302   302     200   200  302  302
GET    /me/profile                               302  302  302   302     200   200  302  302
GET    /me/preferences                           302  302  302   302     200   200  302  302
GET    /me/password                              302  302  302   302     200   200  302  302
GET    /me/photo                                 302  302  302   302     200   200  302  302
GET    /me/verify/phone                          302  302  302   302     200   200  302  302
POST   /me/book                                  302  302  302   302     200   200  302  302
POST   /me/waitlist/add                          302  302  302   302     200   200  302  302
POST   /me/family/add                            302  302  302   302     200   200  302  302
POST   /me/profile                               302  302  302   302     200   200  302  302
POST   /me/preferences                           302  302  302   302     302   302  302  302
POST   /me/password                              302  302  302   302     200   200  302  302
POST   /me/photo                                 302  302  302   302     200   200  302  302
POST   /me/verify/phone                          302  302  302   302     200   200  302  302
POST   /me/photo/remove                          302  302  302   302     302   302  302  302
POST   /me/sign-out-everywhere                   302  302  302   302     302   302  302  302
POST   /me/verify/mail                           302  302  302   302     302   302  302  302
POST   /me/verify/code                           302  302  302   302     302   302  302  302
POST   /me/visits/<visit>/promise                302  302  302   302     302   404  302  302
GET    /me/visits/<visit>/cancel                 302  302  302   302     200   404  302  302
GET    /me/visits/<visit>/move                   302  302  302   302     200   404  302  302
POST   /me/visits/<visit>/cancel                 302  302  302   302     302   404  302  302
POST   /me/visits/<visit>/move                   302  302  302   302     200   404  302  302
POST   /me/waitlist/<entry>/leave                302  302  302   302     302   404  302  302
GET    /me/family/<member>/edit                  302  302  302   302     200   404  302  302
POST   /me/family/<member>/edit                  302  302  302   302     200   404  302  302
POST   /me/family/<member>/remove                302  302  302   302     302   404  302  302
POST   /me/sign-ins/<sign_in>/end                302  302  302   302     302   404  302  302
GET    /manifest.webmanifest                      200  200  200   200     200   200  200  200
GET    /service-worker.js                         200  200  200   200     200   200  200  200
GET    /offline                                   200  200  200   200     200   200  200  200
GET    /sign-up                                  302  302  302   302     302   302  302  200
POST   /sign-up                                  302  302  302   302     302   302  302  200
POST   /me/token                                  403  403  403   403     200   200  403  401
POST   /board/token                               200  200  200   200     403   403  200  401
GET    /settings/clinic                            200  403  403   403     403   403  200  302
POST   /settings/clinic                            200  403  403   403     403   403  200  302
GET    /settings/policy                            200  403  403   403     403   403  200  302
POST   /settings/policy                            200  403  403   403     403   403  200  302
GET    /settings/reminders                         200  403  403   403     403   403  200  302
POST   /settings/reminders                         200  403  403   403     403   403  200  302
GET    /settings/closures                          200  403  403   403     403   403  200  302
POST   /settings/closures                          200  403  403   403     403   403  200  302
GET    /settings/hours/clinic                      200  403  403   403     403   403  200  302
POST   /settings/hours/clinic                      200  403  403   403     403   403  200  302
GET    /settings/services/new                      200  403  403   403     403   403  200  302
POST   /settings/services/new                      200  403  403   403     403   403  200  302
GET    /settings/staff/invite                      200  403  403   403     403   403  200  302
POST   /settings/staff/invite                      200  403  403   403     403   403  200  302
GET    /settings/practitioners/new                 200  403  403   403     403   403  200  302
POST   /settings/practitioners/new                 200  403  403   403     403   403  200  302
GET    /settings/hours                             200  403  403   403     403   403  200  302
GET    /settings/services                          200  403  403   403     403   403  200  302
GET    /settings/staff                             200  403  403   403     403   403  200  302
GET    /settings/messages                          200  403  403   403     403   403  200  302
GET    /settings/services/<service>                200  403  403   403     403   403  404  302
POST   /settings/services/<service>                200  403  403   403     403   403  404  302
GET    /settings/practitioners/<practitioner>      200  403  403   403     403   403  404  302
POST   /settings/practitioners/<practitioner>      200  403  403   403     403   403  404  302
GET    /settings/hours/<practitioner>              200  403  403   403     403   403  404  302
POST   /settings/hours/<practitioner>              200  403  403   403     403   403  404  302
GET    /settings/closures/<exception>              200  403  403   403     403   403  404  302
POST   /settings/closures/<exception>              200  403  403   403     403   403  404  302
GET    /settings/staff/<user>                      200  403  403   403     403   403  404  302
POST   /settings/staff/<user>                      200  403  403   403     403   403  404  302
POST   /settings/services/<service>/active         302  403  403   403     403   403  404  302
POST   /settings/practitioners/<practitioner>/active 200  403  403   403     403   403  404  302
POST   /settings/closures/<exception>/visits       302  403  403   403     403   403  404  302
POST   /settings/closures/<exception>/remove       302  403  403   403     403   403  404  302
POST   /settings/staff/<user>/link                 302  403  403   403     403   403  404  302
POST   /settings/staff/<user>/active               302  403  403   403     403   403  404  302
POST   /settings/staff/<user>/photo                200  403  403   403     403   403  404  302
GET    /settings/walls                              200  403  403   403     403   403  200  302
POST   /settings/walls                              302  403  403   403     403   403  302  302
GET    /settings/walls/new                          200  403  403   403     403   403  200  302
POST   /settings/walls/new                          200  403  403   403     403   403  200  302
POST   /settings/walls/<device>/revoke              302  403  403   403     403   403  404  302
POST   /settings/undo/<appointment>                302  403  403   403     403   403  302  302
GET    /settings/messages/<template>/<channel>/<language> 200  403  403   403     403   403  200  302
POST   /settings/messages/<template>/<channel>/<language> 200  403  403   403     403   403  200  302
POST   /settings/messages/<template>/<channel>/<language>/preview 200  403  403   403     403   403  200  302
POST   /settings/messages/<template>/<channel>/<language>/standard 302  403  403   403     403   403  302  302
GET    /patients                                  200  200  200   200     403   403  200  302
GET    /patients/new                              200  200  403   403     403   403  200  302
POST   /patients/new                              302  302  403   403     403   403  302  302
GET    /patients/<patient>                        200  200  200   404     403   403  404  302
GET    /patients/<patient>/edit                   200  200  403   403     403   403  404  302
POST   /patients/<patient>/edit                   302  302  403   403     403   403  404  302
GET    /patients/<patient>/merge                  200  200  403   403     403   403  404  302
POST   /patients/<patient>/merge                  200  200  403   403     403   403  404  302
POST   /patients/<patient>/distinct               302  302  403   403     403   403  404  302
GET    /patients/<patient>/link                   200  200  403   403     403   403  404  302
POST   /patients/<patient>/link                   302  302  403   403     403   403  404  302
POST   /patients/<patient>/unlink                 302  302  403   403     403   403  404  302
GET    /patients/<patient>/visits/<visit>/move    200  200  200   404     403   403  404  302
POST   /patients/<patient>/visits/<visit>/move    302  302  302   404     403   403  404  302
POST   /patients/<patient>/visits/<visit>/undo    302  302  302   404     403   403  404  302
GET    /waitlist                                  200  200  200   200     403   403  200  302
GET    /waitlist/add                              200  200  403   403     403   403  200  302
POST   /waitlist/add                              302  302  403   403     403   403  404  302
POST   /waitlist/<entry>/offer                    302  302  302   404     403   403  404  302
POST   /waitlist/<entry>/take-back                302  302  302   404     403   403  404  302
POST   /waitlist/<entry>/answer                   302  302  302   404     403   403  404  302
POST   /waitlist/<entry>/remove                   302  302  302   404     403   403  404  302
GET    /messages                                  200  200  403   403     403   403  200  302
POST   /messages/<received>/reply                 302  302  403   403     403   403  404  302
POST   /messages/<received>/withdraw              302  302  403   403     403   403  404  302
POST   /messages/<received>/settle                302  302  403   403     403   403  404  302
POST   /messages/<message>/send-again             302  302  403   403     403   403  404  302
GET    /clients/js/<version>/<name>               404  404  404   404     404   404  404  404
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
    "GET availability/reserve",
    "GET holds",
    "GET notifications",
    "GET patients",
    "GET absences",
    "GET schedule-exceptions",
    "GET waitlist",
}
# These answer from the state an appointment has on its day; the others from a request for next week.
ON_THE_DAY = {
    "arrive": "confirmed",
    "call": "confirmed",
    "check-in": "confirmed",
    "complete": "confirmed",
    "no-show": "confirmed",
    "reopen": "no_show",
}
ON_THE_DAY["correct"] = "completed"

# For browsers: they have a session, and are no part of the API's document.
PAGES = {
    "/messages",
    "/messages/<message>/send-again",
    "/messages/<received>/reply",
    "/messages/<received>/settle",
    "/messages/<received>/withdraw",
    "/patients",
    "/patients/<patient>",
    "/patients/<patient>/distinct",
    "/patients/<patient>/edit",
    "/patients/<patient>/link",
    "/patients/<patient>/merge",
    "/patients/<patient>/unlink",
    "/patients/<patient>/visits/<visit>/move",
    "/patients/<patient>/visits/<visit>/undo",
    "/patients/new",
    "/waitlist",
    "/waitlist/<entry>/answer",
    "/waitlist/<entry>/offer",
    "/waitlist/<entry>/remove",
    "/waitlist/<entry>/take-back",
    "/waitlist/add",
    "/sign-in",
    "/sign-out",
    "/a/<reference>",
    "/a/<reference>/card",
    "/a/<reference>/visit.ics",
    "/offer/<token>",
    "/wall/<wall_token>",
    "/wall/<wall_token>/facts",
    "/password",
    "/password/forgotten",
    "/book/<slug>",
    "/status",
    "/email/verify",
    "/contact/undo",
    "/home",
    "/home/desk",
    "/reports",
    "/board",
    "/calendar",
    "/board/token",
    "/settings/clinic",
    "/settings/policy",
    "/settings/reminders",
    "/settings/closures",
    "/settings/hours/clinic",
    "/settings/services/new",
    "/settings/staff/invite",
    "/settings/practitioners/new",
    "/settings/hours",
    "/settings/services",
    "/settings/staff",
    "/settings/messages",
    "/settings/services/<service>",
    "/settings/practitioners/<practitioner>",
    "/settings/hours/<practitioner>",
    "/settings/closures/<exception>",
    "/settings/staff/<user>",
    "/settings/services/<service>/active",
    "/settings/practitioners/<practitioner>/active",
    "/settings/closures/<exception>/visits",
    "/settings/closures/<exception>/remove",
    "/settings/staff/<user>/link",
    "/settings/staff/<user>/active",
    "/settings/staff/<user>/photo",
    "/settings/walls",
    "/settings/walls/<device>/revoke",
    "/settings/walls/new",
    "/settings/undo/<appointment>",
    "/settings/messages/<template>/<channel>/<language>",
    "/settings/messages/<template>/<channel>/<language>/preview",
    "/settings/messages/<template>/<channel>/<language>/standard",
    "/",
    "/me",
    "/manifest.webmanifest",
    "/offline",
    "/service-worker.js",
    "/me/token",
    "/me/account",
    "/me/book",
    "/me/family",
    "/me/family/<member>/edit",
    "/me/family/<member>/remove",
    "/me/family/add",
    "/me/password",
    "/me/photo",
    "/me/photo/remove",
    "/me/preferences",
    "/me/profile",
    "/me/sign-ins/<sign_in>/end",
    "/me/sign-out-everywhere",
    "/me/verify/code",
    "/me/verify/mail",
    "/me/verify/phone",
    "/me/visits/<visit>/cancel",
    "/me/visits/<visit>/move",
    "/me/visits/<visit>/promise",
    "/me/waitlist/<entry>/leave",
    "/me/waitlist/add",
    "/sign-up",
    "/language",
    "/words/<language>-<version>.js",
}

OF_PAULAS = "of-paulas"
BROWSER = {"endpoint": "https://push.example.org/send/1", "p256dh": "B" * 87, "auth": "a" * 22}

WHOLE_WEEK: dict[str, object] = {
    "blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]
}


@pytest.fixture
def world(shared_world: World) -> World:
    return shared_world


@pytest.fixture(scope="module")
def usual_visit(world_of_the_module: World) -> Appointment:
    made = world_of_the_module.book(in_days(7)(9))
    Appointment.objects.filter(pk=made.pk).update(status="pending", reference=OF_PAULAS)
    return made


@pytest.fixture
def appointment(world: World, usual_visit: Appointment, route: Route) -> Appointment:
    """Paula's with Petra."""
    if status := ON_THE_DAY.get(route[1].rpartition("/")[2]):
        Appointment.objects.filter(pk=usual_visit.pk).update(reference="of-another")
        made = world.book_now()
        Appointment.objects.filter(pk=made.pk).update(status=status, reference=OF_PAULAS)
        return made
    if route[1].endswith("/undo"):  # Of a step of Paula's own.
        Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
        world.client(world.paula).post(f"/api/v1/appointments/{usual_visit.pk}/cancel")
    return usual_visit


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
        "users/me/family": {"name": "Mia"},
        "users/me/family/<member>": {"birth_date": "2019-04-30"},
        "auth/email/prove": {"token": "no such token"},
        "auth/contact/undo": {"token": "no such token"},
        "users/me": {"name": "New", "email": "new@example.org", "phone": None, "password": PASSWORD},
        "profiles/me": {"name": "New", "email": "new@example.org", "phone": None, "password": PASSWORD},
        "devices": {"name": "Hall", "kind": "team"},
        "devices/ticket": {"token": hung_by_olga(world)[1]} if path == "devices/ticket" else {},
        "public/phone-codes": {"phone": "+491701234567", "clinic": "riverside"},
        "clinic": {"name": "Another name"},
        "services": {"name": "Filling", "duration_minutes": 45},
        "services/<service>": {"name": "Another name"},
        "practitioners": {"name": "Dr Amara"},
        "practitioners/<practitioner>": {"name": "Another name"},
        "practitioners/<practitioner>/availability": WHOLE_WEEK,
        "availability/<practitioner>": WHOLE_WEEK,
        "schedule-exceptions": {"practitioner": world.petra.practitioner.pk, "start_date": f"{in_days(30)(0).date()}"},
        "practitioners/<practitioner>/delay": {"minutes": 10},
        "absences": {"start_date": f"{in_days(30)(0).date()}"},
        "absences/<absence>/approve": {},
        "absences/<absence>/decline": {"answer": "Somebody else is away"},
        "waitlist/gaps/offer": {
            "practitioner": world.petra.practitioner.pk,
            "start": in_days(8)(9).isoformat(),
            "end": in_days(8)(10).isoformat(),
        },
        "schedule-exceptions/<exception>": {"reason": "Another reason"},
        "patients": {"name": "Gus"},
        "push-subscriptions": push_body(),
        "public/bookings/<reference>/push-subscriptions": push_body(),
        "message-wordings/<template>/<channel>/<language>": {"body": "Until {when}"},
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
        "waitlist/<entry>/offer": {
            "practitioner": world.petra.practitioner.pk,
            "start": in_days(10)(11).isoformat(),
        },
        "messages/<received>/reply": {"text": "Yes."},
        "/messages/<received>/reply": {"text": "Yes."},
        "/patients/new": {"name": "Gus"},
        "/patients/<patient>/edit": {"name": "Paula N."},
        "/patients/<patient>/merge": {"into": world.pete.patient.pk},
        "/patients/<patient>/distinct": {"other": world.pete.patient.pk},
        "/patients/<patient>/link": {"other": world.pete.patient.pk},
        "/patients/<patient>/visits/<visit>/move": {"to": petras_time(world, 8)},
        "/waitlist/<entry>/offer": {"to": petras_time(world, 10)},
        "/waitlist/add": {
            "patient": world.paula.patient.pk,
            "first_date": f"{in_days(8)(9):%Y-%m-%d}",
            "last_date": f"{in_days(9)(9):%Y-%m-%d}",
            "part_of_day": "any",
            "priority": 0,
        },
        "waitlist/<entry>": {"part_of_day": "morning"},
        "appointments/<appointment>/reschedule": {"start": in_days(8)(9).isoformat()},
        "public/bookings/<reference>/undo": {"version": 2},
        "public/bookings/<reference>/move": {"start": in_days(8)(9).isoformat()},
        "appointments/<appointment>/undo": {"version": 2},
        "appointments/<appointment>/correct": {"status": "no_show", "reason": "a slip", "version": 1},
        "/language": {"language": "de"},
        "/offer/<token>": {"answer": "no"},
        "holds": with_petra,
        "availability/reserve": with_petra,
        "chat/hold": with_petra,
        "chat/release": {"hold": held_by_nobody(world)} if path == "chat/release" else {},
        "chat/book": {"hold": held_by_nobody(world), "name": "Gus", "phone": "0171 2345678"}
        if path == "chat/book"
        else {},
        "chat/code": {"phone": "+491701234567", "clinic": "riverside"},
        "chat/visits": {"phone": "+491701234567", "clinic": "riverside", "code": "0"},
        "chat/move": {"hold": held_by_nobody(world), "reference": OF_PAULAS} if path == "chat/move" else {},
        "chat/cancel": {"reference": OF_PAULAS},
        "chat/waitlist": {
            "phone": "+491701234567",
            "clinic": "riverside",
            "code": "0",
            "name": "Gus",
            "first_date": f"{in_days(8)(9):%Y-%m-%d}",
            "last_date": f"{in_days(9)(9):%Y-%m-%d}",
        },
        "public/bookings": {**with_petra, "clinic": "riverside", "name": "Gus", "phone": "0171 2345678"},
    }
    if path == "/sign-in":
        return {"username": world.sam.email, "password": PASSWORD}
    path = path.replace("doctors", "practitioners").replace("profiles/dentists", "practitioners")
    takes_refresh = {"token/refresh", "token/blacklist", "auth/refresh", "auth/logout"}
    return {"refresh": pair.refresh} if path in takes_refresh else bodies.get(path)


def push_body() -> dict[str, object]:
    return {"endpoint": BROWSER["endpoint"], "keys": {"p256dh": BROWSER["p256dh"], "auth": BROWSER["auth"]}}


def petras_day_off(world: World) -> int:
    day = in_days(30)(0).date()
    return ScheduleException.objects.create(
        clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day
    ).pk


def petras_request(world: World) -> int:
    day = in_days(30)(0).date()
    return request_absence(user=fresh(world.petra), fields={"start_date": day, "end_date": day}, now=timezone.now()).pk


def petras_delay(world: World) -> None:
    announce_delay(user=fresh(world.petra), practitioner_id=world.petra.practitioner.pk, minutes=10, now=timezone.now())


def paulas_wish(world: World) -> WaitlistEntry:
    """For Petra, in ten days."""
    day = in_days(10)(9).date()
    return join_waitlist(
        actor=UserActor(fresh(world.paula)),
        clinic=world.clinic,
        patient_id=None,
        wishes=Wishes(first_date=day, last_date=day, practitioner_id=world.petra.practitioner.pk),
        now=timezone.now(),
    )


def paulas_daughter(world: World) -> int:
    return add_family_member(user=world.paula, name="Mia", now=timezone.now()).patient_id


def offer_to_paula(world: World) -> str:
    taken, entry = world.book(in_days(10)(9), patient=world.pete), paulas_wish(world)
    world.client(world.sam).delete(f"/api/v1/appointments/{taken.pk}")
    return entry.offers.get().token


def held_by_paula(world: World) -> int:
    hold = make_hold(world.clinic, world.petra, in_days(7)(10))
    Hold.objects.filter(pk=hold.pk).update(user=world.paula, address_hash="paula's")
    return hold.pk


def held_by_nobody(world: World) -> str:
    return make_hold(world.clinic, world.petra, in_days(7)(10)).token


def paulas_browser(world: World) -> int:
    browser: dict[str, Any] = {**BROWSER}
    return subscribe(**browser, now=timezone.now(), user_id=world.paula.pk).pk


def sign_in_of_paula(world: World) -> str:
    issue_tokens(user=fresh(world.paula))
    return RefreshFamily.objects.filter(user=world.paula).latest("created_at").pk


def told_to_paula(world: World) -> int:
    offer_to_paula(world)
    return Message.objects.get(user=world.paula, channel=DeliveryChannel.IN_APP, template="waitlist_offer").pk


def petras_time(world: World, days: int) -> str:
    """As a page names a free time."""
    return f"{world.petra.practitioner.pk}@{in_days(days)(11).isoformat()}"


def written_by_paula(world: World) -> int:
    return InboundMessage.objects.create(
        clinic=world.clinic,
        provider_id="SM1",
        sender="+491701234567",
        phone="+491701234567",
        body="Can I bring my dog?",
        for_desk=True,
        received_at=timezone.now(),
    ).pk


def hung_by_olga(world: World) -> tuple[int, str]:
    """A wall and its token."""
    device, token = create_device(owner=world.olga, name="Hall", kind="team", now=timezone.now())
    return device.pk, token


def told_by_mail(world: World) -> int:
    """On its way."""
    world.book(in_days(10)(9))
    return Message.objects.filter(channel=DeliveryChannel.EMAIL, template="confirmed").latest("pk").pk


def url_of(world: World, appointment: Appointment, route: Route) -> str:
    path = route[1] if route[1].startswith("/") else f"/api/v1/{route[1]}"
    if route == ("DELETE", "practitioners/<practitioner>/delay"):
        petras_delay(world)
    ids = {
        "practitioner": world.petra.practitioner.pk,
        "patient": world.paula.patient.pk,
        "appointment": appointment.pk,
        "visit": appointment.pk,
        "other": world.pete.patient.pk,
        "subscription": paulas_browser(world) if "<subscription>" in path else 0,
        "sign_in": sign_in_of_paula(world) if "<sign_in>" in path else "",
        "member": paulas_daughter(world) if "<member>" in path else 0,
        "user": world.sam.pk,
        "series": world.book_series(in_days(9)(9)).pk if "<series>" in path else 0,
        "service": world.check_up.pk,
        "absence": petras_request(world) if "<absence>" in path else 0,
        "exception": petras_day_off(world) if "<exception>" in path else 0,
        "entry": paulas_wish(world).pk if "<entry>" in path else 0,
        "token": offer_to_paula(world) if "<token>" in path else "",
        "hold": held_by_paula(world) if "<hold>" in path else 0,
        "reference": OF_PAULAS,
        "slug": "riverside",
        "template": "confirmed",
        "channel": "sms",
        "language": "en",
        "received": written_by_paula(world) if "<received>" in path else 0,
        "message": told_by_mail(world) if "<message>" in path else 0,
        "version": "0",
        "device": hung_by_olga(world)[0] if "<device>" in path else 0,
        "wall_token": hung_by_olga(world)[1] if "<wall_token>" in path else "",
        "notification": told_to_paula(world) if "<notification>" in path else 0,
    }
    for name, row_id in ids.items():
        path = path.replace(f"<{name}>", str(row_id))
    day = f"{in_days(8)(9) + timedelta(days=1):%Y-%m-%d}"
    values = {"clinic": "riverside", "date": day, "phone": "%2B491701234567", "scope": "all"}
    needed = {"scope"} if "<series>" in route[1] else {"clinic", "date", "phone"} if route[0] == "GET" else set()
    if route[1] == "patients/matches":
        needed, values = {"search"}, {"search": "Paula"}
    query = "&".join(f"{name}={values[name]}" for name in sorted(needed & taken_by(route)))
    return f"{path}?{query}"


def taken_by(route: Route) -> frozenset[str]:
    """The parameters of the route."""
    view = ROUTES[route if route[1].startswith("/") else (route[0], f"/api/v1/{route[1]}")]
    return accepted_by(view(), route[0]).query if issubclass(view, APIView) else frozenset()


@pytest.mark.parametrize("route", EXPECTED, ids=" ".join)
def test_each_person_gets_the_answer_of_the_table(
    world: World, signed_in: SignedIn, appointment: Appointment, route: Route
) -> None:
    url, body = url_of(world, appointment, route), body_of(world, route)

    def ask(name: str) -> int:
        with transaction.atomic():  # Each from the same state.
            client = signed_in.browser(name) if route[1] in PAGES else signed_in.client(name)
            response: Any = getattr(client, route[0].lower())(url, body)
            transaction.set_rollback(True)
        return int(response.status_code)

    assert {name: ask(name) for name in PEOPLE} == EXPECTED[route]


READING = re.compile(r"\W*(SELECT|SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT|SHOW|SET)\b")
# Addresses that somebody tries to guess are counted on every route.
COUNTS_ATTEMPTS = re.compile(r"\s*INSERT INTO attempt_count\b")
WRITTEN_BY_GET = {
    # At most once a minute: the wall is on.
    "/wall/<wall_token>/facts": re.compile("UPDATE `wall_device` SET `seen_at`"),
    # Once in a session that began without a sign-in, so that it stands in the list and can be ended.
    "/me/account": re.compile("INSERT INTO `refresh_family`|UPDATE `django_session`"),
}
NOTHING = re.compile("(?!)")


def is_read(sql: str) -> bool:
    return READING.match(sql) is not None or COUNTS_ATTEMPTS.match(sql) is not None


@pytest.mark.parametrize("route", [each for each in EXPECTED if each[0] == "GET"], ids=" ".join)
def test_get_writes_nothing(world: World, signed_in: SignedIn, appointment: Appointment, route: Route) -> None:
    url = url_of(world, appointment, route)
    written: dict[str, list[str]] = {}
    for name in PEOPLE:
        client: Any = signed_in.browser(name) if route[1] in PAGES else signed_in.client(name)
        with CaptureQueriesContext(connection) as seen:
            response = client.get(url)
            if response.streaming:
                list(response.streaming_content)
        allowed = WRITTEN_BY_GET.get(route[1], NOTHING)
        statements = [query["sql"] for query in seen if not is_read(query["sql"])]
        written[name] = [sql for sql in statements if not allowed.match(sql)]
    assert {name: statements for name, statements in written.items() if statements} == {}


VERIFIED_ONLY = {"POST waitlist", "POST users/me/family"}


def open_to_all(route: Route) -> bool:
    return EXPECTED[route]["nobody"] < 300


def own_account(route: Route) -> bool:
    return route[1].startswith(("users/me", "profiles/me", "auth/", "notifications/read-all", "push-subscriptions"))


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


OF_PATIENTS = [
    each for each in EXPECTED if each[1] not in PAGES and EXPECTED[each]["paula"] < 300 and not open_to_all(each)
]


@pytest.mark.parametrize("route", OF_PATIENTS, ids=" ".join)
def test_account_with_claims_alone_does_no_more_than_another_patient(
    world: World, appointment: Appointment, route: Route
) -> None:
    """Pete, before he has verified anything. What only a verified account does is refused."""
    url, body = url_of(world, appointment, route), body_of(world, route)
    for kind, value in (("email", world.pete.email), ("phone", world.pete.phone)):
        if value:
            ContactClaim.objects.create(user=world.pete, kind=kind, value=value, created_at=timezone.now())
    User.objects.filter(pk=world.pete.pk).update(email=None, phone=None, phone_verified_at=None)
    response: Any = getattr(world.client(fresh(world.pete)), route[0].lower())(url, body)
    is_refused = response.status_code == 403 and code_of(response) == "contact_not_verified"
    assert is_refused or response.status_code == EXPECTED[route]["pete"]
    assert is_refused or " ".join(route) not in VERIFIED_ONLY


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
    """Refused to every user. A visitor may be asked to sign in instead."""
    offered: dict[str, set[str]] = defaultdict(set)
    for method, path in EXPECTED:
        offered[path].add(method)
    clients = {name: world.client(getattr(world, name, None)) for name in ONE_OF_EACH_ROLE}
    unlike: dict[tuple[str, str, str], int] = {}
    for path, methods in offered.items():
        if path in FOR_PEOPLE:  # For people: whoever is not signed in there is led to where they can.
            continue
        url = re.sub("<[^>]+>", "1", path if path.startswith("/") else f"/api/v1/{path}")
        for method, name in product(sorted(set(METHODS) - methods), ONE_OF_EACH_ROLE):
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


@pytest.mark.parametrize(("path", "target"), [("/", "/sign-in"), ("/admin", "/admin/")])
def test_a_browser_is_shown_the_way(world: World, path: str, target: str) -> None:
    response = world.client().get(path)
    assert (response.status_code, response.headers["Location"]) == (302, target)
