"""The models of a server, by name."""

from __future__ import annotations

from collections.abc import Iterable

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.service.entry import ModelEntry

__all__ = ["Registry"]


class Registry:
    """Names to models. Fixed once it is built."""

    def __init__(self, entries: Iterable[ModelEntry]) -> None:
        """Takes the models.

        Raises:
          InvalidRequest: two of them have one name.
        """
        self._entries: dict[str, ModelEntry] = {}
        for entry in entries:
            if entry.name in self._entries:
                raise InvalidRequest("name", f"is {shown(entry.name)}, which another model has")
            self._entries[entry.name] = entry

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """All models, by name."""
        return tuple(self._entries[name] for name in sorted(self._entries))

    def close(self) -> None:
        """Ends the processes of models that have some of their own; nothing is left to plan with.

        An `Engine` that has them does so too when it is closed.
        """
        for entry in self._entries.values():
            if entry.host is not None:
                entry.host.close()

    def find(self, name: str, version: str = "") -> ModelEntry:
        """The model of that name.

        Args:
          name: what a caller asked for; any text.
          version: empty: the newest.
        Raises:
          InvalidRequest: the name is empty.
          UnknownModel: there is no such model, or not in that version.
        """
        if not name:
            raise InvalidRequest(
                "model", f"is empty; must be one of {', '.join(sorted(self._entries))}"
            )
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownModel(_cut(name), list(self._entries))
        if version not in ("", entry.version):
            raise UnknownModel(f"{name}@{_cut(version)}", [f"{name}@{entry.version}"])
        return entry


def _cut(text: str) -> str:
    """A name that is no name may be megabytes long; its beginning is enough to tell."""
    return text if len(text) <= 64 else text[:64] + "..."
