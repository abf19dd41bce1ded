unit(node_ring/test_place.c USES node_ring)
unit(node_ring/test_mutants.c USES node_ring)
