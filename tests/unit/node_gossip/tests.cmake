unit(node_gossip/test_gossip.c USES node_gossip)
target_compile_definitions(
    node_gossip_test_gossip
    PRIVATE GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/node_gossip/golden"
)
