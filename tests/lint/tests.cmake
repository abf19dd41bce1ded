# One check a program of this folder; label `lint`. `purity` and `sources` read what this build made.
function(lint name)
    add_test(NAME lint/${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/lint/${name} ${ARGN})
    set_tests_properties(lint/${name} PROPERTIES LABELS lint TIMEOUT 120)
endfunction()

lint(layers)
lint(sources ${CMAKE_BINARY_DIR})
lint(docs)
lint(format)
lint(words)
lint(scripts)
lint(sizes)
lint(cases)
lint(test_lints)
# Sanitizers and coverage put their own symbols into every object: purity is a plain build's test.
if(NOT CMAKE_C_FLAGS_DEBUG MATCHES "-fsanitize|--coverage")
    lint(purity ${CMAKE_BINARY_DIR})
endif()
