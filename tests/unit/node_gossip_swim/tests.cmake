add_library(node_gossip_crowd STATIC unit/node_gossip_swim/crowd.c)
target_link_libraries(node_gossip_crowd PUBLIC node_gossip_swim PRIVATE PkgConfig::CMOCKA warnings)
unit(node_gossip_swim/test_swim.c USES node_gossip_crowd)
unit(node_gossip_swim/test_datagram.c USES node_gossip_swim)
target_compile_definitions(
    node_gossip_swim_test_datagram
    PRIVATE GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/node_gossip_swim/golden"
)
unit(node_gossip_swim/test_mutants.c USES node_gossip_crowd)
