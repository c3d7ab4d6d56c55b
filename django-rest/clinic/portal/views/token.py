"""Access tokens of a page's scripts."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from clinic.accounts.models import Role, User
from clinic.accounts.tokens import access_token_for
from clinic.common.error_pages import error_response
from clinic.portal.board import may_see_board
from clinic.portal.page_sessions import sign_in_of_page


@method_decorator(never_cache, name="dispatch")
class TokenView(View):
    """An access token for a page's scripts. They never have a refresh token: the session is the page's."""

    http_method_names = ["post", "options"]
    refusal = "The board is for the clinic."

    def is_open_to(self, user: User) -> bool:
        return may_see_board(user)

    def post(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return error_response(401, "not_authenticated", "Nobody is signed in.")
        user = request.user
        assert isinstance(user, User)
        if not self.is_open_to(user):
            return error_response(403, "permission_denied", self.refusal)
        # A screen on a wall asks again and again, and stays signed in.
        request.session.modified = True
        seconds = settings.SHARED.jwt_access_token_lifetime * 60
        return JsonResponse(
            {"access": str(access_token_for(user, sign_in=sign_in_of_page(request))), "expires_in": seconds}
        )


class PatientTokenView(TokenView):
    refusal = "This page is for patients."

    def is_open_to(self, user: User) -> bool:
        return user.clinic is not None and user.role == Role.PATIENT
