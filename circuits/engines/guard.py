"""Refusing searches that this machine's memory cannot hold, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable

from circuits.register import Register
from hybrid_train.errors import ResourceError


def check_fits(n_items: int | Register, needed_bytes: Callable[[int], int], available: int, engine: str) -> None:
    """Refuse searches over too many items, naming what they need, what there is, and what fits.

    Args:
        n_items: m, or the register of the items.
        needed_bytes: of searches on so many qubits; does not fall with their number.
        available: bytes.
        engine: how it was asked for, for the message.

    Raises:
        ResourceError: they do not fit.
    """
    register = Register.of(n_items)
    needed = needed_bytes(register.n_qubits)
    if needed <= available:
        return
    qubits = register.n_qubits
    while qubits and needed_bytes(qubits) > available:
        qubits -= 1
    raise ResourceError(
        f"{engine}: simulating searches over {register.n_items} {register.noun} needs {needed} bytes of memory but "
        f"{available} are available; at most {(1 << qubits) * (qubits > 0)} {register.noun} fit here. Use "
        "engine='closed_form', which samples the law of noiseless circuits without a statevector"
    )


def check_register(n_items: int | Register, n_word: int, available: int) -> None:
    """Refuse arithmetic oracles whose register the statevector cannot hold.

    Args:
        n_items: m, or the register of the items.
        n_word: qubits besides the index: loaded word, accumulator and a live bit.
        available: bytes.

    Raises:
        ResourceError: it does not fit.
    """
    register = Register.of(n_items)
    n_index = register.n_qubits
    needed = 16 << n_index + n_word
    if needed > available:
        index_left = (available // 16).bit_length() - 1 - n_word
        noun = register.noun
        fits = f"at most {1 << index_left} {noun} fit" if index_left > 0 else f"not even two {noun} fit"
        raise ResourceError(
            f"oracle='arithmetic': simulating {n_index + n_word} qubits needs {needed} bytes of memory but "
            f"{available} are available; {fits} here with as many bits. Take fewer bits, or engine='closed_form', "
            "which samples the law of the circuits without a statevector"
        )
