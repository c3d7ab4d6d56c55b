"""The table of contents. Paths are written without their trailing slash; both forms work (ApiPathMiddleware)."""

from clinic.accounts import device_views, session_views
from clinic.accounts import views as accounts
from clinic.appointments.views import (
    appointments,
    calling,
    guests,
    history,
    holds,
    lookups,
    reports,
    series,
    visit_links,
    visit_tickets,
)
from clinic.calendar import views as calendar
from clinic.chat import views as chat
from clinic.clinic_setup.views import absences, clinic, offered_services, schedules
from clinic.compat import urls as compat
from clinic.health import views as health
from clinic.messaging import delay_views, push_views, webhook, wording_views
from clinic.messaging import views as messaging
from clinic.people.views import families, patients, phone_codes, staff
from clinic.portal.urls import ACCOUNT, APP, BOOKING, HOME, RECORDS, SETTINGS, VISITS
from clinic.portal.views import (
    board,
    client_files,
    contact_links,
    favicon,
    language,
    overview,
    passwords,
    sign_in,
    token,
)
from clinic.portal.views import calendar as calendar_page
from clinic.scheduling import views as scheduling
from clinic.waitlist import gap_views
from clinic.waitlist import views as waitlist
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from config.documentation.views import DocumentView

API: list[URLPattern | URLResolver] = [
    # Signing in
    path("token", accounts.SignInView.as_view()),
    path("token/refresh", accounts.RotateView.as_view()),
    path("token/verify", accounts.VerifyView.as_view()),
    path("token/blacklist", accounts.SignOutView.as_view()),
    path("auth/patient/signup", patients.SignUpView.as_view()),
    path("auth/patient/login", accounts.PatientSignInView.as_view()),
    path("auth/doctor/login", accounts.ClinicSignInView.as_view()),
    path("auth/refresh", accounts.RotateView.as_view()),
    path("auth/logout", accounts.SignOutView.as_view()),
    path("auth/logout-everywhere", accounts.SignOutEverywhereView.as_view()),
    path("auth/stream-ticket", accounts.StreamTicketView.as_view()),
    path("devices", device_views.DeviceListView.as_view()),
    path("devices/ticket", device_views.DeviceTicketView.as_view()),
    path("devices/<int:device_id>", device_views.DeviceView.as_view()),
    path("auth/password/change", accounts.ChangePasswordView.as_view()),
    path("auth/password/reset", accounts.ResetPasswordView.as_view()),
    path("auth/password/reset/confirm", accounts.ConfirmResetView.as_view()),
    path("auth/email/prove", accounts.VerifyEmailView.as_view()),
    path("auth/email/resend", accounts.ResendVerificationView.as_view()),
    path("auth/contact/undo", accounts.UndoContactChangeView.as_view()),
    path("users/me", patients.OwnProfileView.as_view()),
    path("users/me/family", families.FamilyView.as_view()),
    path("users/me/family/<int:member_id>", families.FamilyMemberView.as_view()),
    path("users/me/sessions", session_views.OwnSessionsView.as_view()),
    path("users/me/sessions/<slug:sign_in>", session_views.OwnSessionView.as_view()),
    path("users/me/photo", accounts.OwnPhotoView.as_view()),
    path("photos/<str:photo>", accounts.PhotoView.as_view()),
    # The clinic
    path("clinic", clinic.ClinicView.as_view()),
    path("services", offered_services.ServiceListView.as_view()),
    path("services/<int:service_id>", offered_services.ServiceView.as_view()),
    path("practitioners", clinic.PractitionerListView.as_view()),
    path("practitioners/<int:practitioner_id>", clinic.PractitionerView.as_view()),
    path("practitioners/<int:practitioner_id>/availability", schedules.AvailabilityView.as_view()),
    path("practitioners/<int:practitioner_id>/delay", delay_views.DelayView.as_view()),
    path("absences", absences.AbsenceListView.as_view()),
    path("absences/<int:absence_id>", absences.AbsenceView.as_view()),
    path("absences/<int:absence_id>/approve", absences.ApproveAbsenceView.as_view()),
    path("absences/<int:absence_id>/decline", absences.DeclineAbsenceView.as_view()),
    path("schedule-exceptions", schedules.ScheduleExceptionListView.as_view()),
    path("schedule-exceptions/conflicts", schedules.ConflictsView.as_view()),
    path("schedule-exceptions/<int:exception_id>", schedules.ScheduleExceptionView.as_view()),
    path("practitioners/<int:practitioner_id>/slots", scheduling.PractitionerSlotsView.as_view()),
    path("slots", scheduling.SlotsView.as_view()),
    path("slots/soonest", scheduling.SoonestSlotsView.as_view()),
    path("holds", holds.HoldListView.as_view()),
    path("holds/<int:hold_id>", holds.HoldView.as_view()),
    path("holds/<int:hold_id>/renew", holds.RenewHoldView.as_view()),
    path("patients", patients.PatientListView.as_view()),
    path("patients/<int:patient_id>", patients.PatientView.as_view()),
    path("patients/matches", lookups.PatientMatchesView.as_view()),
    path("patients/<int:patient_id>/overview", overview.PatientOverviewView.as_view()),
    path("patients/<int:patient_id>/possible-duplicates", patients.PossibleDuplicatesView.as_view()),
    path("patients/<int:patient_id>/possible-duplicates/<int:other_id>", patients.PossibleDuplicateView.as_view()),
    path("patients/<int:patient_id>/merge", patients.MergeView.as_view()),
    path("patients/<int:patient_id>/link", patients.LinkView.as_view()),
    path("patients/<int:patient_id>/unlink", patients.UnlinkView.as_view()),
    path("patients/<int:patient_id>/history", patients.PatientHistoryView.as_view()),
    path("staff", staff.StaffListView.as_view()),
    path("staff/<int:user_id>", staff.StaffView.as_view()),
    path("staff/<int:user_id>/invite", staff.StaffLinkView.as_view()),
    path("staff/<int:user_id>/photo", staff.StaffPhotoView.as_view()),
    path("time/now", clinic.TimeView.as_view()),
    # Appointments
    path("appointments", appointments.AppointmentListView.as_view()),
    path("appointments/<int:appointment_id>", appointments.AppointmentView.as_view()),
    path("appointments/<int:appointment_id>/confirm", appointments.ConfirmView.as_view()),
    path("appointments/<int:appointment_id>/reject", appointments.RejectView.as_view()),
    path("appointments/<int:appointment_id>/cancel", appointments.CancelView.as_view()),
    path("appointments/<int:appointment_id>/check-in", appointments.CheckInView.as_view()),
    path("appointments/<int:appointment_id>/complete", appointments.CompleteView.as_view()),
    path("appointments/<int:appointment_id>/no-show", appointments.NoShowView.as_view()),
    path("appointments/<int:appointment_id>/reopen", appointments.ReopenView.as_view()),
    path("appointments/<int:appointment_id>/undo", appointments.UndoView.as_view()),
    path("appointments/<int:appointment_id>/correct", appointments.CorrectView.as_view()),
    path("appointments/<int:appointment_id>/reschedule", appointments.RescheduleView.as_view()),
    path("appointments/<int:appointment_id>/call", calling.CallView.as_view()),
    path("appointments/<int:appointment_id>/revoke-link", visit_links.RevokeReferenceView.as_view()),
    path("appointments/<int:appointment_id>/keep-time", visit_links.KeepTimeView.as_view()),
    path("appointments/<int:appointment_id>/history", history.AppointmentHistoryView.as_view()),
    path("appointments/by_phone", lookups.ByPhoneView.as_view()),
    path("appointments/summary", lookups.SummaryView.as_view()),
    path("appointments/stats", lookups.StatisticsView.as_view()),
    path("appointments/stats/practitioners/<int:practitioner_id>", lookups.PractitionerStatisticsView.as_view()),
    path("appointments/export.csv", lookups.ExportView.as_view()),
    path("reports/summary", reports.ReportView.as_view()),
    path("reports/export.csv", reports.ReportExportView.as_view()),
    path("public/bookings", guests.GuestBookingListView.as_view()),
    path("public/bookings/<slug:reference>/stream-ticket", visit_tickets.VisitTicketView.as_view()),
    path("public/bookings/<slug:reference>", visit_links.GuestBookingView.as_view()),
    path("public/bookings/<slug:reference>/move", visit_links.VisitMoveView.as_view()),
    path("public/bookings/<slug:reference>/attend", visit_links.VisitAttendView.as_view()),
    path("public/bookings/<slug:reference>/arrive", visit_links.VisitArriveView.as_view()),
    path("public/bookings/<slug:reference>/cancel", visit_links.GuestCancelView.as_view()),
    path("public/bookings/<slug:reference>/undo", visit_links.VisitUndoView.as_view()),
    path("public/bookings/<slug:reference>/push-subscriptions", push_views.BookingPushListView.as_view()),
    path(
        "public/bookings/<slug:reference>/push-subscriptions/<int:subscription_id>",
        push_views.BookingPushView.as_view(),
    ),
    path("public/phone-codes", phone_codes.PhoneCodeView.as_view()),
    path("appointments/series", series.SeriesListView.as_view()),
    path("appointments/series/<int:series_id>", series.SeriesView.as_view()),
    path("history", history.HistoryView.as_view()),
    # The calendar
    path("calendar", calendar.CalendarView.as_view()),
    path("calendar/day", calendar.CalendarDayView.as_view()),
    path("calendar/month", calendar.CalendarMonthView.as_view()),
    # The waitlist
    path("waitlist", waitlist.WaitlistView.as_view()),
    path("waitlist/overview", waitlist.WaitlistOverviewView.as_view()),
    path("waitlist/<int:entry_id>/offer", waitlist.OfferByHandView.as_view()),
    path("waitlist/gaps", gap_views.GapsView.as_view()),
    path("waitlist/gaps/offer", gap_views.OfferGapView.as_view()),
    path("waitlist/<int:entry_id>", waitlist.WaitlistEntryView.as_view()),
    path("waitlist/offers/<str:token>", waitlist.OfferView.as_view()),
    path("waitlist/offers/<str:token>/accept", waitlist.AcceptOfferView.as_view()),
    path("waitlist/offers/<str:token>/decline", waitlist.DeclineOfferView.as_view()),
    # Booking by conversation
    path("chat/services", chat.ChatServicesView.as_view()),
    path("chat/times", chat.ChatTimesView.as_view()),
    path("chat/hold", chat.ChatHoldView.as_view()),
    path("chat/release", chat.ChatReleaseView.as_view()),
    path("chat/book", chat.ChatBookView.as_view()),
    path("chat/code", chat.ChatCodeView.as_view()),
    path("chat/visits", chat.ChatVisitsView.as_view()),
    path("chat/move", chat.ChatMoveView.as_view()),
    path("chat/cancel", chat.ChatCancelView.as_view()),
    path("chat/waitlist", chat.ChatWaitlistView.as_view()),
    # Messages
    path("notifications", messaging.NotificationListView.as_view()),
    path("notifications/read-all", messaging.ReadAllView.as_view()),
    path("notifications/<int:notification_id>/read", messaging.ReadView.as_view()),
    path("push-subscriptions", push_views.PushSubscriptionListView.as_view()),
    path("push-subscriptions/key", push_views.PushKeyView.as_view()),
    path("push-subscriptions/<int:subscription_id>", push_views.PushSubscriptionView.as_view()),
    path("message-wordings", wording_views.WordingListView.as_view()),
    path("message-wordings/<slug:template>/<slug:channel>/<slug:language>", wording_views.WordingView.as_view()),
    path("messages", messaging.MessageListView.as_view()),
    path("messages/conversations", messaging.ConversationListView.as_view()),
    path("messages/conversation", messaging.ConversationView.as_view()),
    path("messages/<int:received_id>/reply", messaging.ReplyView.as_view()),
    path("messages/<int:received_id>/settle", messaging.SettleView.as_view()),
    path("messages/<int:message_id>/send-again", messaging.SendAgainView.as_view()),
    path("twilio/webhook", webhook.WebhookView.as_view()),
    path("twilio/status", webhook.StatusView.as_view()),
    # Operations
    path("health", health.HealthView.as_view()),
    *compat.URLS,
]

