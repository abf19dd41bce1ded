unit(storage/test_keys.c USES storage_keys)
unit(storage/test_wal.c USES storage_wal storage_memory)
unit(storage/test_store.c USES storage_view storage_memory storage_posix storage_lmdb)
unit(storage/test_crash_points.c USES storage_view storage_memory storage_posix storage_lmdb)
