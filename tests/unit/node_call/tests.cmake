add_library(node_call_peer STATIC ${CMAKE_CURRENT_SOURCE_DIR}/unit/node_call/peer.c)
target_link_libraries(node_call_peer PUBLIC house Threads::Threads PkgConfig::CMOCKA PRIVATE warnings)
unit(node_call/test_caller.c USES node_call node_call_peer)
