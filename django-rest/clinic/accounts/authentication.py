from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from clinic.accounts.models import User
from clinic.accounts.queries import get_session_user
from clinic.accounts.tokens import read_access_token

NOT_VALID = "token_not_valid"
DETAIL = "The token is invalid or has expired."


class AccessTokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer`. Every bad token is 401 `token_not_valid`, as on the stream."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:  # type: ignore[override]
        header = self.get_header(request)
        scheme, _, credentials = (header or b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            token = read_access_token(credentials.strip().decode("ascii"))
        except (TokenError, UnicodeDecodeError):
            raise AuthenticationFailed(DETAIL, NOT_VALID) from None
        user = get_session_user(user_id=token["user_id"], token_version=token["ver"])
        if user is None:
            raise AuthenticationFailed(DETAIL, NOT_VALID)
        return user, token


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = AccessTokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token of `POST /api/token`; `POST /api/token/refresh` gives a new one.",
        }
