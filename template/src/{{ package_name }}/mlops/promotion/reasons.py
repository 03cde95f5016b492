"""Reasons for exceptions, which stand in the record of a promotion."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reasons:
    """Why what a gate would refuse is wanted all the same; an empty reason wants nothing.

    Attributes:
        uncompared: Why a champion that cannot be scored may stay unscored.
        accept_worse: Why a candidate may be worse than the champion.
        again: Why a version that was withdrawn may be champion again.
    """

    uncompared: str = ""
    accept_worse: str = ""
    again: str = ""


NO_REASONS = Reasons()
