unit(node_match/test_match.c USES node_match)
