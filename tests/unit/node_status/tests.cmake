unit(node_status/test_table.c USES node_status)
