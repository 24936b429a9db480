# %% [markdown]
"""
From "which neurons fire?" to "how many oracle calls at 2^30?"
==============================================================

A tour in seven pictures and a minute: what the question is, who can answer it, what each answer costs, and what a
quantum computer would change. Every number is computed here.
"""

# %%
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtr

import hybrid_train
from circuits import LookupOracle, find_all, grover_circuit, success_probability
from hybrid_train import make_finder

rng = np.random.default_rng(0)
blue, red, grey = "#2b6cb0", "#c53030", "#a0aec0"

# %% [markdown]
# 1. Which neurons fire?
# ----------------------
# A neuron w fires for a datum x if ⟨w, x⟩ > b: if it lies in the half-space beyond the line. Each dot is a neuron,
# the arrow is the datum. A neuron that does not fire has no output, no gradient, and need not be touched.

# %%
weights, datum, b = rng.standard_normal((400, 2)), np.array([0.8, 0.6]), 1.5
fires = weights @ datum > b

figure, ax = plt.subplots(figsize=(5, 4.4), layout="constrained")
ax.scatter(*weights[~fires].T, s=12, color=grey, label="silent")
ax.scatter(*weights[fires].T, s=16, color=red, label=f"{fires.sum()} of {len(fires)} fire")
ax.annotate("", 1.5 * datum, (0, 0), arrowprops={"arrowstyle": "->", "lw": 2, "color": blue})
along = np.array([-datum[1], datum[0]])
ax.plot(*(b * datum + np.outer([-4, 4], along)).T, color=blue, lw=1)
ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal", xlabel="first weight", ylabel="second weight")
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# 2. How many?
# ------------
# With the threshold b = √(0.4 ln m) of the preprocessing paper, m Q(b) neurons fire for a datum of length 1, where
# Q(b) is the probability that a standard normal number exceeds b. Their share falls as the network gets wider: that
# is the room for being sublinear.

# %%
widths = 2.0 ** np.arange(8, 31)
thresholds = np.sqrt(0.4 * np.log(widths))
figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
ax.loglog(widths, widths * ndtr(-thresholds), color=red, label="that fire for a datum, m Q(b)")
ax.loglog(widths, widths, color=grey, label="all neurons, m")
ax.set(xlabel="width m", ylabel="neurons")
ax.legend()
plt.show()
print(f"of 2^30 neurons {ndtr(-thresholds[-1]):.2%} fire for a datum")

# %% [markdown]
# 3. Who finds them?
# ------------------
# A finder watches two banks of vectors, here neurons and data, and is told when they move. The dense scan looks at
# every pair, the tree rules whole boxes of neurons out, Grover search asks an oracle. All three give the same set.

# %%
neurons, data = rng.standard_normal((256, 3)), rng.standard_normal((4, 3))
data /= np.linalg.norm(data, axis=1, keepdims=True)
for kind in ("scan", "hsr", "grover"):
    finder = make_finder(kind, seed=0)
    finder.build(neurons, data, 1.5)
    sets = finder.find()
    spent = {name: count for name, count in finder.cost.as_dict().items() if count}
    print(f"{kind:6} fired for each datum: {sets.counts}  {finder.promise}\n       {spent}")

# %% [markdown]
# 4. Train by any of them
# -----------------------
# Threes against eights of scikit-learn's digits: same data, same start, three finders. Exact finders walk down the
# same curve; what differs is what they spent.

# %%
config = {
    "data": {"kind": "digits", "n": 32},
    "network": {"width": 4096},
    "training": {"steps": 30},
    "run": {"audit_every": 10},
}
table = hybrid_train.compare(config, ["scan", "skin", "hsr"])

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for row, style in zip(table.rows, ("-", "--", ":"), strict=True):
    left.semilogy(row["losses"], style, label=row["finder"], lw=2)
    work = np.add(row["cost_per_step"]["inner_products"], row["cost_per_step"]["nodes_visited"])
    right.semilogy(np.maximum(work, 0.5), style, label=row["finder"], lw=2)
left.set(xlabel="step", ylabel="loss")
right.set(xlabel="step", ylabel="inner products and nodes")
left.legend()
plt.show()
for row in table.rows:
    print(f"{row['finder']:4}  recall {row['recall']:.0f}  final loss {row['final_loss']:.6f}")

