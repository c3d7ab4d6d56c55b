from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework_simplejwt.tokens import AccessToken

from clinic.accounts import contacts, passwords, photos, services
from clinic.accounts.authentication import AccessTokenAuthentication
from clinic.accounts.link_tokens import LinkNotValid
from clinic.accounts.lockout import Locked
from clinic.accounts.models import CLINIC_ROLES
from clinic.accounts.requests import device_of, sign_in_of, signed_in_user
from clinic.accounts.serializers import (
    LinkTokenInput,
    PasswordChangeInput,
    PasswordConfirmInput,
    PasswordResetInput,
    PhotoInput,
    RefreshInput,
    SignInInput,
    StreamTicketOutput,
    TokenInput,
    TokenPairOutput,
    UserOutput,
)
from clinic.accounts.tokens import StreamTicket, stream_ticket_for
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import Throttled
from clinic.common.limits import ByAddress, Limit
from clinic.common.openapi import answers
from clinic.common.views import ApiView

# One address may stand for a whole clinic.
SIGN_INS = Limit("sign-in", 100, timedelta(minutes=1))
PASSWORD_MAILS = Limit("password-mail", 30, timedelta(hours=1))
PASSWORD_LINKS = Limit("password-link", 30, timedelta(minutes=15))


class OpenView(ApiView):
    """For people who are not signed in: a token is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes: tuple[type[BaseThrottle], ...] = (ByAddress,)
    address_limit: ClassVar[Limit | None] = None

    def get_throttles(self) -> list[BaseThrottle]:
        return super().get_throttles() if self.address_limit is not None else []

    def get_authenticate_header(self, request: Request) -> str:
        # Without it the framework turns the 401 of a wrong password or used-up token into a 403.
        return AccessTokenAuthentication().authenticate_header(request)


class SignInView(OpenView):
    roles: ClassVar[Collection[str] | None] = None
    address_limit = SIGN_INS

    @answers("no_active_account", services.WrongAccountKind, Locked)
    @extend_schema(request=SignInInput, responses=TokenPairOutput, summary="Sign in")
    def post(self, request: Request) -> Response:
        credentials = SignInInput(data=request.data)
        credentials.is_valid(raise_exception=True)
        address = client_address(request)
        pair = services.sign_in(
            **credentials.validated_data, address=address, roles=self.roles, device=device_of(request)
        )
        return Response(TokenPairOutput(pair).data)


class PatientSignInView(SignInView):
    roles = services.PATIENT_ROLES


class ClinicSignInView(SignInView):
    roles = CLINIC_ROLES


class RotateView(OpenView):
    """Each refresh token is used once. One that comes back within 30 seconds (a lost answer, two tabs) gets a pair of
    its own; later, every refresh token of that sign-in ends."""

    @answers("token_not_valid")
    @extend_schema(request=RefreshInput, responses=TokenPairOutput, summary="New tokens for a refresh token")
    def post(self, request: Request) -> Response:
        given = RefreshInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(TokenPairOutput(services.rotate_tokens(**given.validated_data, now=clock.now())).data)


class VerifyView(OpenView):
    @answers("token_not_valid")
    @extend_schema(request=TokenInput, responses={200: None}, summary="Check a token")
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.verify_token(**given.validated_data, now=clock.now())
        return Response({})


class SignOutView(OpenView):
    """Every refresh token of that sign-in ends."""

    @answers("token_not_valid")
    @extend_schema(request=RefreshInput, responses={200: None}, summary="Sign out: end a refresh token")
    def post(self, request: Request) -> Response:
        given = RefreshInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.sign_out(**given.validated_data, now=clock.now())
        return Response({})


class SignOutEverywhereView(ApiView):
    @extend_schema(request=None, responses={200: None}, summary="End every session of mine, streams included")
    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user=signed_in_user(request))
        return Response({})


class StreamTicketView(ApiView):
    @extend_schema(request=None, responses=StreamTicketOutput, summary="A ticket for a stream's address: one minute")
    def post(self, request: Request) -> Response:
        assert isinstance(request.auth, AccessToken)
        ticket = stream_ticket_for(
            signed_in_user(request), session_ends=request.auth["exp"], sign_in=sign_in_of(request)
        )
        return Response({"ticket": str(ticket), "expires_in": int(StreamTicket.lifetime.total_seconds())})


class ChangePasswordView(ApiView):
    """Every other session ends, open streams too."""

    @answers(passwords.WrongPassword, Locked)
    @extend_schema(request=PasswordChangeInput, responses=TokenPairOutput, summary="Change my password")
    def post(self, request: Request) -> Response:
        given = PasswordChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        user, address = signed_in_user(request), client_address(request)
        pair = passwords.change_password(user=user, address=address, device=device_of(request), **given.validated_data)
        return Response(TokenPairOutput(pair).data)


class ResetPasswordView(OpenView):
    """The answer is the same whether there is such an account or not."""

    address_limit = PASSWORD_MAILS

    @extend_schema(request=PasswordResetInput, responses={202: None}, summary="Have a mail sent that sets a password")
    def post(self, request: Request) -> Response:
        given = PasswordResetInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.request_reset(now=clock.now(), **given.validated_data)
        return Response({}, status=202)


class ConfirmResetView(OpenView):
    """A token works once, for an hour (three days in an invitation). Every session ends."""

    address_limit = PASSWORD_LINKS

    @answers(LinkNotValid)
    @extend_schema(request=PasswordConfirmInput, responses={200: None}, summary="Set a password by the token of a mail")
    def post(self, request: Request) -> Response:
        given = PasswordConfirmInput(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.confirm_reset(address=client_address(request), **given.validated_data)
        return Response({})


class VerifyEmailView(OpenView):
    """The token works once, for three days. Every session of the account ends, and all other claims of the address; the
    answer has tokens for this one."""

    address_limit = PASSWORD_LINKS

    @answers(LinkNotValid)
    @extend_schema(request=LinkTokenInput, responses=TokenPairOutput, summary="Verify an e-mail by the token of a mail")
    def post(self, request: Request) -> Response:
        given = LinkTokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        user = contacts.verify_email(**given.validated_data, now=clock.now())
        return Response(TokenPairOutput(services.issue_tokens(user=user, device=device_of(request))).data)


class ResendVerificationView(ApiView):
    """The link sent before works no more. The answer is the same if there is nothing to verify."""

    @answers(Throttled)
    @extend_schema(request=None, responses={202: None}, summary="Have the mail sent again that verifies my e-mail")
    def post(self, request: Request) -> Response:
        contacts.resend_verification(user=signed_in_user(request), now=clock.now())
        return Response({}, status=202)


class UndoContactChangeView(OpenView):
    """The token works once, for a week. Every session of the account ends."""

    address_limit = PASSWORD_LINKS

    @answers(LinkNotValid)
    @extend_schema(
        request=LinkTokenInput,
        responses={200: None},
        summary="Take back a changed e-mail or phone, by the token of a mail to the former one",
    )
    def post(self, request: Request) -> Response:
        given = LinkTokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        contacts.undo_contact_change(**given.validated_data, now=clock.now())
        return Response({})


class OwnPhotoView(ApiView):
    parser_classes = (MultiPartParser,)

    @answers(Throttled, photos.PhotosBusy)
    @extend_schema(request={"multipart/form-data": PhotoInput}, responses=UserOutput, summary="Set my photo")
    def post(self, request: Request) -> Response:
        given = PhotoInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            UserOutput(photos.store_photo(user=signed_in_user(request), file=given.validated_data["photo"])).data
        )

    @extend_schema(responses={200: UserOutput}, summary="Remove my photo")
    def delete(self, request: Request) -> Response:
        return Response(UserOutput(photos.remove_photo(user=signed_in_user(request))).data)


class PhotoView(OpenView):
    """By a name that cannot be guessed. It never changes, so it may be kept."""

    @extend_schema(responses={(200, "image/webp"): OpenApiTypes.BINARY}, summary="A photo")
    def get(self, request: Request, photo: str) -> HttpResponse:
        return HttpResponse(
            photos.read_photo(photo),
            content_type="image/webp",
            headers={
                "Cache-Control": "private, max-age=86400, immutable",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )
