"""The live board."""

from typing import Any

from clinic.portal.board import board_for
from clinic.portal.pages import ClinicPage


class BoardPage(ClinicPage):
    template_name = "portal/board.html"
    section = "board"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(board=board_for(self.user), **kwargs)
