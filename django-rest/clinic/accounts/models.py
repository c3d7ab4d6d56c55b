from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from clinic.accounts.phones import MAX_EXTENSION_LENGTH, Phone
from clinic.common.models import Versioned
from clinic.common.names import validate_label, validate_person_name

validate_extension = RegexValidator(r"^[0-9]+$", "An extension has digits alone.")


class Role(models.TextChoices):
    OWNER = "owner"
    STAFF = "staff"
    PRACTITIONER = "practitioner"
    PATIENT = "patient"
    ADMIN = "admin"


# Owner and staff: they see and change all of their clinic.
DESK_ROLES = (Role.OWNER, Role.STAFF)
CLINIC_ROLES = (Role.OWNER, Role.STAFF, Role.PRACTITIONER)
CLINIC_ROLE_CHOICES = [(role.value, role.label) for role in CLINIC_ROLES]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str | None, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=normalise_email(email) if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields = {"role": Role.ADMIN, "name": "Admin", "is_staff": True, "is_superuser": True, **fields}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


def phone_extension_field() -> models.CharField[str, str]:
    return models.CharField(
        max_length=MAX_EXTENSION_LENGTH, blank=True, default="", db_default="", validators=[validate_extension]
    )


def normalise_email(email: str) -> str:
    """One person, one address: compared and stored in lower case."""
    return email.strip().lower()


