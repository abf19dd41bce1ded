unit(node_recover/test_choose.c USES node_recover)
unit(node_recover/test_recover.c USES node_core_world node_recover)
