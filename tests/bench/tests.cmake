# The load driver, and a handful of workflows through it so that it cannot rot. Figures are for tests/bench/run.
add_executable(
    bench_driver
    bench/driver.c
    bench/driver_baseline.c
    bench/driver_client.c
    bench/driver_load.c
    bench/driver_quiet.c
    bench/driver_report.c
    bench/driver_restart.c
    bench/driver_server.c
)
target_link_libraries(bench_driver PRIVATE proto_json proto_base warnings)
# sync, and major and minor of a device.
target_compile_definitions(bench_driver PRIVATE _DEFAULT_SOURCE)
add_test(
    NAME bench/driver
    COMMAND ${CMAKE_SOURCE_DIR}/tests/bench/smoke $<TARGET_FILE:bench_driver> $<TARGET_FILE:orpheus>
)
set_tests_properties(bench/driver PROPERTIES LABELS slow TIMEOUT 120)
