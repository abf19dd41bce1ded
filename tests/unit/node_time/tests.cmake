unit(node_time/test_agreement.c USES node_time)
unit(node_time/test_cluster_time.c USES node_time)
unit(node_time/test_stamp.c USES node_time)
