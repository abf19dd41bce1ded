unit(proto_api/test_corpus.c USES proto_api)

# The recorded answers of the reference server, where they are at hand.
set(ORPHEUS_SHARED ${CMAKE_SOURCE_DIR}/../shared CACHE PATH "folder with the conformance corpus")
target_compile_definitions(proto_api_test_corpus PRIVATE ORPHEUS_SHARED="${ORPHEUS_SHARED}")
