"""The lines about deep runs."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.network.deep import DeepNetwork, fully_connected, residual
from hybrid_train.theory.lines.deep import DeepCase, deep_lines
from hybrid_train.training.losses import make_loss


def case(start: DeepNetwork, rate: float = 1e-4, steps: int = 3) -> DeepCase:
    data, loss = sphere(8, 16, seed=1), make_loss("squared")
    targets, now = loss.encode(data, 1), start
    for _ in range(steps):
        seen = now.forward(data.inputs)
        moves = zip(now.weights(), seen.gradient(seen.outputs - targets), strict=True)
        now = now.at([w - rate * g for w, g in moves])
    return DeepCase(start, now, data.inputs, targets, loss, data.separation, rate)


@pytest.mark.parametrize(
    "start", [fully_connected([256] * 3, 16, seed=1), residual(256, 3, 16, seed=1)], ids=lambda net: net.kind
)
def test_a_short_run_of_a_wide_network_keeps_every_bound(start: DeepNetwork) -> None:
    lines = deep_lines(case(start))
    assert len(lines) == (9 if start.kind == "residual" else 8)
    kept = [line for line in lines if "||h_l||" not in line.quantity]
    assert all(line.satisfied for line in kept)
    assert all(line.note == "constant taken as 1" for line in lines)
    for line in lines:
        assert line.predicted is not None
        assert np.isfinite([line.predicted, line.measured]).all()
        wanted = line.measured <= line.predicted if line.relation == "<=" else line.measured >= line.predicted
        assert line.satisfied == wanted


def test_what_the_theorems_do_not_cover_is_said() -> None:
    shifted = deep_lines(case(fully_connected([64] * 3, 16, threshold="auto", share=0.2, seed=1)))
    assert all(line.holds == "not applicable" and "no shift is wanted" in line.missing[0] for line in shifted)
    far = deep_lines(case(fully_connected([64] * 3, 16, seed=1), rate=1e-3, steps=20))
    assert [bool(line.missing) for line in far] == [False, False, False, True, True, True, True, True]
    assert all("||W - W(0)||_2" in line.missing[0] for line in far[3:])
