unit(proto_api/test_route.c USES proto_api)
unit(proto_api/test_query.c USES proto_api)
unit(proto_api/test_bind.c USES proto_api)
unit(proto_api/test_model.c USES proto_api)
unit(proto_api/test_validate.c USES proto_api)
unit(proto_api/test_error.c USES proto_api)
unit(proto_api/test_corpus.c USES proto_api)

# The recorded answers of the reference server, where they are at hand.
set(ORPHEUS_SHARED ${CMAKE_SOURCE_DIR}/../shared CACHE PATH "folder with the conformance corpus")
target_compile_definitions(proto_api_test_corpus PRIVATE ORPHEUS_SHARED="${ORPHEUS_SHARED}")
