# The load driver, and a handful of workflows through it so that it cannot rot. Figures are for tests/bench/run.
add_executable(
    bench_driver
    bench/driver.c
    bench/driver_baseline.c
    bench/driver_client.c
    bench/driver_load.c
    bench/driver_quiet.c
    bench/driver_report.c
    bench/driver_fork.c
    bench/driver_restart.c
    bench/driver_scripts.c
    bench/driver_server.c
    bench/driver_wide.c
    bench/driver_large.c
)
target_link_libraries(bench_driver PRIVATE proto_json proto_base warnings)
# sync, and major and minor of a device.
target_compile_definitions(bench_driver PRIVATE _DEFAULT_SOURCE)
add_test(
    NAME bench/driver
    COMMAND ${CMAKE_SOURCE_DIR}/tests/bench/smoke $<TARGET_FILE:bench_driver> $<TARGET_FILE:orpheus>
)
set_tests_properties(bench/driver PROPERTIES LABELS slow TIMEOUT 120)

# What the store costs by itself, and a checkpoint by the order of keys: figures of storage/README.md. Built on demand.
add_executable(bench_key_order EXCLUDE_FROM_ALL bench/key_order.c)
target_link_libraries(bench_key_order PRIVATE storage_keys storage_lmdb warnings)
add_executable(bench_store_commit EXCLUDE_FROM_ALL bench/store_commit.c)
target_link_libraries(bench_store_commit PRIVATE storage_keys storage_view storage_posix storage_lmdb warnings)
add_executable(bench_store_install EXCLUDE_FROM_ALL bench/store_install.c)
target_link_libraries(bench_store_install PRIVATE storage_view storage_posix storage_lmdb warnings)

# What messages between nodes cost: figures of node/peer/README.md. Built on demand.
add_executable(bench_links EXCLUDE_FROM_ALL bench/links.c)
target_link_libraries(bench_links PRIVATE node_peer warnings)

# What agreement costs an entry: figures of node/raft/README.md. Built on demand.
add_executable(bench_raft_entries EXCLUDE_FROM_ALL bench/raft_entries.c)
target_link_libraries(bench_raft_entries PRIVATE node_raft storage_view storage_memory warnings)
