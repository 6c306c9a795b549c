"""Where the C header of the native ABI lies."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_include"]


def get_include() -> str:
    """The folder of `mcts_model.h`, for a compiler's `-I`.

    Loads no compiled module, so that a build may ask for it.

    Raises:
      FileNotFoundError: the package has been installed without its header.
    """
    installed = Path(__file__).parent / "include"
    checkout = Path(__file__).resolve().parents[1] / "csrc" / "include"  # an editable install
    for folder in (installed, checkout):
        if (folder / "mcts_model.h").is_file():
            return str(folder)
    raise FileNotFoundError(f"mcts_model.h is neither in {installed} nor in {checkout}")
