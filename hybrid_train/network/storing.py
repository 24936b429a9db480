"""Networks of every kind, and how a checkpoint holds them: plain arrays that say all there is to know, no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any, cast

import numpy as np

from hybrid_train.errors import CheckpointError
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.live_bank import LiveBank
from hybrid_train.finder.seeded import SeededBank
from hybrid_train.network.deep import Block, DeepNetwork, Layer
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.network.live import live_arrays, live_from
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.memory import check_memory

Network = TwoLayerNetwork | LinearisedNetwork | DeepNetwork

Arrays = Mapping[str, Any]
"""Named arrays, as an NPZ file holds them."""

_COPIES = 3.0
"""What reading rows takes that are made again, in units of the rows."""

_TRAINED, _INPUT, _POINTS, _PATCHES = "weights_", "input_weights_", "points_", "patches_"

FORMAT = 2
"""Of the arrays: 2 since there are linearised networks and trained outputs. Files that do not say are of 1."""

_FEATURES = "features_"
"""Goes before the arrays of W in the file of a linearised network, so that programs of before refuse it."""


@singledispatch
def stored(network: Network) -> dict[str, Any]:
    """Return a network as plain arrays by name, for an NPZ file: enough for :func:`rebuilt` to make it again.

    ``format`` is :data:`FORMAT`.

    Of two layers these are ``output_weights``, ``threshold``, ``activation``, ``output_scale``, ``untrained`` and
    ``weights``; where W(0) comes from the seed ``moved_rows``, ``moved_weights``, ``shape``, ``seed``, ``period`` and
    ``drawn_dtype`` in place of ``weights``; where only neurons that fire for some example were drawn also
    ``nominal_width``, ``drawn_for`` (n, d) and ``twins``.

    Of a deep network they are ``weights_0`` .. of the trained blocks, ``input_weights_0`` .., ``output_weights`` and
    ``thresholds``, and how its layers are connected: ``kind``; for each layer ``blocks``, ``trained``, ``factors``,
    ``skips``; for each block of all layers ``patches_0`` .. and ``firsts``; ``points_0`` .. of those with a skip
    connection, I + tau W as it was rounded; and ``output_trained``, whether B is.

    Of a linearised network they are V as ``shift``, ``offset``, and those of the two layers it was made of, with
    ``features_`` before each name: ``features_weights`` is W(0).
    """
    raise TypeError(f"no network: {type(network).__name__}")


@stored.register
def _(network: LinearisedNetwork) -> dict[str, Any]:
    base = {f"{_FEATURES}{name}": array for name, array in stored(network.base).items() if name != "format"}
    return {"format": FORMAT, **base, "shift": network.shift[:], "offset": network.offset}


@stored.register
def _(network: TwoLayerNetwork) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **_bank_arrays(network.weights),
        "output_weights": network.output_weights,
        "threshold": network.threshold,
        "activation": network.activation,
        "output_scale": network.scale,
        "untrained": network.untrained,
        **live_arrays(network.live),
    }


@stored.register
def _(network: DeepNetwork) -> dict[str, Any]:
    layers = network.layers
    blocks = [(layer, block) for layer in layers for block in layer.blocks]
    named: dict[str, Any] = {f"{_TRAINED}{number}": matrix for number, matrix in enumerate(network.weights())}
    named |= {f"{_INPUT}{number}": matrix for number, matrix in enumerate(layers[0].weights())}
    named |= {f"{_POINTS}{number}": block.points[:] for number, (layer, block) in enumerate(blocks) if _rounds(layer)}
    named |= {f"{_PATCHES}{number}": block.patches for number, (_, block) in enumerate(blocks)}
    return {
        "format": FORMAT,
        **named,
        "output_weights": network.output_weights,
        "output_trained": network.output_trained,
        "thresholds": np.array([layer.threshold for layer in layers]),
        "kind": network.kind,
        "blocks": np.array([len(layer.blocks) for layer in layers]),
        "trained": np.array([layer.trained for layer in layers]),
        "factors": np.array([layer.factor for layer in layers]),
        "skips": np.array([layer.skip for layer in layers]),
        "firsts": np.array([block.first for _, block in blocks]),
    }


def trained_banks(network: Network) -> list[Bank]:
    """Return the banks of weights that are trained, layer by layer."""
    match network:
        case TwoLayerNetwork():
            return [network.weights]
        case LinearisedNetwork():
            return [network.shift]
        case DeepNetwork():
            return network.trained_banks


def restored(arrays: Arrays) -> dict[str, Any]:
    """Return the arrays of :func:`stored` with what belongs together in a list, and the network they make.

    Returns:
        ``weights`` (m, d), ``output_weights`` (m, K), ``threshold`` of a two-layer network (where W(0) comes from the
        seed, ``moved_rows`` (k,) and ``moved_weights`` (k, d) in place of ``weights``), and ``activation``,
        ``output_scale`` and ``untrained``; of a deep one ``weights``, a list as :meth:`.DeepNetwork.at` takes it,
        ``input_weights``, the list of those of layer 0, ``output_weights`` (K, m_L) and ``thresholds`` (L + 1,); of a
        linearised one ``shift`` (m, d), ``features_weights`` (m, d), ``output_weights`` and ``threshold``.
        Of all kinds ``network``, rebuilt to the last bit. Files of before checkpoints said all that have neither
        ``network`` nor what it is made from.

    Raises:
        CheckpointError: the file is of a later version.
        KeyError: an array is missing.
    """
    _check_format(arrays)
    if "shift" in arrays:
        return _linearised_parts(arrays)
    if "thresholds" in arrays:
        found: dict[str, Any] = {
            "weights": _numbered(arrays, _TRAINED),
            "input_weights": _numbered(arrays, _INPUT),
            "output_weights": arrays["output_weights"],
            "thresholds": arrays["thresholds"],
        }
        return found | ({"network": rebuilt(arrays)} if "blocks" in arrays else {})
    names = ("moved_rows", "moved_weights") if "moved_rows" in arrays else ("weights",)
    found = {name: arrays[name] for name in (*names, "output_weights")}
    found["threshold"] = float(arrays["threshold"])
    return found | (_two_layer_rest(arrays) if "activation" in arrays else {})


def rebuilt(arrays: Arrays) -> Network:
    """Return the network that :func:`stored` made these arrays of, equal to it to the last bit.

    Raises:
        CheckpointError: the arrays do not say all (files of an earlier version), or are of a later version.
    """
    _check_format(arrays)
    if "shift" in arrays:
        return cast("LinearisedNetwork", _linearised_parts(arrays)["network"])
    if "blocks" in arrays:
        return _deep(arrays)
    if "activation" in arrays:
        return cast("TwoLayerNetwork", _two_layer_rest(arrays)["network"])
    raise CheckpointError(
        "this checkpoint, of an earlier version, holds weights alone: put them into the network that its config starts"
    )


def _check_format(arrays: Arrays) -> None:
    """Refuse what a later version wrote, and may mean otherwise."""
    found = int(arrays["format"]) if "format" in arrays else 1
    if not 1 <= found <= FORMAT:
        raise CheckpointError(
            f"this checkpoint is of format {found}, and this version reads those up to {FORMAT}: read it with the "
            "version that wrote it, or a later one"
        )


def _linearised_parts(arrays: Arrays) -> dict[str, Any]:
    """Return V, W and what they make."""
    names = [name for name in arrays if name.startswith(_FEATURES)]
    base = {name.removeprefix(_FEATURES): arrays[name] for name in names}
    found, shift = restored(base), arrays["shift"]
    network = LinearisedNetwork(found["network"], DenseBank(shift, "shift"), bool(arrays["offset"]))
    return {
        "shift": shift,
        "features_weights": base["weights"],
        "output_weights": found["output_weights"],
        "threshold": found["threshold"],
        "network": network,
    }


def _two_layer_rest(arrays: Arrays) -> dict[str, Any]:
    rest: dict[str, Any] = {
        "activation": str(arrays["activation"]),
        "output_scale": float(arrays["output_scale"]),
        "untrained": int(arrays["untrained"]),
    }
    bank = _seeded(arrays) if "moved_rows" in arrays else DenseBank(arrays["weights"], "weights")
    threshold, live = float(arrays["threshold"]), live_from(arrays)
    return rest | {"network": TwoLayerNetwork(bank, arrays["output_weights"], threshold, **rest, live=live)}


def _deep(arrays: Arrays) -> DeepNetwork:
    thresholds, factors = arrays["thresholds"].tolist(), arrays["factors"].tolist()
    trained, skips = arrays["trained"].tolist(), arrays["skips"].tolist()
    matrices = {True: iter(_numbered(arrays, _TRAINED)), False: iter(_numbered(arrays, _INPUT))}
    layers: list[Layer] = []
    number = 0
    for at, count in enumerate(arrays["blocks"].tolist()):
        layer = Layer((), thresholds[at], trained[at], factors[at], skips[at])
        blocks = []
        for _ in range(count):
            weights = next(matrices[layer.trained], None)
            if weights is None:
                raise CheckpointError(f"layer {at}: its weights are missing")
            points = arrays[f"{_POINTS}{number}"] if _rounds(layer) else weights
            blocks.append(
                Block(DenseBank(points, f"layer {at}"), arrays[f"{_PATCHES}{number}"], int(arrays["firsts"][number]))
            )
            number += 1
        layers.append(Layer(tuple(blocks), layer.threshold, layer.trained, layer.factor, layer.skip))
    trained_output = bool(arrays["output_trained"]) if "output_trained" in arrays else False
    return DeepNetwork(tuple(layers), arrays["output_weights"], str(arrays["kind"]), trained_output)


def _rounds(layer: Layer) -> bool:
    """Whether W, worked out of the points of a layer, does not lead back to them exactly."""
    return layer.skip or layer.factor != 1.0


@singledispatch
def _bank_arrays(bank: Bank) -> dict[str, Any]:
    return {"weights": bank[:]}


@_bank_arrays.register
def _(bank: LiveBank) -> dict[str, Any]:
    _check_held(bank)
    return {"weights": bank[:]}


def check_storable(network: Network) -> None:
    """Raise ResourceError if :func:`stored` could not hold this network in memory: to hear so before it is trained."""
    for bank in trained_banks(network):
        if isinstance(bank, LiveBank):
            _check_held(bank)


def _check_held(bank: LiveBank) -> None:
    needed = _COPIES * float(np.prod(bank.shape)) * np.dtype(np.float64).itemsize
    check_memory(
        needed,
        f"a checkpoint of {len(bank)} neurons that are made again whenever they are read",
        "take a higher network.threshold or a smaller network.width, or no results directory (leave out --out)",
    )


@_bank_arrays.register
def _(bank: SeededBank) -> dict[str, Any]:
    rows, weights = bank.moved()
    return {
        "moved_rows": rows,
        "moved_weights": weights,
        "shape": np.array(bank.shape),
        "seed": str(bank.seed),
        "period": bank.period,
        "drawn_dtype": str(bank.drawn_dtype),
    }


def _seeded(arrays: Arrays) -> SeededBank:
    rows, weights = arrays["moved_rows"], arrays["moved_weights"]
    count, dimension = arrays["shape"].tolist()
    drawn = str(arrays["drawn_dtype"])
    bank = SeededBank(count, dimension, seed=int(str(arrays["seed"])), dtype=drawn, period=int(arrays["period"]))
    bank.put_moved(rows, weights)
    return bank


def _numbered(arrays: Arrays, prefix: str) -> Sequence[Any]:
    numbers = sorted(int(name.removeprefix(prefix)) for name in arrays if name.startswith(prefix))
    return [arrays[f"{prefix}{number}"] for number in range(numbers[-1] + 1)]
