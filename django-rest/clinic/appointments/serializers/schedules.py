from rest_framework import serializers

from clinic.scheduling.serializers import AvailabilityOutput, ScheduleExceptionOutput


class AvailabilityChangedOutput(AvailabilityOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")


class ExceptionChangedOutput(ScheduleExceptionOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")
