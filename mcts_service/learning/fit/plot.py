"""The picture of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.report import Report

__all__ = ["plot"]

_MODEL, _BASELINE = "#1f6f8b", "#b0b0b0"


def plot(report: Report, path: str | Path, *, title: str = "") -> None:
    """Draws the rollout error by steps, and the other errors as shares of the baseline's.

    Args:
      path: of the picture; its ending says the format, such as ".png".
    Raises:
      InvalidRequest: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InvalidRequest("plot", 'needs: pip install "mcts-service[plot]"') from error
    figure = Figure(figsize=(8.0, 3.4), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_rollouts(left, report)
    _draw_shares(right, report)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path)


def _draw_rollouts(axes: Any, report: Report) -> None:
    steps = np.arange(1, len(report.rollout_errors) + 1)
    axes.plot(steps, report.baseline_rollout_errors, color=_BASELINE, label="nothing changes")
    axes.plot(steps, report.rollout_errors, color=_MODEL, marker="o", markersize=3, label="model")
    axes.set_xlabel("steps ahead")
    is_table = report.level == "distribution"
    axes.set_ylabel("energy score" if is_table else "energy score, standard deviations")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=8)
    _bare(axes)


def _draw_shares(axes: Any, report: Report) -> None:
    pairs = {
        "reward": (report.reward_error, report.baseline_reward_error),
        "end": (report.terminal_error, report.baseline_terminal_error),
    }
    is_judged = [b > 0 and not np.isnan(error) for error, b in pairs.values()]
    shares = [
        error / baseline if judged else 0.0
        for judged, (error, baseline) in zip(is_judged, pairs.values(), strict=True)
    ]
    bars = axes.bar(list(pairs), shares, color=_MODEL, width=0.5)
    axes.bar_label(
        bars,
        [
            f"{share:.2g}" if judged else "not told" if np.isnan(error) else "never varied"
            for share, judged, (error, _) in zip(shares, is_judged, pairs.values(), strict=True)
        ],
        fontsize=8,
        padding=2,
    )
    axes.axhline(1.0, color=_BASELINE, linewidth=1)
    axes.set_ylim(0, 1.15 * max(1.0, *shares))
    axes.set_ylabel("error / error of the mean")
    gain = report.possible_log_likelihood - report.baseline_log_likelihood
    axes.set_title(
        f"log-likelihood: {gain:+.2f} nats a step"
        + (f"\n{report.impossible_steps} steps impossible" if report.impossible_steps else ""),
        fontsize=9,
    )
    _bare(axes)


def _bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