# %% [markdown]
# The tree cannot prune in 64 dimensions: it looks at everything, and at its own nodes on top. The neighbour lists of
# ``skin`` touch a neuron only when it could start or stop to fire, and in a wide network neurons hardly move.
#
# 5. Ask a quantum computer
# -------------------------
# Grover's algorithm turns the state of all m neurons towards those that fire, by the same angle in every iteration.
# It must be stopped in time: after too many iterations it has turned past them.

# %%
m = 256
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
iterations = np.arange(40)
for k, colour in ((1, blue), (4, red), (16, grey)):
    law = [success_probability(m, k, int(j)) for j in iterations]
    ax.plot(iterations, law, "o-", ms=3, color=colour, label=f"{k} of {m} fire")
ax.set(xlabel="iterations, one oracle call each", ylabel="probability to measure one that fires")
ax.legend(loc="upper right")
plt.show()

# %% [markdown]
# The circuit is a Qiskit object to take away. This one marks three of eight.

# %%
circuit = grover_circuit(LookupOracle([1, 4, 6], n_items=8), iterations=1)
print(circuit.draw())

# %% [markdown]
# 6. Find all of them, their number unknown
# -----------------------------------------
# Nobody tells a training step how many neurons fire. A strategy chooses the length of every run from what it has
# seen, unmarks what it has found, and ends with a certificate: a run that would find something with probability 1 −
# δ if anything were left. Every measured index is verified classically.

# %%
marked = np.flatnonzero(neurons @ data[0] > 1.5)
for strategy in ("known_k", "adaptive", "bbht"):
    found = find_all(marked, 256, strategy=strategy, engine="closed_form", seed=1)
    assert np.array_equal(found.items, marked)
    print(f"{strategy:9} {len(found.items)} found, {found.cost.oracle_calls} oracle calls, ended: {found.stop.reason}")

# %% [markdown]
# 7. How many oracle calls at 2^30?
# ---------------------------------
# No simulator holds 2^30 amplitudes for long, but the law of Grover's algorithm is known exactly, so the searches
# can be played out at any width. A scan takes m inner products; the search takes about √(mk) oracle calls.

# %%
wide = [2**10, 2**15, 2**20, 2**25, 2**30]
calls = hybrid_train.count_oracle_calls(wide, ["known_k", "adaptive"], trials=2)
figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for strategy, colour in (("known_k", grey), ("adaptive", red)):
    rows = [row for row in calls.rows if row["strategy"] == strategy]
    widths = [row["m"] for row in rows]
    ax.loglog(widths, [row["oracle_calls_mean"] for row in rows], "o-", color=colour, label=strategy)
ax.loglog(widths, [row["true_k_line"] for row in rows], ":", color=grey, label="√(mk)")
ax.loglog(widths, widths, "--", color=blue, label="scan (inner products)")
ax.set(xlabel="width m", ylabel="to find all that fire for a datum")
ax.legend()
plt.show()
last = rows[-1]
print(f"m = 2^30, {last['k']:,} fire: {last['oracle_calls_mean']:.3g} oracle calls to find them all")
print(f"and {last['verifications_mean']:.3g} verifications, where a scan takes {last['scan']:.3g} inner products")

# %% [markdown]
# 8. Along a training run
# -----------------------
# From step to step few neurons change sides. Who starts from the last step's set, verifies it classically and
# searches for newcomers only, is left with the certificates.

# %%
small = {"data": {"kind": "digits", "n": 4}, "network": {"width": 4096}, "training": {"steps": 10}}
along = hybrid_train.count_along(small, ["adaptive", "warm"])
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for strategy, colour in (("adaptive", red), ("warm", blue)):
    rows = [row for row in along.rows if row["strategy"] == strategy]
    ax.semilogy(
        [row["step"] for row in rows], [row["oracle_calls"] for row in rows], "o-", color=colour, label=strategy
    )
ax.set(xlabel="step", ylabel="oracle calls of the step")
ax.legend()
plt.show()

# %% [markdown]
# An oracle call is a circuit that computes an inner product for all neurons at once, not a free lunch: ``hybrid-train
# resources`` counts its gates, and ``hybrid-train crossover`` says from what width it would pay, and where never.
