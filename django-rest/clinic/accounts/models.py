from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from clinic.common.models import Versioned
from clinic.common.statements import RememberingManager


class Role(models.TextChoices):
    OWNER = "owner"
    STAFF = "staff"
    PRACTITIONER = "practitioner"
    PATIENT = "patient"
    ADMIN = "admin"


CLINIC_ROLES = (Role.OWNER, Role.STAFF, Role.PRACTITIONER)
CLINIC_ROLE_CHOICES = [(role.value, role.label) for role in CLINIC_ROLES]


class UserManager(RememberingManager["User"], BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields = {"role": Role.ADMIN, "name": "Admin", "is_staff": True, "is_superuser": True, **fields}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


def normalise_email(email: str) -> str:
    """One person, one address: compared and stored in lower case."""
    return email.strip().lower()


class User(Versioned, AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. `clinic` is empty for a superuser alone, who works across clinics in the admin."""

    email = models.EmailField(unique=True)
    phone = models.CharField(max_length=20, unique=True, null=True, blank=True, help_text="E.164")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=12, choices=Role.choices)
    clinic = models.ForeignKey(
        "scheduling.Clinic", null=True, blank=True, on_delete=models.PROTECT, related_name="users"
    )
    photo = models.CharField(
        max_length=40, blank=True, default="", db_default="", editable=False, help_text="the file's name"
    )
    # Raised to end every session: tokens carry the version they were made under.
    token_version = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # noqa: TID251 - the migrations name it

    # Set by the admin for the superuser of one request. With a token, a superuser reads no clinic.
    reads_every_clinic = False

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "account_user"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role=Role.ADMIN) | models.Q(clinic__isnull=False),
                name="account_user_has_clinic",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def get_full_name(self) -> str:
        """What the admin calls somebody."""
        return self.name

    def get_session_auth_hash(self) -> str:
        """A page's session ends with what ends a token: everywhere, and with another role or clinic."""
        session = f"{super().get_session_auth_hash()} {self.token_version} {self.role} {self.clinic_id}"
        return salted_hmac("clinic.accounts.session", session, algorithm="sha256").hexdigest()

    @property
    def works_at_desk(self) -> bool:
        return self.role in (Role.OWNER, Role.STAFF)


def photo_path(user: User | None) -> str | None:
    """The path of the picture on this server; None without one."""
    return f"/api/v1/photos/{user.photo}" if user is not None and user.photo else None


class PasswordToken(models.Model):
    """Sent by mail, so that its reader may set a password: once, and for a while."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_tokens")
    token_hash = models.CharField(max_length=64, unique=True, db_collation="ascii_bin")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "password_token"

    def __str__(self) -> str:
        return f"password token {self.pk}"


class PasswordMailRequest(models.Model):
    """A mail asked for by an address, whether or not it has an account: only the worker looks that up."""

    email = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "password_mail_request"

    def __str__(self) -> str:
        return f"password mail request {self.pk}"


class RefreshFamily(models.Model):
    """All refresh tokens that came of one sign-in by rotation. Its `id` is the `jti` of the first."""

    id = models.CharField(max_length=32, primary_key=True, db_collation="ascii_bin")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    created_at = models.DateTimeField()
    # However often its tokens are rotated.
    ends_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "refresh_family"

    def __str__(self) -> str:
        return f"refresh family {self.pk}"
