unit(node_peer/test_options.c USES node_peer)
add_library(node_peer_world STATIC unit/node_peer/world.c)
target_link_libraries(node_peer_world PUBLIC node_peer PRIVATE PkgConfig::CMOCKA warnings)
unit(node_peer/test_peers.c USES node_peer_world)
