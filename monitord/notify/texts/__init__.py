"""What monitord says, in each language: one sentence for each word of the vocabulary, and the page's phrases.

`en` and `de` hold the tables; a test holds that no member of an enumeration is without a sentence in either. The page
is sent the same tables (`catalogue`), so that a phone and a message say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitord.config import Language
from monitord.notify import delivery, incident
from monitord.notify.texts import de, en, page_de, page_en

if TYPE_CHECKING:
    from enum import Enum

    from monitord.events import Fault, Look, Sight

_TEXTS: dict[Language, dict[type, dict[Any, str]]] = {
    language: {type(next(iter(table))): table for table in module.TEXTS}
    for language, module in ((Language.EN, en), (Language.DE, de))
}
_PAGE = {Language.EN: page_en.PAGE, Language.DE: page_de.PAGE}
_NAMES: dict[type, str] = {incident.State: "Incident", delivery.State: "Delivery"}
"""How the catalogue calls an enumeration whose own name says too little."""


def kinds() -> tuple[type[Enum], ...]:
    """The enumerations that there are sentences for."""
    return tuple(_TEXTS[Language.EN])


def text(member: Enum, language: Language = Language.EN) -> str:
    """The sentence for `member` of any of `kinds()`.

    Raises:
        KeyError: there is none.
    """
    return _TEXTS[language][type(member)][member]


def camera(seen: Look | Sight | Fault | None, language: Language = Language.EN) -> str:
    """What an incident says of the camera."""
    return "" if seen is None else text(seen, language)


def catalogue(language: Language) -> dict[str, str]:
    """Everything that the page says: the sentence of each member by its code ("Sound.CRY"), and the page's phrases."""
    said = {
        f"{_NAMES.get(kind, kind.__name__)}.{member.name}": sentence
        for kind, table in _TEXTS[language].items()
        for member, sentence in table.items()
    }
    return {**said, **_PAGE[language]}
