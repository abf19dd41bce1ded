unit(node_status/test_table.c USES node_status)
unit(node_status/test_view.c USES node_status)
unit(node_status/test_explain.c USES node_status)
