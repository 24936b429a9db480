"""What the numbers of a page mean, and in what unit they are."""

from __future__ import annotations

MEANINGS = {
    "finder": "who found the neurons that fire, by its registered name",
    "index": "what was searched: the neurons for each datum, or the data for each neuron",
    "promise": "what the finder promises of its answers",
    "recall": "share of the pairs that fire which was found, counted by an auditor that the finder does not see",
    "initial_loss": "of the network at its start, summed over the data",
    "final_loss": "of the last network, summed over the data; under an adversary the robust loss",
    "final_clean_loss": "of the last network on the data as they are",
    "returned_loss": "of the network that is kept",
    "accuracy": "share of the training data (held-out data where every step draws fresh ones) classified rightly",
    "robust_accuracy": "share classified rightly whatever the adversary does",
    "held_out_loss": "mean over data that were never trained on",
    "held_out_accuracy": "share of the data never trained on that is classified rightly",
    "held_out_r2": "share of the variance of the data never trained on that is explained",
    "fired_per_datum": "neurons that fire for a datum, on average over data and steps",
    "inner_products": "inner products of d-dimensional vectors evaluated classically, verifications among them",
    "nodes_visited": "nodes of a search tree whose bound was evaluated, O(d) operations each",
    "structure_updates": "nodes and points of a search structure read or written to build it and to follow what moves",
    "oracle_calls": "Grover iterations; each uses the phase oracle once",
    "bit_oracle_uses": "uses of the bit oracle: one for a phase flip by kick-back, else two",
    "verifications": "measured indices that were checked classically, one inner product each",
    "measurements": "circuit executions that ended in a measurement (shots)",
    "controlled_calls": "oracle uses under a control qubit, for amplitude estimation",
    "mid_measurements": "measurements of an ancilla in the midst of a circuit, one a damped iteration",
    "finder_s": "seconds inside the finder on this computer; for a simulated search the simulator's",
    "wall_s": "seconds of all steps on this computer; for a simulated search the simulator's",
    "m": "neurons, or items of a search",
    "k": "neurons that fire",
    "total_calls_mean": "oracle calls to find all that fire, mean over the trials",
    "total_calls_sem": "standard error of that mean",
    "predicted_total": "what the theory of the strategy expects",
    "reference_total": "what a search takes that is told k",
    "scan": "evaluations of a dense scan",
    "paper_m_9_10": "the paper's count, m^(9/10)",
    "true_k_line": "square root of m k, without constant",
    "missed": "trials that missed something",
    "holds": "whether the prediction holds; not applicable where what it assumes does not",
}

COSTS = (
    ("inner products", "evaluations, O(d) each", MEANINGS["inner_products"]),
    ("nodes visited", "nodes, O(d) each", MEANINGS["nodes_visited"]),
    ("structure updates", "nodes and points, O(d) each", MEANINGS["structure_updates"]),
    ("oracle calls", "calls", MEANINGS["oracle_calls"]),
    ("bit-oracle uses", "uses", MEANINGS["bit_oracle_uses"]),
    ("verifications", "inner products", MEANINGS["verifications"]),
    ("measurements", "shots", MEANINGS["measurements"]),
    ("mid-circuit measurements", "of one qubit", MEANINGS["mid_measurements"]),
    ("time", "seconds", MEANINGS["wall_s"]),
)
"""The counters of the cost model: name, unit, meaning."""

CHARGE = (
    "Counters say what an algorithm is charged for, from building its structures on. What a simulator spends to "
    "imitate a quantum computer is never among them; it shows in the time alone."
)
