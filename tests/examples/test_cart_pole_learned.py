"""A short run of the example that balances a pole by a learned model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

PNG = b"\x89PNG"


def test_a_model_of_a_few_steps_balances_the_pole(example: Any) -> None:
    """One run of a fixed seed. Random play stands 22 steps. Of ten poles by models of 200 steps,
    two for each of five seeds, the worst stood 138 steps and five stood to the end.
    """
    cart_pole = example("cart_pole_learned")
    returns = cart_pole.play(1, steps=(200,), poles=2)
    assert returns.shape == (1, 2)
    assert returns.min() > 80
    assert returns.max() <= cart_pole.LONGEST


def test_what_was_measured_is_shown(example: Any, tmp_path: Path) -> None:
    cart_pole = example("cart_pole_learned")
    stages = len(cart_pole.STEPS)
    runs = [np.full((stages, 5), 500.0), np.linspace(20, 500, stages * 5).reshape(stages, 5)]
    cart_pole.draw(runs, tmp_path / "pole.png")
    assert (tmp_path / "pole.png").read_bytes().startswith(PNG)
    shown = cart_pole.table(runs)
    assert shown.row_count == stages
    assert list(shown.columns[3].cells)[-1] == "6/10"
