"""Sign in and sign out, and the first page of each role."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views import View

from clinic.accounts.models import User
from clinic.portal.forms import SignInForm
from clinic.portal.frame import home_for
from clinic.portal.page_sessions import end_sign_in_of_page, sign_in_page
from clinic.portal.pages import Page


class SignInPage(Page, LoginView):
    form_class = SignInForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        sign_in_page(self.request, user)
        return HttpResponseRedirect(self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return home_for(_user_of(self.request))


class SignOutPage(LogoutView):
    next_page = "sign-in"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        end_sign_in_of_page(request)
        return super().post(request, *args, **kwargs)


class StartPage(View):
    """The address without a path."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(home_for(_user_of(request)))


def _user_of(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
