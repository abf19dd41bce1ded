# The simulator and its two quick tests; tests/simulation/run is the long one.
add_library(
    simulation_model STATIC
    simulation/execution.c
    simulation/model.c
    simulation/model_definition.c
    simulation/model_end.c
    simulation/model_fork.c
    simulation/model_kinds.c
    simulation/model_loop.c
    simulation/read.c
    simulation/script.c
)
target_link_libraries(simulation_model PUBLIC proto_json PRIVATE warnings)

add_library(simulation_world STATIC simulation/clock.c simulation/world.c)
target_link_libraries(simulation_world PUBLIC proto_base PRIVATE warnings)

add_executable(
    simulate
    simulation/aftermath.c
    simulation/archive.c
    simulation/check_execution.c
    simulation/check_history.c
    simulation/check_kin.c
    simulation/check_lease.c
    simulation/check_limit.c
    simulation/check_permit.c
    simulation/check_promise.c
    simulation/check_queue.c
    simulation/check_raft.c
    simulation/check_result.c
    simulation/check_rows.c
    simulation/check_time.c
    simulation/chronicle.c
    simulation/client.c
    simulation/fleet.c
    simulation/describe.c
    simulation/flow.c
    simulation/flow_draw.c
    simulation/flow_json.c
    simulation/harm.c
    simulation/human.c
    simulation/ledger.c
    simulation/lifecycle.c
    simulation/machine.c
    simulation/machine_disk.c
    simulation/machine_door.c
    simulation/machine_fate.c
    simulation/machine_jobs.c
    simulation/machine_script.c
    simulation/machine_settle.c
    simulation/main.c
    simulation/network.c
    simulation/operator.c
    simulation/orders.c
    simulation/outside.c
    simulation/questions.c
    simulation/roster.c
    simulation/rot.c
    simulation/run.c
    simulation/shadow.c
    simulation/steward.c
    simulation/swarm.c
    simulation/worker.c
)
target_link_libraries(simulate PRIVATE simulation_model simulation_world node_core node_backup_verify node_backup_shelf node_recover storage_memory storage_view warnings)

# Steps a node through the events that a server dumped: tests/simulation/replay.
add_executable(replay_dump simulation/replay_dump.c)
target_link_libraries(replay_dump PRIVATE node_core storage_memory storage_view warnings)

add_test(NAME simulation/seeds COMMAND simulate --seeds 12)
add_test(NAME simulation/determinism COMMAND simulate --seeds 3 --first 1001 --twice)
set_tests_properties(simulation/seeds simulation/determinism PROPERTIES LABELS fast TIMEOUT 300)
