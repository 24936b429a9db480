"""Work carried out side by side, by processes of this machine or a cluster: see :mod:`hybrid_train.crew.shift`."""
