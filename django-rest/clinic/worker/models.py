from django.db import models

# These tables began in `clinic.ops`. Their label stays: migrations, content types, permissions and addresses of the
# admin are named by it, and installations have them stored.
APP_LABEL = "ops"


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
        app_label = APP_LABEL
        db_table = "job_run"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WorkerProcess(models.Model):
    """A worker as it last reported itself."""

    name = models.CharField(max_length=80, unique=True, help_text="host and process id")
    seen_at = models.DateTimeField(db_index=True)
    clock_skew_seconds = models.FloatField(help_text="its own clock minus the database's")

    class Meta:
        app_label = APP_LABEL
        db_table = "worker_process"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PruningMark(models.Model):
    """How far a table was gone through, so that each row is looked at once."""

    name = models.CharField(max_length=60, primary_key=True)
    up_to = models.BigIntegerField(help_text="the last id that was looked at")

    class Meta:
        app_label = APP_LABEL
        db_table = "pruning_mark"

    def __str__(self) -> str:
        return f"{self.name}: {self.up_to}"
