from django.db import models


class JobRun(models.Model):
    """When a job of the worker ran last, how long it took, and whether it failed: for health, metrics and the admin."""

    name = models.CharField(max_length=60, unique=True)
    started_at = models.DateTimeField()
    seconds = models.FloatField()
    did = models.PositiveIntegerField(help_text="how many rows it changed")
    succeeded_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="since the beginning")
    error = models.CharField(max_length=300, blank=True, default="", help_text="of the last run")

    class Meta:
        db_table = "job_run"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProbeCanary(models.Model):
    """A row that each process overwrites to learn whether the database can write (`ops/probes.py`)."""

    slot = models.PositiveSmallIntegerField(primary_key=True)
    written_at = models.DateTimeField()
    padding = models.CharField(max_length=4096)

    class Meta:
        db_table = "probe_canary"

    def __str__(self) -> str:
        return str(self.slot)


class WorkerProcess(models.Model):
    """A worker as it last reported itself."""

    name = models.CharField(max_length=80, unique=True, help_text="host and process id")
    seen_at = models.DateTimeField(db_index=True)
    clock_skew_seconds = models.FloatField(help_text="its own clock minus the database's")

    class Meta:
        db_table = "worker_process"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
