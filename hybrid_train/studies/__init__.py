"""Studies: oracle calls counted, crossovers, resources of oracles, growth with the width."""
