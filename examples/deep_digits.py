"""A deep network learns all ten digits to the last image, its neurons found layer by layer.

Usage: python examples/deep_digits.py [DIRECTORY]

Cross-entropy reaches 100 % training accuracy, as DEEP Theorem 6 says it does. A shift in every layer lets a tenth of
the neurons fire, and a finder for each layer finds them. With a DIRECTORY, the objective around three points of
training is drawn there: the way down is along the gradient, with no need to look for negative curvature (Figure 1).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from classical.deep_dynamics import DeepDynamics
from hybrid_train import make_finder
from hybrid_train.data import digits
from hybrid_train.deep import calibrated, fully_connected, landscape
from hybrid_train.deep.theory import hidden_norms
from hybrid_train.losses import make_loss
from hybrid_train.report.landscape import write_landscape_figure


def main(n: int = 200, width: int = 256, depth: int = 2, steps: int = 200, finder: str = "skin") -> float:
    """Train until every image is classified rightly; return the accuracy."""
    data, loss = digits(n, classes="all"), make_loss("cross_entropy")
    targets = loss.encode(data, 10)
    start = fully_connected([width] * (depth + 1), data.dimension, outputs=10)
    network = calibrated(start, data.inputs, share=0.1)
    dynamics = DeepDynamics(network, data.inputs, lambda layer: make_finder(finder, seed=layer))
    dynamics.start()
    dynamics.evaluate()
    rate = 2.0 / (0.5 * dynamics.top_eigenvalue())
    pictures: list[dict[str, Any]] = []
    print("step      loss  accuracy  fired  recall  norms of the layers")
    for step in range(steps + 1):
        seen = dynamics.evaluate()
        accuracy = float((seen.outputs.argmax(axis=1) == data.targets).mean())
        done = accuracy == 1.0 or step == steps
        if done or step % 10 == 0:
            value, fired = loss.value(seen.outputs, targets), seen.fired.mean() / sum(network.widths)
            norms = " ".join(f"{x:.2f}" for x in hidden_norms(dynamics.last_pass).mean(axis=1))
            print(f"{step:4d}  {value:8.3f}  {accuracy:8.3f}  {fired:5.3f}  {dynamics.audit().recall:6g}  {norms}")
        if sys.argv[1:] and (done or step in (0, 5)):
            around = landscape(network, data.inputs, targets, loss, reach=2.0, points=15)
            pictures.append({"step": step, **around.as_dict()})
        if done:
            break
        dynamics.descend(loss.derivative(seen.outputs, targets), rate)
    if pictures:
        print("written:", *write_landscape_figure(Path(sys.argv[1]), pictures))
    return accuracy


if __name__ == "__main__":
    main()
