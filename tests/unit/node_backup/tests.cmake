add_library(node_backup_shelf STATIC ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_backup/shelf.c)
target_link_libraries(node_backup_shelf PUBLIC house node_backup PRIVATE warnings)
unit(node_backup/test_chunk.c USES node_backup)
unit(node_backup/test_backup.c USES node_core_world node_backup_verify node_backup_shelf)
