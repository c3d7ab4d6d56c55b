"""Addresses of the settings, patients, the waitlist, messages, of visits, offers and walls by link, and of accounts."""

from django.urls import URLPattern, path

from clinic.portal.views import (
    app,
    book,
    home,
    me,
    me_account,
    messages,
    offer,
    patients,
    sign_up,
    token,
    visit,
    visit_status,
    waitlist,
    wall,
)
from clinic.portal.views.settings import clinic, closures, deciding, hours, services, staff, walls, wordings

WORDING = "settings/messages/<slug:template>/<slug:channel>/<slug:language>"

SETTINGS: list[URLPattern] = [
    path("settings", clinic.FirstSettingsPage.as_view(), name="settings"),
    path("settings/clinic", clinic.AboutPage.as_view(), name="settings-clinic"),
    path("settings/hours", hours.HoursPage.as_view(), name="settings-hours"),
    path("settings/hours/clinic", hours.ClinicHoursPage.as_view(), name="settings-hours-clinic"),
    path("settings/hours/<int:practitioner_id>", hours.PractitionerHoursPage.as_view(), name="settings-hours-of"),
    path("settings/closures", closures.ClosuresPage.as_view(), name="settings-closures"),
    path("settings/closures/<int:exception_id>", closures.ClosurePage.as_view(), name="settings-closure"),
    path(
        "settings/closures/<int:exception_id>/visits",
        closures.ClosureVisitsPage.as_view(),
        name="settings-closure-visits",
    ),
    path(
        "settings/closures/<int:exception_id>/remove",
        closures.ClosureRemovePage.as_view(),
        name="settings-closure-remove",
    ),
    path("settings/undo/<int:appointment_id>", deciding.UndoPage.as_view(), name="settings-undo"),
    path("settings/services", services.ServicesPage.as_view(), name="settings-services"),
    path("settings/services/new", services.NewServicePage.as_view(), name="settings-service-new"),
    path("settings/services/<int:service_id>", services.ServicePage.as_view(), name="settings-service"),
    path(
        "settings/services/<int:service_id>/active",
        services.ServiceActivePage.as_view(),
        name="settings-service-active",
    ),
    path("settings/staff", staff.StaffPage.as_view(), name="settings-staff"),
    path("settings/staff/invite", staff.InvitePage.as_view(), name="settings-invite"),
    path("settings/staff/<int:user_id>", staff.MemberPage.as_view(), name="settings-member"),
    path("settings/staff/<int:user_id>/link", staff.MemberLinkPage.as_view(), name="settings-member-link"),
    path("settings/staff/<int:user_id>/active", staff.MemberActivePage.as_view(), name="settings-member-active"),
    path("settings/staff/<int:user_id>/photo", staff.MemberPhotoPage.as_view(), name="settings-member-photo"),
    path("settings/practitioners/new", staff.NewPractitionerPage.as_view(), name="settings-practitioner-new"),
    path(
        "settings/practitioners/<int:practitioner_id>",
        staff.PractitionerPage.as_view(),
        name="settings-practitioner",
    ),
    path(
        "settings/practitioners/<int:practitioner_id>/active",
        staff.PractitionerActivePage.as_view(),
        name="settings-practitioner-active",
    ),
    path("settings/policy", clinic.PolicyPage.as_view(), name="settings-policy"),
    path("settings/messages", wordings.WordingsPage.as_view(), name="settings-messages"),
    path(WORDING, wordings.WordingPage.as_view(), name="settings-wording"),
    path(f"{WORDING}/preview", wordings.WordingPreviewPage.as_view(), name="settings-wording-preview"),
    path(f"{WORDING}/standard", wordings.WordingResetPage.as_view(), name="settings-wording-reset"),
    path("settings/reminders", clinic.RemindersPage.as_view(), name="settings-reminders"),
    path("settings/walls", walls.WallsPage.as_view(), name="settings-walls"),
    path("settings/walls/new", walls.NewWallPage.as_view(), name="settings-wall-new"),
    path("settings/walls/<int:device_id>/revoke", walls.WallRevokePage.as_view(), name="settings-wall-revoke"),
]

