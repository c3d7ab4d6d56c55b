from django.db import models


class ProbeCanary(models.Model):
    """A row that each process overwrites to learn whether the database can write (`health/probes.py`)."""

    slot = models.PositiveSmallIntegerField(primary_key=True)
    written_at = models.DateTimeField()
    padding = models.CharField(max_length=4096)

    class Meta:
        app_label = "ops"  # Where the table began; installations have the label stored.
        db_table = "probe_canary"

    def __str__(self) -> str:
        return str(self.slot)
