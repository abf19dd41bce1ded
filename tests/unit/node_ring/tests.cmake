unit(node_ring/test_place.c USES node_ring)
