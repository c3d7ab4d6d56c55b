from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, TemplateView

from clinic.accounts.models import CLINIC_ROLES, User
from clinic.accounts.tokens import access_token_for
from clinic.common import clock
from clinic.common.error_pages import error_response
from clinic.portal.board import board_for, may_see_board
from clinic.portal.forms import ForgottenForm, NewPasswordForm, SignInForm
from clinic.portal.pages import Page, SignedInPage


class SignInPage(Page, LoginView):
    form_class = SignInForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/sign_in.html"
    next_page = "board"
    redirect_authenticated_user = True


class SignOutPage(LogoutView):
    next_page = "sign-in"


class ForgottenPasswordPage(Page, FormView[ForgottenForm]):
    form_class = ForgottenForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/password_forgotten.html"

    def form_valid(self, form: ForgottenForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, is_sent=form.send_mail(self.request)))


class NewPasswordPage(Page, FormView[NewPasswordForm]):
    """Where the link in a mail leads."""

    form_class = NewPasswordForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/password.html"

    def get_initial(self) -> dict[str, Any]:
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        user = form.set_password(self.request)
        context = {"is_set": user is not None, "may_sign_in": user is not None and user.role in CLINIC_ROLES}
        return self.render_to_response(self.get_context_data(form=form, **context))


class BoardPage(SignedInPage, TemplateView):
    template_name = "portal/board.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = _user_of(request)
        if not may_see_board(user):
            return self.response_class(
                request, "portal/not_for_you.html", self.get_context_data(), status=HTTPStatus.FORBIDDEN
            )
        return self.render_to_response(self.get_context_data(board=board_for(user, now=clock.now())))


@method_decorator(never_cache, name="dispatch")
class TokenView(View):
    """An access token for a page's scripts. They never have a refresh token: the session is the page's."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return error_response(401, "not_authenticated", "Nobody is signed in.")
        user = _user_of(request)
        if not may_see_board(user):
            return error_response(403, "permission_denied", "The board is for the clinic.")
        # A screen on a wall asks again and again, and stays signed in.
        request.session.modified = True
        seconds = settings.SHARED.jwt_access_token_lifetime * 60
        return JsonResponse({"access": str(access_token_for(user)), "expires_in": seconds})


def _user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
