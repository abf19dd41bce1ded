add_library(node_peer_link_ends STATIC unit/node_peer_link/ends.c)
target_link_libraries(node_peer_link_ends PUBLIC node_peer_link PRIVATE PkgConfig::CMOCKA warnings)
unit(node_peer_link/test_frame.c USES node_peer_link_ends)
target_compile_definitions(
    node_peer_link_test_frame
    PRIVATE GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/node_peer_link/golden"
)
unit(node_peer_link/test_hello.c USES node_peer_link_ends)
unit(node_peer_link/test_link.c USES node_peer_link_ends)
unit(node_peer_link/test_queue.c USES node_peer_link_ends)
unit(node_peer_link/test_mutants.c USES node_peer_link_ends)
