unit(formats/test_records.c USES scheduler node_core node_backup node_peer_link node_gossip_swim)
target_compile_definitions(
    formats_test_records PRIVATE FORMATS_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/formats"
)
unit(formats/test_store_image.c USES storage_view storage_memory storage_posix storage_lmdb)
target_compile_definitions(
    formats_test_store_image PRIVATE FORMATS_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/formats"
)
