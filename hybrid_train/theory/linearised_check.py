"""A run of a linearised network beside what SGD predicts of it: tangent kernels and random features."""

from __future__ import annotations

import numpy as np

from hybrid_train.errors import InvariantError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.support.memory import check_memory
from hybrid_train.support.progress import with_progress
from hybrid_train.theory.checked import Checked, Request, Subject
from hybrid_train.theory.lines.linearised import LINES, LinearisedCase
from hybrid_train.theory.lines.sgd import known_polynomial
from hybrid_train.theory.predictions.sgd import kernel_norm
from hybrid_train.theory.watched import watched_training


def check_linearised(request: Request) -> Checked:
    """Train V on the features at W(0), and compare.

    Raises:
        ResourceError: the kernel of the data does not fit.
        DivergenceError: the loss left the finite numbers.
    """
    config, setting = request.config, request.setting
    training, size = config.training, len(setting.inputs) * setting.outputs
    check_memory(8.0 * 4 * size**2, f"data.n={len(setting.inputs)}: a kernel of {size} x {size}", "take fewer data")
    network = setting.start(config)
    if not isinstance(network, LinearisedNetwork):
        raise InvariantError("check_linearised: this network is trained as it is")
    loop = watched_training(config, setting, network)
    losses, errors = [], []
    for record in with_progress(loop, training.steps + 1, "theory", shown=request.progress):
        losses.append(record.loss)
        if training.batch_size is None:
            errors.append(float(np.square(record.outputs - setting.targets).sum()))
    polynomial, norm = known_polynomial(config, setting), None
    if polynomial is not None and setting.threshold is not None:
        norm = kernel_norm(polynomial, setting.inputs.shape[1], setting.threshold)
    table = config.network.model_dump()
    case = LinearisedCase(
        network=network,
        inputs=setting.inputs,
        targets=setting.targets,
        loss=setting.loss,
        rate=float(loop.learning_rate),
        steps=training.steps,
        losses=np.array(losses),
        errors=np.array(errors),
        fresh=setting.fresh is not None,
        norm=norm,
        output_weight=table.get("output_weight", 1.0),
        start=table.get("start", "gaussian"),
        promise=make_finder(config.finder.kind, **config.finder.options).promise,
        plain=training.plain and training.schedule == "constant",
    )
    return Checked(request.noted(line(case) for line in LINES), {}, ())


SUBJECTS = (
    Subject("tangent_kernel", ("gd", "sgd"), check_linearised),
    Subject("random_features", ("gd", "sgd"), check_linearised),
)