urlpatterns: list[URLPattern | URLResolver] = [
    # Pages for people
    path("", sign_in.StartPage.as_view(), name="start"),
    path("language", language.LanguageView.as_view(), name="language"),
    path("words/<slug:language>-<slug:version>.js", language.WordsView.as_view(), name="words"),
    path("sign-in", sign_in.SignInPage.as_view(), name="sign-in"),
    path("sign-out", sign_in.SignOutPage.as_view(), name="sign-out"),
    path("password", passwords.NewPasswordPage.as_view(), name="password"),
    path("password/forgotten", passwords.ForgottenPasswordPage.as_view(), name="password-forgotten"),
    path("email/verify", contact_links.VerifyEmailPage.as_view(), name="email-verify"),
    path("contact/undo", contact_links.UndoContactPage.as_view(), name="contact-undo"),
    path("board", board.BoardPage.as_view(), name="board"),
    path("calendar", calendar_page.CalendarPage.as_view(), name="calendar"),
    path("board/token", token.TokenView.as_view(), name="board-token"),
    *BOOKING,
    *APP,
    *ACCOUNT,
    *HOME,
    *RECORDS,
    *VISITS,
    *SETTINGS,
    path("admin", RedirectView.as_view(url="/admin/")),
    path("api/schema", DocumentView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema")),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema", template_name="common/redoc.html")),
    path("clients/js/<str:version>/<str:name>", client_files.ClientFileView.as_view()),
    path("docs", RedirectView.as_view(url="/api/docs")),
    path("api/v1/", include(API)),
    path("api/", include(API)),
    path("health", health.HealthView.as_view()),
    path("livez", health.LivezView.as_view()),
    path("readyz", health.ReadyzView.as_view()),
    path("metrics", health.MetricsView.as_view()),
    path("favicon.ico", favicon.FaviconView.as_view()),
    path("favicon.svg", favicon.FaviconView.as_view()),
    path("admin/", admin.site.urls),
]

handler400 = "clinic.common.error_pages.bad_request"
handler403 = "clinic.common.error_pages.permission_denied"
handler404 = "clinic.common.error_pages.not_found"
handler500 = "clinic.common.error_pages.server_error"
