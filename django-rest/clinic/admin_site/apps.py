from django.apps import AppConfig


class AdminSiteConfig(AppConfig):
    name = "clinic.admin_site"
