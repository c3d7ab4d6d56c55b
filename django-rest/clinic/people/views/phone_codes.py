from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.phones import normalise_phone
from clinic.accounts.views import OpenView
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import Throttled
from clinic.common.inputs import validated
from clinic.common.openapi import answers
from clinic.people.serializers.phone_codes import PhoneCodeInput, PhoneCodeOutput
from clinic.people.services.phone_codes import CODE_HOLDS_FOR, send_phone_code
from clinic.scheduling.queries.clinics import get_clinic_for


class PhoneCodeView(OpenView):
    @answers(Throttled)
    @extend_schema(
        request=PhoneCodeInput,
        responses={
            202: OpenApiResponse(PhoneCodeOutput, description="The same, whether or not the clinic knows the number."),
        },
        examples=[
            OpenApiExample("A number", value={"phone": "+49 170 1234567", "clinic": "riverside"}, request_only=True),
            OpenApiExample("Sent, if it is known", value={"expires_in": 600}, response_only=True),
        ],
        summary="Have a code sent to a phone, to prove that it is yours",
    )
    def post(self, request: Request) -> Response:
        given = validated(PhoneCodeInput(data=request.data))
        clinic = get_clinic_for(None, name=given.get("clinic"))
        phone = normalise_phone(given["phone"], region=clinic.phone_region)
        send_phone_code(clinic=clinic, phone=phone, address=client_address(request), now=clock.now())
        return Response({"expires_in": int(CODE_HOLDS_FOR.total_seconds())}, status=202)
