# The harness: nodes, network, oracle. Over the room as it is.
set(node_raft_harness
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/cluster.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/install_stories.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/member_stories.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/oracle.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/stories.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/weather.c
)
add_library(node_raft_cluster STATIC ${node_raft_harness})
target_link_libraries(
    node_raft_cluster PUBLIC house node_raft storage_keys storage_view storage_memory PkgConfig::CMOCKA PRIVATE warnings
)
unit(node_raft/test_random.c USES node_raft_cluster)
unit(node_raft/test_stories.c USES node_raft_cluster)
unit(node_raft/test_window.c USES node_raft_cluster)
unit(node_raft/test_pace.c USES node_raft_cluster)
target_compile_definitions(
    node_raft_test_stories
    PRIVATE STORIES_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/stories"
)

# The room once more with its planted bugs, whatever the build: found in every run of the tests.
get_target_property(node_raft_sources node_raft SOURCES)
list(TRANSFORM node_raft_sources PREPEND ${CMAKE_SOURCE_DIR}/node/raft/)
add_library(
    node_raft_mutants
    STATIC
        ${node_raft_sources}
        ${node_raft_harness}
        ${CMAKE_SOURCE_DIR}/proto/base/mutant.c
)
target_compile_definitions(node_raft_mutants PUBLIC ORPHEUS_MUTANTS)
target_link_libraries(
    node_raft_mutants PUBLIC house storage_keys storage_view storage_memory PkgConfig::CMOCKA PRIVATE warnings
)
unit(node_raft/test_mutants.c USES node_raft_mutants)
unit(node_raft/test_config.c USES node_raft)
unit(node_raft/test_message.c USES node_raft)
unit(node_raft/test_peers.c USES node_raft storage_view storage_memory)
target_compile_definitions(
    node_raft_test_message PRIVATE GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/node_raft/golden"
)
