"""Services that know of no neuron: names, messages, memory, threads, compiling, random keys, fits."""
