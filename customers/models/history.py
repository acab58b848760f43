"""Rows that are added to and never edited."""

from typing import Any, NoReturn

from django.db import models


class AppendOnlyError(Exception):
    """Raised when code tries to change or delete a row of history; undo it by a new row instead."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        super().__init__(f"{model.__name__} is append-only: add a row that reverses instead.")


class AppendOnlyQuerySet(models.QuerySet):
    """Refuse every bulk change; a database trigger stands behind it where money is at stake."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(self.model)

    def delete(self) -> NoReturn:
        raise AppendOnlyError(self.model)

    delete.alters_data = True
    delete.queryset_only = True
    update.alters_data = True


class AppendOnlyModel(models.Model):
    """A row that is written once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(type(self))
