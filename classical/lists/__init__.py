"""Neighbour lists with a skin, certified: a service that finders and dynamics stand on."""
