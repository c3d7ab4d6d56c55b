from django.db import models


class Versioned(models.Model):
    """A row that several people change. Whatever changes it raises its version: `common.versions`."""

    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        abstract = True


class IdempotencyKey(models.Model):
    """The answer to a request that carried `Idempotency-Key`, so that a repeat gets the same answer and no effect.

    Inserted before the change and in its transaction: a concurrent repeat waits on the key, and a request that
    failed leaves none behind.
    """

    owner = models.CharField(max_length=40)
    key = models.CharField(max_length=100, db_collation="utf8mb4_bin")
    fingerprint = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "idempotency_key"
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"


class AttemptCount(models.Model):
    """How often something was tried by one subject since `started_at`. One table for all processes, so that a limit
    means what it says whatever their number."""

    pk = models.CompositePrimaryKey("scope", "subject")
    scope = models.CharField(max_length=24, db_collation="ascii_bin")
    subject = models.CharField(max_length=64, db_collation="ascii_bin", help_text="SHA-256 of who")
    attempts = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "attempt_count"

    def __str__(self) -> str:
        return f"{self.scope} {self.subject[:8]}: {self.attempts}"
