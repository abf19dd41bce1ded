add_library(scheduler_world STATIC unit/scheduler/world.c)
target_link_libraries(
    scheduler_world
    PUBLIC scheduler storage_view storage_wal storage_memory PkgConfig::CMOCKA
    PRIVATE warnings
)
unit(scheduler/test_sequence.c USES scheduler_world)
unit(scheduler/test_evaluation.c USES scheduler_decider)
unit(scheduler/test_retry.c USES scheduler_world)
unit(scheduler/test_timeout.c USES scheduler_world)
unit(scheduler/test_lifecycle.c USES scheduler_world)
unit(scheduler/test_restart_retry.c USES scheduler_world)
unit(scheduler/test_rerun.c USES scheduler_world)
unit(scheduler/test_skip_remove.c USES scheduler_world)
unit(scheduler/test_revival.c USES scheduler_world)
unit(scheduler/test_fork.c USES scheduler_world)
unit(scheduler/test_system_tasks.c USES scheduler_world)
unit(scheduler/test_sub_workflow.c USES scheduler_world)
unit(scheduler/test_domain.c USES scheduler_world)
unit(scheduler/test_mutants.c USES scheduler_world)
unit(scheduler/test_walk.c USES scheduler_world)
