from typing import Any

from rest_framework import serializers

from clinic.accounts.models import (
    CLINIC_ROLE_CHOICES,
    ContactKind,
    RefreshFamily,
    Role,
    User,
    normalise_email,
    photo_path,
    validate_extension,
)
from clinic.accounts.phones import MAX_EXTENSION_LENGTH
from clinic.common.versions import VersionInput

# In any notation, with an extension in words.
PHONE_LENGTH = 60


class PhoneExtensionField(serializers.CharField):
    """Digits. May also stand in `phone`, as in `+49 30 123456 ext. 12`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_EXTENSION_LENGTH, allow_blank=True, validators=[validate_extension], **options)


class SignInInput(serializers.Serializer[Any]):
    username = serializers.CharField(help_text="e-mail or phone", required=False)
    email = serializers.CharField(required=False, help_text="instead of username")
    phone = serializers.CharField(required=False, help_text="instead of username")
    password = serializers.CharField(trim_whitespace=False, max_length=256)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: attrs[name] for name in ("username", "email", "phone") if attrs.get(name)}
        if not given:
            raise serializers.ValidationError({"username": "This field is required."}, code="required")
        if len(set(given.values())) > 1:
            raise serializers.ValidationError(
                {list(given)[-1]: "Give one of `username`, `email` and `phone`."}, code="ambiguous"
            )
        return {"username": next(iter(given.values())), "password": attrs["password"]}


class TokenInput(serializers.Serializer[Any]):
    token = serializers.CharField()


class RefreshInput(serializers.Serializer[Any]):
    refresh = serializers.CharField()


class TokenPairOutput(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class PasswordChangeInput(serializers.Serializer[Any]):
    old_password = serializers.CharField(trim_whitespace=False, max_length=256)
    new_password = serializers.CharField(trim_whitespace=False, max_length=256)


class PasswordResetInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class PasswordConfirmInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, help_text="from the mail")
    password = serializers.CharField(trim_whitespace=False, max_length=256)


class LinkTokenInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, help_text="from the mail")


class StreamTicketOutput(serializers.Serializer[Any]):
    ticket = serializers.CharField(help_text="for `?ticket=` of a stream")
    expires_in = serializers.IntegerField(help_text="seconds")


class PhotoInput(serializers.Serializer[Any]):
    photo = serializers.FileField(
        help_text="JPEG, PNG or WebP, one frame; at most 5 MB and 24 megapixels, or 8 if it is no baseline JPEG"
    )


class UserOutput(serializers.Serializer[User]):
    id = serializers.IntegerField()
    email = serializers.EmailField(source="shown_email", help_text="without a verified one, the address it claims")
    email_proven = serializers.SerializerMethodField(help_text="the link in a mail to the address was opened")
    pending_email = serializers.SerializerMethodField(help_text="replaces `email` once it is verified")
    phone = serializers.SerializerMethodField(help_text="without a verified one, the number it claims")
    phone_extension = serializers.CharField(source="shown_phone.extension")
    phone_verified = serializers.SerializerMethodField(help_text="a code sent to the phone was given back")
    pending_phone = serializers.SerializerMethodField(help_text="replaces `phone` once it is verified")
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    clinic = serializers.IntegerField(source="clinic_id", allow_null=True)
    photo = serializers.SerializerMethodField(help_text="path of the picture on this server")
    practitioner = serializers.SerializerMethodField()
    patient = serializers.SerializerMethodField()
    version = serializers.IntegerField(help_text="rises with every change; also the ETag")

    def get_email_proven(self, user: User) -> bool:
        return user.email is not None

    def get_pending_email(self, user: User) -> str | None:
        return user.claimed.get(ContactKind.EMAIL) if user.email else None

    def get_phone(self, user: User) -> str | None:
        return user.shown_phone.number or None

    def get_pending_phone(self, user: User) -> str | None:
        return user.claimed.get(ContactKind.PHONE) if user.phone else None

    def get_phone_verified(self, user: User) -> bool:
        return bool(user.verified_phone)

    def get_photo(self, user: User) -> str | None:
        return photo_path(user)

    def get_practitioner(self, user: User) -> int | None:
        return getattr(getattr(user, "practitioner", None), "pk", None)

    def get_patient(self, user: User) -> int | None:
        return getattr(getattr(user, "patient", None), "pk", None)


class StaffOutput(UserOutput):
    active = serializers.BooleanField(source="is_active")
    invited = serializers.SerializerMethodField(help_text="has not chosen a password yet")

    def get_invited(self, user: User) -> bool:
        return not user.has_usable_password()


class StaffInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=PHONE_LENGTH, allow_null=True, required=False)
    phone_extension = PhoneExtensionField(required=False)
    role = serializers.ChoiceField(choices=CLINIC_ROLE_CHOICES)
    practitioner = serializers.IntegerField(
        allow_null=True, required=False, min_value=1, help_text="whose schedule is this person's own"
    )

    def validate_email(self, email: str) -> str:
        return normalise_email(email)


class NewStaffInput(StaffInput):
    password = serializers.CharField(
        trim_whitespace=False, max_length=256, required=False, help_text="without one, a mail invites to choose it"
    )


class StaffEditInput(VersionInput, StaffInput):
    active = serializers.BooleanField(required=False)


class ProfileInput(VersionInput):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=PHONE_LENGTH, allow_null=True)
    phone_extension = PhoneExtensionField(required=False)
    phone_code = serializers.CharField(
        required=False, max_length=16, help_text="sent to the phone: links what was booked by it before"
    )
    password = serializers.CharField(
        trim_whitespace=False, max_length=256, required=False, help_text="needed with another e-mail or phone"
    )

    def validate_email(self, email: str) -> str:
        return normalise_email(email)


class SignInOutput(serializers.ModelSerializer[RefreshFamily]):
    last_seen_at = serializers.DateTimeField(source="seen_at", help_text="when a token was last issued")
    is_current = serializers.SerializerMethodField(help_text="whether this request's token came of it")

    class Meta:
        model = RefreshFamily
        fields = ("id", "device", "created_at", "last_seen_at", "is_current")
        read_only_fields = fields

    def get_is_current(self, family: RefreshFamily) -> bool:
        return family.pk == self.context.get("sign_in")
