from rest_framework.request import Request

from clinic.clinic_setup.serializers.offered_services import ListedInput
from clinic.common.inputs import read


def listed(request: Request) -> dict[str, str]:
    return read(ListedInput, request.query_params)
