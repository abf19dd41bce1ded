# One fuzz target a file: fuzz(http.c USES node_http) makes fuzz_http from tests/fuzz/http.c, with the
# seeds in tests/fuzz/corpus/http. With ORPHEUS_FUZZ it is a libFuzzer program (tests/fuzz/run); without,
# a program that replays the seeds once, run as a fast test.
function(fuzz source)
    cmake_parse_arguments(FUZZ "" "" "USES" ${ARGN})
    string(REPLACE ".c" "" name ${source})
    if(ORPHEUS_FUZZ)
        add_executable(fuzz_${name} fuzz/${source})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(fuzz_${name} fuzz/${source} fuzz/replay.c)
        add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fast TIMEOUT 120)
    endif()
    target_link_libraries(fuzz_${name} PRIVATE ${FUZZ_USES} warnings)
endfunction()

fuzz(entry.c USES storage_view storage_memory)
fuzz(http.c USES node_http)
fuzz(json.c USES proto_json)
fuzz(wal.c USES storage_view storage_memory)
fuzz(wire.c USES proto_wire PkgConfig::MSGPACK)
fuzz(frame.c USES node_eval_frame)
fuzz(link.c USES node_peer_link)
