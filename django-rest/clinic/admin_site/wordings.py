"""The admin's page of what messages say: every message, in the standard wording or the clinic's own."""

from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, acting_for, is_owner, own_rows, user_of
from clinic.common import clock
from clinic.common.admin import ChoicesFilter
from clinic.common.errors import InvalidRequest
from clinic.common.versions import Expected
from clinic.messaging.kinds import KINDS, MEANINGS
from clinic.messaging.services.wording import (
    LANGUAGES,
    Wording,
    preview,
    reset_wording,
    set_wording,
    standard_to_start_from,
    wordings_of,
)
from clinic.outbox.models import DeliveryChannel, MessageTemplate
from clinic.outbox.words import Words
from clinic.scheduling.models import Clinic

CHANNEL_NAMES = {DeliveryChannel.EMAIL: "Mail", DeliveryChannel.SMS: "SMS", DeliveryChannel.IN_APP: "In the app"}
KIND = ("template", "channel", "language")
LIST, ADD, CHANGE = (f"admin:outbox_messagetemplate_{page}" for page in ("changelist", "add", "change"))


class WordingForm(forms.ModelForm[MessageTemplate]):
    # Version that the page showed, 0 for the standard wording: a change made meanwhile is not overwritten.
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = MessageTemplate
        fields = ("clinic", *KIND, "subject", "body")
        widgets = {"body": UnfoldAdminTextareaWidget(attrs={"rows": 14})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_version"] = self.instance.version if self.instance.pk else 0


@admin.register(MessageTemplate)
class WordingAdmin(OfOwnClinicAdmin):
    """The owner's. A row is what the clinic says in its own words; without one it is the standard wording."""

    form = WordingForm
    list_display = ("what", "way", "language", "subject", "updated_at", "clinic")
    list_filter = (("channel", ChoicesFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("clinic",)
    change_list_template = "admin_site/wordings.html"
    change_form_after_template = "admin_site/wording.html"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        channel = obj.channel if obj is not None else request.GET.get("channel")
        words = ["body"] if channel == DeliveryChannel.SMS else ["subject", "body"]
        # Each on a line of its own: side by side they are too narrow to be read.
        fields = ["clinic", *KIND, *words, "seen_version"]
        return fields if user_of(request).is_superuser else fields[1:]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *(KIND if obj is not None else ())]

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        choices = {
            "template": [(name, kind.title) for name, kind in KINDS.items()],
            "channel": [(channel.value, name) for channel, name in CHANNEL_NAMES.items()],
            "language": list(LANGUAGES.items()),
        }.get(db_field.name)
        if choices is not None:
            return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Wording that is not yet the clinic's own begins with the standard one."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        try:
            words = standard_to_start_from(_wording_in(initial))
        except InvalidRequest:
            return initial
        return {**initial, "subject": words.subject, "body": words.body}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        clinic = user_of(request).clinic
        shown = {"kinds": [] if clinic is None else _rows_of(clinic)} if is_owner(request) else {}
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        wording = _wording_of(obj) if obj is not None else _wording_in(request.GET)
        kind = KINDS.get(wording.template)
        names = kind.placeholders if kind is not None else ()
        context |= {
            "wording": wording,
            "placeholders": [(f"{{{name}}}", MEANINGS[name]) for name in names],
            "standard": standard_to_start_from(wording) if obj is not None else None,
            "show_delete": False,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        clinic = obj.clinic if obj.clinic_id is not None else user_of(request).clinic
        row = set_wording(
            owner=acting_for(request, clinic),
            wording=_wording_of(obj),
            words=Words(obj.subject, obj.body),
            expected=Expected(form.cleaned_data["seen_version"]),
            now=clock.now(),
        )
        obj.pk, obj.clinic = row.pk, clinic

    def delete_model(self, request: HttpRequest, obj: MessageTemplate) -> None:
        reset_wording(owner=acting_for(request, obj.clinic), wording=_wording_of(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MessageTemplate]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        return (("preview/", "preview_wording", self.preview_view),)

    def preview_view(self, request: HttpRequest, model_admin: Any) -> HttpResponse:
        """The message that the words on the page would be sent as."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        words = Words(request.POST.get("subject", ""), request.POST.get("body", ""))
        shown = preview(clinic=_clinic_for(request), wording=_wording_in(request.POST), words=words)
        return JsonResponse(
            {"subject": shown.subject, "text": shown.text, "html": shown.html, "faults": list(shown.faults)}
        )

    @admin.display(description="message", ordering="template")
    def what(self, row: MessageTemplate) -> str:
        return KINDS[row.template].title if row.template in KINDS else row.template

    @admin.display(description="way", ordering="channel")
    def way(self, row: MessageTemplate) -> str:
        return CHANNEL_NAMES[DeliveryChannel(row.channel)]


def _wording_in(given: Any) -> Wording:
    return Wording(*(str(given.get(name, "")) for name in KIND))


def _wording_of(row: MessageTemplate) -> Wording:
    return Wording(row.template, row.channel, row.language)


def _clinic_for(request: HttpRequest) -> Clinic:
    """A superuser's page says which."""
    clinic = user_of(request).clinic
    if clinic is not None:
        return clinic
    said = request.POST.get("clinic", "")
    clinic_id = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
    found = Clinic.objects.filter(**own_rows(request, Clinic), pk=clinic_id).first()
    if found is None:
        raise Http404
    return found


def _rows_of(clinic: Clinic) -> list[dict[str, Any]]:
    """A row for each message, with a link for each way and language."""
    rows = []
    for template, wordings in groupby(wordings_of(clinic).items(), key=lambda item: item[0].template):
        links = [
            {
                "way": CHANNEL_NAMES[DeliveryChannel(wording.channel)],
                "language": LANGUAGES[wording.language],
                "is_own": own is not None,
                "url": _url_of(wording, own),
            }
            for wording, own in wordings
        ]
        rows.append({"title": KINDS[template].title, "links": links})
    return rows


def _url_of(wording: Wording, own: MessageTemplate | None) -> str:
    if own is not None:
        return reverse(CHANGE, args=[own.pk])
    return f"{reverse(ADD)}?{urlencode({name: getattr(wording, name) for name in KIND})}"
