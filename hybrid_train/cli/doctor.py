"""``doctor``: what this machine and installation have."""

from __future__ import annotations

import argparse
from typing import Any

from hybrid_train.cli.options import Commands, add_json
from hybrid_train.cli.printing import DONE, show, show_json

_AMPLITUDE = 16
"""Bytes of a complex number of a statevector."""


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = "Say what is here: versions, memory, threads, the largest circuit that Aer holds, GPUs, compiled kernels."
    doctor = commands.add_parser("doctor", help="what this machine and installation have", description=text)
    add_json(doctor)
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    found = _found()
    if options.json:
        show_json(found)
        return DONE
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        f"versions  {versions}",
        f"memory    {found['memory_bytes'] / 2**30:.1f} GiB available",
        f"threads   {found['threads']}",
        f"Aer       statevectors of at most {found['largest_aer_qubits']} qubits fit in memory",
        f"devices   {', '.join(found['devices']) or 'Aer cannot be asked'}",
        f"kernels   {found['kernels']} compiled ones kept in {len(found['kernel_folders'])} folders",
    ]
    show("\n".join(lines))
    return DONE


def _found() -> dict[str, Any]:
    from hybrid_train.experiments.document import versions
    from hybrid_train.support.compile_cache import kernel_folders
    from hybrid_train.support.memory import available_bytes
    from hybrid_train.support.parallel import processors

    memory = available_bytes()
    folders = kernel_folders()
    return {
        "versions": versions(),
        "memory_bytes": memory,
        "threads": processors(),
        "largest_aer_qubits": max(0, (memory // _AMPLITUDE).bit_length() - 1),
        "devices": _devices(),
        "kernels": sum(len(list(folder.glob("*.nbc"))) for folder in folders),
        "kernel_folders": [str(folder) for folder in folders],
    }


def _devices() -> list[str]:
    """Return what Aer simulates on; nothing where it cannot be loaded, which is worth knowing and no failure."""
    try:
        from qiskit_aer import AerSimulator

        return [str(device) for device in AerSimulator().available_devices()]
    except Exception:
        return []
