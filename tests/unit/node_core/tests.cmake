add_library(
    node_core_world
    STATIC
        ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_core/world.c
        ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_core/cluster.c
)
target_link_libraries(
    node_core_world PUBLIC house node_core storage_view storage_memory PkgConfig::CMOCKA PRIVATE warnings
)
unit(node_core/test_cluster.c USES node_core_world)
unit(node_core/test_auditor.c USES node_core_world)
unit(node_core/test_event_record.c USES node_core_world)
unit(node_core/test_explain.c USES node_core_world)
unit(node_core/test_fitness.c USES node_core_world)
unit(node_core/test_gates.c USES node_core_world)
unit(node_core/test_held.c USES node_core_world)
unit(node_core/test_long_answers.c USES node_core_world)
unit(node_core/test_long_answers_cluster.c USES node_core_world)
unit(node_core/test_members.c USES node_core_world)
unit(node_core/test_polls.c USES node_core_world)
unit(node_core/test_requests.c USES node_core_world)
unit(node_core/test_scripts.c USES node_core_world)
unit(node_core/test_staging.c USES node_core_world)
unit(node_core/test_streams.c USES node_core_world)
unit(node_core/test_calls.c USES node_core_world)
unit(node_core/test_calls_cluster.c USES node_core_world)
unit(node_core/test_looks.c USES node_core_world)
unit(node_core/test_lifecycle.c USES node_core_world)
unit(node_core/test_waits.c USES node_core_world)
unit(node_core/test_limits.c USES node_core_world)
unit(node_core/test_limits_cluster.c USES node_core_world)
unit(node_core/test_time.c USES node_core_world)
unit(node_core/test_attest.c USES node_core_world)