class User(Versioned, AbstractBaseUser, PermissionsMixin):
    """An account that signs in. `clinic` is empty for a superuser alone, who works across clinics in the admin."""

    # Verified addresses alone; what else the account names is a `ContactClaim`.
    email = models.EmailField(unique=True, null=True, blank=True)
    # Several accounts may have verified the same phone: families share one.
    phone = models.CharField(  # noqa: DJ001 - null since it was unique
        max_length=20, null=True, blank=True, db_index=True, help_text="E.164"
    )
    phone_verified_at = models.DateTimeField(
        null=True, editable=False, help_text="when a code sent to the phone was given back; empty: never"
    )
    phone_extension = phone_extension_field()
    name = models.CharField(max_length=120, validators=[validate_person_name])
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
    language = models.CharField(
        max_length=7,
        choices=settings.LANGUAGES,
        blank=True,
        default="",
        db_default="",
        help_text="of the pages; empty: the browser's",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # noqa: TID251 - the migrations name it

    # Set by the admin for the superuser of one request. With a token, a superuser reads no clinic.
    reads_every_clinic = False

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "account_user"
        # People who work at a clinic, among the accounts of all its patients.
        indexes = [models.Index(fields=["clinic", "role"], name="account_user_clinic_role")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role=Role.ADMIN) | models.Q(clinic__isnull=False),
                name="account_user_has_clinic",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name

    def get_full_name(self) -> str:
        """The admin's name of a user."""
        return self.name

    def get_session_auth_hash(self) -> str:
        """A page's session ends with what ends a token: everywhere, and with another role or clinic."""
        session = f"{super().get_session_auth_hash()} {self.token_version} {self.role} {self.clinic_id}"
        return salted_hmac("clinic.accounts.session", session, algorithm="sha256").hexdigest()

    @property
    def verified_phone(self) -> str:
        """Empty unless a code sent to the phone was given back. An extension gets no code."""
        return self.phone or "" if self.phone_verified_at is not None and not self.phone_extension else ""

    @property
    def whole_phone(self) -> Phone:
        return Phone(self.phone or "", self.phone_extension)

    @property
    def is_verified(self) -> bool:
        """Whether an address or phone of the account is known to be its owner's."""
        return bool(self.email or self.verified_phone)

    @property
    def claimed(self) -> dict[str, str]:
        """Addresses that wait to be verified, by kind. One query, none if `claims` were fetched with the user."""
        return {claim.kind: claim.value for claim in self.claims.all()}

    @property
    def shown_email(self) -> str:
        """The verified address; without one, the address that the account claims."""
        return self.email or self.claimed.get(ContactKind.EMAIL, "")

    @property
    def shown_phone(self) -> Phone:
        """The verified phone; without one, the phone that the account claims."""
        return self.whole_phone if self.phone else claimed_phone(self.claimed.get(ContactKind.PHONE, ""))

    @property
    def works_at_desk(self) -> bool:
        return self.role in (Role.OWNER, Role.STAFF)


def photo_path(user: User | None) -> str | None:
    """The path of the picture on this server; None without one."""
    return f"/api/v1/photos/{user.photo}" if user is not None and user.photo else None


class ContactKind(models.TextChoices):
    EMAIL = "email"
    PHONE = "phone"


EXTENSION = ";ext="


def claim_value_of(phone: Phone) -> str:
    """As RFC 3966 writes it: `+4930123456;ext=12`."""
    return f"{phone.number}{EXTENSION}{phone.extension}" if phone.extension else phone.number


def claimed_phone(value: str) -> Phone:
    number, _, extension = value.partition(EXTENSION)
    return Phone(number, extension)


class ContactClaim(models.Model):
    """An e-mail address or phone that an account has named and nobody has verified. Several accounts may claim one."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="claims")
    kind = models.CharField(max_length=8, choices=ContactKind.choices)
    value = models.CharField(max_length=254, help_text="lower case; a phone: E.164, and `;ext=` with an extension")
    # Of value and password, keyed: tells which claim a password may belong to, at the cost of one hash for all.
    password_mark = models.PositiveSmallIntegerField(null=True, editable=False)
    mail_requested_at = models.DateTimeField(null=True, editable=False, db_index=True)
    token_hash = models.CharField(max_length=64, unique=True, null=True, editable=False, db_collation="ascii_bin")  # noqa: DJ001 - unique
    token_expires_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "contact_claim"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="contact_claim_once")]
        indexes = [models.Index(fields=["kind", "value"], name="contact_claim_value")]

    def __str__(self) -> str:
        return f"{self.kind} claim {self.pk}"


class ContactChange(models.Model):
    """An e-mail address or phone that another one has replaced. A mail to the former owner takes it back."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="contact_changes")
    kind = models.CharField(max_length=8, choices=ContactKind.choices)
    former = models.CharField(max_length=254)
    token_hash = models.CharField(max_length=64, unique=True, db_collation="ascii_bin")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "contact_change"

    def __str__(self) -> str:
        return f"{self.kind} change {self.pk}"


class PasswordToken(models.Model):
    """Sent by mail, so that its reader may set a password: once, and for a while. Proves `email`, if the account claims
    it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_tokens")
    email = models.CharField(max_length=254, blank=True, default="", db_default="")
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
    """One sign-in: all refresh tokens that came of it by rotation, or the session of a page. Its `id` is the `jti` of
    the first token, and stands in every access token as `sign_in`."""

    id = models.CharField(max_length=32, primary_key=True, db_collation="ascii_bin")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, help_text="when a token was last issued; empty: at the beginning alone")
    device = models.CharField(max_length=60, blank=True, default="", db_default="", help_text="browser and system")
    # Of the sign-ins that began under an earlier one, none lives.
    token_version = models.PositiveIntegerField(null=True)
    session_key = models.CharField(  # noqa: DJ001 - unique
        max_length=40, null=True, unique=True, help_text="of a page's session; empty: tokens"
    )
    # However often its tokens are rotated.
    ends_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "refresh_family"

    def __str__(self) -> str:
        return f"refresh family {self.pk}"


class DeviceKind(models.TextChoices):
    TEAM = "team"
    WAITING_ROOM = "waiting_room"


class WallDevice(models.Model):
    """A screen on a wall, without an account: it reads one stream and nothing else. Kept when its access is revoked."""

    clinic = models.ForeignKey("scheduling.Clinic", on_delete=models.PROTECT, related_name="wall_devices")
    name = models.CharField(max_length=60, validators=[validate_label])
    kind = models.CharField(max_length=12, choices=DeviceKind.choices)
    shows_names = models.BooleanField(
        default=True, db_default=True, help_text="waiting room: first names with an initial; false: numbers"
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False, db_collation="ascii_bin")
    # Raised when what it may see changes: tickets carry the version they were made under.
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(editable=False)
    seen_at = models.DateTimeField(null=True, editable=False, help_text="when it last asked for a ticket")
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "wall_device"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
