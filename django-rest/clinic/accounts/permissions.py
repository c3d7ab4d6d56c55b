from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from clinic.accounts.models import Role, User


class OwnerOnly(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.role == Role.OWNER


class PatientOnly(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.role == Role.PATIENT


class AtDesk(BasePermission):
    """Owner and staff."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.works_at_desk


class AtDeskOrReadOnly(BasePermission):
    """Owner and staff write; a practitioner reads what is theirs; a patient has no business here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if not isinstance(user, User) or user.role == Role.PATIENT:
            return False
        return user.works_at_desk or request.method in SAFE_METHODS


class WorksAtClinic(BasePermission):
    """Owner, staff and practitioners."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.role != Role.PATIENT


class OwnerOrReadOnly(BasePermission):
    """Readable to all, signed in or not; the owner writes."""

    everybody_reads = True

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return True
        return isinstance(request.user, User) and request.user.role == Role.OWNER


class WorksAtClinicOrReadOnly(WorksAtClinic):
    """Readable to all, signed in or not."""

    everybody_reads = True

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or super().has_permission(request, view)
