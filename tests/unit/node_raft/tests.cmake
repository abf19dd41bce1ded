# The harness: nodes, network, oracle. Over the room as it is.
set(node_raft_harness
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/cluster.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/oracle.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/weather.c
)
add_library(node_raft_cluster STATIC ${node_raft_harness})
target_link_libraries(
    node_raft_cluster PUBLIC house node_raft storage_view storage_memory PkgConfig::CMOCKA PRIVATE warnings
)
unit(node_raft/test_random.c USES node_raft_cluster)
