"""Grover oracles, search strategies, and the engines that simulate them."""
