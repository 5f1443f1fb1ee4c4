"""What every part of a kind must hold to, as functions that raise Fault: for the package's own and a user's."""

from __future__ import annotations

from rnnrepro.conformance.cases import Case
from rnnrepro.conformance.models import Check, check_model

__all__ = ["Case", "Check", "check_model"]
