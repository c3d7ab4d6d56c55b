"""Forms of the walls' page: a new wall, and what waiting rooms read. The QR code of an address."""

from typing import Any

import segno
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.accounts.device_views import DeviceInput
from clinic.accounts.models import DeviceKind, User
from clinic.accounts.wall_devices import devices_of
from clinic.portal.settings.fields import text_field
from clinic.portal.settings.forms import SettingsForm
from clinic.portal.settings.policy import ClinicRowForm
from clinic.scheduling.models import MAX_WALL_MESSAGES_LENGTH

QUIET_ZONE = 4
KIND_NAMES = {
    DeviceKind.WAITING_ROOM: gettext_lazy("Waiting room"),
    DeviceKind.TEAM: gettext_lazy("Team"),
}
KINDS = [
    (DeviceKind.WAITING_ROOM.value, gettext_lazy("Waiting room: who waits, and who is called in")),
    (DeviceKind.TEAM.value, gettext_lazy("Team: the day of all practitioners, with full names")),
]
NAMES = [
    ("True", gettext_lazy("First name and initial: Anna M.")),
    ("False", gettext_lazy("Numbers, in the order of arrival")),
]


class WallForm(SettingsForm):
    name = text_field(
        gettext_lazy("Name"),
        most=60,
        hint=gettext_lazy("Where it hangs: “Waiting room, ground floor”."),
        autocomplete="off",
    )
    kind = forms.ChoiceField(label=gettext_lazy("It shows"), choices=KINDS, widget=forms.RadioSelect)
    shows_names = forms.TypedChoiceField(
        label=gettext_lazy("In the waiting room, patients are called by"),
        choices=NAMES,
        coerce=lambda chosen: chosen == "True",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, owner: User) -> None:
        self.owner = owner
        super().__init__(*args, values={"kind": DeviceKind.WAITING_ROOM.value, "shows_names": "True"})

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.check_by(DeviceInput(data=cleaned))
            # A page that is loaded again sends its form again, too.
            if devices_of(self.owner).filter(name=cleaned["name"]).exists():
                self.add_error("name", _("There is a wall of this name. Revoke it first, or choose another name."))
        return cleaned


class WallMessagesForm(ClinicRowForm):
    wall_messages = forms.CharField(
        label=gettext_lazy("Messages to the waiting room"),
        required=False,
        max_length=MAX_WALL_MESSAGES_LENGTH,
        help_text=gettext_lazy("One a line. Walls show them in turn, within a minute."),
        widget=forms.Textarea(attrs={"class": "input", "rows": 4}),
    )

    def clean_wall_messages(self) -> str:
        return "\n".join(messages_in(self.cleaned_data["wall_messages"]))


def messages_in(text: str) -> list[str]:
    """A message a line."""
    return [line for line in (" ".join(part.split()) for part in text.splitlines()) if line]


def qr_path(address: str) -> tuple[str, int]:
    """The dark squares of a QR code as the path of an SVG, and its side with the quiet zone."""
    rows = [list(row) for row in segno.make(address, micro=False, error="m").matrix_iter(border=QUIET_ZONE)]
    squares = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return "".join(squares), len(rows)
