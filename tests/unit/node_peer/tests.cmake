unit(node_peer/test_options.c USES node_peer)
