# The evaluator itself, by real processes; without it there is nothing to test.
if(ORPHEUS_EVALUATOR)
    add_library(node_eval_world STATIC unit/node_eval/world.c)
    target_link_libraries(node_eval_world PUBLIC node_eval PkgConfig::CMOCKA PRIVATE warnings)
    target_compile_definitions(
        node_eval_world PUBLIC EVALUATOR_PROGRAM="$<TARGET_FILE:orpheus-evaluator>"
    )
    add_dependencies(node_eval_world orpheus-evaluator)
    unit(node_eval/test_javascript.c USES node_eval_world)
    unit(node_eval/test_jq.c USES node_eval_world)
    unit(node_eval/test_pool.c USES node_eval_world)
endif()
