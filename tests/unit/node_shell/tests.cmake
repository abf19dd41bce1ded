unit(node_shell/test_identity.c USES node_shell)
unit(node_shell/test_standing.c USES node_shell)
unit(node_shell/test_join.c USES node_shell)
