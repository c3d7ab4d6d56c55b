from collections.abc import Collection
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.accounts import services
from clinic.accounts.authentication import AccessTokenAuthentication
from clinic.accounts.requests import signed_in_user
from clinic.accounts.serializers import RefreshInput, SignInInput, TokenInput, TokenPairOutput
from clinic.common.openapi import answers


class OpenView(APIView):
    """For people who are not signed in: a token is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        # Without it the framework turns the 401 of a wrong password or used-up token into a 403.
        return AccessTokenAuthentication().authenticate_header(request)


class SignInView(OpenView):
    roles: ClassVar[Collection[str] | None] = None

    @answers("no_active_account", services.WrongAccountKind)
    @extend_schema(request=SignInInput, responses=TokenPairOutput, summary="Sign in")
    def post(self, request: Request) -> Response:
        credentials = SignInInput(data=request.data)
        credentials.is_valid(raise_exception=True)
        pair = services.sign_in(**credentials.validated_data, roles=self.roles)
        return Response(TokenPairOutput(pair).data)


class PatientSignInView(SignInView):
    roles = services.PATIENT_ROLES


class ClinicSignInView(SignInView):
    roles = services.CLINIC_ROLES


class RotateView(OpenView):
    @answers("token_not_valid")
    @extend_schema(request=RefreshInput, responses=TokenPairOutput, summary="New tokens for a refresh token")
    def post(self, request: Request) -> Response:
        given = RefreshInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(TokenPairOutput(services.rotate_tokens(**given.validated_data)).data)


class VerifyView(OpenView):
    @answers("token_not_valid")
    @extend_schema(request=TokenInput, responses={200: None}, summary="Check a token")
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.verify_token(**given.validated_data)
        return Response({})


class SignOutView(OpenView):
    @answers("token_not_valid")
    @extend_schema(request=RefreshInput, responses={200: None}, summary="Sign out: end a refresh token")
    def post(self, request: Request) -> Response:
        given = RefreshInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.sign_out(**given.validated_data)
        return Response({})


class SignOutEverywhereView(APIView):
    @extend_schema(request=None, responses={200: None}, summary="End every session of mine, streams included")
    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user=signed_in_user(request))
        return Response({})
