"""`name__holds`: a part of a text, in any case and with any accents, looked for in every patient of a clinic.

The collation of the columns weighs each letter by the rules of Unicode, which takes four times as long as a simple one.
So the simple one is asked, and the other of texts with letters beyond ASCII alone: it also finds Łukasz by "lukasz".
"""

from typing import Any

from django.db.models import CharField
from django.db.models.lookups import IContains

HOLDS = "holds"
SIMPLE_COLLATION = "utf8mb4_general_ci"


@CharField.register_lookup
class Holds(IContains):
    lookup_name = HOLDS

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, of_column = self.process_lhs(compiler, connection)
        text, of_text = self.process_rhs(compiler, connection)
        sql = (
            f"({column} COLLATE {SIMPLE_COLLATION} LIKE {text}"
            f" OR (LENGTH({column}) <> CHAR_LENGTH({column}) AND {column} LIKE {text}))"
        )
        return sql, [*of_column, *of_text, *of_column, *of_column, *of_column, *of_text]
