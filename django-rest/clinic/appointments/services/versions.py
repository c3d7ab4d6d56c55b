from clinic.appointments.models import Appointment
from clinic.common.errors import PreconditionFailed, StaleVersion


def check_version(appointment: Appointment, version: int | None, *, if_match: bool) -> None:
    """Two people who edit the same appointment never overwrite each other: the second sees what the first wrote.

    Raises StaleVersion, or PreconditionFailed where the version came by If-Match.
    """
    if version is None or version == appointment.version:
        return
    raise (PreconditionFailed if if_match else StaleVersion)(attr=None, extra={"current_version": appointment.version})
