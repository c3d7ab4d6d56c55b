from clinic.accounts.models import User, normalise_email


def get_session_user(*, user_id: int, token_version: int) -> User | None:
    """The user of a token, with clinic, practitioner and patient. One query. None when the session has ended."""
    return (
        User.objects.select_related("clinic", "practitioner", "patient")
        .filter(pk=user_id, token_version=token_version, is_active=True)
        .first()
    )


def find_user_by_sign_in(username: str) -> User | None:
    """By e-mail, or by phone in E.164."""
    lookup = {"email": normalise_email(username)} if "@" in username else {"phone": username}
    return User.objects.select_related("clinic", "practitioner", "patient").filter(**lookup).first()
