add_library(scheduler_world STATIC unit/scheduler/world.c)
target_link_libraries(
    scheduler_world
    PUBLIC scheduler storage_view storage_wal storage_memory PkgConfig::CMOCKA
    PRIVATE warnings
)
unit(scheduler/test_sequence.c USES scheduler_world)
unit(scheduler/test_evaluation.c USES scheduler_decider)