RECORDS: list[URLPattern] = [
    path("patients", patients.PatientsPage.as_view(), name="patients"),
    path("patients/new", patients.NewPatientPage.as_view(), name="patient-new"),
    path("patients/<int:patient_id>", patients.PatientRecordPage.as_view(), name="patient"),
    path("patients/<int:patient_id>/edit", patients.EditPatientPage.as_view(), name="patient-edit"),
    path("patients/<int:patient_id>/merge", patients.MergePage.as_view(), name="patient-merge"),
    path("patients/<int:patient_id>/distinct", patients.DistinctPage.as_view(), name="patient-distinct"),
    path("patients/<int:patient_id>/link", patients.PatientLinkPage.as_view(), name="patient-link"),
    path("patients/<int:patient_id>/unlink", patients.UnlinkPage.as_view(), name="patient-unlink"),
    path(
        "patients/<int:patient_id>/visits/<int:visit_id>/move", patients.PatientMovePage.as_view(), name="patient-move"
    ),
    path("patients/<int:patient_id>/visits/<int:visit_id>/undo", patients.UndoVisitPage.as_view(), name="patient-undo"),
    path("waitlist", waitlist.WaitlistPage.as_view(), name="waitlist"),
    path("waitlist/add", waitlist.AddToWaitlistPage.as_view(), name="waitlist-add"),
    path("waitlist/<int:entry_id>/offer", waitlist.WaitlistOfferPage.as_view(), name="waitlist-offer"),
    path("waitlist/<int:entry_id>/take-back", waitlist.TakeBackPage.as_view(), name="waitlist-take-back"),
    path("waitlist/<int:entry_id>/answer", waitlist.AnswerPage.as_view(), name="waitlist-answer"),
    path("waitlist/<int:entry_id>/remove", waitlist.RemovePage.as_view(), name="waitlist-remove"),
    path("messages", messages.MessagesPage.as_view(), name="messages"),
    path("messages/<int:received_id>/reply", messages.ReplyPage.as_view(), name="messages-reply"),
    path("messages/<int:received_id>/withdraw", messages.WithdrawPage.as_view(), name="messages-withdraw"),
    path("messages/<int:received_id>/settle", messages.SettlePage.as_view(), name="messages-settle"),
    path("messages/<int:message_id>/send-again", messages.SendAgainPage.as_view(), name="messages-send-again"),
]

VISITS: list[URLPattern] = [
    path("a/<slug:reference>", visit.VisitPage.as_view(), name="visit"),
    path("a/<slug:reference>/card", visit.VisitCardPage.as_view(), name="visit-card"),
    path("a/<slug:reference>/visit.ics", visit.VisitCalendarFile.as_view(), name="visit-calendar"),
    path("offer/<slug:token>", offer.OfferPage.as_view(), name="offer"),
    path("wall/<slug:wall_token>", wall.WallPage.as_view(), name="wall"),
    path("wall/<slug:wall_token>/facts", wall.WallFactsPage.as_view(), name="wall-facts"),
]

HOME: list[URLPattern] = [
    path("home", home.HomePage.as_view(), name="home"),
    path("home/desk", home.DeskHomePage.as_view(), name="home-desk"),
    path("reports", home.ReportsPage.as_view(), name="reports"),
]

BOOKING: list[URLPattern] = [
    path("book/<slug:slug>", book.BookPage.as_view(), name="book"),
    path("status", visit_status.StatusPage.as_view(), name="visit-status"),
]

APP: list[URLPattern] = [
    path("manifest.webmanifest", app.ManifestView.as_view(), name="manifest"),
    path("service-worker.js", app.ServiceWorkerView.as_view(), name="service-worker"),
    path("offline", app.OfflinePage.as_view(), name="offline"),
]

ACCOUNT: list[URLPattern] = [
    path("sign-up", sign_up.SignUpPage.as_view(), name="sign-up"),
    path("me", me.VisitsPage.as_view(), name="me"),
    path("me/token", token.PatientTokenView.as_view(), name="me-token"),
    path("me/book", me.AccountBookPage.as_view(), name="me-book"),
    path("me/visits/<int:visit_id>/promise", me.PromisePage.as_view(), name="me-promise"),
    path("me/visits/<int:visit_id>/cancel", me.CancelPage.as_view(), name="me-cancel"),
    path("me/visits/<int:visit_id>/move", me.AccountMovePage.as_view(), name="me-move"),
    path("me/waitlist/add", me.WaitPage.as_view(), name="me-wait"),
    path("me/waitlist/<int:entry_id>/leave", me.LeaveWaitlistPage.as_view(), name="me-leave"),
    path("me/family", me_account.FamilyPage.as_view(), name="me-family"),
    path("me/family/add", me_account.AddMemberPage.as_view(), name="me-family-add"),
    path("me/family/<int:member_id>/edit", me_account.EditMemberPage.as_view(), name="me-family-edit"),
    path("me/family/<int:member_id>/remove", me_account.RemoveMemberPage.as_view(), name="me-family-remove"),
    path("me/account", me_account.OverviewPage.as_view(), name="me-account"),
    path("me/profile", me_account.ProfilePage.as_view(), name="me-profile"),
    path("me/preferences", me_account.PreferencesPage.as_view(), name="me-preferences"),
    path("me/password", me_account.PasswordPage.as_view(), name="me-password"),
    path("me/photo", me_account.PhotoPage.as_view(), name="me-photo"),
    path("me/photo/remove", me_account.RemovePhotoPage.as_view(), name="me-photo-remove"),
    path("me/sign-ins/<slug:sign_in>/end", me_account.EndSignInPage.as_view(), name="me-sign-in-end"),
    path("me/sign-out-everywhere", me_account.SignOutEverywherePage.as_view(), name="me-sign-out-everywhere"),
    path("me/verify/mail", me_account.ResendMailPage.as_view(), name="me-verify-mail"),
    path("me/verify/code", me_account.SendCodePage.as_view(), name="me-verify-code"),
    path("me/verify/phone", me_account.VerifyPhonePage.as_view(), name="me-verify-phone"),
]
