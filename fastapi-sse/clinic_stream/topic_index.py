"""Topics of one clinic, by audience and by the things whose changes concern them."""

from collections import defaultdict
from collections.abc import Hashable
from typing import TypeVar

from clinic_stream.appointment_topic import AppointmentTopic
from clinic_stream.audiences import (
    AppointmentAudience,
    AvailabilityAudience,
    ClinicAvailabilityAudience,
    HoldAudience,
    InboxAudience,
    RecordScope,
    VisitAudience,
    WallAudience,
)
from clinic_stream.availability_topic import AvailabilityTopic
from clinic_stream.clinic_availability import ClinicAvailabilityTopic
from clinic_stream.hold_topic import HoldTopic
from clinic_stream.inbox_topic import InboxTopic
from clinic_stream.topics import Topic
from clinic_stream.visit_topic import VisitTopic
from clinic_stream.wall_topic import WallTopic

AnyAudience = (
    AppointmentAudience
    | AvailabilityAudience
    | ClinicAvailabilityAudience
    | HoldAudience
    | InboxAudience
    | VisitAudience
    | WallAudience
)
AudienceT = TypeVar("AudienceT", bound=AnyAudience)
IndexT = TypeVar("IndexT", bound=Hashable)
TopicT = TypeVar("TopicT", bound=Topic)


class TopicIndex:
    def __init__(self, clinic_id: int) -> None:
        self._clinic_id = clinic_id
        self.by_audience: dict[AnyAudience, Topic] = {}
        self.by_scope: defaultdict[RecordScope, list[AppointmentTopic]] = defaultdict(list)
        self.by_practitioner: defaultdict[int, list[AvailabilityTopic]] = defaultdict(list)
        self.of_clinic: dict[ClinicAvailabilityAudience, ClinicAvailabilityTopic] = {}
        self.holds: dict[HoldAudience, HoldTopic] = {}
        self.inboxes: dict[int, InboxTopic] = {}
        self.by_visit: defaultdict[int, list[VisitTopic]] = defaultdict(list)
        self.walls: dict[WallAudience, WallTopic] = {}

    def add(self, audience: AnyAudience, topic: Topic) -> None:
        self.by_audience[audience] = topic
        match topic:
            case AppointmentTopic():
                self.by_scope[topic.audience.scope].append(topic)
            case AvailabilityTopic():
                self.by_practitioner[topic.audience.practitioner_id].append(topic)
            case ClinicAvailabilityTopic():
                self.of_clinic[topic.audience] = topic
            case HoldTopic():
                self.holds[topic.audience] = topic
            case InboxTopic():
                self.inboxes[topic.audience.user_id] = topic
            case VisitTopic():
                self.by_visit[topic.audience.visit_id].append(topic)
            case WallTopic():
                self.walls[topic.audience] = topic

    def remove(self, audience: AnyAudience, topic: Topic) -> None:
        """`audience`: that with which the topic was added; its family may be another one now."""
        del self.by_audience[audience]
        match topic:
            case AppointmentTopic():
                self.set_family(topic, frozenset())
                _remove(self.by_scope, topic.audience.scope, topic)
            case AvailabilityTopic():
                _remove(self.by_practitioner, topic.audience.practitioner_id, topic)
            case ClinicAvailabilityTopic():
                del self.of_clinic[topic.audience]
            case HoldTopic():
                del self.holds[topic.audience]
            case InboxTopic():
                del self.inboxes[topic.audience.user_id]
            case VisitTopic():
                _remove(self.by_visit, topic.audience.visit_id, topic)
            case WallTopic():
                del self.walls[topic.audience]

    def appointment_topics(self) -> list[AppointmentTopic]:
        return [topic for topic in self.by_audience.values() if isinstance(topic, AppointmentTopic)]

    def of_patient(self, patient_id: int) -> list[AppointmentTopic]:
        """Topics of the patient's own account, without those of accounts with the record in their family."""
        topics = self.by_scope.get(self._scope_of_patient(patient_id), ())
        return [topic for topic in topics if topic.audience.scope.id == patient_id]

    def set_family(self, topic: AppointmentTopic, family: frozenset[int]) -> None:
        """Changes of a record reach the topics of everybody who sees it."""
        former, family = topic.audience.family, family - {topic.audience.scope.id}
        for patient_id in former - family:
            _remove(self.by_scope, self._scope_of_patient(patient_id), topic)
        for patient_id in family - former:
            self.by_scope[self._scope_of_patient(patient_id)].append(topic)
        topic.set_family(family)

    def _scope_of_patient(self, patient_id: int) -> RecordScope:
        return RecordScope(self._clinic_id, "patient", patient_id)


def _remove(topics: dict[IndexT, list[TopicT]], key: IndexT, topic: TopicT) -> None:
    topics[key].remove(topic)
    if not topics[key]:
        del topics[key]
