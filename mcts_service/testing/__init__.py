"""A conformance kit for models: `check_model` says what is wrong, `assert_model` insists."""

from mcts_service.testing.check_model import assert_model, check_model
from mcts_service.testing.report import Check, CheckReport

__all__ = ["Check", "CheckReport", "assert_model", "check_model"]
