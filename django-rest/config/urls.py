"""The table of contents. Paths are written without their trailing slash; both forms work (ApiPathMiddleware)."""

from clinic.accounts import views as accounts
from clinic.appointments.views import appointments, clinic, guests, holds, lookups, schedules, series
from clinic.compat import urls as compat
from clinic.messaging import views as messaging
from clinic.messaging import webhook
from clinic.ops import views as ops
from clinic.people.views import patients, phone_codes, staff
from clinic.portal import views as portal
from clinic.scheduling import views as scheduling
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
    path("auth/password/change", accounts.ChangePasswordView.as_view()),
    path("auth/password/reset", accounts.ResetPasswordView.as_view()),
    path("auth/password/reset/confirm", accounts.ConfirmResetView.as_view()),
    path("users/me", patients.OwnProfileView.as_view()),
    path("users/me/photo", accounts.OwnPhotoView.as_view()),
    path("photos/<str:photo>", accounts.PhotoView.as_view()),
    # The clinic
    path("clinic", clinic.ClinicView.as_view()),
    path("services", scheduling.ServiceListView.as_view()),
    path("services/<int:service_id>", scheduling.ServiceView.as_view()),
    path("practitioners", clinic.PractitionerListView.as_view()),
    path("practitioners/<int:practitioner_id>", clinic.PractitionerView.as_view()),
    path("practitioners/<int:practitioner_id>/availability", schedules.AvailabilityView.as_view()),
    path("schedule-exceptions", schedules.ScheduleExceptionListView.as_view()),
    path("schedule-exceptions/<int:exception_id>", schedules.ScheduleExceptionView.as_view()),
    path("practitioners/<int:practitioner_id>/slots", scheduling.PractitionerSlotsView.as_view()),
    path("slots", scheduling.SlotsView.as_view()),
    path("holds", holds.HoldListView.as_view()),
    path("holds/<int:hold_id>", holds.HoldView.as_view()),
    path("patients", patients.PatientListView.as_view()),
    path("patients/<int:patient_id>", patients.PatientView.as_view()),
    path("patients/<int:patient_id>/possible-duplicates", patients.PossibleDuplicatesView.as_view()),
    path("patients/<int:patient_id>/merge", patients.MergeView.as_view()),
    path("patients/<int:patient_id>/link", patients.LinkView.as_view()),
    path("patients/<int:patient_id>/unlink", patients.UnlinkView.as_view()),
    path("patients/<int:patient_id>/history", patients.PatientHistoryView.as_view()),
    path("staff", staff.StaffListView.as_view()),
    path("staff/<int:user_id>", staff.StaffView.as_view()),
    path("time/now", ops.TimeView.as_view()),
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
    path("appointments/<int:appointment_id>/reschedule", appointments.RescheduleView.as_view()),
    path("appointments/<int:appointment_id>/history", appointments.AppointmentHistoryView.as_view()),
    path("appointments/by_phone", lookups.ByPhoneView.as_view()),
    path("appointments/summary", lookups.SummaryView.as_view()),
    path("appointments/stats", lookups.StatisticsView.as_view()),
    path("appointments/stats/practitioners/<int:practitioner_id>", lookups.PractitionerStatisticsView.as_view()),
    path("appointments/export.csv", lookups.ExportView.as_view()),
    path("public/bookings", guests.GuestBookingListView.as_view()),
    path("public/bookings/<slug:reference>", guests.GuestBookingView.as_view()),
    path("public/bookings/<slug:reference>/cancel", guests.GuestCancelView.as_view()),
    path("public/phone-codes", phone_codes.PhoneCodeView.as_view()),
    path("appointments/series", series.SeriesListView.as_view()),
    path("appointments/series/<int:series_id>", series.SeriesView.as_view()),
    path("history", appointments.HistoryView.as_view()),
    # The waitlist
    path("waitlist", waitlist.WaitlistView.as_view()),
    path("waitlist/<int:entry_id>", waitlist.WaitlistEntryView.as_view()),
    path("waitlist/offers/<str:token>", waitlist.OfferView.as_view()),
    path("waitlist/offers/<str:token>/accept", waitlist.AcceptOfferView.as_view()),
    path("waitlist/offers/<str:token>/decline", waitlist.DeclineOfferView.as_view()),
    # Messages
    path("notifications", messaging.NotificationListView.as_view()),
    path("notifications/read-all", messaging.ReadAllView.as_view()),
    path("notifications/<int:notification_id>/read", messaging.ReadView.as_view()),
    path("messages", messaging.MessageListView.as_view()),
    path("twilio/webhook", webhook.WebhookView.as_view()),
    path("twilio/status", webhook.StatusView.as_view()),
    # Operations
    path("health", ops.HealthView.as_view()),
    *compat.URLS,
]

urlpatterns: list[URLPattern | URLResolver] = [
    # Pages for people
    path("", RedirectView.as_view(url="/board")),
    path("sign-in", portal.SignInPage.as_view(), name="sign-in"),
    path("sign-out", portal.SignOutPage.as_view(), name="sign-out"),
    path("password", portal.NewPasswordPage.as_view(), name="password"),
    path("password/forgotten", portal.ForgottenPasswordPage.as_view(), name="password-forgotten"),
    path("board", portal.BoardPage.as_view(), name="board"),
    path("board/token", portal.TokenView.as_view(), name="board-token"),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("api/schema", DocumentView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema")),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema", template_name="common/redoc.html")),
    path("docs", RedirectView.as_view(url="/api/docs")),
    path("api/v1/", include(API)),
    path("api/", include(API)),
    path("health", ops.HealthView.as_view()),
    path("livez", ops.LivezView.as_view()),
    path("readyz", ops.ReadyzView.as_view()),
    path("metrics", ops.MetricsView.as_view()),
    path("favicon.ico", ops.FaviconView.as_view()),
    path("favicon.svg", ops.FaviconView.as_view()),
    path("admin/", admin.site.urls),
]

handler400 = "clinic.common.error_pages.bad_request"
handler403 = "clinic.common.error_pages.permission_denied"
handler404 = "clinic.common.error_pages.not_found"
handler500 = "clinic.common.error_pages.server_error"
