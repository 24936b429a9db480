"""One row of a table: what a run came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, final

from hybrid_train.finder.cost import Cost, SimulationCost


@final
@dataclass(frozen=True)
class Robustness:
    """What a row says in addition where an adversary moved the examples.

    Attributes:
        clean_losses: before it moved them, at W(0) .. W(steps).
        final_clean_loss: that of W(steps); None if the run did not end.
        robust_accuracy: of the network returned, where the adversary puts the data; None where unknown.
    """

    clean_losses: list[float]
    final_clean_loss: float | None
    robust_accuracy: float | None


@final
@dataclass(frozen=True)
class HeldOut:
    """What a row says in addition where data are held out.

    Attributes:
        held_out_loss: the mean over the held-out rows, of the network returned; None if the run did not end.
        held_out_accuracy: likewise; None where there are no classes.
        held_out_r2: likewise; None where there are classes.
        held_out_rows: how many they are.
        training_rows: how many are trained on.
        held_out_steps: the W(t) that were looked at.
        held_out_losses: the mean losses of these.
    """

    held_out_loss: float | None
    held_out_accuracy: float | None
    held_out_r2: float | None
    held_out_rows: int
    training_rows: int
    held_out_steps: list[int]
    held_out_losses: list[float | None]


@final
@dataclass(frozen=True, eq=False)
class Row(Mapping[str, Any]):
    """What one run came to: costs are totals over the run, lists have one entry for each of W(0) .. W(steps).

    It reads like a dict with the keys of the JSON document (``row["final_loss"]``, ``"error" in row``), which
    :meth:`as_dict` returns, and by its attributes. Steps of SGD have estimates of the loss, see
    :class:`classical.training.StepRecord`. Under an adversary the losses are robust ones and ``robustness`` adds the
    clean ones.

    Attributes:
        finder: its registered name.
        index: "neurons" or "data".
        promise: what the finder promised, in words.
        recall: share of the active pairs that was found; None if never audited.
        spurious: reported pairs that are not active; None likewise.
        initial_loss: of W(0); None if the run did not get there.
        final_loss: of W(steps) on all data (a last batch where data are fresh); None if the run did not end.
        returned_step: t of the W(t) returned; None for an average.
        returned_loss: of the network returned on all data (the mean over held-out data where they are fresh).
        accuracy: of the network returned, on clean data, those that ``accuracy_of`` names; None without classes.
        accuracy_of: "training data", or "held-out data" where every step draws fresh examples; None without one.
        fired_per_step: active pairs of a step, on average.
        fired_per_datum: active neurons of a datum, on average.
        cost: charged over the run, building included; its counters are keys of their own.
        simulation: likewise what imitating a quantum computer took.
        finder_s: wall time inside the finders.
        wall_s: wall time of all steps.
        learning_rate: eta; None if the run ended before it was found.
        steps: taken.
        losses: of each W(t).
        facts: what the finder had to say of itself.
        cost_per_step: counters by name.
        robustness: what an adversary adds; None without one.
        held_out: what held-out data add; None without any.
        error: why the run ended early, in one line; None, and no key, if it did not.
    """

    finder: str
    index: str
    promise: str
    recall: float | None
    spurious: int | None
    initial_loss: float | None
    final_loss: float | None
    returned_step: int | None
    returned_loss: float | None
    accuracy: float | None
    accuracy_of: str | None
    fired_per_step: float | None
    fired_per_datum: float | None
    cost: Cost
    simulation: SimulationCost
    finder_s: float
    wall_s: float
    learning_rate: float | None
    steps: int
    losses: list[float]
    facts: dict[str, Any]
    cost_per_step: dict[str, list[int]]
    robustness: Robustness | None = None
    held_out: HeldOut | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as the JSON document has it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        more, error = (found.pop("robustness"), found.pop("held_out")), found.pop("error")
        counters: dict[str, dict[str, Any]] = {
            "cost": self.cost.as_dict(),
            "simulation": {"simulation": self.simulation.as_dict()},
        }
        row: dict[str, Any] = {}
        for name, value in found.items():
            row |= counters.get(name, {name: value})
        for part in more:
            row |= {} if part is None else vars(part)
        return row if error is None else row | {"error": error}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Row:
        """Return the row that :meth:`as_dict` gave.

        Raises:
            KeyError: a key is missing.
        """
        found = {field.name: row[field.name] for field in fields(cls) if field.name in row}
        found["cost"] = Cost(**{field.name: row[field.name] for field in fields(Cost)})
        found["simulation"] = SimulationCost(**row["simulation"])
        for name, part in (("robustness", Robustness), ("held_out", HeldOut)):
            names = [field.name for field in fields(part)]
            if names[0] in row:
                found[name] = part(**{one: row[one] for one in names})
        missing = [field.name for field in fields(cls) if field.default is MISSING and field.name not in found]
        if missing:
            raise KeyError(missing[0])
        return cls(**found)

    @cached_property
    def _keys(self) -> dict[str, Any]:
        return self.as_dict()

    def __getitem__(self, key: str) -> Any:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
