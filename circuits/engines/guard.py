"""Refusing searches that this machine's memory cannot hold, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable

from hybrid_train.errors import ResourceError


def check_fits(n_items: int, needed_bytes: Callable[[int], int], available: int, engine: str) -> None:
    """Refuse searches over too many items, naming what they need, what there is, and what fits.

    Args:
        n_items: m.
        needed_bytes: of searches over so many items; does not fall with their number, and is constant between powers
            of two.
        available: bytes.
        engine: how it was asked for, for the message.

    Raises:
        ResourceError: they do not fit.
    """
    needed = needed_bytes(n_items)
    if needed <= available:
        return
    fits = 1 << (n_items - 1).bit_length()
    while fits and needed_bytes(fits) > available:
        fits //= 2
    raise ResourceError(
        f"{engine}: simulating searches over {n_items} points needs {needed} bytes of memory but {available} are "
        f"available; at most {fits} points fit here. Use engine='closed_form', which samples the law of noiseless "
        "circuits without a statevector"
    )


def check_register(n_items: int, n_word: int, available: int) -> None:
    """Refuse arithmetic oracles whose register the statevector cannot hold.

    Args:
        n_items: m.
        n_word: qubits besides the index: loaded word, accumulator and a live bit.
        available: bytes.

    Raises:
        ResourceError: it does not fit.
    """
    n_index = max(1, (n_items - 1).bit_length())
    needed = 16 << n_index + n_word
    if needed > available:
        index_left = (available // 16).bit_length() - 1 - n_word
        fits = f"at most {1 << index_left} points fit" if index_left > 0 else "not even two points fit"
        raise ResourceError(
            f"oracle='arithmetic': simulating {n_index + n_word} qubits needs {needed} bytes of memory but "
            f"{available} are available; {fits} here with as many bits. Take fewer bits, or engine='closed_form', "
            "which samples the law of the circuits without a statevector"
        )
