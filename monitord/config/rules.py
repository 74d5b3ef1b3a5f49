"""What each sound leads to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from monitord.config.section import Section


class AlertWhen(StrEnum):
    """Whether an alert waits for the look. It never waits longer than the look may last."""

    AT_ONCE = "at_once"
    AFTER_LOOK = "after_look"


class Priority(StrEnum):
    """Priorities of an incident, after IEC 60601-1-8."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RuleConfig(Section):
    """What a sound of one kind leads to."""

    alert: Annotated[AlertWhen, Field(strict=False)] = AlertWhen.AT_ONCE
    priority: Annotated[Priority, Field(strict=False)] = Priority.HIGH


class RulesConfig(Section):
    """One rule per sound; the keys are the names of ``monitord.events.Sound`` in small letters."""

    cry: RuleConfig = RuleConfig()
    help: RuleConfig = RuleConfig()
    hilfe: RuleConfig = RuleConfig()
    smoke_alarm: RuleConfig = RuleConfig()
    co_alarm: RuleConfig = RuleConfig()
    word: RuleConfig = RuleConfig()
