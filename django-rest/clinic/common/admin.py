"""The classes the admin is built of: django-unfold's, typed as Django's own, which they extend."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:
    from django.contrib.admin import ChoicesFieldListFilter as ChoicesFilter
    from django.contrib.admin import DateFieldListFilter as DatesFilter
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin
    from django.contrib.admin import RelatedFieldListFilter as RelatedFilter
    from django.contrib.admin import SimpleListFilter as OneOfFilter
    from django.contrib.admin import TabularInline

    class ModelAdmin(DjangoModelAdmin[Row]):
        def get_unfold_action(self, action: str) -> Any: ...
else:
    from unfold.admin import ModelAdmin, TabularInline
    from unfold.contrib.filters.admin import DropdownFilter as OneOfFilter
    from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter as ChoicesFilter
    from unfold.contrib.filters.admin import RangeDateFilter as DatesFilter
    from unfold.contrib.filters.admin import RelatedDropdownFilter as RelatedFilter

__all__ = ["ChoicesFilter", "DatesFilter", "ModelAdmin", "OneOfFilter", "RelatedFilter", "TabularInline"]
