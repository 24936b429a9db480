"""``run.threads``: a limit that every entry keeps and no result depends on."""

from __future__ import annotations

from typing import Any

import pytest

import hybrid_train
from hybrid_train.config.load import load_config
from hybrid_train.errors import ConfigError
from hybrid_train.support import parallel

TABLES: dict[str, dict[str, Any]] = {
    "data": {"kind": "sphere", "n": 24, "dim": 4},
    "network": {"width": 2048},
    "training": {"steps": 3},
}


def tables(threads: Any, finder: str = "scan", **training: Any) -> dict[str, Any]:
    return TABLES | {
        "training": TABLES["training"] | training,
        "finder": {"kind": finder},
        "run": {"threads": threads},
    }


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "all", "2"])
def test_only_counts_and_auto_are_taken(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"run.threads=.*: expected a whole number from 1 to 1024 or 'auto'"):
        load_config(tables(value))


def test_more_than_a_machine_has_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"run.threads=1025: expected a number of at most 1024"):
        load_config(tables(1025))


def test_the_default_is_what_the_process_may_use() -> None:
    assert load_config(TABLES).run.threads == "auto"


@pytest.mark.parametrize(
    ("finder", "training"), [("skin", {}), ("scan", {}), ("skin", {"algorithm": "sgd", "batch_size": 8})]
)
def test_losses_and_weights_do_not_depend_on_the_threads(finder: str, training: dict[str, Any]) -> None:
    one, two = (hybrid_train.run(tables(count, finder, **training)) for count in (1, 2))
    assert one.losses == two.losses
    assert one.network.weights[:].tobytes() == two.network.weights[:].tobytes()


def test_every_entry_keeps_to_the_threads_of_its_config(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    within = parallel.threads

    def noted(count: Any) -> Any:
        asked.append(count)
        return within(count)

    monkeypatch.setattr("hybrid_train.config.threads.threads", noted)
    config = tables(2)
    hybrid_train.run(config=config)
    hybrid_train.compare(config, ["scan"])
    hybrid_train.check_theory(config, costs=False)
    hybrid_train.count_along(config, ["known_k"])
    assert asked == [2] * 4
