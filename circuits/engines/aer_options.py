"""What Aer's simulator can be told: its method, device and precision."""

from __future__ import annotations

from typing import Literal, get_args

from qiskit_aer import AerSimulator

from hybrid_train.errors import ConfigError, ResourceError

Method = Literal["statevector", "density_matrix", "matrix_product_state"]
Device = Literal["CPU", "GPU"]
Precision = Literal["double", "single"]


def simulator(method: str, device: str, precision: str) -> AerSimulator:
    """Return a simulator without noise.

    Raises:
        ConfigError: no such method, device or precision, or a method the device does not have.
        ResourceError: this Aer, or this machine, does not have the device.
    """
    for name, value, known in (
        ("method", method, get_args(Method)),
        ("device", device, get_args(Device)),
        ("precision", precision, get_args(Precision)),
    ):
        if value not in known:
            raise ConfigError(f"{name}={value!r}: must be one of {', '.join(map(repr, known))}")
    if device == "GPU" and method == "matrix_product_state":
        raise ConfigError(f"device='GPU': Aer simulates method={method!r} on the CPU alone; leave one of them out")
    there = AerSimulator().available_devices()
    if device not in there:
        raise ResourceError(
            f"device={device!r}: this Qiskit Aer has only {', '.join(there)}; on a machine with an NVIDIA GPU install "
            "qiskit-aer-gpu in the place of qiskit-aer, or leave device out"
        )
    return AerSimulator(method=method, device=device, precision=precision)
