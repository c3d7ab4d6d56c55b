from django.apps import AppConfig


class ClinicSetupConfig(AppConfig):
    name = "clinic.clinic_setup"
