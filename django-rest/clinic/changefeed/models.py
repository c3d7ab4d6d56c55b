from django.db import models


class StreamHead(models.Model):
    """The newest sequence number of a clinic; clinic 0 stands for accounts. Written by triggers alone."""

    clinic_id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    # Raised when hours, closures, services or practitioners of the clinic change.
    schedule_version = models.BigIntegerField(default=0, db_default=0)
    # When the statement began that took the newest number; None before the first one.
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stream_head"
        indexes = [models.Index(fields=["changed_at"], name="stream_head_changed_at")]

    def __str__(self) -> str:
        return f"{self.clinic_id}: {self.seq}"


class RealtimeEvent(models.Model):
    """One change, numbered per clinic in commit order and without gaps. Written by triggers alone."""

    pk = models.CompositePrimaryKey("clinic_id", "seq")
    clinic_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    entity = models.CharField(max_length=16)
    entity_id = models.BigIntegerField()
    kind = models.CharField(max_length=8)
    at = models.DateTimeField()

    class Meta:
        db_table = "realtime_event"
        indexes = [models.Index(fields=["at"], name="realtime_event_at")]

    def __str__(self) -> str:
        return f"{self.clinic_id}.{self.seq} {self.kind} {self.entity} {self.entity_id}"


class StreamPulse(models.Model):
    """One row that the worker updates once a second: a replica whose row stands still has stopped following."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        db_table = "stream_pulse"

    def __str__(self) -> str:
        return str(self.at)


class StreamEpoch(models.Model):
    """One random id, new whenever sequence numbers could repeat: after a restore or a reset."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.CharField(max_length=16)

    class Meta:
        db_table = "stream_epoch"

    def __str__(self) -> str:
        return self.epoch
