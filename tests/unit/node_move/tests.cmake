unit(node_move/test_move.c USES node_move)
