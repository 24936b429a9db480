"""What a checkpoint holds makes the network again, to the last bit, whatever kind it is of."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hybrid_train.errors import CheckpointError, DataError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.network.deep import DeepNetwork, calibrated, convolutional, fully_connected, grid_patches, residual
from hybrid_train.network.linearised import LinearisedNetwork, random_features
from hybrid_train.network.storing import FORMAT, Network, rebuilt, restored, stored

D = 9
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.standard_normal((40, D))
PATCHES = grid_patches(3, 3)


def moved(network: TwoLayerNetwork) -> TwoLayerNetwork:
    network.weights.assign(np.array([1, 5]), RANDOM.standard_normal((2, D)))
    return network


def shifted(network: LinearisedNetwork) -> LinearisedNetwork:
    network.shift.assign(np.array([1, 5]), RANDOM.standard_normal((2, D)))
    return network


PAIRED = TwoLayerNetwork.initialize(64, D, start="paired", seed=2)
NETWORKS: dict[str, Network] = {
    "relu": moved(TwoLayerNetwork.initialize(64, D, seed=1)),
    "several outputs": moved(TwoLayerNetwork.initialize(64, D, outputs=3, threshold=0.1, seed=1)),
    "paired": TwoLayerNetwork.initialize(64, D, start="paired", output_weight=0.7, seed=2),
    "float32": moved(TwoLayerNetwork.initialize(64, D, dtype="float32", seed=3)),
    "jump": moved(adversarial_network(64, D - 1, fraction=0.2, seed=4)),
    "scaled": replace(TwoLayerNetwork.initialize(64, D, seed=1), output_scale=0.3, untrained=2),
    "int8 signs": TwoLayerNetwork(
        DenseBank(RANDOM.standard_normal((8, D))), np.array([[1], [-1]] * 4, dtype=np.int8), 0.2
    ),
    "seeded": TwoLayerNetwork.initialize(600, D, storage="seeded", seed=2**70),
    "seeded float32": TwoLayerNetwork.initialize(600, D, storage="seeded", dtype="float32", start="paired", seed=5),
    "live": moved(TwoLayerNetwork.initialize(300, D, storage="live", examples=INPUTS, start="paired", seed=5)),
    "live float32": TwoLayerNetwork.initialize(300, D, storage="live", examples=INPUTS, dtype="float32", seed=5),
    "deep": fully_connected((20, 30, 10), D, outputs=2, threshold="auto", seed=6),
    "calibrated": calibrated(fully_connected((20, 30), D, seed=6), INPUTS, 0.2),
    "residual": residual(24, 3, D, threshold=[0.1, 0.05, 0.0, 0.1], seed=7),
    "convolutional": convolutional([4, 5], PATCHES, seed=8),
    "unshared": convolutional([4, 5], PATCHES, last=7, shared=False, seed=9),
    "joint": fully_connected((20, 30, 10), D, outputs=2, threshold="auto", seed=6).jointly(),
    "joint residual": residual(24, 3, D, threshold=[0.1, 0.05, 0.0, 0.1], seed=7).jointly(),
    "tangent kernel": shifted(LinearisedNetwork.at(TwoLayerNetwork.initialize(64, D, outputs=2, seed=1))),
    "random features": shifted(LinearisedNetwork.at(random_features(PAIRED), offset=False)),
}


def through_a_file(network: Network) -> dict[str, Any]:
    file = io.BytesIO()
    np.savez(file, **stored(network))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_is_rebuilt_to_the_last_bit(kind: str) -> None:
    network = NETWORKS[kind]
    arrays = through_a_file(network)
    again = rebuilt(arrays)
    assert type(again) is type(network)
    assert again.predict(INPUTS).tobytes() == network.predict(INPUTS).tobytes()
    assert again.output_weights.dtype == network.output_weights.dtype
    assert restored(arrays)["network"].predict(INPUTS).tobytes() == network.predict(INPUTS).tobytes()
    for name, array in stored(network).items():
        assert np.array_equal(stored(again)[name], array), name


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_rebuilt_is_the_same_in_every_respect(kind: str) -> None:
    network, again = NETWORKS[kind], rebuilt(through_a_file(NETWORKS[kind]))
    if isinstance(network, LinearisedNetwork):
        assert isinstance(again, LinearisedNetwork)
        assert again.offset == network.offset
        assert again.shift[:].tobytes() == network.shift[:].tobytes()
        network, again = network.base, again.base
    if isinstance(network, TwoLayerNetwork) and isinstance(again, TwoLayerNetwork):
        assert again.weights.dtype == network.weights.dtype
        assert again.weights[:].tobytes() == network.weights[:].tobytes()
        names = ("threshold", "activation", "scale", "untrained", "width", "outputs", "nominal_width")
        assert [getattr(again, name) for name in names] == [getattr(network, name) for name in names]
        if network.live is not None:
            assert np.array_equal(again.live.examples, network.live.examples)
            assert again.live.paired == network.live.paired
        return
    assert isinstance(network, DeepNetwork)
    assert isinstance(again, DeepNetwork)
    assert again.kind == network.kind
    assert again.output_trained == network.output_trained
    for mine, theirs in zip(again.layers, network.layers, strict=True):
        assert (mine.threshold, mine.trained, mine.factor, mine.skip) == (
            theirs.threshold,
            theirs.trained,
            theirs.factor,
            theirs.skip,
        )
        for block, other in zip(mine.blocks, theirs.blocks, strict=True):
            assert block.points[:].tobytes() == other.points[:].tobytes()
            assert np.array_equal(block.patches, other.patches)
            assert block.first == other.first


@pytest.mark.parametrize("kind", ["relu", "seeded", "deep", "residual"])
def test_files_of_before_load_as_they_did(kind: str) -> None:
    old = {"weights", "moved_rows", "moved_weights", "output_weights", "threshold", "thresholds"}
    arrays = {
        name: array
        for name, array in through_a_file(NETWORKS[kind]).items()
        if name in old or name.startswith(("weights_", "input_weights_"))
    }
    found = restored(arrays)
    assert "network" not in found
    assert np.array_equal(found["output_weights"], NETWORKS[kind].output_weights)
    with pytest.raises(CheckpointError, match="of an earlier version"):
        rebuilt(arrays)


@pytest.mark.parametrize("kind", ["relu", "deep", "tangent kernel"])
def test_a_file_of_a_later_version_is_refused(kind: str) -> None:
    arrays = through_a_file(NETWORKS[kind]) | {"format": FORMAT + 1}
    for read in (rebuilt, restored):
        with pytest.raises(CheckpointError, match=f"of format {FORMAT + 1}, and this version reads those up to"):
            read(arrays)


def test_programs_of_before_do_not_take_the_start_of_a_linearised_network_for_the_network() -> None:
    """They look for these names, and know nothing of a shift."""
    assert not {"weights", "moved_rows", "thresholds", "blocks", "activation"} & set(stored(NETWORKS["tangent kernel"]))


def test_a_shift_of_another_shape_is_refused() -> None:
    arrays = through_a_file(NETWORKS["random features"])
    with pytest.raises(DataError, match="shift: shape"):
        rebuilt(arrays | {"shift": arrays["shift"][1:]})
