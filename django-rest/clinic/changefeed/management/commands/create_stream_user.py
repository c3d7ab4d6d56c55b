from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic.changefeed.stream_user import NotPrivileged, create_stream_user


class Command(BaseCommand):
    help = "Make the stream's database user (SSE_DB_USER), who may read the published live_* views and nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = create_stream_user()
        except NotPrivileged as refusal:
            statements = "\n".join(f"  {statement};" for statement in refusal.statements)
            raise CommandError(
                f"Cannot make the stream's database user: {refusal.reason}\n"
                "Set DB_ADMIN_USER and DB_ADMIN_PASSWORD, or have an administrator run this with SSE_DB_PASSWORD's "
                f"value:\n{statements}"
            ) from refusal
        self.stdout.write(self.style.SUCCESS(f"{name} may read the published views and nothing else."))
