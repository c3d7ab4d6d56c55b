"""The pages of the settings, in the order of their navigation."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


@dataclass(frozen=True, slots=True)
class SettingsSection:
    name: str
    title: Promise

    @property
    def url(self) -> str:
        return f"settings-{self.name}"


TOPICS = {
    topic.name: topic
    for topic in (
        SettingsSection("clinic", gettext_lazy("Clinic")),
        SettingsSection("hours", gettext_lazy("Hours")),
        SettingsSection("closures", gettext_lazy("Closures")),
        SettingsSection("services", gettext_lazy("Services")),
        SettingsSection("staff", gettext_lazy("Staff")),
        SettingsSection("policy", gettext_lazy("Policy")),
        SettingsSection("messages", gettext_lazy("Messages")),
        SettingsSection("reminders", gettext_lazy("Reminders")),
        SettingsSection("walls", gettext_lazy("Walls")),
    )
}
