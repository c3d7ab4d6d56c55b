"""A patient's account: contact data, what they are told, family, photo, password and active sign-ins."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.accounts.contacts import resend_verification
from clinic.accounts.models import photo_path
from clinic.accounts.passwords import change_page_password
from clinic.accounts.photos import remove_photo, store_photo
from clinic.accounts.queries import get_account
from clinic.accounts.services import sign_out_everywhere
from clinic.accounts.sign_ins import end_sign_in, sign_ins_of
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.outbox.push_subscriptions import offered_key
from clinic.people.models import PREFERENCES
from clinic.people.queries import family_of, get_family_member_for
from clinic.people.services.families import add_family_member, edit_family_member, remove_family_member
from clinic.people.services.patients import change_own_profile
from clinic.people.services.phone_codes import send_phone_code
from clinic.portal.account.forms import (
    AccountForm,
    AccountPhotoForm,
    CodeForm,
    FamilyMemberForm,
    PasswordForm,
    PreferencesForm,
    ProfileForm,
)
from clinic.portal.flashes import leave
from clinic.portal.page_sessions import sign_in_of_page, sign_in_page
from clinic.portal.views.account_base import AccountPage, FormPage, StepPage

ACCOUNT = reverse_lazy("me-account")


class OverviewPage(AccountPage):
    template_name = "portal/me/account.html"
    tab = "account"
    title = gettext_lazy("Your account")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        current = sign_in_of_page(request)
        account = get_account(self.user)
        return self.render(
            account=account,
            record=account.patient,
            photo=photo_path(account),
            claimed=account.claimed,
            sign_ins=list(sign_ins_of(account, now=clock.now())),
            current=current,
            push_key=offered_key(),
        )


class ProfilePage(FormPage):
    tab = "account"
    title = gettext_lazy("Contact data")
    button = gettext_lazy("Save")

    def make_form(self, *data: Any) -> AccountForm:
        phone = self.user.shown_phone
        number = f"{phone.number} ext. {phone.extension}" if phone.extension else phone.number
        return ProfileForm(*data, values={"name": self.user.name, "email": self.user.shown_email, "phone": number})

    def save(self, form: Any) -> HttpResponse:
        given = dict(form.cleaned_data)
        password = given.pop("password") or None
        changes = {name: value for name, value in given.items() if name in form.changed_data}
        if "phone" in changes and not changes["phone"]:
            changes["phone"] = None
        change_own_profile(
            user=self.user,
            changes=changes,
            password=password,
            address=client_address(self.request),
            now=clock.now(),
        )
        return leave(self.request, str(ACCOUNT), _("Saved."))


class PreferencesPage(FormPage):
    tab = "account"
    title = gettext_lazy("What you are told")
    lead = gettext_lazy("Answers to requests and changes of visits come in the app as well.")
    button = gettext_lazy("Save")

    def make_form(self, *data: Any) -> AccountForm:
        record = get_account(self.user).patient
        return PreferencesForm(*data, values={name: getattr(record, name) for name in PREFERENCES})

    def save(self, form: Any) -> HttpResponse:
        change_own_profile(user=self.user, changes={"preferences": form.cleaned_data}, now=clock.now())
        return leave(self.request, str(ACCOUNT), _("Saved."))


class PasswordPage(FormPage):
    tab = "account"
    title = gettext_lazy("Password")
    lead = gettext_lazy("Every other device is signed out.")
    button = gettext_lazy("Set the password")

    def make_form(self, *data: Any) -> AccountForm:
        return PasswordForm(*data)

    def save(self, form: Any) -> HttpResponse:
        user = change_page_password(user=self.user, address=client_address(self.request), **form.cleaned_data)
        sign_in_page(self.request, user)
        return leave(self.request, str(ACCOUNT), _("Your password is set. Every other device has been signed out."))


class PhotoPage(FormPage):
    tab = "account"
    title = gettext_lazy("Photo")
    lead = gettext_lazy("The clinic sees it beside your name.")
    button = gettext_lazy("Save the picture")

    def make_form(self, *data: Any) -> AccountForm:
        return AccountPhotoForm(*data)

    def save(self, form: Any) -> HttpResponse:
        store_photo(user=self.user, file=form.cleaned_data["photo"])
        return leave(self.request, str(ACCOUNT), _("Saved."))


class RemovePhotoPage(StepPage):
    back = ACCOUNT

    def act(self) -> str | Promise:
        remove_photo(user=self.user)
        return _("The photo is removed.")


class EndSignInPage(StepPage):
    back = ACCOUNT

    def act(self) -> str | Promise:
        end_sign_in(user=self.user, sign_in=self.kwargs["sign_in"], now=clock.now())
        return _("That device is signed out.")


class SignOutEverywherePage(AccountPage):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sign_out_everywhere(user=self.user)
        return HttpResponseRedirect(reverse("sign-in"))


# Verification


class ResendMailPage(StepPage):
    def act(self) -> str | Promise:
        resend_verification(user=self.user, now=clock.now())
        return _("The mail is on its way. Open the link in it.")


class SendCodePage(StepPage):
    back = reverse_lazy("me-verify-phone")

    def act(self) -> str | Promise:
        phone = self.user.shown_phone.number
        send_phone_code(clinic=self.clinic, phone=phone, address=client_address(self.request), now=clock.now())
        return _("The code is on its way.")


class VerifyPhonePage(FormPage):
    title = gettext_lazy("Confirm your phone")
    button = gettext_lazy("Confirm")
    back = reverse_lazy("me")

    def make_form(self, *data: Any) -> AccountForm:
        return CodeForm(*data)

    def save(self, form: Any) -> HttpResponse:
        change_own_profile(user=self.user, changes={}, phone_code=form.cleaned_data["code"], now=clock.now())
        return leave(self.request, reverse("me"), _("Your phone is confirmed."))


# Family


class FamilyPage(AccountPage):
    template_name = "portal/me/family.html"
    tab = "family"
    title = gettext_lazy("Your family")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(members=list(family_of(self.user)))


class AddMemberPage(FormPage):
    tab = "family"
    title = gettext_lazy("Add a person")
    lead = gettext_lazy(
        "You book for this person, and see their visits. Somebody whom the clinic knows already is joined to your "
        "account by the desk: ask there."
    )
    button = gettext_lazy("Add")
    back = reverse_lazy("me-family")

    def make_form(self, *data: Any) -> AccountForm:
        return FamilyMemberForm(*data)

    def save(self, form: Any) -> HttpResponse:
        member = add_family_member(user=self.user, now=clock.now(), **form.cleaned_data)
        return leave(self.request, str(self.back), _("You book for %(name)s now.") % {"name": member.patient.name})


class EditMemberPage(FormPage):
    tab = "family"
    title = gettext_lazy("Correct a person")
    button = gettext_lazy("Save")
    back = reverse_lazy("me-family")

    def make_form(self, *data: Any) -> AccountForm:
        record = get_family_member_for(self.user, self.kwargs["member_id"]).patient
        return FamilyMemberForm(*data, values={"name": record.name, "birth_date": record.birth_date})

    def save(self, form: Any) -> HttpResponse:
        edit_family_member(
            user=self.user,
            patient_id=self.kwargs["member_id"],
            changes={name: form.cleaned_data[name] for name in form.changed_data},
            now=clock.now(),
        )
        return leave(self.request, str(self.back), _("Saved."))


class RemoveMemberPage(StepPage):
    back = reverse_lazy("me-family")

    def act(self) -> str | Promise:
        remove_family_member(user=self.user, patient_id=self.kwargs["member_id"], now=clock.now())
        return _("You book for this person no more. Their visits stay with the clinic.")
